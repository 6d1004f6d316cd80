//! Projects: made, changed and listed by their people.

use crate::support::{NATIONAL, json, on_both};

const LIST: &str = "query($first: Int, $after: String, $last: Int, $before: String, $orderBy: ProjectOrder) {
    projects(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
        nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
    }
}";

on_both! {
    async fn a_list_pages_both_ways_without_gap_or_repeat(host) {
        let admin = host.person(&["leeds:site_admin"]);
        for title in ["Cedar", "Alder", "Beech", "Elm", "Dogwood"] {
            let input = json!({ "site": "leeds", "title": title, "summary": "Trees." });
            admin.does("projectCreate", input, "project { id }").await.record();
        }
        let mut forward = Vec::new();
        let mut after = json!(null);
        loop {
            let reply = admin.run(LIST, json!({ "first": 2, "after": after, "orderBy": "TITLE_ASC" })).await;
            forward.extend(reply.nodes("title"));
            let info = &reply.data()["projects"]["pageInfo"];
            if info["hasNextPage"] == false {
                break;
            }
            after = info["endCursor"].clone();
        }
        assert_eq!(forward, ["Alder", "Beech", "Cedar", "Dogwood", "Elm"]);

        let reply = admin.run(LIST, json!({ "last": 2, "orderBy": "TITLE_ASC" })).await;
        assert_eq!(reply.nodes("title"), ["Dogwood", "Elm"]);
        assert_eq!(reply.data()["projects"]["totalCount"], 5);
        let before = reply.data()["projects"]["pageInfo"]["startCursor"].clone();
        let reply = admin.run(LIST, json!({ "last": 2, "before": before, "orderBy": "TITLE_ASC" })).await;
        assert_eq!(reply.nodes("title"), ["Beech", "Cedar"]);
    }
}

on_both! {
    async fn a_site_s_projects_do_not_exist_for_other_sites(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let other = host.person(&["hull:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = admin.does("projectCreate", input, "project { id version }").await.record().clone();

        let reply = other.run(LIST, json!({})).await;
        assert_eq!(reply.nodes("title"), Vec::<String>::new());
        let found = other.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": project["id"] })).await;
        assert_eq!(found.data()["node"], json!(null));
        let input = json!({ "id": project["id"], "version": 1, "title": "Mine" });
        assert_eq!(other.does("projectUpdate", input, "project { id }").await.code(), "NOT_FOUND");
        let input = json!({ "site": "leeds", "title": "Theirs", "summary": "No." });
        assert_eq!(other.does("projectCreate", input.clone(), "project { id }").await.code(), "FORBIDDEN");
        assert_eq!(host.anonymous().does("projectCreate", input, "project { id }").await.code(), "UNAUTHENTICATED");
        let _ = NATIONAL;
    }
}

on_both! {
    async fn a_repeat_under_a_key_takes_effect_once(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let make = "mutation($title: String!) { projectCreate(input: { site: \"leeds\", title: $title, summary: \"Once.\" }) { project { id } problems { code } } }";
        let key = [("idempotency-key", "one")];
        let first = admin.run_with(make, json!({ "title": "Garden" }), &key).await;
        let again = admin.run_with(make, json!({ "title": "Garden" }), &key).await;
        assert_eq!(first.record()["id"], again.record()["id"]);
        let other = admin.run_with(make, json!({ "title": "Park" }), &key).await;
        assert_eq!(other.code(), "INVALID_ARGUMENT");
        assert_eq!(admin.run(LIST, json!({})).await.nodes("title"), ["Garden"]);
    }
}
