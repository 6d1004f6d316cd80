//! Lists of resources: filters, orders, search, and what they cost.

use chrono::TimeDelta;

use super::{LIST, guide, lays, proposals::offers, published, titles, with, writes};
use crate::support::{Host, NATIONAL, Person, json, on_both};

on_both! {
    async fn lists_filter_and_order(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let more = [
            ("Bravo", json!({ "type": "VIDEO", "topics": ["NHS App"], "themes": ["LANGUAGE"], "language": "en-GB", "reviewBy": "2026-12-01" })),
            ("Alpha", json!({ "audience": ["STUDENTS"], "themes": ["BARRIERS", "PEER_SUPPORT"], "language": "so", "reviewBy": "2026-11-01" })),
            ("Charlie", json!({ "topics": ["nhs app", "scams"], "language": "EN" })),
        ];
        for (title, facts) in more {
            writes(&ana, with(guide("leeds", title), facts)).await;
            host.server.0.clock.advance(TimeDelta::minutes(1));
        }
        let filters = [
            (json!({ "types": ["VIDEO"] }), vec!["Bravo"]),
            (json!({ "topic": "nhs app" }), vec!["Bravo", "Charlie"]),
            (json!({ "themes": ["PEER_SUPPORT", "MYTH_BUSTING"] }), vec!["Alpha"]),
            (json!({ "audience": ["STUDENTS", "VOLUNTEER"] }), vec!["Alpha"]),
            (json!({ "language": "en" }), vec!["Bravo", "Charlie"]),
            (json!({ "language": "en-gb" }), vec!["Bravo"]),
            (json!({ "language": "%" }), vec![]),
            (json!({ "sites": ["hull"] }), vec![]),
            (json!({ "sites": ["leeds", "hull"], "national": false }), vec!["Alpha", "Bravo", "Charlie"]),
            (json!({ "national": true }), vec![]),
            (json!({ "statuses": ["DRAFT"] }), vec!["Alpha", "Bravo", "Charlie"]),
            (json!({ "statuses": ["PUBLISHED", "REVIEW_DUE"] }), vec![]),
            (json!({ "statuses": [] }), vec![]),
            (json!({ "reviewDueBefore": "2026-12-01" }), vec!["Alpha"]),
        ];
        for (filter, expected) in filters {
            let reply = ana.run(LIST, json!({ "filter": filter, "orderBy": "TITLE_ASC" })).await;
            assert_eq!(reply.nodes("title"), expected, "{filter}");
            assert_eq!(reply.data()["resources"]["totalCount"], expected.len(), "{filter}");
        }
        assert_eq!(titles(&ana, json!({})).await, ["Charlie", "Alpha", "Bravo"]);
        assert_eq!(titles(&ana, json!({ "orderBy": "REVIEW_BY_ASC" })).await, ["Alpha", "Bravo", "Charlie"]);
        let (mut after, mut paged) = (json!(null), Vec::new());
        for _ in 0..3 {
            let reply = ana.run(LIST, json!({ "orderBy": "REVIEW_BY_ASC", "first": 1, "after": after })).await;
            paged.extend(reply.nodes("title"));
            after = reply.data()["resources"]["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(paged, ["Alpha", "Bravo", "Charlie"]);
    }
}

on_both! {
    async fn the_best_match_comes_first(host) {
        published(host, with(guide("leeds", "Letters"), json!({ "body": "Say how prescriptions are ordered." }))).await;
        published(host, guide("leeds", "Ordering prescriptions")).await;
        published(host, guide("leeds", "Gardens")).await;
        let reader = host.person(&["hull:champion"]);
        let found = titles(&reader, json!({ "filter": { "search": "prescription order" } })).await;
        assert_eq!(found, ["Ordering prescriptions", "Letters"]);
    }
}

on_both! {
    async fn nested_lists_take_the_same_number_of_statements_for_many_as_for_one(host) {
        let query = "{ sites { nodes { slug resources { totalCount overlaid nodes {
            title summary body bodyHtml url status author { displayName } derivedFrom { title } project { title }
            draft { title status } editions { nodes { title status body } totalCount }
            overlay(site: \"leeds\") { note resource { title } } site { slug } viewerCan
        } } overlays { nodes { resource { title } } } } }
        proposals { nodes { offered { title status resource { title } } resource { title } nationalCopy { title } proposer { displayName } } } }";
        let curator = host.champion(&["leeds:curator", "national:curator"]).await;
        let first = published(host, guide(NATIONAL, "First")).await;
        lays(&curator, "leeds", &first, json!({ "pinned": true })).await.record();
        let local = published(host, guide("leeds", "Local")).await;
        offers(&curator, &local).await.record();
        let few = counted(host, &curator, query).await;

        for title in ["Second", "Third"] {
            let id = published(host, guide(NATIONAL, title)).await;
            lays(&curator, "leeds", &id, json!({ "note": title })).await.record();
            let id = published(host, guide("leeds", title)).await;
            offers(&curator, &id).await.record();
        }
        assert_eq!(counted(host, &curator, query).await, few);
    }
}

async fn counted(host: &Host, person: &Person<'_>, query: &str) -> usize {
    person.run(query, json!({})).await.data();
    let before = host.statements();
    person.run(query, json!({})).await.data();
    host.statements() - before
}
