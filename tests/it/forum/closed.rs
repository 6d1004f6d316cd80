//! Closed spaces: for those who are no members their threads do not exist, anywhere.

use super::{post, seen, space, texts, thread, titles};
use crate::support::{Host, Person, Value, json, on_both};

/// A closed space at Leeds, its moderator and a member of it.
struct Circle<'a> {
    space: Value,
    moderator: Person<'a>,
    member: Person<'a>,
    member_id: String,
}

async fn circle(host: &Host) -> Circle<'_> {
    let moderator = host.person(&["leeds:moderator"]);
    moderator.becomes_champion("leeds").await;
    let input = json!({ "site": "leeds", "name": "Clinic", "about": "For us.", "access": "CLOSED" });
    let made = moderator
        .does("spaceCreate", input, "space { id version }")
        .await
        .record()
        .clone();
    let member = host.person(&["leeds:champion"]);
    let member_id = member.becomes_champion("leeds").await;
    let input = json!({ "id": made["id"], "version": 1, "champion": member_id });
    let space = moderator
        .does("spaceAddMember", input, "space { id version }")
        .await
        .record()
        .clone();
    Circle {
        space,
        moderator,
        member,
        member_id,
    }
}

const SPACES: &str = "{ spaces { nodes { name } totalCount } }";

on_both! {
    async fn a_closed_space_does_not_exist_for_others(host) {
        let circle = circle(host).await;
        let lead = host.person(&["leeds:project_lead"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = lead.does("projectCreate", input, "project { id }").await.record().clone();
        let input = json!({ "space": circle.space["id"], "title": "Secret", "body": "Whispers.", "project": project["id"] });
        let started = circle.member.does("threadStart", input, "thread { id }").await.record().clone();
        let written = post(&circle.member, &started, "Among us.").await;

        let everywhere = "{ threads(filter: { search: \"whispers\" }) { nodes { title } totalCount }
            site(slug: \"leeds\") { threads { nodes { title } totalCount } }
            project(site: \"leeds\", slug: \"garden\") { threads { nodes { title } totalCount } }
            space(site: \"leeds\", slug: \"clinic\") { name } }";
        let outsiders = [host.champion(&["leeds:champion"]).await, host.champion(&["hull:site_admin"]).await];
        for outsider in &outsiders {
            assert_eq!(outsider.run(SPACES, json!({})).await.nodes("name"), Vec::<String>::new());
            assert_eq!(titles(outsider, json!({}), None).await, Vec::<String>::new());
            let reply = outsider.run(everywhere, json!({})).await;
            let empty = json!({ "nodes": [], "totalCount": 0 });
            assert_eq!(reply.data()["threads"], empty);
            assert_eq!(reply.data()["site"]["threads"], empty);
            if reply.data()["project"] != json!(null) {
                assert_eq!(reply.data()["project"]["threads"], empty);
            }
            assert_eq!(reply.data()["space"], json!(null));
            let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
            let ids = json!({ "ids": [circle.space["id"], started["id"], written["id"]] });
            assert_eq!(outsider.run(nodes, ids).await.data()["nodes"], json!([null, null, null]));
            let start = json!({ "space": circle.space["id"], "title": "T", "body": "B" });
            assert_eq!(outsider.does("threadStart", start, "thread { id }").await.code(), "NOT_FOUND");
            let answer = json!({ "thread": started["id"], "body": "B" });
            assert_eq!(outsider.does("postCreate", answer, "post { id }").await.code(), "NOT_FOUND");
            let report = json!({ "id": written["id"], "reason": "R" });
            assert_eq!(outsider.does("postReport", report, "report { id }").await.code(), "NOT_FOUND");
        }
        let reply = circle.member.run(everywhere, json!({})).await;
        let one = json!({ "nodes": [{ "title": "Secret" }], "totalCount": 1 });
        assert_eq!(reply.data()["threads"], one);
        assert_eq!(reply.data()["site"]["threads"], one);
        assert_eq!(reply.data()["project"]["threads"], one);
        assert_eq!(texts(&seen(&circle.member, &started).await["posts"]["nodes"], "body"), ["Among us."]);
    }
}

on_both! {
    async fn moderators_see_the_space_and_only_members_what_is_said(host) {
        let circle = circle(host).await;
        let started = thread(&circle.member, &circle.space, "Secret").await;
        for outsider in [&circle.moderator, &host.person(&["leeds:site_admin"])] {
            assert_eq!(outsider.run(SPACES, json!({})).await.nodes("name"), ["Clinic"]);
            assert_eq!(seen(outsider, &started).await, json!(null));
            let hide = json!({ "id": started["id"], "state": "HIDDEN", "reason": "R" });
            assert_eq!(outsider.does("threadSetState", hide, "thread { id }").await.code(), "NOT_FOUND");
        }
        let members = "query($id: ID!) { node(id: $id) { ... on Space { members { nodes { id } totalCount } } } }";
        let reply = circle.moderator.run(members, json!({ "id": circle.space["id"] })).await;
        assert_eq!(reply.data()["node"]["members"], json!({ "nodes": [{ "id": circle.member_id }], "totalCount": 1 }));
        for other in [&circle.member, &host.person(&["leeds:site_admin"])] {
            let reply = other.run(members, json!({ "id": circle.space["id"] })).await;
            assert_eq!(reply.data()["node"]["members"], json!({ "nodes": [], "totalCount": 0 }));
        }
        // A moderator who becomes a member moderates.
        let mine = circle.moderator.run("{ viewer { champion { id } } }", json!({})).await;
        let mine = mine.data()["viewer"]["champion"]["id"].clone();
        let input = json!({ "id": circle.space["id"], "version": 2, "champion": mine });
        circle.moderator.does("spaceAddMember", input, "space { id }").await.record();
        let hide = json!({ "id": started["id"], "state": "HIDDEN", "reason": "Names a patient." });
        circle.moderator.does("threadSetState", hide, "thread { state }").await.record();
        assert_eq!(seen(&circle.member, &started).await["stateReason"], "Names a patient.");
    }
}

on_both! {
    async fn who_is_a_member_no_longer_sees_nothing(host) {
        let circle = circle(host).await;
        let started = thread(&circle.member, &circle.space, "Secret").await;
        // A token that grants no role at the site any longer opens no closed space of it.
        assert_eq!(seen(&circle.member.holding(&["hull:champion"]), &started).await, json!(null));
        assert_eq!(seen(&circle.member.holding(&[]), &started).await, json!(null));
        assert_eq!(seen(&circle.member, &started).await["title"], "Secret");
        let input = json!({ "id": circle.space["id"], "version": 2, "champion": circle.member_id });
        circle.moderator.does("spaceRemoveMember", input, "space { id }").await.record();
        assert_eq!(seen(&circle.member, &started).await, json!(null));
        assert_eq!(circle.member.run(SPACES, json!({})).await.nodes("name"), Vec::<String>::new());
        let edit = json!({ "id": started["id"], "version": 1, "title": "Mine" });
        assert_eq!(circle.member.does("threadEdit", edit, "thread { id }").await.code(), "NOT_FOUND");
    }
}

on_both! {
    async fn a_closed_space_is_its_site_s_own(host) {
        let circle = circle(host).await;
        let input = json!({ "site": "leeds", "name": "Wide", "about": "A.", "access": "CLOSED", "visibility": "NETWORK" });
        assert_eq!(circle.moderator.does("spaceCreate", input, "space { id }").await.problems(), "INVALID visibility");
        let input = json!({ "id": circle.space["id"], "version": 2, "visibility": "PUBLIC" });
        assert_eq!(circle.moderator.does("spaceUpdate", input, "space { id }").await.problems(), "INVALID visibility");
        let hull = host.person(&["hull:champion"]).becomes_champion("hull").await;
        let input = json!({ "id": circle.space["id"], "version": 2, "champion": hull });
        assert_eq!(circle.moderator.does("spaceAddMember", input.clone(), "space { id }").await.problems(), "INVALID champion");
        let admin = host.person(&["leeds:site_admin"]);
        assert_eq!(admin.does("spaceAddMember", input.clone(), "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(circle.member.does("spaceAddMember", input.clone(), "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(host.person(&["leeds:champion"]).does("spaceAddMember", input, "space { id }").await.code(), "NOT_FOUND");
        let open = space(host, "leeds", "Open", "SITE").await;
        let input = json!({ "id": open["id"], "version": 1, "champion": circle.member_id });
        assert_eq!(circle.moderator.does("spaceAddMember", input, "space { id }").await.code(), "NOT_ALLOWED_NOW");
        let old = json!({ "id": circle.space["id"], "version": 1, "champion": circle.member_id });
        assert_eq!(circle.moderator.does("spaceRemoveMember", old, "space { id }").await.code(), "CONFLICT");
    }
}
