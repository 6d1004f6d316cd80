//! The protocol on the wire: who is cut off and with which code, and what runs on a socket.

use axum::http::StatusCode;
use chrono::TimeDelta;

use super::{CHANGED, project, told};
use crate::support::{Served, Socket, Value, json, on_both};

on_both! {
    async fn who_breaks_the_protocol_is_cut_off_with_its_code(host) {
        let served = Served::start(&host.server).await;
        let open = async || Socket::open(served.address, &[]).await.unwrap();
        let ana = host.person(&["leeds:champion"]);
        let query = json!({ "type": "subscribe", "id": "1", "payload": { "query": CHANGED } });

        let mut without = Socket::bare(served.address, &[]).await.unwrap();
        assert_eq!(without.closed().await, 4406);
        let mut twice = open().await;
        twice.begins(None).await;
        twice.says(json!({ "type": "connection_init" })).await;
        assert_eq!(twice.closed().await, 4429);
        let mut early = open().await;
        early.says(query.clone()).await;
        assert_eq!(early.closed().await, 4401);
        let mut wrong = open().await;
        wrong.says(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer made-up" } })).await;
        assert_eq!(wrong.closed().await, 4401);
        let mut same = served.socket(&ana).await;
        same.follows("1", CHANGED, json!({})).await;
        same.says(query).await;
        assert_eq!(same.closed().await, 4409);
        for text in ["{", "{}", r#"{"type":"start","id":"1"}"#, r#"{"type":"subscribe","id":"1"}"#] {
            let mut malformed = served.socket(&ana).await;
            malformed.sends(text).await;
            assert_eq!(malformed.closed().await, 4400, "{text}");
        }
        let mut bytes = open().await;
        bytes.sends_bytes().await;
        assert_eq!(bytes.closed().await, 4400);
    }
}

on_both! {
    with |settings| settings.http.socket_init_seconds = 1;
    async fn who_does_not_say_who_they_are_is_cut_off(host) {
        let served = Served::start(&host.server).await;
        let mut silent = Socket::open(served.address, &[]).await.unwrap();

        silent.says(json!({ "type": "ping" })).await;
        assert_eq!(silent.hears().await, json!({ "type": "pong" }));
        assert_eq!(silent.closed().await, 4408);
    }
}

on_both! {
    with |settings| settings.http.body_bytes = 4096;
    async fn a_message_that_is_too_big_is_not_taken(host) {
        let served = Served::start(&host.server).await;
        let mut socket = served.socket(&host.anonymous()).await;

        socket.sends("x".repeat(5000)).await;

        assert_eq!(socket.closed().await, 1009);
    }
}

on_both! {
    with |settings| settings.http.allowed_origins = vec!["https://app.example".to_owned()];
    async fn only_pages_that_may_call_open_a_socket(host) {
        let served = Served::start(&host.server).await;
        let open = async |origin: &str| Socket::open(served.address, &[("origin", origin)]).await.map(|_| ());

        assert_eq!(open("https://other.example").await, Err(StatusCode::FORBIDDEN));
        assert_eq!(open("null").await, Err(StatusCode::FORBIDDEN));
        assert_eq!(open("https://app.example").await, Ok(()));
        assert_eq!(open(&format!("http://{}", served.address)).await, Ok(()));
        assert!(Socket::open(served.address, &[]).await.is_ok());
    }
}

on_both! {
    async fn a_token_in_the_header_counts_unless_the_first_message_has_another(host) {
        let served = Served::start(&host.server).await;
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let bearer = format!("Bearer {}", ana.token().unwrap());
        let mine = "{ viewer { champion { site { slug } } } }";

        let mut hers = Socket::open(served.address, &[("authorization", &bearer)]).await.unwrap();
        hers.begins(None).await;
        hers.runs("1", mine, json!({})).await;
        assert_eq!(hers.event("1").await["champion"]["site"]["slug"], "leeds");
        let mut his = Socket::open(served.address, &[("authorization", &bearer)]).await.unwrap();
        his.begins(ben.token()).await;
        his.runs("1", mine, json!({})).await;
        assert_eq!(his.event("1").await["champion"]["site"]["slug"], "hull");
        let refused = Socket::open(served.address, &[("authorization", "Bearer made-up")]).await.map(|_| ());
        assert_eq!(refused, Err(StatusCode::UNAUTHORIZED));
    }
}

on_both! {
    with |settings| settings.http.socket_operations = 2;
    async fn only_so_many_operations_run_on_a_socket(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({})).await;
        socket.follows("2", CHANGED, json!({})).await;

        socket.runs("3", CHANGED, json!({})).await;
        assert_eq!(socket.refusal("3").await, "LIMIT_EXCEEDED");
        socket.says(json!({ "type": "complete", "id": "1" })).await;
        socket.follows("3", CHANGED, json!({ "kinds": ["PROJECT"] })).await;
        project(&lead, "Garden", "SITE").await;

        assert_eq!(told(&mut socket, "3").await, "CREATED Garden");
        assert_eq!(told(&mut socket, "2").await, "CREATED Garden");
    }
}

on_both! {
    with |settings| settings.http.sockets = 1;
    async fn only_so_many_sockets_are_open(host) {
        let served = Served::start(&host.server).await;
        let socket = served.socket(&host.anonymous()).await;

        let second = Socket::open(served.address, &[]).await.map(|_| ());
        assert_eq!(second, Err(StatusCode::SERVICE_UNAVAILABLE));
        socket.vanishes().await;
        // The host learns of it in its own time.
        while let Err(status) = Socket::open(served.address, &[]).await {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}

on_both! {
    async fn queries_and_mutations_run_on_a_socket_once_for_a_key(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served.socket(&lead).await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "SITE" });
        let create = json!({
            "query": "mutation($input: ProjectCreateInput!) { projectCreate(input: $input) { project { id } problems { code } } }",
            "variables": { "input": input }, "extensions": { "idempotencyKey": "once" },
        });
        let mut made = Vec::new();
        for id in ["1", "2"] {
            socket.says(json!({ "type": "subscribe", "id": id, "payload": create })).await;
            made.push(socket.event(id).await["project"]["id"].clone());
            assert_eq!(socket.about(id).await.0, "complete");
        }
        assert_eq!(made[0], made[1]);

        socket.runs("1", "{ projects { nodes { title } totalCount } }", json!({})).await;
        assert_eq!(socket.event("1").await, json!({ "nodes": [{ "title": "Garden" }], "totalCount": 1 }));
        assert_eq!(socket.about("1").await.0, "complete");
        socket.runs("2", "{ nothing }", json!({})).await;
        assert_eq!(socket.refusal("2").await, "VALIDATION_FAILED");
        socket.runs("2", "{ sites(first: 1000) { nodes { slug } } }", json!({})).await;
        let (_, payload) = socket.about("2").await;
        let error = payload.get("errors").map_or(&payload[0], |errors| &errors[0]);
        assert_eq!(error["extensions"]["code"], "INVALID_ARGUMENT");
    }
}

on_both! {
    async fn a_socket_ends_with_its_token(host) {
        let served = Served::start(&host.server).await;
        let ana = host.person(&["leeds:champion"]);
        let mut socket = served.socket(&ana).await;
        let mut nobodys = served.socket(&host.anonymous()).await;
        socket.follows("1", CHANGED, json!({})).await;
        nobodys.follows("1", CHANGED, json!({})).await;

        host.server.0.clock.advance(TimeDelta::hours(12));

        assert_eq!(socket.closed().await, 4403);
        let late = host.person(&["leeds:champion"]);
        assert_eq!(served.socket(&late).await.follows("1", CHANGED, json!({})).await, ());
        nobodys.says(json!({ "type": "ping" })).await;
        assert_eq!(nobodys.hears().await["type"], "pong");
    }
}

on_both! {
    async fn who_comes_with_a_token_within_the_leeway_is_served_until_that_ends(host) {
        let served = Served::start(&host.server).await;
        let ana = host.person(&["leeds:champion"]);
        host.server.0.clock.advance(TimeDelta::hours(12) + TimeDelta::seconds(10));

        let mut socket = served.socket(&ana).await;
        socket.follows("1", CHANGED, json!({})).await;
        host.server.0.clock.advance(TimeDelta::seconds(20));

        assert_eq!(socket.closed().await, 4403);
    }
}

on_both! {
    with |settings| settings.http.socket_ping_seconds = 1;
    async fn who_does_not_answer_any_more_is_cut_off(host) {
        let served = Served::start(&host.server).await;
        let mut alive = served.socket(&host.anonymous()).await;
        let deaf = served.socket(&host.anonymous()).await;

        assert!(!alive.closes_before(deaf.stays_deaf_until_closed()).await, "who answers pings was cut off");
        alive.says(json!({ "type": "ping" })).await;
        assert_eq!(alive.hears().await["type"], "pong");
    }
}

on_both! {
    async fn a_host_that_stops_lets_sockets_go_and_then_ends(host) {
        let served = Served::start(&host.server).await;
        let mut following = served.socket(&host.anonymous()).await;
        let mut idle = served.socket(&host.anonymous()).await;
        following.follows("1", CHANGED, json!({})).await;

        let ((), first, second) = tokio::join!(served.stop(), following.closed(), idle.closed());

        assert_eq!((first, second), (1001, 1001));
    }
}

on_both! {
    with |settings| {
        settings.http.answer_values = 100;
        settings.http.budget.person_units = 150;
        settings.http.budget.person_units_per_second = 1;
    };
    async fn what_runs_on_a_socket_is_paid_from_the_budget_of_its_person(host) {
        let served = Served::start(&host.server).await;
        let ana = host.person(&["leeds:champion"]);
        let mut socket = served.socket(&ana).await;
        let mut ran = 0;
        let refused = loop {
            let heard = asks(&mut socket).await;
            if heard["type"] == "error" {
                break heard;
            }
            assert_eq!(heard["payload"]["data"], json!({ "__typename": "Query" }));
            assert_eq!(socket.hears().await["type"], "complete");
            ran += 1;
        };

        assert!((12..=15).contains(&ran), "{ran}");
        let extensions = &refused["payload"][0]["extensions"];
        assert_eq!(extensions["code"], "RATE_LIMITED");
        assert!(extensions["retryAfterSeconds"].as_u64().is_some_and(|seconds| seconds > 0));
        assert_eq!(asks(&mut served.socket(&ana).await).await["type"], "error");
        assert_eq!(asks(&mut served.socket(&host.person(&["leeds:champion"])).await).await["type"], "next");
        served.stop().await;
    }
}

/// What a socket hears first of the smallest query.
async fn asks(socket: &mut Socket) -> Value {
    let payload = json!({ "query": "{ __typename }" });
    socket
        .says(json!({ "type": "subscribe", "id": "1", "payload": payload }))
        .await;
    socket.hears().await
}
