//! Tokens: an issuer speaks for the sites that trust it, as far as they do, and for nobody else's people.

use axum::{
    body::{Body, Bytes},
    http::{Request, Response, header},
};
use champion_network::auth::DevelopmentKey;
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::{Host, Person, json, on_both};

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

on_both! {
    async fn who_signs_under_another_site_s_issuer_s_name_is_nobody_there(host) {
        let ana = host.champion(&["leeds:project_lead"]).await;
        let mine = "{ viewer { champion(site: \"leeds\") { id contact { email } } } }";
        let own = ana.run(mine, json!({})).await.data()["viewer"]["champion"]["id"].clone();
        let project = json!({ "site": "leeds", "title": "Garden", "summary": "Hers.", "visibility": "NETWORK" });
        let project = ana.does("projectCreate", project, "project { id }").await.record()["id"].clone();

        // Hull registers the issuer that Leeds trusts, with a key of its own.
        let key = DevelopmentKey::generate().unwrap();
        let registration = json!({
            "site": "hull", "issuer": "https://issuer.test", "audience": "hull", "algorithms": ["EdDSA"],
            "jwks": key.jwk_set(), "mayGrant": ["CHAMPION", "PROJECT_LEAD", "SITE_ADMIN"],
        });
        host.person(&["hull:site_admin"]).does("issuerRegister", registration, "issuer { id }").await.record();
        let claims = json!({
            "iss": "https://issuer.test", "sub": ana.subject, "aud": "hull", "iat": host.now().timestamp(),
            "exp": (host.now() + TimeDelta::hours(1)).timestamp(), "roles": ["hull:site_admin", "leeds:site_admin"],
        });
        let eve = Person::with_token(host, key.sign(&claims).unwrap());

        let told = eve.run(ROLES, json!({})).await.data()["viewer"].clone();
        assert_eq!(told["roles"], json!([{ "site": { "slug": "hull" }, "role": "SITE_ADMIN" }]));
        assert_eq!(eve.run(mine, json!({})).await.data()["viewer"]["champion"], json!(null));
        let card = "query($id: ID!) { node(id: $id) { ... on Champion { contact { email } viewerCan } } }";
        let card = eve.run(card, json!({ "id": own })).await.data()["node"].clone();
        assert_eq!(card, json!({ "contact": null, "viewerCan": [] }));
        let input = json!({ "id": project, "version": 1, "title": "Mine" });
        assert_eq!(eve.does("projectUpdate", input, "project { id }").await.code(), "FORBIDDEN");
        let input = json!({
            "site": "leeds", "displayName": "Eve", "kind": "STAFF", "staffGroup": "NOT_STATED", "visibility": "SITE",
        });
        assert_eq!(eve.does("championRegister", input, "champion { id }").await.code(), "FORBIDDEN");
        assert_eq!(ana.run(mine, json!({})).await.data()["viewer"]["champion"]["id"], own);
    }
}
