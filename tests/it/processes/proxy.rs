//! Somebody between a region and the hub, who passes everything on and alters some of it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use champion_network::federation::{
    messages::MAX_BODY_BYTES,
    packing::{pack, unpack},
};

use super::*;

/// What becomes of the entries that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// Nothing.
    Honest,
    /// A word of a payload is another.
    AltersPayloads,
    /// What an entry does to its record is another.
    AltersHeaders,
    /// The last entry is missing.
    DropsEntries,
    /// The entries come in another order.
    SwapsEntries,
    /// Instead of an answer comes the first that was given of the feed.
    RepeatsAnswers,
    /// Instead of an answer comes one of another feed.
    MixesFeeds,
    /// What a site appends is another.
    AltersAppends,
}

/// A proxy at an address of its own, which ends with the test.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    between: Arc<Between>,
}

struct Between {
    hub: SocketAddr,
    client: reqwest::Client,
    doing: Mutex<(Conduct, usize)>,
    /// The first answer of each feed that had entries.
    first: Mutex<HashMap<String, Bytes>>,
}

impl Proxy {
    /// Starts it before a hub. It is honest at first.
    pub async fn before(hub: &Process) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let between = Arc::new(Between {
            hub: hub.address,
            client: hub.client.clone(),
            doing: Mutex::new((Conduct::Honest, 0)),
            first: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&between));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, between }
    }

    /// Behaves otherwise from now on.
    pub fn turns(&self, conduct: Conduct) {
        *self.between.doing.lock().unwrap() = (conduct, 0);
    }

    /// Whether it has altered something since it turned.
    pub fn has_altered(&self) -> bool {
        self.between.doing.lock().unwrap().1 > 0
    }
}

async fn pass(State(between): State<Arc<Between>>, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().unwrap().as_str().to_owned();
    let path = head.uri.path();
    let mut body = to_bytes(body, usize::MAX).await.unwrap();
    if path.ends_with("/append") {
        body = between.appended(&head.headers, body);
    }
    let request = between
        .client
        .request(head.method.clone(), format!("http://{}{target}", between.hub));
    let Ok(answer) = request.headers(end_to_end(&head.headers)).body(body).send().await else {
        return status(StatusCode::BAD_GATEWAY);
    };
    let (code, headers) = (answer.status(), end_to_end(answer.headers()));
    let Ok(mut body) = answer.bytes().await else {
        return status(StatusCode::BAD_GATEWAY);
    };
    if head.method == Method::GET && code == StatusCode::OK && path.starts_with("/fed/v1/feeds/") {
        body = between.answered(path, body);
    }
    let mut told = Response::new(Body::from(body));
    (*told.status_mut(), *told.headers_mut()) = (code, headers);
    told
}

fn status(code: StatusCode) -> Response<Body> {
    let mut told = Response::new(Body::empty());
    *told.status_mut() = code;
    told
}

/// The headers without those that are about one connection or one length.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ] {
        kept.remove(name);
    }
    kept
}

impl Between {
    fn conduct(&self) -> Conduct {
        self.doing.lock().unwrap().0
    }

    /// Counts what is not as it was.
    fn instead(&self, honest: &Bytes, altered: Bytes) -> Bytes {
        if *honest != altered {
            self.doing.lock().unwrap().1 += 1;
        }
        altered
    }

    fn appended(&self, headers: &HeaderMap, honest: Bytes) -> Bytes {
        if self.conduct() != Conduct::AltersAppends {
            return honest;
        }
        let swap = |batch: &Bytes| altered(batch, |entries| swap_words(entries, "payload"));
        let other = if headers.contains_key(header::CONTENT_ENCODING) {
            let plain = unpack(&honest, MAX_BODY_BYTES).unwrap().into();
            let other = swap(&plain);
            if other == plain {
                return honest;
            }
            pack(&other).unwrap().into()
        } else {
            swap(&honest)
        };
        self.instead(&honest, other)
    }

    fn answered(&self, feed: &str, honest: Bytes) -> Bytes {
        let mut first = self.first.lock().unwrap();
        let of_this = first.entry(feed.to_owned()).or_insert_with(|| honest.clone()).clone();
        let of_another = first
            .iter()
            .find(|(other, _)| *other != feed)
            .map(|(_, answer)| answer.clone());
        let instead = match self.conduct() {
            Conduct::AltersPayloads => altered(&honest, |entries| swap_words(entries, "payload")),
            Conduct::AltersHeaders => altered(&honest, |entries| swap_words(entries, "header")),
            Conduct::DropsEntries => altered(&honest, |entries| drop(entries.pop())),
            Conduct::SwapsEntries => altered(&honest, |entries| entries.reverse()),
            Conduct::RepeatsAnswers => of_this,
            Conduct::MixesFeeds => of_another.unwrap_or_else(|| honest.clone()),
            Conduct::Honest | Conduct::AltersAppends => honest.clone(),
        };
        self.instead(&honest, instead)
    }
}

/// A batch with other entries.
fn altered(batch: &Bytes, alter: impl FnOnce(&mut Vec<Value>)) -> Bytes {
    let honest: Value = serde_json::from_slice(batch).unwrap();
    let mut other = honest.clone();
    alter(other["entries"].as_array_mut().unwrap());
    if other == honest {
        batch.clone()
    } else {
        other.to_string().into()
    }
}

/// Says something else in the texts of entries.
fn swap_words(entries: &mut [Value], of: &str) {
    for entry in entries {
        if let Some(text) = entry[of].as_str() {
            let text = text
                .replace("All about it.", "Buy it now!!!")
                .replace(r#""op":"put""#, r#""op":"del""#);
            entry[of] = json!(text);
        }
    }
}
