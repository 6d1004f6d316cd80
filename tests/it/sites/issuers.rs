//! Issuers: registered with their keys, listed for admins alone, revoked.

use champion_network::auth::DevelopmentKey;
use chrono::TimeDelta;

use super::{KEYS, registration};
use crate::support::{Host, Person, json, on_both};

const ISSUER: &str =
    "issuer { id issuer audience algorithms jwks keyIds jwksUrl rolesClaim mayGrant development revokedAt
    version createdAt site { slug } viewerCan }";
const ISSUERS: &str = "query($site: String!) { issuers(site: $site) { nodes { issuer revokedAt } totalCount } }";

fn signed<'a>(host: &'a Host, key: &DevelopmentKey, roles: &[&str]) -> Person<'a> {
    let claims = json!({
        "iss": "https://login.leeds.test", "sub": "ana", "aud": "leeds", "iat": host.now().timestamp(),
        "exp": (host.now() + TimeDelta::hours(1)).timestamp(), "roles": roles,
    });
    Person::with_token(host, key.sign(&claims).unwrap())
}

on_both! {
    async fn a_registered_issuer_grants_what_it_may_at_its_site_until_it_is_revoked(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let ana = signed(host, &key, &["leeds:project_lead", "leeds:site_admin", "national:curator"]);
        let viewer = "{ viewer { subject issuer roles { role site { slug } } } }";
        assert_eq!(ana.run(viewer, json!({})).await.code(), "UNAUTHENTICATED");

        let issuer = admin.does("issuerRegister", registration(&key), ISSUER).await.record().clone();

        assert_eq!(issuer["keyIds"], json!([key.kid()]));
        assert_eq!(issuer["jwks"], key.jwk_set());
        assert_eq!(issuer["algorithms"], json!(["EdDSA"]));
        assert_eq!(issuer["mayGrant"], json!(["PROJECT_LEAD", "CURATOR"]));
        assert_eq!((&issuer["rolesClaim"], &issuer["version"]), (&json!("roles"), &json!(1)));
        assert_eq!((&issuer["development"], &issuer["revokedAt"]), (&json!(false), &json!(null)));
        assert_eq!((&issuer["site"]["slug"], &issuer["viewerCan"]), (&json!("leeds"), &json!(["WITHDRAW"])));
        let told = ana.run(viewer, json!({})).await.data()["viewer"].clone();
        assert_eq!(told, json!({
            "subject": "ana", "issuer": "https://login.leeds.test",
            "roles": [{ "role": "PROJECT_LEAD", "site": { "slug": "leeds" } }],
        }));

        let wrong = json!({ "id": issuer["id"], "version": 2 });
        let conflict = admin.does("issuerRevoke", wrong, ISSUER).await;
        assert_eq!((conflict.code(), &conflict.payload()["issuer"]["version"]), ("CONFLICT", &json!(1)));
        let right = json!({ "id": issuer["id"], "version": 1 });
        let revoked = admin.does("issuerRevoke", right, ISSUER).await.record().clone();
        assert_eq!(revoked["revokedAt"], revoked["createdAt"]);
        assert_eq!(ana.run(viewer, json!({})).await.code(), "UNAUTHENTICATED");
        let again = admin.does("issuerRevoke", json!({ "id": issuer["id"], "version": 2 }), ISSUER).await;
        assert_eq!(again.code(), "NOT_ALLOWED_NOW");
        // A revoked registration keeps nobody from registering the issuer anew.
        assert_eq!(admin.does("issuerRegister", registration(&key), ISSUER).await.code(), "OK");
        assert_eq!(ana.run(viewer, json!({})).await.code(), "OK");
    }
}

on_both! {
    async fn issuers_are_the_business_of_the_site_s_admins_alone(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let issuer = admin.does("issuerRegister", registration(&key), ISSUER).await.record().clone();
        let shown = admin.run(ISSUERS, json!({ "site": "leeds" })).await;
        assert_eq!(shown.nodes("issuer").len(), 2);

        let strangers = [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&["hull:site_admin", "national:site_admin"]), "FORBIDDEN"),
            (host.person(&["leeds:curator", "leeds:moderator", "leeds:project_lead", "leeds:analyst"]), "FORBIDDEN"),
        ];
        for (stranger, code) in strangers {
            let hidden = stranger.run(ISSUERS, json!({ "site": "leeds" })).await;
            assert_eq!(hidden.data()["issuers"], json!({ "nodes": [], "totalCount": 0 }));
            let node = stranger.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": issuer["id"] })).await;
            assert_eq!(node.data()["node"], json!(null));
            let revoke = json!({ "id": issuer["id"], "version": 1 });
            assert_eq!(stranger.does("issuerRevoke", revoke, ISSUER).await.code(), "NOT_FOUND");
            assert_eq!(stranger.does("issuerRegister", registration(&key), ISSUER).await.code(), code);
        }
        let node = "query($id: ID!) { node(id: $id) { id ... on Issuer { issuer revokedAt } } }";
        let found = admin.run(node, json!({ "id": issuer["id"] })).await;
        let untouched = json!({ "id": issuer["id"], "issuer": issuer["issuer"], "revokedAt": null });
        assert_eq!(found.data()["node"], untouched);
    }
}

on_both! {
    async fn a_registration_with_problems_stores_nothing(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let secret = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": KEYS[0], "d": KEYS[1] }] }).to_string();
        let nameless = [0, 1].map(|at| json!({ "kty": "OKP", "crv": "Ed25519", "x": KEYS[at] }));
        let cases = [
            (json!({ "issuer": " " }), "REQUIRED issuer"),
            (json!({ "issuer": "i".repeat(256) }), "TOO_LONG issuer"),
            (json!({ "issuer": "https://a\nb" }), "INVALID issuer"),
            (json!({ "issuer": "https://issuer.test", "audience": "https://host.test" }), "TAKEN issuer"),
            (json!({ "audience": "" }), "REQUIRED audience"),
            (json!({ "algorithms": [] }), "REQUIRED algorithms"),
            (json!({ "algorithms": ["ES256", "RS256"] }), "INVALID algorithms"),
            (json!({ "mayGrant": [] }), "REQUIRED mayGrant"),
            (json!({ "rolesClaim": "" }), "REQUIRED rolesClaim"),
            (json!({ "jwks": null }), "REQUIRED jwks"),
            (json!({ "jwks": "{}" }), "INVALID jwks"),
            (json!({ "jwks": secret }), "INVALID jwks"),
            (json!({ "jwks": json!({ "keys": nameless }).to_string() }), "INVALID jwks"),
            (json!({ "jwksUrl": "https://login.leeds.test/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "http://login.leeds.test/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "https://10.0.0.1/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "http://127.0.0.1:8081/keys" }), "INVALID jwksUrl"),
        ];
        for (change, problems) in cases {
            let mut input = registration(&key);
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = admin.does("issuerRegister", input, ISSUER).await;
            assert_eq!(reply.problems(), problems, "{change}");
            assert_eq!(reply.payload()["issuer"], json!(null));
        }
        let input = json!({
            "site": "leeds", "issuer": "", "audience": "", "algorithms": [], "mayGrant": [], "rolesClaim": "",
        });
        let all = admin.does("issuerRegister", input, ISSUER).await.problems();
        assert_eq!(all.lines().count(), 6, "{all}");
        let mut input = registration(&key);
        input["site"] = json!("atlantis");
        assert_eq!(admin.does("issuerRegister", input, ISSUER).await.code(), "NOT_FOUND");
        let shown = admin.run(ISSUERS, json!({ "site": "leeds" })).await;
        assert_eq!(shown.nodes("issuer"), ["https://issuer.test"]);
    }
}

on_both! {
    async fn an_issuer_may_publish_its_keys_itself(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let mut input = registration(&DevelopmentKey::generate().unwrap());
        input["jwks"] = json!(null);
        input["jwksUrl"] = json!("https://login.leeds.test/keys");
        input["rolesClaim"] = json!("https://login.leeds.test/roles");

        let issuer = admin.does("issuerRegister", input, ISSUER).await.record().clone();

        assert_eq!((&issuer["jwks"], &issuer["keyIds"]), (&json!(null), &json!([])));
        assert_eq!(issuer["jwksUrl"], "https://login.leeds.test/keys");
        assert_eq!(issuer["rolesClaim"], "https://login.leeds.test/roles");
    }
}
