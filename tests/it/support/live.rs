//! Connections that stay open: a host at a port, its WebSockets and its event streams.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use axum::body::{Body, BodyDataStream};
use champion_network::{http, server::Server};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};

use super::{DEADLINE, Person};

/// What must come within the time that anything may take.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

/// A host that listens.
pub struct Served {
    /// Where.
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    /// Serves a host at a port of its own.
    pub async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, app) = (server.router().unwrap(), Arc::clone(&server.0));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let settings = app.settings.http.clone();
            let stopped = async move {
                let _ = stopped.await;
                app.signals.stop();
            };
            http::serve(listener, router, &settings, stopped).await;
        });
        Self { address, stop, serving }
    }

    /// Stops it as a signal does, and waits until it has.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        soon("the end of the host", self.serving).await.unwrap();
    }

    /// Opens a WebSocket as a person, and says who they are.
    pub async fn socket(&self, person: &Person<'_>) -> Socket {
        let mut socket = Socket::open(self.address, &[]).await.unwrap();
        socket.begins(person.token()).await;
        socket
    }
}

/// The client of a WebSocket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    heard: VecDeque<Value>,
}

impl Socket {
    /// Opens one with the subprotocol and further headers; else the status of the refusal.
    pub async fn open(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, StatusCode> {
        let protocol = [("sec-websocket-protocol", "graphql-transport-ws")];
        let headers: Vec<_> = protocol.iter().chain(headers).copied().collect();
        Self::bare(address, &headers).await
    }

    /// Opens one with these headers alone.
    pub async fn bare(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let tcp = TcpStream::connect(address).await.unwrap();
        match soon("a WebSocket", client_async(request, tcp)).await {
            Ok((stream, _)) => Ok(Self {
                stream,
                heard: VecDeque::new(),
            }),
            Err(Error::Http(response)) => Err(response.status()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Says who asks, and waits until that is known.
    pub async fn begins(&mut self, token: Option<&str>) {
        let payload = token.map(|token| json!({ "Authorization": format!("Bearer {token}") }));
        self.says(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(self.hears().await, json!({ "type": "connection_ack" }));
    }

    /// Sends a message.
    pub async fn says(&mut self, message: Value) {
        self.sends(message.to_string()).await;
    }

    /// Sends a text.
    pub async fn sends(&mut self, text: impl Into<String>) {
        self.stream.send(Message::Text(text.into().into())).await.unwrap();
    }

    /// Sends bytes that are no text.
    pub async fn sends_bytes(&mut self) {
        self.stream.send(Message::Binary(vec![1].into())).await.unwrap();
    }

    /// The next message.
    pub async fn hears(&mut self) -> Value {
        match self.heard.pop_front() {
            Some(message) => message,
            None => self
                .receives()
                .await
                .unwrap_or_else(|code| panic!("closed with {code}")),
        }
    }

    /// The next message from the wire, or the code of the close.
    async fn receives(&mut self) -> Result<Value, u16> {
        soon("a message", self.receives_at_all()).await
    }

    /// The same, however long it takes: pings come all the time.
    async fn receives_at_all(&mut self) -> Result<Value, u16> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(text.as_str()).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The code with which the socket is closed, whatever comes before.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.receives().await {
                return code;
            }
        }
    }

    /// Runs an operation under an id.
    pub async fn runs(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.says(json!({ "type": "subscribe", "id": id, "payload": payload }))
            .await;
    }

    /// Subscribes, and waits until nothing can be missed any more: the answer to a ping comes after what was asked before it.
    pub async fn follows(&mut self, id: &str, query: &str, variables: Value) {
        self.runs(id, query, variables).await;
        let pong = json!({ "type": "pong", "payload": { "after": id } });
        self.says(json!({ "type": "ping", "payload": { "after": id } })).await;
        loop {
            match self
                .receives()
                .await
                .unwrap_or_else(|code| panic!("closed with {code}"))
            {
                message if message == pong => return,
                message => self.heard.push_back(message),
            }
        }
    }

    /// The next message about an operation, with its payload.
    pub async fn about(&mut self, id: &str) -> (String, Value) {
        let here = self.heard.iter().position(|message| message["id"] == id);
        let mut message = here.and_then(|place| self.heard.remove(place));
        while message.is_none() {
            let next = self
                .receives()
                .await
                .unwrap_or_else(|code| panic!("closed with {code}"));
            if next["id"] == id {
                message = Some(next);
            } else {
                self.heard.push_back(next);
            }
        }
        let message = message.unwrap();
        (message["type"].as_str().unwrap().to_owned(), message["payload"].clone())
    }

    /// The next event of a subscription: the value of its only field.
    pub async fn event(&mut self, id: &str) -> Value {
        let (kind, payload) = self.about(id).await;
        assert_eq!(kind, "next", "{payload:#}");
        assert!(payload.get("errors").is_none(), "{payload:#}");
        payload["data"].as_object().unwrap().values().next().unwrap().clone()
    }

    /// How many messages about an operation have come and wait to be looked at.
    pub fn heard(&self, id: &str) -> usize {
        self.heard.iter().filter(|message| message["id"] == id).count()
    }

    /// The code with which an operation is refused.
    pub async fn refusal(&mut self, id: &str) -> String {
        let (kind, payload) = self.about(id).await;
        assert_eq!(kind, "error", "{payload:#}");
        payload[0]["extensions"]["code"].as_str().unwrap().to_owned()
    }

    /// Whether it is closed before something else happens. It answers pings meanwhile.
    pub async fn closes_before(&mut self, other: impl Future<Output = ()>) -> bool {
        tokio::select! {
            _ = self.receives() => true,
            () = other => false,
        }
    }

    /// Answers nothing from now on, until the other side hangs up.
    pub async fn stays_deaf_until_closed(self) {
        let mut rest = Vec::new();
        let mut tcp = self.stream.into_inner();
        // However the connection ends, it has ended.
        let _ = soon("the end of the connection", tcp.read_to_end(&mut rest)).await;
    }

    /// Goes away without a word.
    pub async fn vanishes(self) {
        drop(self);
    }
}

/// The client of an event stream.
pub struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    /// Reads the body of an answer.
    pub fn of(body: Body) -> Self {
        Self {
            body: body.into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event as it was sent, without the empty line behind it and without comments; none at the end of the stream.
    pub async fn raw(&mut self) -> Option<String> {
        soon("an event", self.raw_at_all()).await
    }

    /// The same, however long it takes: signs of life come all the time.
    async fn raw_at_all(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                return Some(event);
            }
            let chunk = self.body.next().await?;
            self.text += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
    }

    /// The payload of the next event, which is one of those that tell something.
    pub async fn next(&mut self) -> Value {
        let event = self.raw().await.expect("the stream goes on");
        let data = event.strip_prefix("event: next\ndata: ");
        serde_json::from_str(data.unwrap_or_else(|| panic!("{event}"))).unwrap()
    }
}
