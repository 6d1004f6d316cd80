//! Support sessions: recorded by champions, approved by leads, counted into measures, without any learner's name.

use crate::support::{Person, json, on_both};

const SHOWN: &str = "supportSession {
    id version state heldOn mode minutes peopleHelped condition campaignCode decisionReason viewerCan
    signUps { records prescriptions appointments } champion { displayName }
}";

fn drop_in(day: &str, people: i32) -> serde_json::Value {
    json!({
        "site": "leeds", "heldOn": day, "mode": "DROP_IN", "minutes": 90, "peopleHelped": people,
        "condition": "Diabetes", "signUps": { "records": 4, "appointments": 2 }, "campaignCode": "SPRING-26",
    })
}

async fn tied(analyst: &Person<'_>, site: &str, figure: &str) -> serde_json::Value {
    let input = json!({
        "site": site, "code": figure.to_lowercase().replace('_', "-"), "name": figure, "definition": "Counted.",
        "unit": "units", "kind": "COUNT", "aggregation": "SUM", "countsPeople": true,
        "sessionFigure": figure,
    });
    analyst.does("measureDefine", input, "measure { id }").await.record()["id"].clone()
}

on_both! {
    async fn approved_sessions_count_into_the_measures_tied_to_them(host) {
        let national = host.person(&["national:analyst"]);
        let held = tied(&national, "national", "SESSIONS_HELD").await;
        let helped = tied(&national, "national", "PEOPLE_HELPED").await;
        let signed = tied(&host.person(&["leeds:analyst"]), "leeds", "SIGN_UPS").await;
        let elsewhere = tied(&host.person(&["hull:analyst"]), "hull", "SIGN_UPS").await;
        let (ana, lead) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:project_lead"]));
        for (day, people) in [("2026-05-04", 9), ("2026-05-31", 3), ("2026-06-01", 5)] {
            let session = ana.does("supportSessionRecord", drop_in(day, people), SHOWN).await.record().clone();
            assert_eq!(session["state"], "SUBMITTED");
            assert_eq!(session["condition"], "diabetes");
            assert_eq!(session["signUps"], json!({ "records": 4, "prescriptions": 0, "appointments": 2 }));
            let input = json!({ "id": session["id"], "approve": true });
            let reply = lead.does("supportSessionDecide", input, SHOWN).await;
            assert_eq!(reply.record()["state"], "APPROVED");
        }
        let report = "query($measure: String!) { impact(measure: $measure, from: \"2026-05-01\", to: \"2026-06-01\") {
            cells { site { slug } period value { ... on ExactValue { value } ... on NotReported { expected } } }
        } }";
        let leeds = host.person(&["leeds:analyst"]);
        for (measure, figures) in [(held, ["2", "1"]), (helped, ["12", "5"]), (signed, ["12", "6"])] {
            let reply = leeds.run(report, json!({ "measure": measure })).await;
            let cells = &reply.data()["impact"]["cells"];
            assert_eq!([&cells[0]["value"]["value"], &cells[1]["value"]["value"]], figures);
        }
        let other = host.person(&["hull:analyst"]).run(report, json!({ "measure": elsewhere })).await;
        assert_eq!(other.data()["impact"]["cells"][0]["value"]["expected"], false);
    }
}

on_both! {
    async fn sessions_are_decided_by_others_and_then_stay(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let own = lead.does("supportSessionRecord", drop_in("2026-05-04", 9), SHOWN).await.record().clone();
        assert_eq!(own["viewerCan"], json!(["EDIT"]));
        let decide = |approve: bool, reason: serde_json::Value| json!({ "id": own["id"], "approve": approve, "reason": reason });
        assert_eq!(lead.does("supportSessionDecide", decide(true, json!(null)), SHOWN).await.code(), "FORBIDDEN");
        let analyst = host.person(&["leeds:analyst"]);
        assert_eq!(analyst.does("supportSessionDecide", decide(true, json!(null)), SHOWN).await.code(), "FORBIDDEN");
        let stranger = host.person(&["hull:site_admin"]);
        assert_eq!(stranger.does("supportSessionDecide", decide(true, json!(null)), SHOWN).await.code(), "NOT_FOUND");

        let admin = host.person(&["leeds:site_admin"]);
        assert_eq!(admin.does("supportSessionDecide", decide(false, json!(null)), SHOWN).await.problems(), "REQUIRED reason");
        let returned = admin.does("supportSessionDecide", decide(false, json!("How long?")), SHOWN).await.record().clone();
        assert_eq!((&returned["state"], &returned["decisionReason"]), (&json!("RETURNED"), &json!("How long?")));
        let mend = json!({ "id": own["id"], "version": 2, "minutes": 60, "signUps": null, "condition": null });
        let mended = lead.does("supportSessionUpdate", mend.clone(), SHOWN).await.record().clone();
        assert_eq!((&mended["state"], &mended["minutes"]), (&json!("SUBMITTED"), &json!(60)));
        assert_eq!(mended["signUps"]["records"], 0);
        assert_eq!(mended["campaignCode"], "SPRING-26");
        assert_eq!(lead.does("supportSessionUpdate", mend, SHOWN).await.code(), "CONFLICT");
        assert_eq!(admin.does("supportSessionDecide", decide(true, json!(null)), SHOWN).await.record()["state"], "APPROVED");
        let late = json!({ "id": own["id"], "version": 4, "minutes": 30 });
        assert_eq!(lead.does("supportSessionUpdate", late, SHOWN).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(admin.does("supportSessionDecide", decide(true, json!(null)), SHOWN).await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn sessions_show_to_their_champion_and_the_leads_of_the_site(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["leeds:champion"]).await);
        ana.does("supportSessionRecord", drop_in("2026-05-04", 9), SHOWN).await.record();
        ben.does("supportSessionRecord", drop_in("2026-05-05", 3), SHOWN).await.record();
        let list = "{ supportSessions(site: \"leeds\") { nodes { peopleHelped } totalCount } }";
        for (person, sees) in [
            (ana, vec!["9"]),
            (host.person(&["leeds:project_lead"]), vec!["3", "9"]),
            (host.person(&["leeds:analyst"]), vec!["3", "9"]),
            (host.person(&["leeds:moderator"]), vec![]),
            (host.person(&["hull:site_admin", "national:site_admin"]), vec![]),
            (host.anonymous(), vec![]),
        ] {
            assert_eq!(person.run(list, json!({})).await.nodes("peopleHelped"), sees);
        }
    }
}

on_both! {
    async fn a_session_that_cannot_have_been_is_refused(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let mut input = drop_in("2026-06-16", -1);
        input["minutes"] = json!(0);
        input["signUps"] = json!({ "records": -2 });
        input["condition"] = json!("x".repeat(61));
        let reply = ana.does("supportSessionRecord", input, SHOWN).await;
        assert_eq!(
            reply.problems(),
            "INVALID peopleHelped\nINVALID signUps.records\nTOO_LONG condition\nINVALID heldOn\nINVALID minutes"
        );
        for (person, code) in [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&["hull:champion"]), "FORBIDDEN"),
            (host.person(&["leeds:champion"]), "NOT_ALLOWED_NOW"),
        ] {
            assert_eq!(person.does("supportSessionRecord", drop_in("2026-05-04", 9), SHOWN).await.code(), code);
        }
    }
}
