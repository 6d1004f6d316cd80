//! Lists of threads and posts: filters, orders, pages, and what they cost.

use super::{post, space, texts, thread, titles};
use crate::support::{Value, json, on_both};

on_both! {
    async fn threads_are_listed_by_what_is_asked(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let national = space(host, "national", "Everybody", "NETWORK").await;
        let local = space(host, "leeds", "Leeds", "NETWORK").await;
        let clock = &host.server.0.clock;
        let minute = || clock.advance(chrono::TimeDelta::minutes(1));
        let old = thread(&ana, &national, "Charging tablets").await;
        minute();
        let tagged = json!({ "space": local["id"], "title": "Booking", "body": "Appointments online.", "tags": ["NHS App"] });
        ben.does("threadStart", tagged, "thread { id }").await.record();
        minute();
        let new = thread(&ana, &local, "Alarms").await;
        minute();
        let answer = post(&ben, &old, "Use the cable.").await;

        assert_eq!(titles(&ana, json!({}), None).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({}), Some("LAST_POST_DESC")).await, ["Charging tablets", "Alarms", "Booking"]);
        assert_eq!(titles(&ana, json!({}), Some("TITLE_ASC")).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "sites": ["hull"] }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "space": local["id"] }), None).await, ["Alarms", "Booking"]);
        assert_eq!(titles(&ana, json!({ "tag": "nhs app" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "search": "appointment" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "search": "nhs" }), None).await, ["Booking"]);
        assert_eq!(titles(&ana, json!({ "unanswered": false }), None).await, Vec::<String>::new());
        let input = json!({ "id": old["id"], "post": answer["id"] });
        ana.does("threadAccept", input, "thread { id }").await.record();
        assert_eq!(titles(&ana, json!({ "unanswered": false }), None).await, ["Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "unanswered": true }), None).await, ["Alarms", "Booking"]);
        let input = json!({ "id": new["id"], "version": new["version"], "body": "Fire alarms.", "tags": ["safety"] });
        ana.does("threadEdit", input, "thread { editedAt }").await.record();
        assert_eq!(titles(&ana, json!({}), Some("UPDATED_DESC")).await, ["Alarms", "Booking", "Charging tablets"]);
        assert_eq!(titles(&ana, json!({ "search": "fire safety" }), None).await, ["Alarms"]);
        assert_eq!(titles(&ana, json!({ "states": ["LOCKED"] }), None).await, Vec::<String>::new());
        let wrong = "{ threads(filter: { space: \"thread_nonsense\" }) { totalCount } }";
        assert_eq!(ana.run(wrong, json!({})).await.code(), "INVALID_ARGUMENT");
    }
}

on_both! {
    async fn posts_page_both_ways_and_keep_their_order(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let started = thread(&ana, &space, "Long").await;
        // All at once: each gets a place of its own.
        let written = (1..=5).map(|number| {
            let (ana, started) = (&ana, &started);
            async move { post(ana, started, &format!("Post {number}")).await }
        });
        futures_util::future::join_all(written).await;
        let query = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on Thread {
            postCount posts(first: $first, after: $after, last: $last, before: $before) {
                nodes { id body } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } totalCount } } } }";
        let page = async |mut arguments: Value| {
            arguments["id"] = started["id"].clone();
            ana.run(query, arguments).await.data()["node"].clone()
        };
        let all = page(json!({})).await;
        let bodies = texts(&all["posts"]["nodes"], "body");
        assert_eq!(all["postCount"], 5);
        assert_eq!(bodies.len(), 5);
        let front = page(json!({ "first": 3 })).await;
        assert_eq!(texts(&front["posts"]["nodes"], "body"), bodies[..3]);
        let rest = page(json!({ "first": 3, "after": front["posts"]["pageInfo"]["endCursor"] })).await;
        assert_eq!(texts(&rest["posts"]["nodes"], "body"), bodies[3..]);
        assert_eq!(rest["posts"]["pageInfo"]["hasNextPage"], false);
        let back = page(json!({ "last": 2 })).await;
        assert_eq!(texts(&back["posts"]["nodes"], "body"), bodies[3..]);
        let before = page(json!({ "last": 2, "before": back["posts"]["pageInfo"]["startCursor"] })).await;
        assert_eq!(texts(&before["posts"]["nodes"], "body"), bodies[1..3]);
        assert_eq!(before["posts"]["totalCount"], 5);
    }
}

on_both! {
    async fn a_project_shows_its_threads(host) {
        let ana = host.champion(&["leeds:project_lead"]).await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = ana.does("projectCreate", input, "project { id }").await.record().clone();
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let input = json!({ "space": space["id"], "title": "Digging", "body": "How?", "project": project["id"] });
        let started = ana.does("threadStart", input, "thread { id project { title } }").await.record().clone();
        assert_eq!(started["project"]["title"], "Garden");
        let query = "{ project(site: \"leeds\", slug: \"garden\") { threads { nodes { title } totalCount } } }";
        let reply = ana.run(query, json!({})).await;
        assert_eq!(reply.data()["project"]["threads"], json!({ "nodes": [{ "title": "Digging" }], "totalCount": 1 }));
        assert_eq!(titles(&ana, json!({ "project": project["id"] }), None).await, ["Digging"]);
        // The project is Leeds' own: elsewhere the thread is one without a project.
        let hull = host.person(&["hull:champion"]);
        let query = "query($id: ID!) { node(id: $id) { ... on Thread { title project { title } } } }";
        let reply = hull.run(query, json!({ "id": started["id"] })).await;
        assert_eq!(reply.data()["node"], json!({ "title": "Digging", "project": null }));
        assert_eq!(titles(&hull, json!({ "project": project["id"] }), None).await, Vec::<String>::new());
    }
}

on_both! {
    async fn a_page_costs_the_same_statements_however_many_rows(host) {
        let ana = host.champion(&["leeds:champion", "national:moderator"]).await;
        let ben = host.champion(&["hull:champion"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let query = "{ threads { nodes { title byline author { displayName } site { name } provenance { replicated }
            stateReason space { name } answer { body } project { title } moderation { reason moderator { displayName } }
            posts { totalCount nodes { byline author { displayName } site { name } replyTo { body } thread { title } } } } } }";
        let cost = async || {
            let before = host.statements();
            ana.run(query, json!({})).await.data();
            host.statements() - before
        };
        for (title, author) in [("One", &ana), ("Two", &ben)] {
            post(author, &thread(author, &space, title).await, "First.").await;
        }
        let few = cost().await;
        for number in 0..6 {
            let author = if number % 2 == 0 { &ana } else { &ben };
            let started = thread(author, &space, &format!("More {number}")).await;
            post(&ana, &started, "First.").await;
            post(&ben, &started, "Second.").await;
        }
        assert_eq!(cost().await, few);
        assert!(few < 25, "{few} statements");
    }
}
