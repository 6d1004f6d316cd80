//! GraphQL over HTTP: from a request to an operation, and from its outcome to an answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Executor, ServerError, Variables};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};

use super::accept::{self, Media};
use super::budget::Payer;
use super::documents::{self, Document, DocumentHash, Documents, Operation};
use super::kept::Kept;
use super::metrics::Came;
use super::outcome::{self, Outcome};
use super::params::Params;
use super::problem::{Code, Refused, over_limit, problem};
use super::{Api, Host, HttpSettings, IdempotencyKey, Refusal, RequestId, answer, idempotency, plan, variables};

/// When a caller should ask again whose token could not be checked.
const RETRY_SECONDS: &str = "5";

/// Runs a query, a mutation or nothing at all.
pub(super) async fn post<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let Some(media) = accept::negotiate(request.headers()) else {
        return not_acceptable();
    };
    let answered = async {
        if !accept::is_json(request.headers()) {
            let message = "The body must be JSON in UTF-8, declared as `Content-Type: application/json`.";
            return Err(Refused::by_http(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                problem(Code::InvalidArgument, message),
            ));
        }
        let (parts, body) = request.into_parts();
        let asked = Asked::by(&api, &parts, id, media).await?;
        let body = read_body(body, &parts.headers, api.host.settings()).await?;
        let params = Params::from_body(&body).map_err(bad_request)?;
        Ok(run(&api, params, asked, true).await?.reply())
    };
    answered.await.unwrap_or_else(|refused| refuse(media, refused))
}

/// Runs a query, and nothing else: a GET must change nothing.
pub(super) async fn get<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let Some(media) = accept::negotiate(request.headers()) else {
        return not_acceptable();
    };
    let answered = async {
        let (parts, _) = request.into_parts();
        let asked = Asked::by(&api, &parts, id, media).await?;
        let query = parts.uri.query().unwrap_or_default();
        if query.len() > api.host.settings().body_bytes {
            return Err(too_large(StatusCode::URI_TOO_LONG, api.host.settings()));
        }
        let params = Params::from_query(query).map_err(bad_request)?;
        let kept = (params.query.is_none() && asked.is_anonymous()).then(|| Kept::by(&parts.headers));
        let answered = run(&api, params, asked, false).await?;
        Ok(match kept {
            // What failed now may not fail the next time.
            Some(kept) if answered.response.errors.is_empty() => {
                kept.answer(answered.reply(), api.host.settings()).await
            }
            _ => answered.reply(),
        })
    };
    answered.await.unwrap_or_else(|refused| refuse(media, refused))
}

/// What is known of a request before its parameters.
struct Asked<C> {
    caller: Arc<C>,
    payer: Payer,
    key: IdempotencyKey,
    id: RequestId,
    media: Media,
}

impl<C> Asked<C> {
    async fn by<H: Host<Caller = C>, E>(
        api: &Api<H, E>,
        parts: &Parts,
        id: RequestId,
        media: Media,
    ) -> Result<Self, Refused> {
        let address = || Payer::address(parts, &api.host.settings().trusted_proxies);
        let caller = match api.host.caller(&parts.headers).await {
            Ok(caller) => caller,
            Err(refusal) => {
                api.budgets.pay_for_request(&address())?;
                return Err(unproved(refusal));
            }
        };
        let identity = api.host.identity(&caller);
        let payer = identity.map_or_else(address, |identity| Payer::person(&identity));
        api.budgets.pay_for_request(&payer)?;
        Ok(Self {
            caller: Arc::new(caller),
            payer,
            key: idempotency::read(&parts.headers).map_err(bad_request)?,
            id,
            media,
        })
    }

    fn is_anonymous(&self) -> bool {
        matches!(self.payer, Payer::Address(_))
    }
}

/// What an operation came to.
struct Answered {
    media: Media,
    headers: HeaderMap,
    response: async_graphql::Response,
}

impl Answered {
    fn reply(self) -> Response {
        reply(self.media, StatusCode::OK, self.headers, &self.response)
    }
}

/// Runs an operation and counts it.
async fn run<H: Host, E: Executor>(
    api: &Api<H, E>,
    params: Params,
    asked: Asked<H::Caller>,
    may_change: bool,
) -> Result<Answered, Refused> {
    let started = Instant::now();
    let found = find_document(&api.documents, &params);
    let registered = found
        .as_ref()
        .ok()
        .and_then(|document| document.registered_name(&params));
    let registered = registered.map(str::to_owned);
    let ran = match found {
        Ok(document) => execute(api, &document, params, asked, may_change).await,
        Err(refused) => Err(refused),
    };
    let outcome = match &ran {
        Ok(answered) if answered.response.errors.is_empty() => Came::Answered,
        Ok(_) => Came::Failed,
        Err(_) => Came::Refused,
    };
    api.metrics.operation(registered.as_deref(), outcome, started.elapsed());
    ran
}

async fn execute<H: Host, E: Executor>(
    api: &Api<H, E>,
    document: &Document,
    params: Params,
    asked: Asked<H::Caller>,
    may_change: bool,
) -> Result<Answered, Refused> {
    let operation = document.operation(params.operation_name.as_deref())?;
    allow_method(operation, may_change)?;
    let settings = api.host.settings();
    let variables = variables::coerce(
        api.documents.schema(),
        &operation.definition,
        params.variables,
        settings.list_items,
    )?;

    let media = asked.media;
    let (planned, variables) = plan::plan(&operation.executable, document.fragments(), variables);
    let values = answer::check(api.documents.schema(), &planned, &variables, settings)?;
    let mutations = operation.is_mutation().then(|| plan::root_fields(&planned));
    let budgets = &api.budgets;
    budgets.pay_for_operation(&asked.payer, values, mutations.unwrap_or_default())?;
    let request = prepare(planned, variables, &asked);
    let Ok(response) = AssertUnwindSafe(api.executor.execute(request)).catch_unwind().await else {
        tracing::error!(request_id = %asked.id.0, "a resolver panicked");
        return Err(Refused::by_http(
            StatusCode::INTERNAL_SERVER_ERROR,
            outcome::broken_off(&asked.id),
        ));
    };
    let headers = response.http_headers.clone();
    match outcome::settle(response, operation, document.fragments(), &asked.id) {
        Outcome::Executed(response) => Ok(Answered {
            media,
            headers,
            response,
        }),
        Outcome::Refused(errors) => Err(errors.into()),
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
                Err(bad_request(problem(Code::InvalidArgument, message)))
            }
        };
    }
    match (&params.query, named) {
        (Some(query), Some(hash)) if documents::hash(query) != hash => Err(bad_request(problem(
            Code::InvalidArgument,
            "`extensions.persistedQuery.sha256Hash` is not the hash of `query`.",
        ))),
        (Some(query), _) => Ok(documents.read(query)?),
        (None, Some(hash)) => documents.find(&hash).ok_or_else(not_found),
        (None, None) => Err(bad_request(problem(Code::ParseFailed, "`query` is missing."))),
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
            Err(bad_request(problem(Code::InvalidArgument, message)))
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

fn allow_method(operation: &Operation, may_change: bool) -> Result<(), Refused> {
    if operation.is_subscription() {
        let message = "A subscription needs a connection that stays open: it cannot be answered here.";
        return Err(problem(Code::ValidationFailed, message).into());
    }
    if operation.is_mutation() && !may_change {
        let error = problem(Code::ValidationFailed, "A mutation must be sent by POST.");
        let refused = Refused::by_http(StatusCode::METHOD_NOT_ALLOWED, error);
        return Err(refused.with_header(header::ALLOW, HeaderValue::from_static("POST")));
    }
    Ok(())
}

/// The executor's request, with everything that resolvers may ask for.
fn prepare<C: Send + Sync + 'static>(
    document: ExecutableDocument,
    variables: Variables,
    asked: &Asked<C>,
) -> async_graphql::Request {
    // The text is left out: the executor is given the parsed document.
    let mut request = async_graphql::Request::new("")
        .variables(variables)
        .data(Arc::clone(&asked.caller))
        .data(asked.id.clone())
        .data(asked.key.clone());
    request.set_parsed_query(document);
    request
}

async fn read_body(body: Body, headers: &HeaderMap, settings: &HttpSettings) -> Result<Vec<u8>, Refused> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > settings.body_bytes) {
        return Err(too_large(StatusCode::PAYLOAD_TOO_LARGE, settings));
    }
    let patience = Duration::from_secs(settings.body_seconds);
    tokio::time::timeout(patience, collect(body, settings))
        .await
        .unwrap_or_else(|_| {
            let message = format!("The body must arrive within {} seconds.", settings.body_seconds);
            Err(Refused::by_http(
                StatusCode::REQUEST_TIMEOUT,
                problem(Code::LimitExceeded, message),
            ))
        })
}

async fn collect(body: Body, settings: &HttpSettings) -> Result<Vec<u8>, Refused> {
    let mut collected = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| bad_request(problem(Code::ParseFailed, "The body ended early.")))?;
        if collected.len() + chunk.len() > settings.body_bytes {
            return Err(too_large(StatusCode::PAYLOAD_TOO_LARGE, settings));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected)
}

fn too_large(status: StatusCode, settings: &HttpSettings) -> Refused {
    let message = format!("A request may have {} bytes.", settings.body_bytes);
    let error = over_limit("body_bytes", settings.body_bytes, message);
    Refused::by_http(status, error)
}

fn bad_request(error: ServerError) -> Refused {
    Refused::by_http(StatusCode::BAD_REQUEST, error)
}

fn unproved(refusal: Refusal) -> Refused {
    if refusal.is_passing {
        let error = problem(Code::Internal, refusal.message);
        let refused = Refused::by_http(StatusCode::SERVICE_UNAVAILABLE, error);
        return refused.with_header(header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    unauthenticated(refusal)
}

fn unauthenticated(refusal: Refusal) -> Refused {
    // What a quoted string of a header can hold.
    let plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
    let described = refusal
        .message
        .chars()
        .filter(|character| plain(*character))
        .collect::<String>();
    let challenge =
        format!(r#"Bearer realm="champion-network", error="invalid_token", error_description="{described}""#);
    let refused = Refused::by_http(
        StatusCode::UNAUTHORIZED,
        problem(Code::Unauthenticated, refusal.message),
    );
    match HeaderValue::from_str(&challenge) {
        Ok(challenge) => refused.with_header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => refused,
    }
}

fn not_acceptable() -> Response {
    let message = "Answers are application/graphql-response+json or application/json, and `Accept` allows neither.";
    let refused = Refused::by_http(StatusCode::NOT_ACCEPTABLE, problem(Code::InvalidArgument, message));
    refuse(Media::Json, refused)
}

fn refuse(media: Media, refused: Refused) -> Response {
    let status = refused.status.unwrap_or_else(|| media.refused());
    reply(
        media,
        status,
        HeaderMap::from_iter(refused.headers),
        &json!({ "errors": refused.errors }),
    )
}

fn reply(media: Media, status: StatusCode, mut headers: HeaderMap, body: &impl Serialize) -> Response {
    headers.insert(header::CONTENT_TYPE, media.content_type());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization, Origin"));
    match serde_json::to_vec(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
