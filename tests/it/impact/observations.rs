//! Observations: recorded by champions, approved by others, never leaving their site.

use super::{measure, national, recorded};
use crate::support::{json, on_both};

const SHOWN: &str = "observation {
    id version state value numerator denominator observedOn note decisionReason viewerCan
    breakdown { dimension value } measure { code } project { slug } recordedBy { displayName } site { slug }
}";
const LIST: &str = "query($site: String!, $filter: ObservationFilter) {
    observations(site: $site, filter: $filter) { nodes { value } totalCount }
}";

on_both! {
    async fn a_champion_records_and_an_analyst_decides(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = admin.does("projectCreate", input, "project { id }").await.record().clone();
        let input = json!({
            "site": "leeds", "measure": helped, "project": project["id"], "observedOn": "2026-05-04", "value": "12.0",
            "breakdown": [{ "dimension": "Channel", "value": "Ward" }], "note": "Counted at the door.",
        });
        let observation = ana.does("observationRecord", input, SHOWN).await.record().clone();
        assert_eq!(observation["value"], "12");
        assert_eq!(observation["state"], "SUBMITTED");
        assert_eq!(observation["breakdown"], json!([{ "dimension": "channel", "value": "ward" }]));
        assert_eq!(observation["project"]["slug"], "garden");
        assert_eq!(observation["measure"]["code"], "people-helped");
        assert_eq!(observation["recordedBy"]["displayName"], format!("Champion {}", ana.subject));
        assert_eq!(observation["viewerCan"], json!(["EDIT"]));

        let decide = |approve: bool, reason: serde_json::Value| {
            json!({ "id": observation["id"], "approve": approve, "reason": reason })
        };
        assert_eq!(ana.does("observationDecide", decide(true, json!(null)), SHOWN).await.code(), "FORBIDDEN");
        let unseen = host.champion(&["leeds:champion"]).await;
        assert_eq!(unseen.does("observationDecide", decide(true, json!(null)), SHOWN).await.code(), "NOT_FOUND");
        let lead = host.person(&["leeds:project_lead"]);
        assert_eq!(lead.does("observationDecide", decide(true, json!(null)), SHOWN).await.code(), "FORBIDDEN");
        let silent = analyst.does("observationDecide", decide(false, json!("  ")), SHOWN).await;
        assert_eq!(silent.problems(), "REQUIRED reason");
        let returned = analyst.does("observationDecide", decide(false, json!("Which ward?")), SHOWN).await;
        assert_eq!(returned.record()["state"], "RETURNED");
        assert_eq!(returned.record()["decisionReason"], "Which ward?");
        let again = analyst.does("observationDecide", decide(true, json!(null)), SHOWN).await;
        assert_eq!(again.code(), "NOT_ALLOWED_NOW");

        let mend = json!({ "id": observation["id"], "version": 2, "value": "11", "note": null, "project": null });
        assert_eq!(analyst.does("observationUpdate", mend.clone(), SHOWN).await.code(), "FORBIDDEN");
        let mended = ana.does("observationUpdate", mend.clone(), SHOWN).await.record().clone();
        assert_eq!(mended["state"], "SUBMITTED");
        assert_eq!((&mended["note"], &mended["project"], &mended["decisionReason"]), (&json!(null), &json!(null), &json!(null)));
        assert_eq!(mended["breakdown"], observation["breakdown"]);
        assert_eq!(ana.does("observationUpdate", mend, SHOWN).await.code(), "CONFLICT");
        let stale = json!({ "id": observation["id"], "version": 2, "approve": true });
        assert_eq!(analyst.does("observationDecide", stale, SHOWN).await.code(), "CONFLICT");
        let approved = analyst.does("observationDecide", decide(true, json!(null)), SHOWN).await.record().clone();
        assert_eq!(approved["state"], "APPROVED");
        let late = json!({ "id": observation["id"], "version": approved["version"], "value": "10" });
        assert_eq!(ana.does("observationUpdate", late, SHOWN).await.code(), "NOT_ALLOWED_NOW");
        let twice = analyst.does("observationDecide", decide(true, json!(null)), SHOWN).await;
        assert_eq!(twice.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn nobody_approves_their_own_not_even_an_admin(host) {
        let admin = host.champion(&["leeds:site_admin"]).await;
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        let observation = recorded(&admin, "leeds", &helped, "2026-05-04", json!({ "value": "12" })).await;

        let input = json!({ "id": observation["id"], "approve": true });
        assert_eq!(admin.does("observationDecide", input, SHOWN).await.code(), "FORBIDDEN");
    }
}

on_both! {
    async fn observations_never_show_outside_their_site_and_its_leads(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["leeds:champion"]).await);
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        let own = recorded(&ana, "leeds", &helped, "2026-05-04", json!({ "value": "12" })).await;
        recorded(&ben, "leeds", &helped, "2026-05-05", json!({ "value": "3" })).await;
        for (person, sees) in [
            (host.person(&["leeds:analyst"]), vec!["3", "12"]),
            (host.person(&["leeds:project_lead"]), vec!["3", "12"]),
            (host.person(&["leeds:site_admin"]), vec!["3", "12"]),
            (ana, vec!["12"]),
            (host.person(&["leeds:curator"]), vec![]),
            (host.person(&["national:site_admin", "hull:analyst"]), vec![]),
            (host.anonymous(), vec![]),
        ] {
            let reply = person.run(LIST, json!({ "site": "leeds" })).await;
            assert_eq!(reply.nodes("value"), sees);
            assert_eq!(reply.data()["observations"]["totalCount"], sees.len());
            let node = person.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": own["id"] })).await;
            assert_eq!(node.data()["node"] != json!(null), sees.contains(&"12"));
        }
        let analyst = host.person(&["leeds:analyst"]);
        for (filter, values) in [
            (json!({ "from": "2026-05-05" }), vec!["3"]),
            (json!({ "to": "2026-05-04" }), vec!["12"]),
            (json!({ "states": ["APPROVED"] }), vec![]),
            (json!({ "measure": helped, "states": ["SUBMITTED"] }), vec!["3", "12"]),
        ] {
            assert_eq!(analyst.run(LIST, json!({ "site": "leeds", "filter": filter })).await.nodes("value"), values);
        }
        let wrong = analyst.run(LIST, json!({ "site": "leeds", "filter": { "measure": own["id"] } })).await;
        assert_eq!(wrong.code(), "INVALID_ARGUMENT");
    }
}

on_both! {
    async fn wrong_figures_are_refused_with_their_place_and_nothing_is_stored(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let count = measure(&analyst, "leeds", "calls", ["COUNT", "SUM"], false).await["id"].clone();
        let coverage = measure(&analyst, "leeds", "practices", ["COVERAGE", "LATEST"], true).await["id"].clone();
        let elsewhere = measure(&host.person(&["hull:analyst"]), "hull", "calls", ["COUNT", "SUM"], false).await["id"].clone();
        let score = measure(&analyst, "leeds", "score", ["SCORE", "MEAN"], true).await["id"].clone();
        for (figure, problems) in [
            (json!({ "measure": count }), "REQUIRED value"),
            (json!({ "measure": count, "value": "1.5" }), "INVALID value"),
            (json!({ "measure": count, "value": "-1" }), "INVALID value"),
            (json!({ "measure": score, "value": "1.1234567" }), "INVALID value"),
            (json!({ "measure": count, "value": "1", "numerator": "1" }), "INVALID numerator"),
            (json!({ "measure": coverage, "value": "1" }), "INVALID value\nREQUIRED numerator\nREQUIRED denominator"),
            (json!({ "measure": coverage, "numerator": "82", "denominator": "81" }), "INVALID numerator"),
            (json!({ "measure": coverage, "numerator": "0.5", "denominator": "81" }), "INVALID numerator"),
            (json!({ "measure": coverage, "numerator": "0", "denominator": "0" }), "INVALID denominator"),
            (json!({ "measure": elsewhere, "value": "1" }), "INVALID measure"),
            (json!({ "measure": count, "value": "1", "observedOn": "2026-06-16" }), "INVALID observedOn"),
            (json!({ "measure": count, "value": "1", "observedOn": "1947-12-31" }), "INVALID observedOn"),
            (json!({ "measure": ana.subject, "value": "1" }), "INVALID measure"),
            (
                json!({ "measure": count, "value": "1", "breakdown": [
                    { "dimension": "channel", "value": "ward" }, { "dimension": "Channel", "value": "" },
                ] }),
                "REQUIRED breakdown.1.value\nINVALID breakdown.1.dimension",
            ),
        ] {
            let mut input = json!({ "site": "leeds", "observedOn": "2026-06-15" });
            for (name, value) in figure.as_object().unwrap() {
                input[name] = value.clone();
            }
            let reply = ana.does("observationRecord", input, "observation { id }").await;
            assert_eq!(reply.problems(), problems, "{figure}");
        }
        assert_eq!(ana.run(LIST, json!({ "site": "leeds" })).await.nodes("value"), Vec::<String>::new());
        let input = json!({ "site": "leeds", "measure": count, "observedOn": "2026-06-15", "value": "1" });
        for (person, code) in [
            (host.person(&["leeds:analyst"]), "NOT_ALLOWED_NOW"),
            (host.person(&["hull:champion"]), "FORBIDDEN"),
            (host.anonymous(), "UNAUTHENTICATED"),
        ] {
            let reply = person.does("observationRecord", input.clone(), "observation { id }").await;
            assert_eq!(reply.code(), code);
        }
    }
}
