//! Operations on a connection that stays open: what they are told by, and for how long who asks may be told.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::{Executor, Response, ServerError, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::budget::Payer;
use super::execution::{Execution, Plan};
use super::outcome::{self, Outcome};
use super::problem::{Refused, over_limit};
use super::{Api, Host, IdempotencyKey, RequestId, transport};
use crate::graphql::Prover;

/// When a client should ask again that found no place.
const RETRY_SECONDS: &str = "30";

/// What is told of an operation.
pub(super) enum Answer {
    /// The answer of a query or mutation, or an event.
    Next(Box<Response>),
    /// The operation failed before it had told anything; nothing follows.
    Failed(Vec<ServerError>),
    /// It has ended.
    Done,
}

/// Why who asks may not be told anything more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The token counts no more.
    Refused,
    /// Nobody can tell at the moment.
    Passing,
}

/// Resolves when who asks may be told nothing more.
pub(super) async fn fallen(verdict: &mut watch::Receiver<Option<Verdict>>) -> Verdict {
    match verdict.wait_for(Option::is_some).await.map(|verdict| *verdict) {
        Ok(Some(verdict)) => verdict,
        // Whoever proves the caller is gone, and nothing is told any more.
        _ => std::future::pending().await,
    }
}

/// Takes a place among the connections that stay open, for as long as the permit is held.
pub(super) fn place<H: Host, E>(api: &Api<H, E>) -> Result<OwnedSemaphorePermit, Refused> {
    Arc::clone(&api.places).try_acquire_owned().map_err(|_| {
        let most = api.host.settings().sockets;
        let message = format!("This host keeps {most} connections open at one time. Try again later.");
        let refused = Refused::by_http(StatusCode::SERVICE_UNAVAILABLE, over_limit("sockets", most, message));
        refused.with_header(header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS))
    })
}

/// How many of these places are taken.
pub(super) fn taken<H: Host, E>(api: &Api<H, E>) -> usize {
    api.host
        .settings()
        .sockets
        .saturating_sub(api.places.available_permits())
}

/// Who asks on a connection that stays open.
pub(super) struct Asking<H> {
    host: H,
    headers: HeaderMap,
    address: Payer,
    verdict: watch::Sender<Option<Verdict>>,
}

impl<H: Host> Asking<H> {
    /// By the token in these headers.
    pub(super) fn new(host: H, headers: HeaderMap, address: Payer) -> Self {
        Self {
            host,
            headers,
            address,
            verdict: watch::Sender::new(None),
        }
    }

    /// By another token from now on.
    pub(super) fn by(&mut self, authorization: HeaderValue) {
        self.headers.insert(header::AUTHORIZATION, authorization);
    }

    /// Proves who asks.
    pub(super) async fn caller(&self) -> Result<H::Caller, super::Refusal> {
        self.host.caller(&self.headers).await
    }

    /// From whose budget a caller pays here.
    pub(super) fn payer(&self, caller: &H::Caller) -> Payer {
        self.address.or(&self.host, caller)
    }

    /// Sees when who asks may be told nothing more.
    pub(super) fn verdict(&self) -> watch::Receiver<Option<Verdict>> {
        self.verdict.subscribe()
    }

    /// What proves the caller anew for every event. Where that fails, the event waits for the connection to be closed.
    fn prover(&self) -> Prover<H::Caller> {
        let (host, headers, verdict) = (self.host.clone(), self.headers.clone(), self.verdict.clone());
        Prover::new(move || {
            let (host, headers, verdict) = (host.clone(), headers.clone(), verdict.clone());
            async move {
                match host.caller(&headers).await {
                    Ok(caller) => Some(Arc::new(caller)),
                    Err(refusal) => {
                        let why = if refusal.is_passing {
                            Verdict::Passing
                        } else {
                            Verdict::Refused
                        };
                        verdict.send_replace(Some(why));
                        std::future::pending().await
                    }
                }
            }
            .boxed()
        })
    }

    /// Runs an operation. A subscription misses nothing that is committed once this has returned.
    pub(super) async fn run<E: Executor>(
        &self,
        api: &Api<H, E>,
        (execution, plan): (Execution, Plan),
        caller: H::Caller,
        key: IdempotencyKey,
        id: RequestId,
    ) -> Result<BoxStream<'static, Answer>, Refused> {
        let request = Execution::request(plan, Arc::new(caller), key, &id);
        if !execution.operation().is_subscription() {
            return Ok(once(api.clone(), execution, request, id));
        }
        let request = request.data(Arc::new(self.prover()));
        let request = self.host.begin(request).await.map_err(transport::unproved)?;
        let events = AssertUnwindSafe(api.executor.execute_stream(request, None)).catch_unwind();
        let mut first = true;
        let running = api.metrics.subscription();
        let answers = events.map(move |event| {
            let _counted = &running;
            let is_first = std::mem::take(&mut first);
            let Ok(response) = event else {
                tracing::error!(request_id = %id.0, "a resolver panicked");
                return Answer::Failed(vec![outcome::broken_off(&id)]);
            };
            match execution.settle(response, &id) {
                Outcome::Executed(response) if is_first && response.data == Value::Null => {
                    Answer::Failed(response.errors)
                }
                settled => told(settled),
            }
        });
        Ok(answers.chain(stream::once(ready(Answer::Done))).boxed())
    }
}

fn told(settled: Outcome) -> Answer {
    match settled {
        Outcome::Executed(response) => Answer::Next(Box::new(response)),
        Outcome::Refused(errors) => Answer::Failed(errors),
    }
}

/// The answer of a query or mutation.
fn once<H: Host, E: Executor>(
    api: Api<H, E>,
    execution: Execution,
    request: async_graphql::Request,
    id: RequestId,
) -> BoxStream<'static, Answer> {
    let answer = async move {
        match execution.run(&api, request, &id).await {
            Ok(response) => told(execution.settle(response, &id)),
            Err(refused) => Answer::Failed(refused.errors),
        }
    };
    stream::once(answer).chain(stream::once(ready(Answer::Done))).boxed()
}
