//! GraphQL over HTTP: from a request to an operation, and from its outcome to an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Executor, ServerError};
use axum::Extension;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::json;

use super::accept::{self, Media};
use super::budget::Payer;
use super::documents::Operation;
use super::execution::Execution;
use super::kept::Kept;
use super::outcome::Outcome;
use super::params::Params;
use super::problem::{Code, Refused, over_limit, problem};
use super::{Api, Host, HttpSettings, IdempotencyKey, Refusal, RequestId, idempotency};

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
        let (caller, payer) = admit(api, peer(&parts.extensions), &parts.headers).await?;
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

/// The address of the other end of a connection.
pub(super) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(*peer)
}

/// Proves who asks and has them pay for the request. Whoever cannot prove it pays as somebody from their address.
pub(super) async fn admit<H: Host, E>(
    api: &Api<H, E>,
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
) -> Result<(H::Caller, Payer), Refused> {
    let address = Payer::address(peer, headers, &api.host.settings().trusted_proxies);
    match api.host.caller(headers).await {
        Ok(caller) => {
            let payer = address.or(&api.host, &caller);
            api.budgets.pay_for_request(&payer)?;
            Ok((caller, payer))
        }
        Err(refusal) => {
            api.budgets.pay_for_request(&address)?;
            Err(unproved(refusal))
        }
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

async fn run<H: Host, E: Executor>(
    api: &Api<H, E>,
    params: Params,
    asked: Asked<H::Caller>,
    may_change: bool,
) -> Result<Answered, Refused> {
    let (execution, plan) = Execution::of(api, params, &asked.payer, |operation| {
        allow_method(operation, may_change)
    })?;
    let media = asked.media;
    let request = Execution::request(plan, asked.caller, asked.key, &asked.id);
    let response = execution.run(api, request, &asked.id).await?;
    let headers = response.http_headers.clone();
    match execution.settle(response, &asked.id) {
        Outcome::Executed(response) => Ok(Answered {
            media,
            headers,
            response,
        }),
        Outcome::Refused(errors) => Err(errors.into()),
    }
}

fn allow_method(operation: &Operation, may_change: bool) -> Result<(), Refused> {
    if operation.is_subscription() {
        let message = "A subscription needs a connection that stays open: a WebSocket at /graphql/ws, or events from /graphql/stream.";
        return Err(problem(Code::ValidationFailed, message).into());
    }
    allow_change(operation, may_change)
}

/// Refuses a mutation where nothing may change.
pub(super) fn allow_change(operation: &Operation, may_change: bool) -> Result<(), Refused> {
    if operation.is_mutation() && !may_change {
        let error = problem(Code::ValidationFailed, "A mutation must be sent by POST.");
        let refused = Refused::by_http(StatusCode::METHOD_NOT_ALLOWED, error);
        return Err(refused.with_header(header::ALLOW, HeaderValue::from_static("POST")));
    }
    Ok(())
}

/// Reads a body, within its limits.
pub(super) async fn read_body(body: Body, headers: &HeaderMap, settings: &HttpSettings) -> Result<Vec<u8>, Refused> {
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

/// The refusal of a request that is too large.
pub(super) fn too_large(status: StatusCode, settings: &HttpSettings) -> Refused {
    let message = format!("A request may have {} bytes.", settings.body_bytes);
    let error = over_limit("body_bytes", settings.body_bytes, message);
    Refused::by_http(status, error)
}

/// The refusal of a request that is not well-formed.
pub(super) fn bad_request(error: ServerError) -> Refused {
    Refused::by_http(StatusCode::BAD_REQUEST, error)
}

/// The refusal of a caller who could not be proved.
pub(super) fn unproved(refusal: Refusal) -> Refused {
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
    unacceptable("Answers are application/graphql-response+json or application/json, and `Accept` allows neither.")
}

/// Answers a request that accepts nothing of what could be answered.
pub(super) fn unacceptable(message: &str) -> Response {
    let refused = Refused::by_http(StatusCode::NOT_ACCEPTABLE, problem(Code::InvalidArgument, message));
    refuse(Media::Json, refused)
}

/// Answers a request that is not executed.
pub(super) fn refuse(media: Media, refused: Refused) -> Response {
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
