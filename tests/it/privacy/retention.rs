//! Retention: what is due goes by itself, as the settings say, and nothing else does.

use champion_network::{app::App, privacy::ops::retention};
use chrono::TimeDelta;
use entity::{audit_entry, champion, observation, report, support_session};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::card;
use crate::support::{Host, Person, Value, json, on_both};

/// Lets days go by and what is due be forgotten.
async fn after(host: &Host, days: i64) {
    host.server.0.clock.advance(TimeDelta::days(days));
    retention::sweep(&host.server.0).await.unwrap();
}

async fn is_there(app: &App, person: &Person<'_>) -> bool {
    let theirs = champion::Entity::find().filter(champion::Column::Subject.eq(&person.subject));
    theirs.count(app.reader()).await.unwrap() > 0
}

/// What the host has done by itself.
async fn audited(app: &App) -> u64 {
    let entries = audit_entry::Entity::find().filter(audit_entry::Column::Action.eq("retention"));
    entries.count(app.reader()).await.unwrap()
}

async fn applies(person: &Person<'_>) -> Value {
    let card = json!({
        "site": "leeds", "displayName": "Somebody", "kind": "STAFF", "email": "somebody@example.org", "phone": "01253 000000",
    });
    let applied = person.does("championRegister", card, "champion { id version }").await;
    applied.record().clone()
}

on_both! {
    async fn those_who_never_became_champions_are_erased(host) {
        let app = &host.server.0;
        let lead = host.person(&["leeds:project_lead"]);
        let (waiting, declined, accepted) = (host.person(&[]), host.person(&[]), host.person(&[]));
        applies(&waiting).await;
        for (person, status) in [(&declined, "DECLINED"), (&accepted, "IN_TRAINING")] {
            let mut card = applies(person).await;
            (card["status"], card["reason"]) = (json!(status), json!("As agreed."));
            lead.does("championSetStatus", card, "champion { id }").await.record();
        }
        let invited = json!({ "site": "leeds", "displayName": "Never came", "kind": "STAFF" });
        lead.does("championInvite", invited, "champion { id }").await.record();
        let cards = async || champion::Entity::find().count(app.reader()).await.unwrap();
        let leeds = crate::support::network::site(host, "leeds").await.id;

        after(host, 43).await;
        assert_eq!((cards().await, audited(app).await), (4, 0), "an invitation lasts 14 days, and 30 more");
        after(host, 2).await;
        assert_eq!((cards().await, audited(app).await), (3, 1));
        after(host, 137).await;
        assert_eq!(cards().await, 3);
        after(host, 3).await;
        assert_eq!((cards().await, audited(app).await), (1, 3));
        assert!(is_there(app, &accepted).await);
        // No backup brings them back.
        assert_eq!(app.ledger.count(leeds).unwrap(), 3);
    }
}

on_both! {
    async fn how_to_reach_those_who_have_gone_is_forgotten_a_year_later(host) {
        let app = &host.server.0;
        let (gone, here) = (host.champion(&["leeds:champion"]).await, host.champion(&["leeds:champion"]).await);
        for person in [&gone, &here] {
            let mut card = card(person).await;
            (card["email"], card["phone"]) = (json!("somebody@example.org"), json!("01253 000000"));
            person.does("championUpdate", card, "champion { id }").await.record();
        }
        let mut stands_down = card(&gone).await;
        stands_down["status"] = json!("STOOD_DOWN");
        gone.does("championSetStatus", stands_down, "champion { id }").await.record();
        let contact = async |person: &Person<'_>| {
            let theirs = champion::Entity::find().filter(champion::Column::Subject.eq(&person.subject));
            let card = theirs.one(app.reader()).await.unwrap().unwrap();
            (card.email.is_some(), card.phone.is_some(), card.version)
        };

        after(host, 364).await;
        let (_, _, version) = contact(&gone).await;
        assert_eq!(contact(&gone).await, (true, true, version));
        after(host, 2).await;
        assert_eq!(contact(&gone).await, (false, false, version + 1));
        assert!(contact(&here).await.0);
        assert_eq!(audited(app).await, 1);
        after(host, 400).await;
        assert_eq!(contact(&gone).await, (false, false, version + 1), "once is enough");
    }
}

on_both! {
    async fn the_words_of_closed_reports_go_and_those_of_open_ones_stay(host) {
        let app = &host.server.0;
        let (ana, ben) = (host.champion(&["leeds:moderator"]).await, host.champion(&["leeds:champion"]).await);
        let space = json!({ "site": "leeds", "name": "Hall", "about": "Talk." });
        let space = ana.does("spaceCreate", space, "space { id }").await.record().clone();
        let mut reports = Vec::new();
        for title in ["Tablets", "Phones"] {
            let thread = json!({ "space": space["id"], "title": title, "body": "Buy mine." });
            let thread = ben.does("threadStart", thread, "thread { id }").await.record().clone();
            let report = json!({ "id": thread["id"], "reason": "Advertising." });
            reports.push(ana.does("postReport", report, "report { id version }").await.record().clone());
        }
        let close = json!({ "id": reports[0]["id"], "version": reports[0]["version"], "outcome": "Talked to him." });
        let moderator = host.person(&["leeds:moderator"]);
        moderator.does("reportClose", close, "report { id }").await.record();
        let words = async || {
            let all = report::Entity::find().all(app.reader()).await.unwrap();
            let mut words: Vec<_> = all.into_iter().map(|report| (report.reason, report.outcome)).collect();
            words.sort();
            words
        };
        let said = |reason: &str, outcome: Option<&str>| (reason.to_owned(), outcome.map(str::to_owned));

        after(host, 364).await;
        assert_eq!(words().await, [said("Advertising.", None), said("Advertising.", Some("Talked to him."))]);
        after(host, 2).await;
        assert_eq!(words().await, [said("", None), said("Advertising.", None)]);
        after(host, 1_000).await;
        assert_eq!((words().await.len(), audited(app).await), (2, 1));
    }
}

on_both! {
    async fn old_figures_go_and_their_sums_stay(host) {
        let app = &host.server.0;
        let ana = host.champion(&["leeds:champion"]).await;
        let analyst = host.person(&["leeds:analyst", "leeds:site_admin"]);
        let measure = json!({
            "site": "leeds", "code": "sessions", "name": "Sessions", "definition": "Held.", "unit": "sessions",
            "kind": "COUNT", "aggregation": "SUM", "countsPeople": true, "sessionFigure": "SESSIONS_HELD",
        });
        analyst.does("measureDefine", measure, "measure { id }").await.record();
        let counted = json!({
            "site": "leeds", "code": "calls", "name": "Calls", "definition": "Taken.", "unit": "calls",
            "kind": "COUNT", "aggregation": "SUM", "countsPeople": false,
        });
        let counted = analyst.does("measureDefine", counted, "measure { id }").await.record()["id"].clone();
        for approved in [true, false] {
            let session = json!({
                "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
            });
            let session = ana.does("supportSessionRecord", session, "supportSession { id }").await.record().clone();
            let observed = json!({ "site": "leeds", "measure": counted, "observedOn": "2026-05-04", "value": "9" });
            let observed = ana.does("observationRecord", observed, "observation { id }").await.record().clone();
            if approved {
                let decided = |id: &Value| json!({ "id": id, "approve": true });
                analyst.does("supportSessionDecide", decided(&session["id"]), "supportSession { id }").await.record();
                analyst.does("observationDecide", decided(&observed["id"]), "observation { id }").await.record();
            }
        }
        let sums = async || {
            let months = entity::impact_month::Entity::find().all(app.reader()).await.unwrap();
            months.iter().map(|month| month.value.to_string()).collect::<std::collections::BTreeSet<_>>()
        };
        let rows = async || {
            let sessions = support_session::Entity::find().count(app.reader()).await.unwrap();
            (sessions, observation::Entity::find().count(app.reader()).await.unwrap())
        };
        let before = sums().await;
        assert_eq!(before, ["1".to_owned(), "9".to_owned()].into());

        after(host, 2_140).await;
        assert_eq!(rows().await, (2, 2));
        after(host, 60).await;
        assert_eq!(rows().await, (1, 1), "what nobody has decided on stays");
        assert_eq!(sums().await, before);
        assert_eq!(audited(app).await, 2);
    }
}

on_both! {
    with |settings| {
        let retention = &mut settings.retention;
        (retention.applications_days, retention.invitations_days, retention.contact_days) = (0, 0, 0);
        (retention.reports_days, retention.figures_days) = (0, u32::MAX);
    };
    async fn a_host_whose_operator_says_so_keeps_it_all(host) {
        let waiting = host.person(&[]);
        applies(&waiting).await;
        after(host, 30_000).await;
        assert!(is_there(&host.server.0, &waiting).await);
    }
}
