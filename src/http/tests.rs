//! The HTTP face against a small schema: one test for each thing that it promises.

mod budgets;
mod documents;
mod fuzz;
mod hostile;
mod kept;
mod listener;
mod media;
mod metrics;
mod requests;
mod routes;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{
    Context, EmptySubscription, Enum, Error, ErrorExtensions, InputObject, InputValueError, InputValueResult,
    MaybeUndefined, Object, OneofObject, Scalar, ScalarType, Schema, SimpleObject, Subscription, ValidationMode, Value,
};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use futures_util::Stream;
use serde_json::json;
use tower::ServiceExt;

use super::{Gauge, Host, HttpSettings, IdempotencyKey, Refusal, RequestId, router};
use crate::config::Settings;

/// A host of one schema, whose only token is `good`.
#[derive(Clone)]
struct Toy {
    settings: HttpSettings,
    unready: Option<&'static str>,
    ids: Arc<AtomicUsize>,
}

/// A name, and how often something was changed in this request.
struct Person(Option<String>, AtomicUsize);

/// The settings of a host that nobody has configured.
fn settings() -> HttpSettings {
    Settings::defaults()
        .expect("the defaults are read by a test of their own")
        .http
}

impl Default for Toy {
    fn default() -> Self {
        Self {
            settings: settings(),
            unready: None,
            ids: Arc::default(),
        }
    }
}

impl Host for Toy {
    type Caller = Person;

    async fn caller(&self, headers: &HeaderMap) -> Result<Person, Refusal> {
        match headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()) {
            None => Ok(Person(None, AtomicUsize::new(0))),
            Some(b"Bearer later") => Err(Refusal::passing("The issuer's keys cannot be fetched at the moment.")),
            Some(b"Bearer good") => Ok(Person(Some("ana".to_owned()), AtomicUsize::new(0))),
            Some(_) => Err(Refusal::new("The token has \"expired\".")),
        }
    }

    fn identity(&self, caller: &Person) -> Option<String> {
        caller.0.clone()
    }

    async fn gauges(&self) -> Vec<Gauge> {
        let of = |site: &str, value| Gauge {
            name: "lag_seconds",
            help: "How old",
            labels: vec![("site", site.to_owned())],
            value,
        };
        vec![of("leeds", 1.5), of("hull", 0.0)]
    }

    async fn ready(&self) -> Result<(), &'static str> {
        self.unready.map_or(Ok(()), Err)
    }

    fn new_request_id(&self) -> String {
        format!("made-{}", self.ids.fetch_add(1, Ordering::Relaxed))
    }

    fn settings(&self) -> &HttpSettings {
        &self.settings
    }
}

struct Query;

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default_with = "\"world\".to_owned()")] name: String) -> String {
        format!("hello {name}")
    }

    async fn who(&self, ctx: &Context<'_>) -> Option<String> {
        ctx.data_unchecked::<Arc<Person>>().0.clone()
    }

    async fn told(&self, ctx: &Context<'_>) -> Vec<Option<String>> {
        vec![
            Some(ctx.data_unchecked::<RequestId>().0.clone()),
            ctx.data_unchecked::<IdempotencyKey>().0.clone(),
        ]
    }

    async fn sum(&self, numbers: Vec<i32>) -> i32 {
        numbers.iter().sum()
    }

    async fn half(&self, of: f64) -> f64 {
        of / 2.0
    }

    async fn same(&self, id: async_graphql::ID) -> async_graphql::ID {
        id
    }

    async fn described(&self, patch: Patch) -> String {
        format!(
            "{:?} {:?} {:?} {:?}",
            patch.title,
            patch.note,
            patch.colour,
            patch.below.is_some()
        )
    }

    async fn chosen(&self, by: By) -> String {
        match by {
            By::Id(id) => format!("id {id}"),
            By::Slug(slug) => format!("slug {slug}"),
        }
    }

    async fn even(&self, number: Even) -> i32 {
        number.0
    }

    async fn person(&self) -> Node {
        Node { name: "Ana" }
    }

    async fn secret(&self) -> Result<i32, Error> {
        Err(Error::new("the database at 10.0.0.7 refused the password"))
    }

    async fn passed_on(&self) -> Result<i32, Error> {
        Err(std::io::Error::other("Failed to parse \"secret\": 42").into())
    }

    async fn forbidden(&self) -> Result<i32, Error> {
        Err(Error::new("Only curators publish.").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
    }

    async fn maybe(&self) -> Option<Result<i32, Error>> {
        Some(Err(
            Error::new("Not there.").extend_with(|_, extensions| extensions.set("code", "NOT_FOUND"))
        ))
    }

    async fn panics(&self) -> i32 {
        "no number".parse().expect("broken on purpose")
    }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Node {
    name: &'static str,
}

#[async_graphql::ComplexObject]
impl Node {
    async fn friend(&self) -> Node {
        Node { name: "Ben" }
    }

    async fn friends(&self) -> Vec<Node> {
        vec![Node { name: "Ben" }]
    }
}

#[derive(InputObject)]
struct Patch {
    title: MaybeUndefined<String>,
    note: MaybeUndefined<String>,
    colour: Option<Colour>,
    #[graphql(default)]
    tags: Vec<String>,
    below: Option<Box<Patch>>,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Red,
    Green,
}

#[derive(OneofObject)]
enum By {
    Id(i32),
    Slug(String),
}

struct Even(i32);

#[Scalar]
impl ScalarType for Even {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Number(number) if number.as_i64().is_some_and(|number| number % 2 == 0) => Ok(Self(2)),
            _ => Err(InputValueError::custom("an even number was expected")),
        }
    }

    fn to_value(&self) -> Value {
        self.0.into()
    }
}

struct Mutation;

#[derive(SimpleObject)]
struct Renamed {
    to: String,
    times: usize,
    node: Node,
}

#[Object]
impl Mutation {
    async fn rename(&self, ctx: &Context<'_>, to: String) -> Renamed {
        let times = ctx.data_unchecked::<Arc<Person>>().1.fetch_add(1, Ordering::Relaxed) + 1;
        Renamed {
            to,
            times,
            node: Node { name: "Ana" },
        }
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn ticks(&self) -> impl Stream<Item = i32> {
        futures_util::stream::iter([1])
    }
}

fn schema() -> Schema<Query, Mutation, Events> {
    Schema::build(Query, Mutation, Events)
        .validation_mode(ValidationMode::Fast)
        .finish()
}

impl Toy {
    fn with(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let mut toy = Self::default();
        change(&mut toy.settings);
        toy
    }

    fn router(&self) -> Router {
        let schema = schema();
        let sdl = schema.sdl();
        router(self.clone(), schema, &sdl, sdl.clone(), Router::new()).expect("the schema is valid")
    }

    async fn ask(&self, request: Request<Body>) -> Reply {
        answered(self.router(), request).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(request(Method::GET, path, "")).await
    }

    /// A document in the newer media type.
    async fn run(&self, query: &str) -> Reply {
        self.send(json!({ "query": query })).await
    }

    async fn run_with(&self, query: &str, variables: serde_json::Value) -> Reply {
        self.send(json!({ "query": query, "variables": variables })).await
    }

    async fn send(&self, body: serde_json::Value) -> Reply {
        self.ask(post(body.to_string())).await
    }
}

async fn answered(router: Router, request: Request<Body>) -> Reply {
    let response = router.oneshot(request).await.expect("a router cannot fail");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX);
    Reply {
        status,
        headers,
        body: body.await.expect("the body is whole").to_vec(),
    }
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are text"))
    }

    fn error(&self) -> serde_json::Value {
        self.json()["errors"][0].clone()
    }

    /// Status and code of the first error.
    fn code(&self) -> (u16, String) {
        (
            self.status.as_u16(),
            self.error()["extensions"]["code"].as_str().unwrap_or("none").to_owned(),
        )
    }

    fn data(&self) -> serde_json::Value {
        let answer = self.json();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    }
}

fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(body.into())
        .expect("the request is well-formed")
}

fn post(body: impl Into<Body>) -> Request<Body> {
    let mut request = request(Method::POST, "/graphql", body);
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    request
        .headers_mut()
        .insert(header::ACCEPT, "application/graphql-response+json".parse().unwrap());
    request
}

fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// A query string of a GET.
fn ask_by_get(params: &[(&str, &str)]) -> Request<Body> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    with(
        request(Method::GET, &format!("/graphql?{query}"), ""),
        "accept",
        "application/graphql-response+json",
    )
}

#[test]
fn a_schema_that_is_not_valid_is_told_to_the_operator() {
    let schema = Schema::new(Query, Mutation, EmptySubscription);
    let error = router(
        Toy::default(),
        schema,
        "type Query { a: Missing }",
        String::new(),
        Router::new(),
    );
    assert!(error.is_err_and(|message| message.contains("Missing")));
}
