//! Search: the same results in kind on both databases, whatever people type.

use crate::support::{Person, Value, json, on_both};

const FOUND: &str = "query($search: String!, $first: Int, $after: String) {
    projects(filter: { search: $search }, first: $first, after: $after) {
        nodes { title } pageInfo { endCursor hasNextPage } totalCount
    }
}";

async fn plant(admin: &Person<'_>) {
    for (title, summary) in [
        (
            "Video consultations in nursing homes",
            "Skype for medication follow-ups.",
        ),
        (
            "Practices on social media",
            "Practices answer patients where patients are.",
        ),
        ("The NHS App in clinics", "A practice shows patients the app."),
        ("Café culture", "Digital tea for the ward's visitors, and a crèche."),
        ("At home", "Podiatry, podiatry, podiatry and more podiatry."),
        ("Podiatry", "Feet."),
    ] {
        let input = json!({ "site": "leeds", "title": title, "summary": summary });
        admin.does("projectCreate", input, "project { id }").await.record();
    }
}

on_both! {
    async fn words_are_found_in_any_inflexion_case_and_accent_and_titles_weigh_more(host) {
        let admin = host.person(&["leeds:site_admin"]);
        plant(&admin).await;
        for (search, found) in [
            ("practice", vec!["Practices on social media", "The NHS App in clinics"]),
            ("PRACTICES social", vec!["Practices on social media"]),
            ("cafe", vec!["Café culture"]),
            ("CAFÉ", vec!["Café culture"]),
            ("creche", vec!["Café culture"]),
            ("podiatry", vec!["Podiatry", "At home"]),
            ("the app", vec!["The NHS App in clinics"]),
            ("follow-up", vec!["Video consultations in nursing homes"]),
            ("helicopter", vec![]),
        ] {
            let reply = admin.run(FOUND, json!({ "search": search })).await;
            assert_eq!(reply.nodes("title"), found, "{search}");
            assert_eq!(reply.data()["projects"]["totalCount"], found.len(), "{search}");
        }
    }
}

on_both! {
    async fn quotes_operators_and_punctuation_are_a_search_and_no_error(host) {
        let admin = host.person(&["leeds:site_admin"]);
        plant(&admin).await;
        for (search, found) in [
            ("\"practices\" AND (media)", 0),
            ("practices -media:*", 1),
            ("title:practices", 0),
            ("'; DROP TABLE project; --", 0),
            ("\"", 0),
            ("***", 0),
            ("", 0),
            ("a\u{0}b", 0),
            ("& | ! <-> practice", 2),
        ] {
            let reply = admin.run(FOUND, json!({ "search": search })).await;
            if search.contains('\u{0}') {
                assert_eq!(reply.code(), "INVALID_ARGUMENT");
            } else {
                assert_eq!(reply.nodes("title").len(), found, "{search}");
            }
        }
    }
}

on_both! {
    async fn a_search_pages_by_rank_without_gap_or_repeat(host) {
        let admin = host.person(&["leeds:site_admin"]);
        for number in 0..5 {
            let summary = format!("Champions {}", "champion ".repeat(number));
            let input = json!({ "site": "leeds", "title": format!("Number {number}"), "summary": summary });
            admin.does("projectCreate", input, "project { id }").await.record();
        }
        let whole = admin.run(FOUND, json!({ "search": "champion" })).await.nodes("title");
        let mut paged = Vec::new();
        let mut after = json!(null);
        for _ in 0..3 {
            let reply = admin.run(FOUND, json!({ "search": "champion", "first": 2, "after": after })).await;
            paged.extend(reply.nodes("title"));
            after = reply.data()["projects"]["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(whole.len(), 5);
        assert_eq!(paged, whole);
    }
}

async fn finds(person: &Person<'_>, list: &str, search: &str) -> usize {
    let query =
        format!("query($search: String!) {{ {list}(filter: {{ search: $search }}) {{ nodes {{ id }} totalCount }} }}");
    let reply = person.run(&query, json!({ "search": search })).await;
    let found = reply.nodes("id").len();
    assert_eq!(reply.data()[list]["totalCount"], found, "{list} {search}");
    found
}

/// Does something to a record at its present version.
async fn changes(person: &Person<'_>, how: &str, what: &str, id: &Value, more: Value) {
    let version = "query($id: ID!) { node(id: $id) { ... on Record { version } } }";
    let version = person.run(version, json!({ "id": id })).await.data()["node"]["version"].clone();
    let mut input = json!({ "id": id, "version": version });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    person.does(how, input, &format!("{what} {{ id }}")).await.record();
}

on_both! {
    async fn a_changed_project_is_found_by_its_new_words_alone_and_only_by_readers(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "conditions": ["gout"] });
        let id = admin.does("projectCreate", input, "project { id }").await.record()["id"].clone();
        assert_eq!((finds(&admin, "projects", "garden gout").await, finds(&admin, "projects", "orchard").await), (1, 0));
        changes(&admin, "projectUpdate", "project", &id, json!({ "title": "Orchard", "conditions": ["asthma"] })).await;
        for (search, found) in [("garden", 0), ("gout", 0), ("orchard asthma", 1)] {
            assert_eq!(finds(&admin, "projects", search).await, found, "{search}");
        }
        assert_eq!(finds(&host.person(&["hull:site_admin"]), "projects", "orchard").await, 0);
        changes(&admin, "projectUpdate", "project", &id, json!({ "visibility": "NETWORK" })).await;
        assert_eq!(finds(&host.person(&["hull:site_admin"]), "projects", "orchard").await, 1);
    }
}

on_both! {
    async fn a_resource_is_found_by_the_words_of_its_published_edition(host) {
        let (ana, ben) = (host.champion(&["leeds:curator"]).await, host.champion(&["leeds:curator"]).await);
        let input = json!({
            "site": "leeds", "title": "Garden", "summary": "Ours.", "body": "Spades.", "type": "GUIDE", "topics": ["hoes"],
        });
        let id = ana.does("resourceCreate", input, "resource { id }").await.record()["id"].clone();
        let publish = async || {
            changes(&ana, "resourceSubmit", "resource", &id, json!({})).await;
            changes(&ben, "resourceReview", "resource", &id, json!({ "verdict": "APPROVE" })).await;
            changes(&ben, "resourcePublish", "resource", &id, json!({})).await;
        };
        assert_eq!(finds(&ana, "resources", "garden").await, 0);
        publish().await;
        for search in ["garden", "spade", "hoes"] {
            assert_eq!(finds(&ana, "resources", search).await, 1, "{search}");
        }
        changes(&ana, "resourceUpdate", "resource", &id, json!({ "title": "Orchard", "body": "Ladders." })).await;
        assert_eq!((finds(&ana, "resources", "garden spade").await, finds(&ana, "resources", "orchard").await), (1, 0));
        publish().await;
        assert_eq!((finds(&ana, "resources", "garden").await, finds(&ana, "resources", "orchard ladder").await), (0, 1));
        changes(&ben, "resourceWithdraw", "resource", &id, json!({})).await;
        assert_eq!(finds(&ben, "resources", "orchard").await, 0);
    }
}

on_both! {
    async fn a_thread_is_found_while_it_is_in_sight(host) {
        let (ana, ben) = (host.champion(&["leeds:moderator"]).await, host.champion(&["leeds:moderator"]).await);
        let space = json!({ "site": "leeds", "name": "Room", "about": "For all.", "access": "OPEN", "visibility": "SITE" });
        let space = ana.does("spaceCreate", space, "space { id }").await.record()["id"].clone();
        let thread = json!({ "space": space, "title": "Garden", "body": "Where?", "tags": ["hoes"] });
        let id = ana.does("threadStart", thread, "thread { id }").await.record()["id"].clone();
        assert_eq!(finds(&ben, "threads", "garden hoes").await, 1);
        changes(&ana, "threadEdit", "thread", &id, json!({ "title": "Orchard", "tags": [] })).await;
        for (search, found) in [("garden", 0), ("hoes", 0), ("orchard", 1)] {
            assert_eq!(finds(&ben, "threads", search).await, found, "{search}");
        }
        for (state, found) in [("HIDDEN", 0), ("OPEN", 1), ("REMOVED", 0)] {
            let input = json!({ "id": id, "state": state, "reason": "So." });
            ben.does("threadSetState", input, "thread { id }").await.record();
            assert_eq!(finds(&ben, "threads", "orchard").await, found, "{state}");
        }
    }
}
