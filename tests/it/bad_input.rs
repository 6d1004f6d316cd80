//! Bad input: each a clear problem or error with its code and path, and nothing is stored.

use axum::{body::Body, http::Request};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::support::{Host, Person, Reply, json, on_both};

on_both! {
    async fn a_wrong_argument_of_a_query_is_told_with_its_path(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = admin.does("projectCreate", input, "project { id }").await.record()["id"].clone();
        let by_title = admin.run("{ projects(orderBy: TITLE_ASC) { pageInfo { endCursor } } }", json!({})).await;
        let cursor = by_title.data()["projects"]["pageInfo"]["endCursor"].clone();
        for (query, variables, code, path) in [
            ("{ projects(first: 101) { totalCount } }", json!({}), "INVALID_ARGUMENT", json!(["first"])),
            ("{ projects(first: -1) { totalCount } }", json!({}), "INVALID_ARGUMENT", json!(["first"])),
            ("{ projects(first: 1, last: 1) { totalCount } }", json!({}), "INVALID_ARGUMENT", json!(["last"])),
            ("{ projects(after: \"nonsense\") { totalCount } }", json!({}), "INVALID_ARGUMENT", json!(["after"])),
            (
                "query($after: String) { projects(after: $after) { totalCount } }",
                json!({ "after": cursor }),
                "INVALID_ARGUMENT",
                json!(["after"]),
            ),
            (
                "query($after: String) { champions(after: $after) { totalCount } }",
                json!({ "after": cursor }),
                "INVALID_ARGUMENT",
                json!(["after"]),
            ),
            ("{ node(id: \"project_nonsense\") { id } }", json!({}), "INVALID_ARGUMENT", json!(["id"])),
            ("{ node(id: \"\") { id } }", json!({}), "INVALID_ARGUMENT", json!(["id"])),
            ("query($id: ID!) { nodes(ids: [$id, \"x\"]) { id } }", json!({ "id": project }), "INVALID_ARGUMENT", json!(["ids"])),
            ("{ projects(filter: { statuses: [OPEN] }) { totalCount } }", json!({}), "VALIDATION_FAILED", json!(null)),
            ("{ projects { nodes { nothing } } }", json!({}), "VALIDATION_FAILED", json!(null)),
            ("{ projects {", json!({}), "PARSE_FAILED", json!(null)),
        ] {
            let reply = admin.run(query, variables).await;
            assert_eq!(reply.code(), code, "{query}: {reply:?}");
            assert_eq!(reply.0["errors"][0]["extensions"]["path"], path, "{query}: {reply:?}");
        }
    }
}

on_both! {
    async fn a_search_or_filter_of_any_length_finds_nothing_and_breaks_nothing(host) {
        let admin = host.person(&["leeds:site_admin"]);
        for long in ["word ".repeat(5_000), "w".repeat(60_000), "健".repeat(20_000)] {
            for (list, filter) in [
                ("sites(filter: { search: $long })", "SiteFilter"),
                ("organisations(filter: { search: $long })", "OrganisationFilter"),
                ("champions(filter: { search: $long })", "ChampionFilter"),
                ("projects(filter: { search: $long })", "ProjectFilter"),
                ("projects(filter: { condition: $long })", "ProjectFilter"),
            ] {
                let query = format!("query($long: String!) {{ {list} {{ nodes {{ id }} totalCount }} }}");
                let reply = admin.run(&query, json!({ "long": long })).await;
                assert_eq!(reply.nodes("id"), Vec::<String>::new(), "{filter}");
            }
        }
        let most = "query($sites: [String!], $areas: [FocusArea!]) {
            projects(filter: { sites: $sites, focusAreas: $areas }) { totalCount }
        }";
        let lists = |length: usize| json!({ "sites": vec!["hull"; length], "areas": vec!["INFRASTRUCTURE"; length] });
        assert_eq!(admin.run(most, lists(500)).await.code(), "OK");
        let refused = admin.run(most, lists(501)).await;
        assert_eq!(refused.code(), "LIMIT_EXCEEDED");
        assert_eq!(refused.0["errors"][0]["extensions"]["limit"], "list_items");
        assert_eq!(refused.0["errors"][0]["extensions"]["path"], json!(["sites"]));
    }
}

on_both! {
    async fn a_cursor_that_somebody_made_up_is_refused(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let place = |key: &str| format!("[\"project:CREATED_DESC\",[{key}],\"01940000-0000-7000-8000-000000000000\"]");
        let query = "query($after: String) { projects(after: $after) { totalCount nodes { id } } }";
        for (key, code) in [
            ("{\"Time\":\"2026-01-01T00:00:00Z\"}", "OK"),
            ("{\"Time\":\"+262142-01-01T00:00:00Z\"}", "INVALID_ARGUMENT"),
            ("{\"Time\":\"-262142-01-01T00:00:00Z\"}", "INVALID_ARGUMENT"),
            ("{\"Text\":\"a\"}", "INVALID_ARGUMENT"),
            ("{\"Number\":1}", "INVALID_ARGUMENT"),
            ("", "INVALID_ARGUMENT"),
        ] {
            let after = BASE64_URL_SAFE_NO_PAD.encode(place(key));
            assert_eq!(admin.run(query, json!({ "after": after })).await.code(), code, "{key}");
        }
    }
}

on_both! {
    async fn lists_inside_lists_are_limited_before_they_are_read(host) {
        let rings = |depth: usize| {
            let open = "projects(first: 25) { nodes { champions { nodes { id ".repeat(depth);
            format!("query Rings {{ {open} {} }}", "} } } }".repeat(depth))
        };
        assert_eq!(host.anonymous().run(&rings(1), json!({})).await.code(), "OK");
        let before = host.statements();
        let limit = |refused: &Reply| refused.0["errors"][0]["extensions"]["limit"].clone();
        let refused = host.anonymous().run(&rings(2), json!({})).await;
        assert_eq!((refused.code(), limit(&refused)), ("LIMIT_EXCEEDED", json!("answer_values")));
        let pages = |fields: &str| format!("query($size: Int) {{ sites(first: $size) {{ nodes {{ projects(first: $size) {{ nodes {{
            champions(first: $size) {{ nodes {{ {fields} }} }} }} }} }} }} }}");
        let refused = host.anonymous().run(&pages("site { id }"), json!({ "size": 32 })).await;
        assert_eq!(limit(&refused), "answer_rows");
        assert_eq!(host.statements(), before);
        assert_eq!(host.anonymous().run(&pages("id"), json!({ "size": 30 })).await.code(), "OK");
    }
}

on_both! {
    async fn an_id_finds_nothing_of_another_kind(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = admin.does("projectCreate", input, "project { id }").await.record()["id"].clone();
        let resource = project.as_str().unwrap().replace("project_", "resource_");
        let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }";
        let found = admin.run(nodes, json!({ "ids": [resource, project] })).await;
        assert_eq!(found.data()["nodes"], json!([null, { "__typename": "Project" }]));
    }
}

on_both! {
    async fn every_problem_of_an_input_is_told_at_once_and_nothing_is_stored(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({
            "site": "leeds", "title": "x".repeat(201), "summary": "", "startsOn": "1947-12-31", "endsOn": "1946-01-01",
            "conditions": ["two\nlines"], "clonedFrom": null,
        });
        let reply = admin.does("projectCreate", input, "project { id }").await;
        insta::assert_snapshot!(reply.problems(), @r"
        TOO_LONG title
        REQUIRED summary
        INVALID conditions.0
        INVALID startsOn
        INVALID endsOn
        INVALID endsOn
        ");
        for (field, value, told) in [
            ("id", json!("project_nonsense"), "INVALID id"),
            ("id", json!("champion_01h455vb4pex5vsknk084sn02q"), "INVALID id"),
        ] {
            let mut input = json!({ "id": "project_01h455vb4pex5vsknk084sn02q", "version": 1, "title": "New" });
            input[field] = value;
            assert_eq!(admin.does("projectUpdate", input, "project { id }").await.problems(), told);
        }
        let reply = admin.run("{ projects { totalCount } }", json!({})).await;
        assert_eq!(reply.data()["projects"]["totalCount"], 0);
    }
}

on_both! {
    async fn a_text_is_measured_in_characters_and_holds_none_that_cannot_be_stored(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let most = "é".repeat(200);
        for (more, told) in [
            (json!({ "title": most, "summary": "Two\nlines\tand a tab.", "conditions": vec!["x"; 30] }), ""),
            (json!({ "title": format!("{most}e") }), "TOO_LONG title"),
            (json!({ "summary": "x".repeat(1_001) }), "TOO_LONG summary"),
            (json!({ "question": "x".repeat(1_001) }), "TOO_LONG question"),
            (json!({ "conditions": ["x".repeat(61)] }), "TOO_LONG conditions.0"),
            (json!({ "conditions": vec!["x"; 31] }), "TOO_LONG conditions"),
            (json!({ "title": "a\u{1}b" }), "INVALID title"),
            (json!({ "summary": "a\u{1b}[31mb" }), "INVALID summary"),
            (json!({ "title": "two\nlines" }), "INVALID title"),
            (json!({ "title": " \t\u{a0}" }), "REQUIRED title"),
        ] {
            let mut input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(admin.does("projectCreate", input, "project { id }").await.problems(), told, "{more}");
        }
        for nul in [json!({ "title": "a\u{0}b" }), json!({ "conditions": ["a\u{0}b"] })] {
            let mut input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
            input.as_object_mut().unwrap().extend(nul.as_object().unwrap().clone());
            assert_eq!(admin.does("projectCreate", input, "project { id }").await.code(), "INVALID_ARGUMENT", "{nul}");
        }
        let reply = admin.run("{ projects { totalCount } }", json!({})).await;
        assert_eq!(reply.data()["projects"]["totalCount"], 1);
    }
}

on_both! {
    async fn null_for_a_required_field_is_required_and_an_omitted_field_stays(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "question": "Why?" });
        let project = admin.does("projectCreate", input, "project { id }").await.record()["id"].clone();
        let input = json!({ "id": project, "version": 1, "title": null });
        assert_eq!(admin.does("projectUpdate", input, "project { id }").await.problems(), "REQUIRED title");

        // Variables that are left out must not clear: this is how generated clients send a patch.
        let patch = "mutation($id: ID!, $version: Int!, $title: String, $question: String) {
            projectUpdate(input: { id: $id, version: $version, title: $title, question: $question }) {
                project { title question version } problems { code }
            }
        }";
        let reply = admin.run(patch, json!({ "id": project, "version": 1, "title": "Park" })).await;
        assert_eq!(*reply.record(), json!({ "title": "Park", "question": "Why?", "version": 2 }));
        let reply = admin.run(patch, json!({ "id": project, "version": 2, "question": null })).await;
        assert_eq!(*reply.record(), json!({ "title": "Park", "question": null, "version": 3 }));
        let reply = admin.run(patch, json!({ "id": project, "version": 2, "title": "Late" })).await;
        assert_eq!(reply.code(), "CONFLICT");
        assert_eq!(reply.payload()["project"]["title"], "Park");
    }
}

on_both! {
    async fn a_body_that_is_no_request_is_refused(host) {
        assert_eq!(send(host, "nonsense".to_owned()).await, (400, "PARSE_FAILED".to_owned()));
        assert_eq!(send(host, "[]".to_owned()).await.0, 400);
        assert_eq!(send(host, "{\"query\": \"{ network { host { name } } }\", \"variables\": {\"a\": \"\\ud800\"}}".to_owned()).await.0, 400);
        assert_eq!(send(host, format!("{{\"query\": \"{}\"}}", "x".repeat(300_000))).await.0, 413);
        assert_eq!(send(host, "{\"query\": \"{ node(id: \\\"a\\\\u0000b\\\") { id } }\"}".to_owned()).await.0, 400);
    }
}

async fn send(host: &Host, body: String) -> (u16, String) {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .body(Body::from(body));
    let answer = host.send(request.unwrap()).await;
    let errors: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let code = errors["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status().as_u16(), code)
}

on_both! {
    with |settings| {
        settings.http.answer_values = 1_000;
        settings.http.budget.person_units = 1_500;
        settings.http.budget.person_units_per_second = 1;
    };
    async fn who_has_spent_a_budget_changes_nothing_until_it_is_back(host) {
        let lead = host.person(&["leeds:project_lead", "leeds:champion"]);
        let other = host.person(&["leeds:project_lead"]);
        let titles = "{ projects(first: 100) { nodes { title } } }";
        let create = async |person: &Person<'_>, title: &str| {
            let input = json!({ "site": "leeds", "title": title, "summary": "Ours.", "visibility": "SITE" });
            person.does("projectCreate", input, "project { id }").await
        };
        let mut created = 0;
        let refused = loop {
            let reply = create(&lead, &format!("Garden {created}")).await;
            if reply.code() != "OK" {
                break reply;
            }
            created += 1;
        };
        assert!((10..=14).contains(&created), "{created}");
        assert_eq!(refused.code(), "RATE_LIMITED");
        // Another token makes no other person.
        assert_eq!(lead.holding(&["leeds:site_admin"]).run(titles, json!({})).await.code(), "RATE_LIMITED");
        assert_eq!(other.run(titles, json!({})).await.nodes("title").len(), created);
    }
}
