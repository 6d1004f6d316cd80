//! Who did what on a site, for its admins.

use champion_network::auth::DevelopmentKey;
use chrono::TimeDelta;

use super::{AUDIT, registration};
use crate::support::{json, on_both};

on_both! {
    async fn a_site_s_admins_read_who_did_what_newest_first(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let lead = host.person(&["leeds:project_lead"]);
        host.server.0.clock.advance(TimeDelta::minutes(1));
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = lead.does("projectCreate", input, "project { id }").await.record().clone();
        host.server.0.clock.advance(TimeDelta::minutes(1));
        let issuer = registration(&DevelopmentKey::generate().unwrap());
        let issuer = admin.does("issuerRegister", issuer, "issuer { id }").await.record().clone();

        let entries = admin.run(AUDIT, json!({ "site": "leeds" })).await;

        assert_eq!(entries.nodes("action"), ["issuerRegister", "projectCreate", "found", "found"]);
        let nodes = entries.data()["auditEntries"]["nodes"].clone();
        assert_eq!(nodes[0]["recordId"], issuer["id"]);
        assert_eq!(nodes[0]["record"], json!({ "id": issuer["id"], "__typename": "Issuer" }));
        assert_eq!((&nodes[0]["kind"], &nodes[1]["kind"]), (&json!("ISSUER"), &json!("PROJECT")));
        assert_eq!(nodes[1]["record"], json!({ "id": project["id"], "__typename": "Project" }));
        assert_eq!(nodes[1]["site"]["slug"], "leeds");
        assert_eq!((&nodes[0]["subject"], &nodes[1]["subject"]), (&json!(admin.subject), &json!(lead.subject)));
        assert_eq!((&nodes[1]["issuer"], &nodes[3]["subject"]), (&json!("https://issuer.test"), &json!(null)));
        assert_eq!(entries.nodes("position"), ["4", "3", "2", "1"]);
        assert!(entries.nodes("hash").iter().all(|hash| hash.len() == 64));
        assert_ne!(nodes[0]["pseudonym"], nodes[1]["pseudonym"]);
        assert_eq!(nodes[3]["pseudonym"], json!(null));
        let node = "query($id: ID!) { node(id: $id) { id ... on AuditEntry { action } } }";
        let found = admin.run(node, json!({ "id": nodes[0]["id"] })).await;
        assert_eq!(found.data()["node"]["action"], "issuerRegister");

        let page = admin.run(AUDIT, json!({ "site": "leeds", "first": 2 })).await.data()["auditEntries"].clone();
        assert_eq!((&page["pageInfo"]["hasNextPage"], &page["totalCount"]), (&json!(true), &json!(4)));
        let after = &page["pageInfo"]["endCursor"];
        let rest = admin.run(AUDIT, json!({ "site": "leeds", "after": after })).await;
        assert_eq!(rest.nodes("action"), ["found", "found"]);

        for stranger in [host.anonymous(), lead, host.person(&["hull:site_admin", "national:site_admin"])] {
            let hidden = stranger.run(AUDIT, json!({ "site": "leeds" })).await;
            assert_eq!(hidden.data()["auditEntries"]["totalCount"], 0);
            assert_eq!(hidden.nodes("id"), Vec::<String>::new());
            let node = stranger.run(node, json!({ "id": nodes[0]["id"] })).await;
            assert_eq!(node.data()["node"], json!(null));
        }
    }
}

on_both! {
    async fn the_records_of_audit_entries_cost_one_statement_a_kind(host) {
        let admin = host.person(&["leeds:site_admin"]);
        host.server.0.clock.advance(TimeDelta::minutes(1));
        for number in 0..12 {
            let input = json!({ "site": "leeds", "title": format!("Garden {number}"), "summary": "Ours." });
            admin.does("projectCreate", input, "project { id }").await.record();
        }
        let asked = async |first: i32| {
            let before = host.statements();
            let reply = admin.run(AUDIT, json!({ "site": "leeds", "first": first })).await;
            assert!(reply.nodes("record").iter().all(|record| record.contains("project_")));
            host.statements() - before
        };
        assert_eq!(asked(2).await, asked(12).await);
    }
}
