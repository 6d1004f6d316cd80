//! The listener, over real sockets.

use std::{convert::Infallible, time::Duration};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::super::serve;
use super::{HttpSettings, Toy, settings};

struct Running {
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

async fn run(router: Router, settings: HttpSettings) -> Running {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, router, &settings, stopped).await;
    });
    Running {
        address,
        stop: Some(stop),
        task,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

/// Everything that comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset counts as closed.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_over_a_socket_is_answered() {
    let server = run(Toy::default().router(), settings()).await;
    let mut stream = server.connect().await;
    stream.write_all(LIVE).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_handler_can_learn_the_address_of_the_peer() {
    let router = Router::new().route(
        "/",
        get(async |ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>| peer.to_string()),
    );
    let server = run(router, settings()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(
        rest(&mut stream)
            .await
            .ends_with(&stream.local_addr().unwrap().to_string())
    );
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_headers_is_closed() {
    let settings = HttpSettings {
        header_seconds: 1,
        ..settings()
    };
    let server = run(Toy::default().router(), settings).await;
    for begun in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "GET /health/live HTTP/1.1\r\nHost: a\r\n",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(10), rest(&mut stream)).await;
        assert!(closed.is_ok_and(|text| !text.contains(" 200 ")), "{begun:?}");
    }
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_let_go() {
    let settings = HttpSettings {
        answer_seconds: 1,
        connections: 1,
        ..settings()
    };
    let endless = || async {
        let piece = futures_util::stream::repeat_with(|| Ok::<_, Infallible>(vec![b'a'; 65_536]));
        Body::from_stream(piece)
    };
    let router = Router::new()
        .route("/endless", get(endless))
        .merge(Toy::default().router());
    let server = run(router, settings).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut next = server.connect().await;
    next.write_all(LIVE).await.unwrap();

    let served = tokio::time::timeout(Duration::from_secs(20), rest(&mut next)).await;
    assert!(
        served.unwrap().starts_with("HTTP/1.1 200 OK"),
        "its place went to the next"
    );
    drop(slow);
}

#[tokio::test]
async fn headers_over_the_limit_get_431() {
    let server = run(Toy::default().router(), settings()).await;
    let many = (0..100).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let long = format!("X-Long: {}\r\n", "a".repeat(64 * 1024));
    for headers in [many, long] {
        let mut stream = server.connect().await;
        // The server may close before it has read all.
        let _ = stream
            .write_all(format!("GET /health/live HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes())
            .await;
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let settings = HttpSettings {
        connections: 1,
        ..settings()
    };
    let server = run(Toy::default().router(), settings).await;
    let first = server.connect().await;
    let mut second = server.connect().await;
    second.write_all(LIVE).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_has_begun_and_takes_nothing_new() {
    let (begun, go_on) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Notify::new()));
    let slow = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move || async move {
            begun.notify_one();
            go_on.notified().await;
            "finished"
        }
    };
    let mut server = run(Router::new().route("/", get(slow)), settings()).await;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    begun.notified().await;
    server.stop().await;
    assert_eq!(rest(&mut idle).await, "");
    go_on.notify_one();
    assert!(rest(&mut busy).await.ends_with("finished"));
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_ever() {
    let begun = std::sync::Arc::new(Notify::new());
    let stuck = {
        let begun = begun.clone();
        move || async move {
            begun.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let settings = HttpSettings {
        shutdown_seconds: 0,
        ..settings()
    };
    let mut server = run(Router::new().route("/", get(stuck)), settings).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    begun.notified().await;
    server.stop().await;
    server.task.await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn http_2_is_spoken_with_those_who_begin_with_it() {
    let server = run(Toy::default().router(), settings()).await;
    let mut stream = server.connect().await;
    // The preface in two parts, then an empty SETTINGS frame.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\n").await.unwrap();
    stream.write_all(b"SM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut header = [0; 9];
    stream.read_exact(&mut header).await.unwrap();
    assert_eq!(header[3], 4, "the server answers with its own SETTINGS frame");
}
