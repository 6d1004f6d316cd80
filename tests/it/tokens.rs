//! Tokens: an issuer speaks for the sites that trust it, as far as they do, and for nobody else's people.

use axum::{
    body::{Body, Bytes},
    http::{Request, Response, header},
};
use champion_network::auth::DevelopmentKey;
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::{Host, json, on_both};

const ROLES: &str = "{ viewer { subject issuer roles { site { slug } role } } }";

/// Asks who somebody is with a token of another issuer.
async fn ask(host: &Host, token: &str) -> Response<Bytes> {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(json!({ "query": ROLES }).to_string()));
    host.send(request.unwrap()).await
}

fn token(host: &Host, key: &DevelopmentKey, issuer: &str, audience: &str, roles: &[&str]) -> String {
    let now = host.now();
    let claims = json!({
        "iss": issuer, "sub": "eve", "aud": audience, "iat": now.timestamp(),
        "exp": (now + TimeDelta::hours(1)).timestamp(), "groups": roles,
    });
    key.sign(&claims).unwrap()
}

fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn roles(answer: &Response<Bytes>) -> Vec<String> {
    let body = body(answer);
    let roles = body["data"]["viewer"]["roles"]
        .as_array()
        .unwrap_or_else(|| panic!("{body}"))
        .clone();
    let role = |role: &Value| {
        format!(
            "{}:{}",
            role["site"]["slug"].as_str().unwrap(),
            role["role"].as_str().unwrap()
        )
    };
    roles.iter().map(role).collect()
}

on_both! {
    async fn an_issuer_grants_only_what_the_site_lets_it_and_on_that_site_alone(host) {
        let key = DevelopmentKey::generate().unwrap();
        let registration = json!({
            "site": "hull", "issuer": "https://hull.test", "audience": "hull", "algorithms": ["EdDSA"],
            "jwks": key.jwk_set(), "rolesClaim": "groups", "mayGrant": ["CHAMPION", "CURATOR"],
        });
        let admin = host.person(&["hull:site_admin"]);
        let issuer = admin.does("issuerRegister", registration, "issuer { id version }").await.record().clone();

        let all = ["hull:curator", "hull:site_admin", "leeds:site_admin", "national:curator", "nowhere:champion"];
        let answer = ask(host, &token(host, &key, "https://hull.test", "hull", &all)).await;
        assert_eq!(roles(&answer), ["hull:CURATOR"]);

        for (issuer, audience) in [("https://hull.test", "leeds"), ("https://issuer.test", "https://host.test"), ("https://eve.test", "hull")] {
            let answer = ask(host, &token(host, &key, issuer, audience, &all)).await;
            assert_eq!(answer.status(), 401, "{issuer} {audience}");
            let challenge = answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned();
            assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{challenge}");
            assert_eq!(body(&answer)["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        }

        let revoke = json!({ "id": issuer["id"], "version": issuer["version"] });
        admin.does("issuerRevoke", revoke, "issuer { id }").await.record();
        assert_eq!(ask(host, &token(host, &key, "https://hull.test", "hull", &all)).await.status(), 401);
    }
}

on_both! {
    async fn roles_on_a_suspended_site_do_not_count_and_its_records_are_hidden(host) {
        let admin = host.person(&["hull:site_admin"]);
        let project = json!({ "site": "hull", "title": "Harbour", "summary": "Ships.", "visibility": "PUBLIC" });
        admin.does("projectCreate", project.clone(), "project { id }").await.record();
        let titles = "{ projects { nodes { title } } }";
        assert_eq!(host.anonymous().run(titles, json!({})).await.nodes("title"), ["Harbour"]);

        let national = host.person(&["national:site_admin"]);
        national.does("siteSuspend", json!({ "site": "hull", "reason": "A stolen key." }), "site { status }").await.record();
        assert_eq!(admin.run(ROLES, json!({})).await.data()["viewer"]["roles"], json!([]));
        assert_eq!(admin.does("projectCreate", project, "project { id }").await.code(), "FORBIDDEN");
        for person in [host.anonymous(), host.person(&["leeds:site_admin"]), host.person(&["hull:site_admin"])] {
            assert_eq!(person.run(titles, json!({})).await.nodes("title"), Vec::<String>::new());
        }

        national.does("siteReinstate", json!({ "site": "hull", "reason": "A new key." }), "site { status }").await.record();
        assert_eq!(host.anonymous().run(titles, json!({})).await.nodes("title"), ["Harbour"]);
    }
}
