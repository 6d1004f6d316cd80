//! One operation of a request, from its parameters to what the executor answers: the same way for every transport.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Executor, Response, Variables};
use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::Value;

use super::documents::{self, Document, DocumentHash, Documents, Operation};
use super::outcome::{self, Outcome};
use super::params::Params;
use super::problem::{Code, Refused, problem};
use super::{Api, Host, IdempotencyKey, RequestId, answer, plan, transport, variables};

/// An operation that may be executed.
pub(super) struct Execution {
    document: Arc<Document>,
    name: Option<String>,
}

/// What the executor is given of an operation.
pub(super) struct Plan(ExecutableDocument, Variables);

impl Execution {
    /// Finds the operation, passes it by `allow`, and checks what it asks for.
    pub(super) fn of<H: Host, E>(
        api: &Api<H, E>,
        params: Params,
        allow: impl FnOnce(&Operation) -> Result<(), Refused>,
    ) -> Result<(Self, Plan), Refused> {
        let document = find_document(&api.documents, &params)?;
        let operation = document.operation(params.operation_name.as_deref())?;
        allow(operation)?;
        let (schema, settings) = (api.documents.schema(), api.host.settings());
        let variables = variables::coerce(schema, &operation.definition, params.variables, settings.list_items)?;
        let (planned, variables) = plan::plan(&operation.executable, document.fragments(), variables);
        answer::check(schema, &planned, &variables, settings)?;
        let name = params.operation_name;
        Ok((Self { document, name }, Plan(planned, variables)))
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
        api: &Api<H, E>,
        request: async_graphql::Request,
        id: &RequestId,
    ) -> Result<Response, Refused> {
        let ran = AssertUnwindSafe(api.executor.execute(request)).catch_unwind().await;
        ran.map_err(|_| {
            tracing::error!(request_id = %id.0, "a resolver panicked");
            Refused::by_http(StatusCode::INTERNAL_SERVER_ERROR, outcome::broken_off(id))
        })
    }

    /// What the executor answered, made fit to be sent.
    pub(super) fn settle(&self, response: Response, id: &RequestId) -> Outcome {
        outcome::settle(response, self.operation(), self.document.fragments(), id)
    }
}

/// The document that is sent, or the one that its hash names.
fn find_document(documents: &Documents, params: &Params) -> Result<Arc<Document>, Refused> {
    let named = persisted(params)?;
    match (&params.query, named) {
        (Some(query), Some(hash)) if documents::hash(query) != hash => Err(transport::bad_request(problem(
            Code::InvalidArgument,
            "`extensions.persistedQuery.sha256Hash` is not the hash of `query`.",
        ))),
        (Some(query), _) => Ok(documents.read(query)?),
        (None, Some(hash)) => documents.find(&hash).ok_or_else(|| {
            // Clients of this protocol look for these words, and send the text then.
            problem(Code::PersistedQueryNotFound, "PersistedQueryNotFound").into()
        }),
        (None, None) => Err(transport::bad_request(problem(
            Code::ParseFailed,
            "`query` is missing.",
        ))),
    }
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
