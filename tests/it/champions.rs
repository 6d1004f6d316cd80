//! Champions: they apply or are invited, are decided on by others, and share their card themselves.

use crate::support::{json, on_both};

const CARDS: &str =
    "{ champions(orderBy: DISPLAY_NAME_ASC) { nodes { displayName contact { email } viewerCan } totalCount } }";

fn application(site: &str, name: &str) -> serde_json::Value {
    json!({
        "site": site, "displayName": name, "kind": "VOLUNTEER", "email": "somebody@example.org",
        "skills": ["COMMUNICATING"], "languages": ["en", "so"], "visibility": "NETWORK",
    })
}

on_both! {
    async fn an_applicant_is_seen_by_themself_and_the_leads_alone(host) {
        let ana = host.person(&[]);
        let reply = ana.does("championRegister", application("leeds", "Ana"), "champion { status contact { email } viewerCan }").await;
        assert_eq!(reply.record()["status"], "APPLIED");
        assert_eq!(reply.record()["contact"]["email"], "somebody@example.org");
        assert_eq!(reply.record()["viewerCan"], json!(["EDIT", "SHARE", "WITHDRAW", "READ_CONTACT", "EXPORT"]));

        assert_eq!(ana.run(CARDS, json!({})).await.nodes("displayName"), ["Ana"]);
        let lead = host.person(&["leeds:project_lead"]);
        assert_eq!(lead.run(CARDS, json!({})).await.nodes("displayName"), ["Ana"]);
        for other in [host.person(&["leeds:champion"]), host.person(&["hull:site_admin"]), host.anonymous()] {
            let reply = other.run(CARDS, json!({})).await;
            assert_eq!(reply.nodes("displayName"), Vec::<String>::new());
            assert_eq!(reply.data()["champions"]["totalCount"], 0);
        }
        assert_eq!(ana.does("championRegister", application("leeds", "Ana"), "champion { id }").await.code(), "TAKEN");
        let anonymous = host.anonymous().does("championRegister", application("leeds", "Nobody"), "champion { id }").await;
        assert_eq!(anonymous.code(), "UNAUTHENTICATED");
    }
}

on_both! {
    async fn contact_is_for_the_person_and_the_leads_of_the_site(host) {
        let ana = host.person(&["leeds:champion"]);
        ana.becomes_champion("leeds").await;
        let me = "{ viewer { champion { id version status } } }";
        let mine = ana.run(me, json!({})).await.data()["viewer"]["champion"].clone();
        let input = json!({ "id": mine["id"], "version": mine["version"], "phone": "01253 000000", "bio": null });
        ana.does("championUpdate", input, "champion { version }").await.record();

        let phone = "query($id: ID!) { node(id: $id) { ... on Champion { displayName contact { phone } } } }";
        for (person, sees) in [
            (host.person(&["leeds:project_lead"]), true),
            (host.person(&["leeds:site_admin"]), true),
            (host.person(&["leeds:champion"]), false),
            (host.person(&["hull:site_admin"]), false),
        ] {
            let reply = person.run(phone, json!({ "id": mine["id"] })).await;
            assert_eq!(reply.data()["node"]["contact"] != json!(null), sees, "{reply:?}");
        }
        let hidden = host.anonymous().run(phone, json!({ "id": mine["id"] })).await;
        assert_eq!(hidden.data()["node"], json!(null));
    }
}

on_both! {
    async fn nobody_decides_on_themself(host) {
        let ana = host.person(&["leeds:site_admin"]);
        let reply = ana.does("championRegister", application("leeds", "Ana"), "champion { id version }").await;
        let (id, version) = (reply.record()["id"].clone(), reply.record()["version"].clone());
        let accept = json!({ "id": id, "version": version, "status": "IN_TRAINING" });
        assert_eq!(ana.does("championSetStatus", accept.clone(), "champion { id }").await.code(), "FORBIDDEN");
        let stranger = host.person(&["leeds:curator"]);
        assert_eq!(stranger.does("championSetStatus", accept.clone(), "champion { id }").await.code(), "NOT_FOUND");

        let ben = host.person(&["leeds:project_lead"]);
        let decline = json!({ "id": id, "version": version, "status": "DECLINED" });
        assert_eq!(ben.does("championSetStatus", decline, "champion { id }").await.problems(), "REQUIRED reason");
        assert_eq!(ben.does("championSetStatus", accept.clone(), "champion { status }").await.record()["status"], "IN_TRAINING");
        let again = ben.does("championSetStatus", accept, "champion { status version }").await;
        assert_eq!(again.code(), "CONFLICT");
        assert_eq!(again.payload()["champion"]["status"], "IN_TRAINING");
        let skip = json!({ "id": id, "version": 2, "status": "ON_BREAK" });
        assert_eq!(ben.does("championSetStatus", skip, "champion { id }").await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn who_is_declined_learns_why_and_other_members_do_not(host) {
        let (ana, lead) = (host.person(&["leeds:champion"]), host.person(&["leeds:project_lead"]));
        let applied = ana.does("championRegister", application("leeds", "Ana"), "champion { id version }").await;
        let (id, version) = (applied.record()["id"].clone(), applied.record()["version"].clone());
        let decline = json!({ "id": id, "version": version, "status": "DECLINED", "reason": "The course is full." });
        lead.does("championSetStatus", decline, "champion { id }").await.record();
        let query = "query($id: ID!) { node(id: $id) { ... on Champion { statusReason } } }";
        for entitled in [&ana, &lead] {
            let seen = entitled.run(query, json!({ "id": id })).await;
            assert_eq!(seen.data()["node"]["statusReason"], "The course is full.");
        }
        let accept = json!({ "id": id, "version": 2, "status": "IN_TRAINING", "reason": "A place is free." });
        lead.does("championSetStatus", accept, "champion { id }").await.record();
        let member = host.person(&["leeds:champion"]).run(query, json!({ "id": id })).await;
        assert_eq!(member.data()["node"], json!({ "statusReason": null }));
    }
}

on_both! {
    async fn an_invitation_is_claimed_once_by_whoever_holds_its_code(host) {
        let lead = host.person(&["leeds:project_lead"]);
        let input = json!({ "site": "leeds", "displayName": "Ben", "kind": "STAFF" });
        let invited = lead.does("championInvite", input.clone(), "champion { id visibility } code").await;
        let invited = invited.payload();
        assert_eq!(invited["champion"]["visibility"], "SITE");
        let code = invited["code"].as_str().unwrap().to_lowercase();
        let forbidden = host.person(&["leeds:champion"]).does("championInvite", input, "champion { id }").await;
        assert_eq!(forbidden.code(), "FORBIDDEN");

        let (ben, eve) = (host.person(&[]), host.person(&[]));
        let wrong = ben.does("championClaim", json!({ "code": "AAAA-BBBB-CCCC-DDDD" }), "champion { id }").await;
        assert_eq!(wrong.problems(), "INVALID code");
        let claimed = ben.does("championClaim", json!({ "code": code }), "champion { id }").await;
        assert_eq!(claimed.record()["id"], invited["champion"]["id"]);
        assert_eq!(eve.does("championClaim", json!({ "code": code }), "champion { id }").await.problems(), "INVALID code");
        let input = json!({ "site": "leeds", "displayName": "Ben again", "kind": "STAFF" });
        let second = lead.does("championInvite", input, "champion { id } code").await.payload()["code"].clone();
        assert_eq!(ben.does("championClaim", json!({ "code": second }), "champion { id }").await.problems(), "TAKEN code");
    }
}

on_both! {
    async fn bad_input_is_told_with_its_place_and_stores_nothing(host) {
        let ana = host.person(&[]);
        let input = json!({
            "site": "leeds", "displayName": "A\u{0}na", "kind": "STAFF", "email": "nobody", "phone": "call me",
            "languages": ["english language"], "bio": "x".repeat(5_001),
        });
        let reply = ana.does("championRegister", input, "champion { id }").await;
        assert_eq!(reply.code(), "INVALID_ARGUMENT");
        let input = json!({
            "site": "leeds", "displayName": " ", "kind": "STAFF", "email": "nobody", "phone": "call me",
            "languages": ["english language"], "bio": "x".repeat(5_001),
        });
        let reply = ana.does("championRegister", input, "champion { id }").await;
        assert_eq!(
            reply.problems(),
            "REQUIRED displayName\nINVALID languages.0\nTOO_LONG bio\nINVALID email\nINVALID phone"
        );
        assert_eq!(ana.run("{ viewer { champion { id } } }", json!({})).await.data()["viewer"]["champion"], json!(null));
    }
}

on_both! {
    async fn a_change_of_consent_is_noted_for_all_that_may_name_the_champion(host) {
        use entity::{Kind, outbox};
        use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
        let ana = host.champion(&["leeds:project_lead", "leeds:moderator"]).await;
        let project = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        ana.does("projectCreate", project, "project { id }").await.record();
        let guide = json!({ "site": "leeds", "title": "First steps", "summary": "How to begin.", "type": "GUIDE" });
        ana.does("resourceCreate", guide, "resource { id }").await.record();
        let space = json!({ "site": "leeds", "name": "Leeds", "about": "Talk.", "visibility": "NETWORK" });
        let space = ana.does("spaceCreate", space, "space { id }").await.record()["id"].clone();
        let started = json!({ "space": space, "title": "Tablets", "body": "How?" });
        let started = ana.does("threadStart", started, "thread { id }").await.record()["id"].clone();
        ana.does("postCreate", json!({ "thread": started, "body": "So." }), "post { id }").await.record();

        let kinds = [Kind::Project, Kind::Resource, Kind::Thread, Kind::Post];
        let noted = async || {
            let mut counts = Vec::new();
            for kind in kinds {
                let rows = outbox::Entity::find().filter(outbox::Column::Kind.eq(kind));
                counts.push(rows.count(host.server.0.reader()).await.unwrap());
            }
            counts
        };
        let change = async |change: serde_json::Value| {
            let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await;
            let mut input = mine.data()["viewer"]["champion"].clone();
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            ana.does("championUpdate", input, "champion { id }").await.record();
        };
        let before = noted().await;
        change(json!({ "bio": "Hello." })).await;
        assert_eq!(noted().await, before);
        change(json!({ "visibility": "SITE" })).await;
        let expected: Vec<_> = before.iter().map(|count| count + 1).collect();
        assert_eq!(noted().await, expected);
    }
}
