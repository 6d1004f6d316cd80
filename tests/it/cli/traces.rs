//! Traces, as the collector of an operator gets them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use super::{Operator, Serving, fails, start};
use crate::support::{Backend, FreshDatabase, json};

/// The trace that a gateway goes on with (W3C Trace Context).
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector; what it is sent comes out of the channel, batch by batch.
fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sent, batches) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sent = sent.clone();
            thread::spawn(move || while take(stream.as_ref().unwrap(), &sent).is_some() {});
        }
    });
    (format!("http://{address}/v1/traces"), batches)
}

/// Takes one request from a connection; none when there are no more.
fn take(stream: &TcpStream, sent: &mpsc::Sender<Vec<u8>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let header = line.to_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut answering = stream;
    answering
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
        .ok()?;
    sent.send(body).ok()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[tokio::test]
async fn a_collector_is_told_how_long_the_parts_of_a_request_took_and_nothing_that_it_held() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    operator.founds_leeds();
    let (url, batches) = collector();
    let mut serve = operator.in_development(&["serve"]);
    serve.env("CHAMPION_TRACES_URL", &url);
    serve.env("CHAMPION_HTTP__TRUSTED_PROXIES", "127.0.0.1/32");
    let host = Serving::of(start(serve));
    let token = operator.token(&["project_lead", "site_admin"]);
    let input =
        json!({ "site": "leeds", "displayName": "Ana of the wards", "kind": "STAFF", "email": "ana@example.org" });
    host.does(&token, "championRegister", &input, "champion { id }");
    let traced = format!("GET /health/ready HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(host.asks(&traced, "").0, 200);

    assert_eq!(host.ends_on("TERM"), Some(0));

    let told: Vec<u8> = batches.try_iter().flatten().collect();
    for part in [
        "champion-network",
        "/graphql",
        "operation",
        "write",
        "championRegister",
        "/health/ready",
    ] {
        assert!(
            holds(&told, part.as_bytes()),
            "{part} is not in what the collector was sent"
        );
    }
    assert!(holds(&told, &bytes_of(TRACE)), "the gateway's trace does not go on");
    for secret in ["Ana of the wards", "ana@example.org", &token, "\"ana\""] {
        assert!(!holds(&told, secret.as_bytes()), "{secret} was sent to the collector");
    }
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_decides_what_is_traced() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let (url, batches) = collector();
    let mut serve = operator.command(&["serve"]);
    serve
        .env("CHAMPION_TRACES_URL", &url)
        .env("CHAMPION_TRACES_PERCENT", "0");
    let host = Serving::of(start(serve));
    let traced = format!("GET /health/ready HTTP/1.1\r\ntraceparent: 00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(host.asks(&traced, "").0, 200);
    assert_eq!(host.ends_on("TERM"), Some(0));
    assert_eq!(batches.try_iter().count(), 0);
}

#[tokio::test]
async fn a_collector_that_is_away_holds_up_nothing() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut serve = operator.command(&["serve"]);
    serve.env("CHAMPION_TRACES_URL", format!("http://{away}/v1/traces"));
    let host = Serving::of(start(serve));
    assert_eq!(host.asks("GET /health/ready HTTP/1.1", "").0, 200);
    assert_eq!(host.ends_on("TERM"), Some(0));

    for (name, value) in [
        ("CHAMPION_TRACES_URL", "nowhere at all"),
        ("CHAMPION_TRACES_PERCENT", "101"),
    ] {
        let mut wrong = operator.command(&["serve"]);
        wrong
            .env("CHAMPION_TRACES_URL", "http://127.0.0.1:4318/v1/traces")
            .env(name, value);
        let told = fails(wrong);
        assert!(told.contains(&name["CHAMPION_".len()..].to_lowercase()), "{told}");
    }
}
