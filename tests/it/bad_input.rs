//! Bad input: each a clear problem or error with its code and path, and nothing is stored.

use axum::{body::Body, http::Request};

use crate::support::{Host, json, on_both};

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
