//! Reports: who makes them, who sees them and the reporter, who closes them.

use super::{post, space, thread};
use crate::support::{Person, Reply, Value, json, on_both};

const LIST: &str = "query($site: String!, $open: Boolean) { reports(site: $site, open: $open) {
    nodes { id reason state outcome closedAt version reporter { displayName } site { slug } thread { title } post { body } viewerCan }
    totalCount
} }";

async fn reports(person: &Person<'_>, site: &str, open: Option<bool>) -> Vec<Value> {
    let reply = person.run(LIST, json!({ "site": site, "open": open })).await;
    let list = reply.data()["reports"]["nodes"].as_array().unwrap().clone();
    assert_eq!(reply.data()["reports"]["totalCount"], list.len());
    list
}

on_both! {
    async fn a_report_reaches_all_moderators_concerned_and_names_nobody_elsewhere(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "Buy pills.").await;
        let input = json!({ "id": written["id"], "reason": "Spam." });
        let reply = ben.does("postReport", input.clone(), "report { state reporter { displayName } site { slug } }").await;
        let reporter = json!({ "displayName": format!("Champion {}", ben.subject) });
        assert_eq!(reply.record(), &json!({ "state": "OPEN", "reporter": reporter, "site": { "slug": "hull" } }));
        assert_eq!(ben.does("postReport", input, "report { id }").await.code(), "NOT_ALLOWED_NOW");
        host.server.0.clock.advance(chrono::TimeDelta::minutes(1));
        ben.does("postReport", json!({ "id": started["id"], "reason": "All of it." }), "report { id }").await.record();

        for (role, site, named) in [
            ("hull:moderator", "hull", true),
            ("hull:site_admin", "hull", true),
            ("national:moderator", "national", false),
            ("leeds:moderator", "leeds", false),
        ] {
            let found = reports(&host.person(&[role]), site, None).await;
            assert_eq!(found.len(), 2, "{role}");
            assert_eq!(found[0]["thread"]["title"], "Tablets");
            assert_eq!((&found[1]["post"]["body"], &found[1]["thread"]), (&json!("Buy pills."), &json!(null)));
            assert_eq!(found[1]["reporter"] != json!(null), named, "{role}");
        }
        assert_eq!(reports(&ben, "hull", Some(true)).await.len(), 2);
        assert_eq!(reports(&ben, "hull", Some(false)).await.len(), 0);
        assert_eq!(reports(&ben, "nowhere", None).await.len(), 0);
        for other in [&ana, &host.person(&["leeds:project_lead"]), &host.anonymous()] {
            for site in ["hull", "leeds", "national"] {
                assert_eq!(reports(other, site, None).await.len(), 0);
            }
        }
    }
}

on_both! {
    async fn those_who_moderate_the_space_close_a_report(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let national = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let input = json!({ "id": started["id"], "reason": "Spam." });
        let report = ben.does("postReport", input, "report { id version }").await.record().clone();
        let close = |version: i32, outcome: &str| json!({ "id": report["id"], "version": version, "outcome": outcome });
        for role in ["hull:moderator", "leeds:moderator"] {
            let refused = host.person(&[role]).does("reportClose", close(1, "Fine."), "report { id }").await;
            assert_eq!(refused.code(), "FORBIDDEN");
        }
        assert_eq!(ben.does("reportClose", close(1, "Fine."), "report { id }").await.code(), "FORBIDDEN");
        assert_eq!(ana.does("reportClose", close(1, "Fine."), "report { id }").await.code(), "NOT_FOUND");
        assert_eq!(national.does("reportClose", close(7, "Fine."), "report { id }").await.code(), "CONFLICT");
        assert_eq!(national.does("reportClose", close(1, ""), "report { id }").await.problems(), "REQUIRED outcome");
        let reply = national.does("reportClose", close(1, "Fine."), "report { state outcome closedAt viewerCan }").await;
        assert_eq!(reply.record(), &json!({
            "state": "CLOSED", "outcome": "Fine.", "closedAt": "2026-06-15T09:00:00+00:00", "viewerCan": [],
        }));
        assert_eq!(national.does("reportClose", close(2, "Again."), "report { id }").await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(reports(&national, "national", Some(true)).await.len(), 0);
        assert_eq!(reports(&ben, "hull", Some(false)).await[0]["outcome"], "Fine.");
    }
}

on_both! {
    async fn nobody_closes_a_report_of_their_own_or_about_themself(host) {
        let moderator = host.champion(&["national:moderator"]).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let mine = thread(&moderator, &space, "Mine").await;
        let theirs = thread(&ana, &space, "Theirs").await;
        let about_me = ana.does("postReport", json!({ "id": mine["id"], "reason": "Rude." }), "report { id }").await.record().clone();
        let by_me = moderator.does("postReport", json!({ "id": theirs["id"], "reason": "Rude." }), "report { id }").await.record().clone();
        for report in [about_me, by_me] {
            let close = json!({ "id": report["id"], "version": 1, "outcome": "Fine." });
            assert_eq!(moderator.does("reportClose", close.clone(), "report { id }").await.code(), "FORBIDDEN");
            host.person(&["national:site_admin"]).does("reportClose", close, "report { id }").await.record();
        }
    }
}

on_both! {
    async fn a_report_needs_a_champion_a_reason_and_something_to_report(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "national", "Everybody", "PUBLIC").await;
        let started = thread(&ana, &space, "Tablets").await;
        let report = json!({ "id": started["id"], "reason": "Spam." });
        assert_eq!(host.anonymous().does("postReport", report.clone(), "report { id }").await.code(), "UNAUTHENTICATED");
        assert_eq!(host.person(&["hull:champion"]).does("postReport", report, "report { id }").await.code(), "NOT_ALLOWED_NOW");
        let ben = host.champion(&["hull:champion"]).await;
        let silent = json!({ "id": started["id"], "reason": "  " });
        assert_eq!(ben.does("postReport", silent, "report { id }").await.problems(), "REQUIRED reason");
        let other = json!({ "id": space["id"], "reason": "Spam." });
        assert_eq!(ben.does("postReport", other, "report { id }").await.problems(), "INVALID id");
        let nothing = json!({ "id": "post_01h455vb4pex5vsknk084sn02q", "reason": "Spam." });
        assert_eq!(ben.does("postReport", nothing, "report { id }").await.code(), "NOT_FOUND");
        assert_eq!(reports(&host.person(&["national:moderator"]), "national", None).await.len(), 0);
    }
}

on_both! {
    async fn reports_by_one_reader_at_once_are_one(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "Buy pills.").await;
        for subject in [&started, &written] {
            let input = json!({ "id": subject["id"], "reason": "Spam." });
            let twins = (0..4).map(|_| ben.does("postReport", input.clone(), "report { id }"));
            let replies = futures_util::future::join_all(twins).await;
            let mut codes: Vec<_> = replies.iter().map(Reply::code).collect();
            codes.sort_unstable();
            assert_eq!(codes, ["NOT_ALLOWED_NOW", "NOT_ALLOWED_NOW", "NOT_ALLOWED_NOW", "OK"]);
        }
        assert_eq!(reports(&ben, "hull", Some(true)).await.len(), 2);
    }
}
