//! Measures: defined and changed by analysts, read by everybody.

use super::{approved, measure};
use crate::support::{json, on_both};

fn people_helped() -> serde_json::Value {
    json!({
        "site": "leeds", "code": "people-helped", "name": "People helped", "definition": "Once a session.",
        "unit": "people", "kind": "COUNT", "aggregation": "SUM", "countsPeople": true, "sessionFigure": "PEOPLE_HELPED",
    })
}

const SHOWN: &str = "measure { id version code kind aggregation countsPeople sessionFigure visibility viewerCan }";

on_both! {
    async fn analysts_define_measures_and_everybody_reads_them(host) {
        for (roles, code) in [
            (vec!["leeds:champion"], "FORBIDDEN"),
            (vec!["leeds:project_lead"], "FORBIDDEN"),
            (vec!["hull:analyst"], "FORBIDDEN"),
        ] {
            let person = host.person(&roles);
            assert_eq!(person.does("measureDefine", people_helped(), SHOWN).await.code(), code);
        }
        assert_eq!(host.anonymous().does("measureDefine", people_helped(), SHOWN).await.code(), "UNAUTHENTICATED");

        let analyst = host.person(&["leeds:analyst"]);
        let defined = analyst.does("measureDefine", people_helped(), SHOWN).await.record().clone();
        assert_eq!(defined["visibility"], "PUBLIC");
        assert_eq!(defined["sessionFigure"], "PEOPLE_HELPED");
        assert_eq!(defined["viewerCan"], json!(["EDIT"]));
        assert_eq!(analyst.does("measureDefine", people_helped(), SHOWN).await.problems(), "TAKEN code");

        let list = "query($filter: MeasureFilter) { measures(filter: $filter) { nodes { code } totalCount } }";
        let anonymous = host.anonymous();
        let found = anonymous.run(list, json!({ "filter": { "search": "HELPED people", "national": false } })).await;
        assert_eq!(found.nodes("code"), ["people-helped"]);
        for other in [json!({ "search": "helped cats" }), json!({ "national": true }), json!({ "sites": ["hull"] })] {
            let found = anonymous.run(list, json!({ "filter": other })).await;
            assert_eq!(found.nodes("code"), Vec::<String>::new());
        }
        let node = "query($id: ID!) { node(id: $id) { ... on ImpactMeasure { code site { slug } } } }";
        let found = anonymous.run(node, json!({ "id": defined["id"] })).await;
        assert_eq!(found.data()["node"], json!({ "code": "people-helped", "site": { "slug": "leeds" } }));
    }
}

on_both! {
    async fn what_does_not_fit_together_is_refused_with_its_place(host) {
        let analyst = host.person(&["leeds:analyst"]);
        for (changes, problems) in [
            (json!({ "code": "People Helped" }), "INVALID code"),
            (json!({ "code": "", "name": " ", "unit": "a\nb" }), "REQUIRED code\nREQUIRED name\nINVALID unit"),
            (json!({ "kind": "COVERAGE", "aggregation": "MEAN", "sessionFigure": null }), "INVALID aggregation"),
            (json!({ "kind": "SCORE", "aggregation": "LATEST", "sessionFigure": null }), "INVALID aggregation"),
            (json!({ "aggregation": "LATEST" }), "INVALID sessionFigure"),
            (json!({ "countsPeople": false }), "INVALID countsPeople"),
        ] {
            let mut input = people_helped();
            for (name, value) in changes.as_object().unwrap() {
                input[name] = value.clone();
            }
            assert_eq!(analyst.does("measureDefine", input, SHOWN).await.problems(), problems, "{changes}");
        }
        let list = analyst.run("{ measures { nodes { code } } }", json!({})).await;
        assert_eq!(list.nodes("code"), Vec::<String>::new());
    }
}

on_both! {
    async fn what_figures_mean_stays_once_they_are_recorded(host) {
        let (analyst, ana) = (host.person(&["leeds:analyst"]), host.champion(&["leeds:champion"]).await);
        let defined = measure(&analyst, "leeds", "calls", ["COUNT", "SUM"], false).await;
        let change = |version: i32, field: &str, value: serde_json::Value| {
            json!({ "id": defined["id"], "version": version, field: value })
        };
        let early = analyst.does("measureUpdate", change(1, "aggregation", json!("LATEST")), SHOWN).await;
        assert_eq!(early.record()["aggregation"], "LATEST");

        approved([&ana, &analyst], "leeds", &defined["id"], "2026-05-04", json!({ "value": "3" })).await;
        for (field, value) in [
            ("kind", json!("SCORE")),
            ("aggregation", json!("SUM")),
            ("countsPeople", json!(true)),
            ("code", json!("phone-calls")),
        ] {
            let reply = analyst.does("measureUpdate", change(2, field, value), SHOWN).await;
            assert_eq!(reply.problems(), format!("NOT_ALLOWED_NOW {field}"));
        }
        let same = json!({ "id": defined["id"], "version": 2, "kind": "COUNT", "name": "Calls" });
        assert_eq!(analyst.does("measureUpdate", same.clone(), SHOWN).await.record()["version"], 3);
        let late = analyst.does("measureUpdate", same, SHOWN).await;
        assert_eq!(late.code(), "CONFLICT");
        assert_eq!(late.payload()["measure"]["version"], 3);
        let cleared = change(3, "name", json!(null));
        assert_eq!(analyst.does("measureUpdate", cleared, SHOWN).await.problems(), "REQUIRED name");
        let other = host.person(&["hull:analyst"]).does("measureUpdate", change(3, "name", json!("Ours")), SHOWN).await;
        assert_eq!(other.code(), "FORBIDDEN");
    }
}

on_both! {
    async fn targets_tell_their_measures_in_one_statement(host) {
        let (analyst, admin) = (host.person(&["leeds:analyst"]), host.person(&["leeds:site_admin"]));
        let calls = measure(&analyst, "leeds", "calls", ["COUNT", "SUM"], false).await;
        let practices = measure(&analyst, "leeds", "practices", ["COVERAGE", "LATEST"], false).await;
        let asked = "{ projects { nodes { targets { value numerator measure { code site { slug } } } } } }";
        let mut statements = Vec::new();
        for title in ["Garden", "Park"] {
            let input = json!({ "site": "leeds", "title": title, "summary": "Ours." });
            let project = admin.does("projectCreate", input, "project { id }").await.record().clone();
            let targets = json!([
                { "measure": calls["id"], "value": "30" },
                { "measure": practices["id"], "numerator": "70", "denominator": "81" },
            ]);
            let input = json!({ "id": project["id"], "version": 1, "targets": targets });
            admin.does("projectSetTargets", input, "project { id }").await.record();
            let before = host.statements();
            let reply = admin.run(asked, json!({})).await;
            statements.push(host.statements() - before);
            let targets = &reply.data()["projects"]["nodes"][0]["targets"];
            assert_eq!(targets[0]["measure"], json!({ "code": "calls", "site": { "slug": "leeds" } }));
            assert_eq!(targets[1]["measure"]["code"], "practices");
        }
        assert_eq!(statements[0], statements[1]);
    }
}
