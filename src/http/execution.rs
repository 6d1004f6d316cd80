//! One operation of a request, from its parameters to what the executor answers: the same way for every transport.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Executor, Response, Variables};
use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::Value;
use tracing::Instrument;

use super::budget::Payer;
use super::documents::{self, Document, DocumentHash, Documents, Operation};
use super::metrics::{self, Came, Metrics};
use super::outcome::{self, Outcome};
use super::params::Params;
use super::problem::{Code, Refused, problem};
use super::{Api, Host, IdempotencyKey, RequestId, answer, plan, transport, variables};

/// An operation that may be executed.
pub(super) struct Execution {
    document: Arc<Document>,
    name: Option<String>,
    counted: Counted,
}

/// What is counted of an operation.
struct Counted {
    metrics: Arc<Metrics>,
    /// Its name, if frontends have registered it.
    registered: Option<String>,
    started: Instant,
}

impl Counted {
    /// What it is called among what is counted.
    fn name(&self) -> &str {
        metrics::name(self.registered.as_deref())
    }

    fn came(&self, to: Came) {
        self.metrics
            .operation(self.registered.as_deref(), to, self.started.elapsed());
    }
}

/// What the executor is given of an operation.
pub(super) struct Plan(ExecutableDocument, Variables);

impl Execution {
    /// Finds the operation, passes it by `allow`, checks what it asks for and has it paid.
    pub(super) fn of<H: Host, E>(
        api: &Api<H, E>,
        params: Params,
        payer: &Payer,
        allow: impl FnOnce(&Operation) -> Result<(), Refused>,
    ) -> Result<(Self, Plan), Refused> {
        let mut counted = Counted {
            metrics: Arc::clone(&api.metrics),
            registered: None,
            started: Instant::now(),
        };
        let name = params.operation_name.clone();
        let planned = find_document(&api.documents, &params).and_then(|document| {
            counted.registered = document.registered_name(&params).map(str::to_owned);
            let plan = Plan::of(api, &document, params, payer, allow)?;
            Ok((document, plan))
        });
        match planned {
            Ok((document, plan)) => Ok((
                Self {
                    document,
                    name,
                    counted,
                },
                plan,
            )),
            Err(refused) => {
                counted.came(Came::Refused);
                Err(refused)
            }
        }
    }

    /// The operation.
    pub(super) fn operation(&self) -> &Operation {
        let operation = self.document.operation(self.name.as_deref());
        operation.expect("it was found when this was made")
    }

    /// The executor's request, with everything that resolvers may ask for.
    pub(super) fn request<C: Send + Sync + 'static>(
        plan: Plan,
        caller: Arc<C>,
        key: IdempotencyKey,
        id: &RequestId,
    ) -> async_graphql::Request {
        // The text is left out: the executor is given the parsed document.
        let mut request = async_graphql::Request::new("")
            .variables(plan.1)
            .data(caller)
            .data(id.clone())
            .data(key);
        request.set_parsed_query(plan.0);
        request
    }

    /// Runs a query or mutation.
    pub(super) async fn run<H: Host, E: Executor>(
        &self,
        api: &Api<H, E>,
        request: async_graphql::Request,
        id: &RequestId,
    ) -> Result<Response, Refused> {
        let span = tracing::info_span!("operation", name = self.counted.name());
        let ran = AssertUnwindSafe(api.executor.execute(request).instrument(span));
        let ran = ran.catch_unwind().await;
        ran.map_err(|_| {
            tracing::error!(request_id = %id.0, "a resolver panicked");
            Refused::by_http(StatusCode::INTERNAL_SERVER_ERROR, outcome::broken_off(id))
        })
    }

    /// What the executor answered, made fit to be sent. Of a subscription that is one event, and none is counted.
    pub(super) fn settle(&self, response: Response, id: &RequestId) -> Outcome {
        let outcome = outcome::settle(response, self.operation(), self.document.fragments(), id);
        if !self.operation().is_subscription() {
            self.counted.came(match &outcome {
                Outcome::Executed(response) if response.errors.is_empty() => Came::Answered,
                Outcome::Executed(_) => Came::Failed,
                Outcome::Refused(_) => Came::Refused,
            });
        }
        outcome
    }
}

impl Plan {
    fn of<H: Host, E>(
        api: &Api<H, E>,
        document: &Document,
        params: Params,
        payer: &Payer,
        allow: impl FnOnce(&Operation) -> Result<(), Refused>,
    ) -> Result<Self, Refused> {
        let operation = document.operation(params.operation_name.as_deref())?;
        allow(operation)?;
        let (schema, settings) = (api.documents.schema(), api.host.settings());
        let variables = variables::coerce(schema, &operation.definition, params.variables, settings.list_items)?;
        let (planned, variables) = plan::plan(&operation.executable, document.fragments(), variables);
        let values = answer::check(schema, &planned, &variables, settings)?;
        let mutations = operation.is_mutation().then(|| plan::root_fields(&planned));
        let mutations = mutations.unwrap_or_default();
        api.budgets.pay_for_operation(payer, values, mutations)?;
        Ok(Self(planned, variables))
    }
}

/// The document that is sent, or the one that its hash names.
fn find_document(documents: &Documents, params: &Params) -> Result<Arc<Document>, Refused> {
    let named = persisted(params)?;
    if let Some(id) = &params.document_id {
        return match (&params.query, named) {
            (None, None) => documents.registered(id).ok_or_else(not_found),
            _ => {
                let message = "Send `documentId`, a hash or the text of the document, and not several of them.";
                Err(transport::bad_request(problem(Code::InvalidArgument, message)))
            }
        };
    }
    match (&params.query, named) {
        (Some(query), Some(hash)) if documents::hash(query) != hash => Err(transport::bad_request(problem(
            Code::InvalidArgument,
            "`extensions.persistedQuery.sha256Hash` is not the hash of `query`.",
        ))),
        (Some(query), _) => Ok(documents.read(query)?),
        (None, Some(hash)) => documents.find(&hash).ok_or_else(not_found),
        (None, None) => Err(transport::bad_request(problem(
            Code::ParseFailed,
            "`query` is missing.",
        ))),
    }
}

/// Clients of automatic persisted queries look for these words, and send the text then.
fn not_found() -> Refused {
    problem(Code::PersistedQueryNotFound, "PersistedQueryNotFound").into()
}

/// The hash in `extensions.persistedQuery`, as automatic persisted queries send it.
fn persisted(params: &Params) -> Result<Option<DocumentHash>, Refused> {
    let Some(persisted) = params.extensions.get("persistedQuery") else {
        return Ok(None);
    };
    let hash = persisted.get("sha256Hash").and_then(Value::as_str).and_then(from_hex);
    match (persisted.get("version").and_then(Value::as_u64), hash) {
        (Some(1), Some(hash)) => Ok(Some(hash)),
        _ => {
            let message = "`extensions.persistedQuery` needs `version` 1 and `sha256Hash` with 64 hexadecimal digits.";
            Err(transport::bad_request(problem(Code::InvalidArgument, message)))
        }
    }
}

fn from_hex(text: &str) -> Option<DocumentHash> {
    let digits = text
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<Vec<_>>>()?;
    let pairs = digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok());
    let bytes = pairs.collect::<Option<Vec<_>>>()?;
    (digits.len() == 2 * size_of::<DocumentHash>())
        .then(|| bytes.try_into().ok())
        .flatten()
}
