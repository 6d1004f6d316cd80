//! Server-sent events: how they are written, how a stream goes on, and how it ends.

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use chrono::TimeDelta;

use super::{CHANGED, POSTS, post, project, space, thread};
use crate::support::{Events, Host, Person, Served, Value, json, on_both};

async fn ask(host: &Host, person: &Person<'_>, query: &str, variables: Value) -> Response<Body> {
    let mut request = Request::post("/graphql/stream")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream");
    if let Some(token) = person.token() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = json!({ "query": query, "variables": variables }).to_string();
    host.open(request.body(Body::from(body)).unwrap()).await
}

async fn events(host: &Host, person: &Person<'_>, query: &str, variables: Value) -> Events {
    let answer = ask(host, person, query, variables).await;
    assert_eq!(answer.status(), StatusCode::OK);
    Events::of(answer.into_body())
}

on_both! {
    async fn events_are_written_as_the_protocol_says(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let answer = ask(host, &lead, "subscription { changed { change kind } }", json!({})).await;
        let headers = answer.headers();
        assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(headers.contains_key("x-request-id"));
        let mut stream = Events::of(answer.into_body());

        project(&lead, "Garden", "SITE").await;

        let event = "event: next\ndata: {\"data\":{\"changed\":{\"change\":\"CREATED\",\"kind\":\"PROJECT\"}}}";
        assert_eq!(stream.raw().await.unwrap(), event);
    }
}

on_both! {
    async fn a_stream_goes_on_after_the_last_event(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space(host, "national", "PUBLIC").await).await;
        let nobody = host.anonymous();
        let mut stream = events(host, &nobody, POSTS, json!({ "thread": started["id"] })).await;
        post(&ana, &started, "First.").await;
        let first = stream.next().await["data"]["postAdded"].clone();
        assert_eq!(first["post"]["body"], "First.");
        drop(stream);
        post(&ana, &started, "Second.").await;

        let after = json!({ "thread": started["id"], "after": first["cursor"] });
        let mut stream = events(host, &nobody, POSTS, after).await;
        post(&ana, &started, "Third.").await;

        for body in ["Second.", "Third."] {
            assert_eq!(stream.next().await["data"]["postAdded"]["post"]["body"], body);
        }
    }
}

on_both! {
    async fn a_stream_ends_with_its_token(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut stream = events(host, &lead, CHANGED, json!({})).await;

        host.server.0.clock.advance(TimeDelta::hours(12));

        assert_eq!(stream.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(stream.raw().await.unwrap(), "event: complete\ndata:");
        assert_eq!(stream.raw().await, None);
    }
}

on_both! {
    async fn what_is_refused_is_told_in_the_stream_and_what_is_no_request_by_its_status(host) {
        let ana = host.person(&["leeds:champion"]);
        for (query, code) in [
            ("subscription { nothing }", "VALIDATION_FAILED"),
            ("{", "PARSE_FAILED"),
            ("subscription { changed(after: \"x\") { cursor } }", "INVALID_ARGUMENT"),
        ] {
            let mut stream = events(host, &ana, query, json!({})).await;
            assert_eq!(stream.next().await["errors"][0]["extensions"]["code"], code, "{query}");
            assert_eq!(stream.raw().await.unwrap(), "event: complete\ndata:");
            assert_eq!(stream.raw().await, None);
        }
        let mut stream = events(host, &ana, "{ sites { totalCount } }", json!({})).await;
        assert_eq!(stream.next().await["data"]["sites"]["totalCount"], 3);
        assert_eq!(stream.raw().await.unwrap(), "event: complete\ndata:");

        let wrong = Person::with_token(host, "made-up".to_owned());
        assert_eq!(ask(host, &wrong, CHANGED, json!({})).await.status(), StatusCode::UNAUTHORIZED);
        let send = async |accept: &str, kind: &str, body: &'static str| {
            let request = Request::post("/graphql/stream").header(header::ACCEPT, accept).header(header::CONTENT_TYPE, kind);
            host.open(request.body(Body::from(body)).unwrap()).await.status()
        };
        assert_eq!(send("application/json", "application/json", "{}").await, StatusCode::NOT_ACCEPTABLE);
        assert_eq!(send("text/event-stream", "text/plain", "{}").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(send("text/event-stream", "application/json", "[]").await, StatusCode::BAD_REQUEST);
    }
}

on_both! {
    async fn a_browser_opens_a_stream_by_its_address_and_changes_nothing_so(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let open = async |query: &str| {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let request = Request::get(format!("/graphql/stream?query={query}")).header(header::ACCEPT, "text/event-stream");
            host.open(request.body(Body::empty()).unwrap()).await
        };
        let answer = open("subscription{changed(kinds:[PROJECT]){change}}").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let mut stream = Events::of(answer.into_body());
        project(&lead, "Garden", "PUBLIC").await;
        assert_eq!(stream.next().await["data"]["changed"]["change"], "CREATED");

        let change = "mutation { projectCreate(input: { site: \"leeds\", title: \"T\", summary: \"S\" }) { problems { code } } }";
        assert_eq!(open(change).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

on_both! {
    with |settings| settings.http.sockets = 1;
    async fn only_so_many_streams_are_open_and_a_host_that_stops_ends_them(host) {
        let served = Served::start(&host.server).await;
        let nobody = host.anonymous();
        let mut first = events(host, &nobody, CHANGED, json!({})).await;
        let second = ask(host, &nobody, CHANGED, json!({})).await;
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);

        served.stop().await;

        // Without `complete`: it is to be opened again.
        assert_eq!(first.raw().await, None);
    }
}

on_both! {
    with |settings| { settings.http.metrics_token = "let me in".to_owned() };
    async fn what_is_open_and_what_is_followed_is_counted(host) {
        let counted = async || {
            let request = Request::get("/metrics").header(header::AUTHORIZATION, "Bearer let me in");
            let text = host.send(request.body(Body::empty()).unwrap()).await.into_body();
            let text = String::from_utf8(text.to_vec()).unwrap();
            let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().to_owned();
            (of("champion_live_connections"), of("champion_subscriptions"))
        };
        let (none, one) = (("0".to_owned(), "0".to_owned()), ("1".to_owned(), "1".to_owned()));
        assert_eq!(counted().await, none);
        let stream = events(host, &host.anonymous(), CHANGED, json!({})).await;
        assert_eq!(counted().await, one);
        drop(stream);
        assert_eq!(counted().await, none);
    }
}
