//! Key sets against an issuer on a loopback address. Time is a parameter, so nothing waits for it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::stream;
use tokio::sync::{Semaphore, watch};

use super::*;
use crate::auth::DevelopmentKey;

mod refresh;

/// What an issuer does when it is asked for its keys.
#[derive(Clone)]
enum Answer {
    Keys(String),
    Gated(Arc<Semaphore>, String),
    Status(StatusCode),
    Redirect(String),
    TooLong { length_known: bool },
    Silence,
}

/// A server that counts how often it is asked.
#[derive(Clone)]
struct Issuer {
    url: Url,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<watch::Sender<usize>>,
}

impl Issuer {
    async fn start(answer: Answer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let issuer = Self {
            url,
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::new(watch::Sender::new(0)),
        };
        let router = Router::new().fallback(respond).with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    async fn is_asked(&self, times: usize) {
        within_seconds(async { drop(self.asked.subscribe().wait_for(|asked| *asked >= times).await) }).await;
    }
}

async fn respond(Shared(issuer): Shared<Issuer>) -> Response {
    issuer.asked.send_modify(|asked| *asked += 1);
    let answer = issuer.answer.lock().unwrap().clone();
    match answer {
        Answer::Keys(keys) => keys.into_response(),
        Answer::Gated(gate, keys) => {
            let _permit = gate.acquire().await;
            keys.into_response()
        }
        Answer::Status(status) => (status, key_set(&key())).into_response(),
        Answer::Redirect(to) => Redirect::temporary(&to).into_response(),
        Answer::TooLong { length_known: true } => " ".repeat(MAX_JWK_SET_BYTES + 1).into_response(),
        Answer::TooLong { length_known: false } => {
            let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1024])));
            Body::from_stream(endless).into_response()
        }
        Answer::Silence => std::future::pending().await,
    }
}

async fn within_seconds<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .expect("an end within seconds")
}

/// Lets other tasks work until something has come true.
async fn until(true_now: impl AsyncFn() -> bool) {
    let waiting = async {
        while !true_now().await {
            tokio::task::yield_now().await;
        }
    };
    within_seconds(waiting).await;
}

fn key() -> DevelopmentKey {
    DevelopmentKey::generate().unwrap()
}

fn key_set(key: &DevelopmentKey) -> String {
    key.jwk_set()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn loopback() -> KeyPolicy {
    KeyPolicy {
        allow_loopback: true,
        ..KeyPolicy::default()
    }
}

/// An issuer with one key, and a cache that has fetched it at second 0.
async fn warm() -> (Issuer, DevelopmentKey, KeySets) {
    let key = key();
    let issuer = Issuer::start(Answer::Keys(key_set(&key))).await;
    let sets = KeySets::new(loopback());
    assert!(
        sets.lookup(&issuer.url, Some(key.kid()), at(0))
            .await
            .unwrap()
            .knows(key.kid())
    );
    (issuer, key, sets)
}

async fn knows(sets: &KeySets, issuer: &Issuer, kid: &str, now: DateTime<Utc>) -> bool {
    sets.lookup(&issuer.url, Some(kid), now)
        .await
        .is_ok_and(|set| set.knows(kid))
}

async fn trouble(answer: Answer) -> &'static str {
    trouble_with(loopback(), answer).await
}

async fn trouble_with(policy: KeyPolicy, answer: Answer) -> &'static str {
    let issuer = Issuer::start(answer).await;
    within_seconds(KeySets::new(policy).lookup(&issuer.url, None, at(0)))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn only_status_200_is_a_key_set() {
    for status in [
        StatusCode::CREATED,
        StatusCode::PARTIAL_CONTENT,
        StatusCode::NOT_FOUND,
        StatusCode::BAD_GATEWAY,
    ] {
        let why = trouble(Answer::Status(status)).await;
        assert_eq!(
            why, "The server of the key set did not answer with status 200.",
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Issuer::start(Answer::Keys(key_set(&key()))).await;
    for to in [elsewhere.url.as_str(), "/other", "https://10.0.0.1/keys"] {
        let why = trouble(Answer::Redirect(to.to_owned())).await;
        assert_eq!(why, "The server of the key set did not answer with status 200.");
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    for length_known in [true, false] {
        let issuer = Issuer::start(Answer::TooLong { length_known }).await;
        let answer = KeySets::new(loopback()).lookup(&issuer.url, None, at(0)).await;
        assert_eq!(answer.unwrap_err(), "The key set is longer than this host accepts.");
    }
}

#[tokio::test]
async fn a_silent_issuer_is_given_up_in_time() {
    let policy = KeyPolicy {
        timeout: Duration::from_millis(50),
        ..loopback()
    };
    let why = trouble_with(policy, Answer::Silence).await;
    assert_eq!(why, "The key set of the issuer did not arrive in time.");
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_told() {
    assert_eq!(
        trouble(Answer::Keys("[]".into())).await,
        "The key set is not a JSON object without repeated members."
    );
}

#[tokio::test]
async fn loopback_is_not_reached_outside_development() {
    let issuer = Issuer::start(Answer::Keys(key_set(&key()))).await;
    let port = issuer.url.port().unwrap();
    let sets = KeySets::new(KeyPolicy::default());
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/keys").parse().unwrap();
            assert!(sets.lookup(&url, None, at(0)).await.is_err(), "{url}");
        }
    }
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn localhost_is_reached_in_development() {
    let issuer = Issuer::start(Answer::Keys(key_set(&key()))).await;
    let mut url = issuer.url.clone();
    url.set_host(Some("localhost")).unwrap();
    assert!(KeySets::new(loopback()).lookup(&url, None, at(0)).await.is_ok());
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_resolved() {
    // With the dot it is an ordinary name, and leads to this machine all the same.
    for (name, allow_loopback) in [("localhost", false), ("localhost.", true), ("127.0.0.1", true)] {
        let resolver = GuardedResolver { allow_loopback };
        assert!(resolver.resolve(name.parse().unwrap()).await.is_err(), "{name}");
    }
}

#[test]
fn private_addresses_are_dropped_from_what_a_name_resolves_to() {
    let found: Vec<SocketAddr> = [
        "10.0.0.1",
        "1.1.1.1",
        "127.0.0.1",
        "::1",
        "fd00::1",
        "2606:4700::1111",
        "::ffff:10.0.0.1",
    ]
    .map(|address| SocketAddr::from((address.parse::<IpAddr>().unwrap(), 0)))
    .into();
    let reached = |name: &str, allow_loopback| -> Vec<String> {
        let reached = reachable(name, found.iter().copied(), allow_loopback);
        reached.into_iter().map(|address| address.ip().to_string()).collect()
    };
    for allow_loopback in [false, true] {
        assert_eq!(
            reached("id.example.org", allow_loopback),
            ["1.1.1.1", "2606:4700::1111"]
        );
    }
    assert_eq!(reached("localhost", true), ["127.0.0.1", "::1"]);
    assert!(reached("localhost", false).is_empty());
}

#[test]
fn a_jwks_url_is_https_and_public() {
    for url in [
        "https://id.example.org/keys",
        "https://id.example.org:8443/keys?realm=a",
        "https://1.1.1.1/keys",
    ] {
        assert!(parse_jwks_url(url, false).is_ok(), "{url}");
    }
    let refusals = HashMap::from([
        ("keys", "The JWKS URL is not a URL."),
        ("data:application/json,{}", "The JWKS URL names no host."),
        ("file:///etc/keys", "The JWKS URL names no host."),
        ("http://id.example.org/keys", "The JWKS URL does not start with https."),
        ("ftp://id.example.org/keys", "The JWKS URL does not start with https."),
        (
            "https://ana@id.example.org/keys",
            "The JWKS URL has a user name, a password or a fragment.",
        ),
        (
            "https://:word@id.example.org/keys",
            "The JWKS URL has a user name, a password or a fragment.",
        ),
        (
            "https://id.example.org/keys#one",
            "The JWKS URL has a user name, a password or a fragment.",
        ),
        (
            "https://localhost/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://10.1.2.3/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://0x0a010203/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://169.254.169.254/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://100.64.0.1/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://[fe80::1]/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
        (
            "https://[::ffff:192.168.0.1]/keys",
            "The JWKS URL leads to an address that is not public.",
        ),
    ]);
    for (url, why) in refusals {
        assert_eq!(parse_jwks_url(url, false), Err(why), "{url}");
    }
    let long = format!("https://id.example.org/{}", "k".repeat(2_048));
    assert_eq!(
        parse_jwks_url(&long, false),
        Err("The JWKS URL is longer than 2,048 characters.")
    );
}

#[test]
fn development_allows_loopback_and_nothing_else_besides() {
    for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:4000/keys");
            assert!(
                parse_jwks_url(&url, true).is_ok() && parse_jwks_url(&url, false).is_err(),
                "{url}"
            );
        }
    }
    for url in [
        "http://id.example.org/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
        "http://localhost.:1/",
    ] {
        assert!(parse_jwks_url(url, true).is_err(), "{url}");
    }
}
