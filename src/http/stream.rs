//! Server-sent events: the protocol graphql-sse in its mode of distinct connections, one operation a request.
//!
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>. An operation that is refused is told in the stream, since a
//! browser's `EventSource` sees no status.

use std::convert::Infallible;
use std::time::Duration;

use async_graphql::{Executor, ServerError};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, interval_at};

use super::accept::{self, Media};
use super::budget::Payer;
use super::execution::Execution;
use super::live::{self, Answer, Asking, Verdict};
use super::params::Params;
use super::problem::{Code, Refused, problem};
use super::transport::{self, bad_request, refuse};
use super::{Api, Host, IdempotencyKey, RequestId, idempotency};

/// Keeps proxies and the client from giving the connection up.
const STILL_HERE: &str = ":\n\n";

/// Runs an operation and tells of it in events.
pub(super) async fn post<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let told = async {
        if !accept::is_json(request.headers()) {
            let message = "The body must be JSON in UTF-8, declared as `Content-Type: application/json`.";
            let error = problem(Code::InvalidArgument, message);
            return Err(Refused::by_http(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
        }
        let (parts, body) = request.into_parts();
        let opened = Opened::by(&api, parts).await?;
        let body = transport::read_body(body, &opened.headers, api.host.settings()).await?;
        let params = Params::from_body(&body).map_err(bad_request)?;
        opened.tell(&api, params, id, true).await
    };
    told.await.unwrap_or_else(|refused| refuse(Media::Json, refused))
}

/// Runs a query or subscription and tells of it in events, as a browser's `EventSource` asks.
pub(super) async fn get<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let told = async {
        let (parts, _) = request.into_parts();
        let query = parts.uri.query().map(str::to_owned);
        let opened = Opened::by(&api, parts).await?;
        let query = query.unwrap_or_default();
        if query.len() > api.host.settings().body_bytes {
            return Err(transport::too_large(StatusCode::URI_TOO_LONG, api.host.settings()));
        }
        let params = Params::from_query(&query).map_err(bad_request)?;
        opened.tell(&api, params, id, false).await
    };
    told.await.unwrap_or_else(|refused| refuse(Media::Json, refused))
}

/// A connection on which events will be told.
struct Opened<H: Host> {
    place: OwnedSemaphorePermit,
    headers: HeaderMap,
    asking: Asking<H>,
    caller: H::Caller,
    payer: Payer,
}

impl<H: Host> Opened<H> {
    async fn by<E>(api: &Api<H, E>, parts: Parts) -> Result<Self, Refused> {
        let peer = transport::peer(&parts.extensions);
        let headers = parts.headers;
        if !accept::takes_events(&headers) {
            let message = "Answers here are text/event-stream, and `Accept` does not allow that.";
            let error = problem(Code::InvalidArgument, message);
            return Err(Refused::by_http(StatusCode::NOT_ACCEPTABLE, error));
        }
        let place = live::place(api)?;
        let address = Payer::address(peer, &headers, &api.host.settings().trusted_proxies);
        let (caller, payer) = transport::admit(api, peer, &headers).await?;
        let asking = Asking::new(api.host.clone(), headers.clone(), address);
        Ok(Self {
            place,
            headers,
            asking,
            caller,
            payer,
        })
    }

    async fn tell<E: Executor>(
        self,
        api: &Api<H, E>,
        params: Params,
        id: RequestId,
        may_change: bool,
    ) -> Result<Response, Refused> {
        let mut key = idempotency::read(&self.headers).map_err(bad_request)?;
        if key == IdempotencyKey(None) {
            key = idempotency::of_extensions(&params.extensions).map_err(bad_request)?;
        }
        let expired = api.host.expired(&self.caller).boxed();
        let verdict = self.asking.verdict();
        let answers = async {
            let execution = Execution::of(api, params, &self.payer, |operation| {
                transport::allow_change(operation, may_change)
            })?;
            let lasts = execution.0.operation().is_subscription();
            let answers = self.asking.run(api, execution, self.caller, key, id).await?;
            Ok::<_, Refused>((answers, lasts))
        };
        let (answers, lasts) = match answers.await {
            Ok(answers) => answers,
            // Well-formed, and refused as GraphQL.
            Err(Refused {
                status: None, errors, ..
            }) => (stream::iter([Answer::Failed(errors)]).boxed(), false),
            Err(refused) => return Err(refused),
        };
        let every = Duration::from_secs(api.host.settings().socket_ping_seconds.max(1));
        let events = Events {
            answers,
            expired,
            verdict,
            stopping: api.host.stopping().boxed(),
            lasts,
            still_here: interval_at(Instant::now() + every, every),
            ended: false,
            _asking: self.asking,
            _place: self.place,
        };
        Ok(answer(events))
    }
}

fn answer<H: Host>(events: Events<H>) -> Response {
    let body = stream::unfold(events, |mut events| async move {
        let text = events.next().await?;
        Some((Ok::<_, Infallible>(text), events))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept, Authorization, Origin"),
        // Proxies that gather answers would hold events back.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// What is told on one connection.
struct Events<H> {
    answers: BoxStream<'static, Answer>,
    expired: BoxFuture<'static, ()>,
    verdict: watch::Receiver<Option<Verdict>>,
    stopping: BoxFuture<'static, ()>,
    /// Whether the operation goes on until somebody ends it.
    lasts: bool,
    still_here: Interval,
    ended: bool,
    _asking: Asking<H>,
    _place: OwnedSemaphorePermit,
}

impl<H: Host> Events<H> {
    /// The next part of the stream; none at its end. A stream that ends without `complete` is one to open again.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        tokio::select! {
            () = &mut self.expired => Some(self.expire()),
            verdict = live::fallen(&mut self.verdict) => (verdict == Verdict::Refused).then(|| self.expire()),
            () = &mut self.stopping, if self.lasts => None,
            _ = self.still_here.tick() => Some(STILL_HERE.to_owned()),
            answer = self.answers.next() => Some(match answer {
                Some(Answer::Next(response)) => event("next", &response),
                Some(Answer::Failed(errors)) => self.fail(&errors),
                Some(Answer::Done) | None => self.complete(),
            }),
        }
    }

    fn expire(&mut self) -> String {
        self.fail(&[problem(Code::Unauthenticated, "The token has expired.")])
    }

    fn fail(&mut self, errors: &[ServerError]) -> String {
        event("next", &json!({ "errors": errors })) + &self.complete()
    }

    fn complete(&mut self) -> String {
        self.ended = true;
        // Without an empty line of data no browser tells of the event.
        "event: complete\ndata:\n\n".to_owned()
    }
}

/// An event. JSON as it is written here has no line breaks.
fn event(name: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_else(|error| {
        tracing::error!(%error, "an event could not be written as JSON");
        r#"{"errors":[{"message":"This event could not be written.","extensions":{"code":"INTERNAL"}}]}"#.to_owned()
    });
    format!("event: {name}\ndata: {data}\n\n")
}
