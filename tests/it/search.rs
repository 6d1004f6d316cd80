//! Search: the same results in kind on both databases, whatever people type.

use crate::support::{Person, json, on_both};

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
        ("Café culture", "Digital tea for the ward's visitors."),
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
