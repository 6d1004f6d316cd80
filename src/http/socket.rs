//! GraphQL over WebSockets: `graphql-transport-ws`. What may be said when, [`protocol`] knows; here it is done.
//!
//! One task a socket, without queues: what is told next is asked for only once the last was taken, so that a client who reads
//! slowly costs no memory.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use async_graphql::{Executor, ServerError};
use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::future::{AbortHandle, BoxFuture, pending};
use futures_util::stream::{BoxStream, SelectAll, abortable};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::accept::Media;
use super::budget::Payer;
use super::execution::Execution;
use super::live::{self, Answer, Asking, Verdict};
use super::params::Params;
use super::problem::{Code, Refused, over_limit, problem};
use super::serve::Open;
use super::transport::{self, refuse};
use super::{Api, Host, HttpSettings, RequestId, idempotency, origin};

mod protocol;

use protocol::{Close, Session, Step};

/// How long the other side may take to answer that a socket is closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// Opens a WebSocket.
pub(super) async fn upgrade<H: Host, E: Executor>(
    State(api): State<Api<H, E>>,
    open: Option<Extension<Open>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let opened = async {
        let upgrade = upgrade.map_err(|_| no_upgrade())?;
        origin::check(&headers, api.host.settings())?;
        let place = live::place(&api)?;
        let mut own = HeaderMap::new();
        for value in headers.get_all(header::AUTHORIZATION) {
            own.append(header::AUTHORIZATION, value.clone());
        }
        let peer = peer.map(|Extension(ConnectInfo(peer))| peer);
        transport::admit(&api, peer, &headers).await?;
        let address = Payer::address(peer, &headers, &api.host.settings().trusted_proxies);
        let asking = Asking::new(api.host.clone(), own, address);
        let most = api.host.settings().body_bytes;
        let upgrade = upgrade
            .protocols([protocol::NAME])
            .max_message_size(most)
            .max_frame_size(most);
        let socket = Socket::new(api, asking, (place, open.map(|Extension(open)| open)));
        Ok::<_, Refused>(upgrade.on_upgrade(move |stream| socket.serve(stream)))
    };
    opened.await.unwrap_or_else(|refused| refuse(Media::Json, refused))
}

fn no_upgrade() -> Refused {
    let message = format!("Open a WebSocket with the subprotocol {} here.", protocol::NAME);
    let refused = Refused::by_http(StatusCode::UPGRADE_REQUIRED, problem(Code::InvalidArgument, message));
    refused.with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
}

/// What is told of one operation.
struct Told {
    id: String,
    answer: Answer,
}

/// An operation that runs.
struct Running {
    handle: AbortHandle,
    /// Whether it goes on until somebody ends it.
    lasts: bool,
}

/// A message to the client.
#[derive(Serialize)]
struct Saying<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<T>,
}

/// One WebSocket.
struct Socket<H: Host, E> {
    api: Api<H, E>,
    settings: HttpSettings,
    asking: Asking<H>,
    session: Session,
    told: SelectAll<BoxStream<'static, Told>>,
    running: HashMap<String, Running>,
    expired: BoxFuture<'static, ()>,
    _held: (OwnedSemaphorePermit, Option<Open>),
}

/// Goes on, or says why the socket ends: with a close frame, or because nobody is there any more.
type Going = Result<(), Option<Close>>;

impl<H: Host, E: Executor> Socket<H, E> {
    fn new(api: Api<H, E>, asking: Asking<H>, held: (OwnedSemaphorePermit, Option<Open>)) -> Self {
        let settings = api.host.settings().clone();
        Self {
            session: Session::new(settings.socket_operations),
            settings,
            api,
            asking,
            told: SelectAll::new(),
            running: HashMap::new(),
            expired: pending().boxed(),
            _held: held,
        }
    }

    async fn serve(mut self, mut stream: WebSocket) {
        let close = if stream.protocol().is_some() {
            self.go_on(&mut stream).await
        } else {
            Some(Close::no_subprotocol())
        };
        // Whatever still runs for it ends here.
        self.told = SelectAll::new();
        if let Some(close) = close {
            tracing::debug!(code = close.code, reason = close.reason, "a socket is closed");
            let frame = CloseFrame {
                code: close.code,
                reason: close.reason.into(),
            };
            let _ = timeout(FAREWELL, stream.send(Message::Close(Some(frame)))).await;
        }
        // The frame arrives only if what the client has sent meanwhile is read.
        let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = stream.recv().await {} }).await;
    }

    /// Serves the socket until it ends; says with which frame.
    async fn go_on(&mut self, stream: &mut WebSocket) -> Option<Close> {
        let every = self.patience();
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut late = std::pin::pin!(sleep(Duration::from_secs(self.settings.socket_init_seconds)));
        let mut stopping = self.api.host.stopping().boxed();
        let mut verdict = self.asking.verdict();
        let (mut stopped, mut heard) = (false, true);
        loop {
            if stopped && self.running.is_empty() {
                return Some(Close::going_away());
            }
            let going = tokio::select! {
                () = &mut stopping, if !stopped => {
                    stopped = true;
                    self.end_lasting();
                    Ok(())
                }
                () = &mut late, if !self.session.is_open() => Err(Some(Close::too_late())),
                () = &mut self.expired => Err(Some(Close::expired())),
                verdict = live::fallen(&mut verdict) => Err(Some(match verdict {
                    Verdict::Passing => Close::passing(),
                    Verdict::Refused => Close::expired(),
                })),
                _ = ping.tick() => {
                    if std::mem::take(&mut heard) {
                        self.send(stream, Message::Ping(Vec::new().into())).await
                    } else {
                        Err(None)
                    }
                }
                message = stream.recv() => {
                    heard = true;
                    self.hear(stream, message, stopped).await
                }
                Some(told) = self.told.next() => self.tell(stream, told).await,
            };
            if let Err(close) = going {
                return close;
            }
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.settings.socket_ping_seconds.max(1))
    }

    /// Ends what would go on for ever; what has begun to change something may finish.
    fn end_lasting(&mut self) {
        let session = &mut self.session;
        self.running.retain(|id, running| {
            if running.lasts {
                running.handle.abort();
                session.ended(id);
            }
            !running.lasts
        });
    }

    async fn hear(
        &mut self,
        stream: &mut WebSocket,
        message: Option<Result<Message, axum::Error>>,
        stopped: bool,
    ) -> Going {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(Some(Close::new(4400, "Invalid message: it is not text"))),
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Err(error)) => return Err(error.to_string().contains("too long").then(Close::too_big)),
        };
        match self.session.hear(text.as_str()) {
            Step::Nothing => Ok(()),
            Step::Send(text) => self.send(stream, Message::Text(text.into())).await,
            Step::Prove(authorization) => self.prove(stream, authorization).await,
            Step::Stop(id) => {
                self.forget(&id);
                Ok(())
            }
            Step::Refuse(id) => {
                let most = self.settings.socket_operations;
                let message = format!("{most} operations may run on a socket at one time.");
                let error = over_limit("socket_operations", most, message);
                self.say(stream, "error", &id, Some(&[error][..])).await
            }
            Step::Start(id, _) if stopped => {
                self.session.ended(&id);
                Ok(())
            }
            Step::Start(id, params) => self.start(stream, id, *params).await,
            Step::Close(close) => Err(Some(close)),
        }
    }

    async fn prove(&mut self, stream: &mut WebSocket, authorization: Option<String>) -> Going {
        if let Some(text) = authorization {
            let value = HeaderValue::from_str(&text);
            self.asking
                .by(value.map_err(|_| Some(Close::unauthorised("`Authorization` is not a header's value")))?);
        }
        match self.asking.caller().await {
            Ok(caller) => self.expired = self.api.host.expired(&caller).boxed(),
            Err(refusal) if refusal.is_passing => return Err(Some(Close::passing())),
            Err(refusal) => return Err(Some(Close::unauthorised(refusal.message))),
        }
        let text = self.session.proved();
        self.send(stream, Message::Text(text.into())).await
    }

    /// Runs an operation, for the caller as they are now.
    async fn start(&mut self, stream: &mut WebSocket, id: String, params: Params) -> Going {
        let caller = match self.asking.caller().await {
            Ok(caller) => caller,
            Err(refusal) if refusal.is_passing => return Err(Some(Close::passing())),
            Err(_) => return Err(Some(Close::expired())),
        };
        let begun = async {
            let key = idempotency::of_extensions(&params.extensions)?;
            let payer = self.asking.payer(&caller);
            self.api.budgets.pay_for_request(&payer)?;
            let execution = Execution::of(&self.api, params, &payer, |_| Ok(()))?;
            let lasts = execution.0.operation().is_subscription();
            let request = RequestId(self.api.host.new_request_id());
            let answers = self.asking.run(&self.api, execution, caller, key, request).await?;
            Ok::<_, Refused>((answers, lasts))
        };
        match begun.await {
            Ok((answers, lasts)) => {
                let name = id.clone();
                let (told, handle) = abortable(answers.map(move |answer| Told {
                    id: name.clone(),
                    answer,
                }));
                self.told.push(told.boxed());
                self.running.insert(id, Running { handle, lasts });
                Ok(())
            }
            Err(refused) => {
                self.session.ended(&id);
                self.say(stream, "error", &id, Some(&refused.errors)).await
            }
        }
    }

    async fn tell(&mut self, stream: &mut WebSocket, Told { id, answer }: Told) -> Going {
        if let Answer::Next(response) = answer {
            return self.say(stream, "next", &id, Some(&*response)).await;
        }
        self.forget(&id);
        if !self.session.ended(&id) {
            return Ok(());
        }
        match answer {
            Answer::Failed(errors) => self.say(stream, "error", &id, Some(&errors)).await,
            _ => self.say(stream, "complete", &id, None::<&[ServerError]>).await,
        }
    }

    fn forget(&mut self, id: &str) {
        if let Some(running) = self.running.remove(id) {
            running.handle.abort();
        }
    }

    async fn say<T: Serialize>(
        &mut self,
        stream: &mut WebSocket,
        kind: &'static str,
        id: &str,
        payload: Option<T>,
    ) -> Going {
        match serde_json::to_string(&Saying { kind, id, payload }) {
            Ok(text) => self.send(stream, Message::Text(text.into())).await,
            Err(error) => {
                tracing::error!(%error, "a message could not be written as JSON");
                Err(Some(Close::new(1011, "Something went wrong on this host")))
            }
        }
    }

    /// Sends a message, to a client who takes it within the time in which it should answer a ping.
    async fn send(&mut self, stream: &mut WebSocket, message: Message) -> Going {
        match timeout(self.patience(), stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(None),
        }
    }
}
