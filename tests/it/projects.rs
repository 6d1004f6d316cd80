//! Projects: made, changed and listed by their people.

use crate::support::{Value, json, on_both};

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

const PROJECT: &str = "project { id version slug title status question startsOn endsOn visibility conditions sponsors
    focusAreas viewerCan lead { displayName } champions { nodes { displayName } }
    milestones { title dueOn doneOn } targets { measure { code } value numerator denominator dueOn } clonedFrom { title } }";

fn of(project: &Value, more: Value) -> Value {
    let mut input = json!({ "id": project["id"], "version": project["version"] });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

on_both! {
    async fn a_lead_runs_a_project_from_draft_to_archive(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let input = json!({
            "site": "leeds", "title": "Digital Garden", "summary": "Ours.", "question": "Does it grow?",
            "focusAreas": ["STAFF_CULTURE", "STAFF_CULTURE"], "conditions": ["Diabetes", "diabetes"],
            "sponsors": ["A charity", "A charity"], "startsOn": "2026-06-01", "endsOn": "2026-12-01",
        });
        let made = lead.does("projectCreate", input.clone(), PROJECT).await.record().clone();
        assert_eq!((&made["slug"], &made["status"]), (&json!("digital-garden"), &json!("DRAFT")));
        assert_eq!(made["lead"]["displayName"], format!("Champion {}", lead.subject));
        assert_eq!((&made["focusAreas"], &made["conditions"]), (&json!(["STAFF_CULTURE"]), &json!(["diabetes"])));
        assert_eq!((&made["sponsors"], &made["visibility"]), (&json!(["A charity"]), &json!("SITE")));
        assert_eq!(made["viewerCan"], json!(["EDIT", "SHARE", "ARCHIVE"]));

        let mut again = input;
        again["clonedFrom"] = made["id"].clone();
        let again = lead.does("projectCreate", again, PROJECT).await.record().clone();
        assert_eq!((&again["slug"], &again["clonedFrom"]["title"]), (&json!("digital-garden-2"), &json!("Digital Garden")));

        let mut project = made;
        for (status, code) in [
            ("PAUSED", "NOT_ALLOWED_NOW"),
            ("ACTIVE", "OK"),
            ("DRAFT", "NOT_ALLOWED_NOW"),
            ("ARCHIVED", "NOT_ALLOWED_NOW"),
            ("PAUSED", "OK"),
            ("COMPLETED", "OK"),
            ("ACTIVE", "OK"),
            ("COMPLETED", "OK"),
            ("ARCHIVED", "OK"),
            ("ACTIVE", "NOT_ALLOWED_NOW"),
        ] {
            let reply = lead.does("projectSetStatus", of(&project, json!({ "status": status })), PROJECT).await;
            assert_eq!(reply.code(), code, "{} to {status}", project["status"]);
            if code == "OK" {
                project = reply.record().clone();
                assert_eq!(project["status"], status);
            }
        }
    }
}

on_both! {
    async fn milestones_and_targets_are_replaced_as_a_whole(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let analyst = host.person(&["national:analyst"]);
        let mut measures = Vec::new();
        for (code, kind, aggregation) in [("sessions", "COUNT", "SUM"), ("practices", "COVERAGE", "LATEST")] {
            let input = json!({
                "site": "national", "code": code, "name": code, "definition": "What is counted.", "unit": "units",
                "kind": kind, "aggregation": aggregation, "countsPeople": false,
            });
            measures.push(analyst.does("measureDefine", input, "measure { id }").await.record()["id"].clone());
        }
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let mut project = lead.does("projectCreate", input, PROJECT).await.record().clone();

        for titles in [vec!["Dig", "Plant"], vec!["Water"], vec![]] {
            let steps: Vec<_> = titles.iter().map(|title| json!({ "title": title, "dueOn": "2026-09-01" })).collect();
            let input = of(&project, json!({ "milestones": steps }));
            project = lead.does("projectSetMilestones", input, PROJECT).await.record().clone();
            let shown: Vec<_> = project["milestones"].as_array().unwrap().iter().map(|step| &step["title"]).collect();
            assert_eq!(json!(shown), json!(titles));
        }
        let both = json!([
            { "measure": measures[1], "numerator": "60", "denominator": "81", "dueOn": "2026-12-31" },
            { "measure": measures[0], "value": "12.50" },
        ]);
        project = lead.does("projectSetTargets", of(&project, json!({ "targets": both })), PROJECT).await.record().clone();
        assert_eq!(project["targets"], json!([
            { "measure": { "code": "practices" }, "value": null, "numerator": "60", "denominator": "81", "dueOn": "2026-12-31" },
            { "measure": { "code": "sessions" }, "value": "12.5", "numerator": null, "denominator": null, "dueOn": null },
        ]));

        let wrong = json!([{ "measure": measures[0], "numerator": "1", "dueOn": "1947-01-01" }]);
        let refused = lead.does("projectSetTargets", of(&project, json!({ "targets": wrong })), PROJECT).await;
        assert_eq!(
            refused.problems(),
            "REQUIRED targets.0.value\nINVALID targets.0.numerator\nINVALID targets.0.dueOn"
        );
        let many = vec![json!({ "title": "Step" }); 51];
        let refused = lead.does("projectSetMilestones", of(&project, json!({ "milestones": many })), PROJECT).await;
        assert_eq!(refused.problems(), "TOO_LONG milestones");
        let shown = lead.run("{ projects { nodes { targets { value } } } }", json!({})).await;
        assert_eq!(shown.data()["projects"]["nodes"][0]["targets"].as_array().unwrap().len(), 2);
    }
}

on_both! {
    async fn a_team_is_of_the_project_s_own_site(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let ben = host.person(&["leeds:champion"]);
        let ben_id = ben.becomes_champion("leeds").await;
        let eve_id = host.person(&["hull:champion"]).becomes_champion("hull").await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let mut project = lead.does("projectCreate", input, PROJECT).await.record().clone();

        for _ in 0..2 {
            let input = of(&project, json!({ "champion": ben_id }));
            project = lead.does("projectAddChampion", input, PROJECT).await.record().clone();
            assert_eq!(project["champions"]["nodes"].as_array().unwrap().len(), 1);
        }
        let elsewhere = lead.does("projectAddChampion", of(&project, json!({ "champion": eve_id })), PROJECT).await;
        assert_eq!(elsewhere.problems(), "INVALID champion");
        let elsewhere = lead.does("projectUpdate", of(&project, json!({ "lead": eve_id })), PROJECT).await;
        assert_eq!(elsewhere.problems(), "INVALID lead");
        let member = ben.does("projectUpdate", of(&project, json!({ "title": "Mine" })), PROJECT).await;
        assert_eq!(member.code(), "FORBIDDEN");

        project = lead.does("projectUpdate", of(&project, json!({ "lead": ben_id })), PROJECT).await.record().clone();
        assert_eq!(project["viewerCan"], json!([]));
        let input = of(&project, json!({ "champion": ben_id }));
        assert_eq!(lead.does("projectRemoveChampion", input.clone(), PROJECT).await.code(), "FORBIDDEN");
        project = ben.does("projectRemoveChampion", input, PROJECT).await.record().clone();
        assert_eq!(project["champions"]["nodes"], json!([]));
    }
}
