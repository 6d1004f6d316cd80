//! The directory: sites are admitted, suspended and reinstated.

use chrono::TimeDelta;

use super::{AUDIT, KEYS, SITE, SITES, york};
use crate::support::{Host, NATIONAL, Value, json, on_both};

on_both! {
    async fn a_site_of_another_host_is_admitted(host) {
        let admin = host.person(&["national:site_admin"]);
        let mut input = york();
        input["id"] = json!("site_01h455vb4pex5vsknk084sn02q");

        let reply = admin.does("siteAdmit", input, SITE).await;

        assert_eq!(*reply.record(), json!({
            "id": "site_01h455vb4pex5vsknk084sn02q", "slug": "york", "name": "York", "kind": "REGIONAL",
            "region": "North East and Yorkshire", "odsCode": "RCB", "status": "ACTIVE", "statusReason": null,
            "hostedHere": false, "sync": { "state": "CATCHING_UP" }, "viewerCan": ["APPROVE"],
        }));
        let input = json!({ "site": "york", "title": "Garden", "summary": "Elsewhere." });
        let refused = admin.does("projectCreate", input, "project { id }").await;
        assert_eq!(refused.code(), "NOT_HOSTED_HERE");
        assert_eq!(refused.0["errors"][0]["extensions"]["site"], "york");
    }
}

on_both! {
    async fn only_the_national_admin_admits_and_suspends_sites(host) {
        let strangers = [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&[]), "FORBIDDEN"),
            (host.person(&["leeds:site_admin"]), "FORBIDDEN"),
            (host.person(&["national:curator", "national:moderator"]), "FORBIDDEN"),
        ];
        for (stranger, code) in strangers {
            assert_eq!(stranger.does("siteAdmit", york(), SITE).await.code(), code);
            let input = json!({ "site": "hull", "reason": "No." });
            assert_eq!(stranger.does("siteSuspend", input.clone(), SITE).await.code(), code);
            assert_eq!(stranger.does("siteReinstate", input, SITE).await.code(), code);
        }
        assert_eq!(host.anonymous().run(SITES, json!({})).await.nodes("slug"), ["hull", "leeds", "national"]);
        assert_eq!(host.anonymous().run(SITES, json!({})).await.nodes("status"), ["ACTIVE"; 3]);
    }
}

on_both! {
    async fn an_admission_with_problems_stores_nothing(host) {
        let admin = host.person(&["national:site_admin"]);
        admin.does("siteAdmit", york(), SITE).await.record();
        let cases = [
            (json!({ "slug": "The North" }), "INVALID slug"),
            (json!({ "slug": "" }), "REQUIRED slug"),
            (json!({ "slug": "york" }), "TAKEN slug"),
            (json!({ "name": " " }), "REQUIRED name"),
            (json!({ "name": "a\u{1}b" }), "INVALID name"),
            (json!({ "kind": "NATIONAL" }), "TAKEN kind"),
            (json!({ "odsCode": "rc" }), "INVALID odsCode"),
            (json!({ "publicKey": KEYS[0] }), "TAKEN publicKey"),
            (json!({ "publicKey": "11qYAYKxCrfVS" }), "INVALID publicKey"),
            (json!({ "publicKey": format!("{}=", KEYS[1]) }), "INVALID publicKey"),
            (json!({ "id": site_id(host, "leeds").await }), "TAKEN id"),
            (json!({ "id": "project_01h455vb4pex5vsknk084sn02q" }), "INVALID id"),
            (json!({ "slug": "-", "name": "", "publicKey": "" }), "INVALID slug\nREQUIRED name\nREQUIRED publicKey"),
        ];
        for (change, problems) in cases {
            let mut input = json!({ "slug": "ripon", "name": "Ripon", "publicKey": KEYS[1] });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = admin.does("siteAdmit", input.clone(), SITE).await;
            let mut found: Vec<_> = reply.problems().lines().map(str::to_owned).collect();
            found.sort_by_key(|line| problems.find(line.as_str()));
            assert_eq!(found.join("\n"), problems, "{input}");
        }
        let all = host.anonymous().run(SITES, json!({})).await.nodes("slug");
        assert_eq!(all, ["hull", "leeds", "national", "york"]);
    }
}

async fn site_id(host: &Host, slug: &str) -> Value {
    let found = "query($slug: String!) { site(slug: $slug) { id } }";
    let reply = host.anonymous().run(found, json!({ "slug": slug })).await;
    reply.data()["site"]["id"].clone()
}

on_both! {
    async fn a_suspended_site_is_hidden_until_it_is_reinstated(host) {
        let national = host.person(&["national:site_admin"]);
        let leeds = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "PUBLIC" });
        leeds.does("projectCreate", input.clone(), "project { id }").await.record();
        let titles = async || host.anonymous().run("{ projects { nodes { title } } }", json!({})).await.nodes("title");
        let roles = "{ viewer { roles { role } } }";

        let suspension = json!({ "site": "leeds", "reason": "Their key is stolen." });
        let site = national.does("siteSuspend", suspension.clone(), SITE).await.record().clone();

        assert_eq!((&site["status"], &site["statusReason"]), (&json!("SUSPENDED"), &json!("Their key is stolen.")));
        assert_eq!(site["sync"]["state"], "SUSPENDED");
        assert_eq!(titles().await, Vec::<String>::new());
        assert_eq!(leeds.run(roles, json!({})).await.data()["viewer"]["roles"], json!([]));
        assert_eq!(leeds.does("projectCreate", input, "project { id }").await.code(), "FORBIDDEN");
        assert_eq!(national.does("siteSuspend", suspension, SITE).await.code(), "NOT_ALLOWED_NOW");

        host.server.0.clock.advance(TimeDelta::minutes(1));
        let site = national.does("siteReinstate", json!({ "site": "leeds" }), SITE).await.record().clone();

        assert_eq!((&site["status"], &site["statusReason"]), (&json!("ACTIVE"), &json!(null)));
        assert_eq!(titles().await, ["Garden"]);
        let again = national.does("siteReinstate", json!({ "site": "leeds" }), SITE).await;
        assert_eq!(again.code(), "NOT_ALLOWED_NOW");
        for person in [&national, &leeds] {
            let site = if person.subject == leeds.subject { "leeds" } else { NATIONAL };
            let entries = person.run(AUDIT, json!({ "site": site })).await;
            let told: Vec<_> = entries.nodes("action").into_iter().filter(|action| action.starts_with("site")).collect();
            assert_eq!(told, ["siteReinstate", "siteSuspend"], "{site}");
        }
    }
}

on_both! {
    async fn a_site_of_another_host_can_be_suspended_and_the_national_one_cannot(host) {
        let admin = host.person(&["national:site_admin"]);
        admin.does("siteAdmit", york(), SITE).await.record();

        let suspended = admin.does("siteSuspend", json!({ "site": "york", "reason": "Asked." }), SITE).await;
        assert_eq!(suspended.record()["status"], "SUSPENDED");
        let national = admin.does("siteSuspend", json!({ "site": NATIONAL, "reason": "Asked." }), SITE).await;
        assert_eq!(national.problems(), "INVALID site");
        let silent = admin.does("siteSuspend", json!({ "site": "hull", "reason": " " }), SITE).await;
        assert_eq!(silent.problems(), "REQUIRED reason");
        let unknown = admin.does("siteSuspend", json!({ "site": "atlantis", "reason": "Sunk." }), SITE).await;
        assert_eq!(unknown.code(), "NOT_FOUND");
        let all = host.anonymous().run(SITES, json!({})).await;
        assert_eq!(all.nodes("status"), ["ACTIVE", "ACTIVE", "ACTIVE", "SUSPENDED"]);
    }
}
