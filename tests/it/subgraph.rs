//! The host as a subgraph: records by their keys, for gateways.

use crate::support::{Host, Person, Value, json, on_both};

const ENTITIES: &str = "query($named: [_Any!]!) { _entities(representations: $named) {
    __typename ... on Project { title site { slug } } ... on Site { slug name }
} }";

async fn project(lead: &Person<'_>, title: &str, visibility: &str) -> Value {
    let input = json!({ "site": "leeds", "title": title, "summary": "Ours.", "visibility": visibility });
    let id = lead.does("projectCreate", input, "project { id }").await.record()["id"].clone();
    json!({ "__typename": "Project", "id": id })
}

on_both! {
    async fn records_are_found_by_their_keys_as_far_as_the_caller_may_see_them(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let (open, closed) = (project(&lead, "Garden", "PUBLIC").await, project(&lead, "Cellar", "SITE").await);
        let site = json!({ "__typename": "Site", "slug": "hull" });
        let nowhere = json!({ "__typename": "Site", "slug": "nowhere" });
        let named = json!({ "named": [closed, site, nowhere, open, closed] });
        let garden = json!({ "__typename": "Project", "title": "Garden", "site": { "slug": "leeds" } });
        let cellar = json!({ "__typename": "Project", "title": "Cellar", "site": { "slug": "leeds" } });
        let hull = json!({ "__typename": "Site", "slug": "hull", "name": "Hull" });

        let here = lead.run(ENTITIES, named.clone()).await;
        assert_eq!(here.data()["_entities"], json!([cellar, hull, null, garden, cellar]));
        let elsewhere = host.person(&["hull:champion"]).run(ENTITIES, named).await;
        assert_eq!(elsewhere.data()["_entities"], json!([null, hull, null, garden, null]));
    }
}

on_both! {
    async fn what_names_nothing_is_told_and_takes_nothing_else_with_it(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let open = project(&lead, "Garden", "PUBLIC").await;
        let champion = json!({ "__typename": "Champion", "id": open["id"] });
        for wrong in [
            json!({ "__typename": "Room", "id": open["id"] }),
            json!({ "__typename": "Project", "slug": "garden" }),
            json!({ "__typename": "Project", "id": "nonsense" }),
            json!({ "id": open["id"] }),
            json!("text"),
            champion,
        ] {
            let reply = lead.run(ENTITIES, json!({ "named": [wrong, open] })).await;
            assert_eq!(reply.code(), "INVALID_ARGUMENT", "{wrong}");
            assert_eq!(reply.0["errors"][0]["path"], json!(["_entities", 0]), "{wrong}");
            let entities = &reply.0["data"]["_entities"];
            assert_eq!((&entities[0], &entities[1]["title"]), (&Value::Null, &json!("Garden")), "{wrong}");
        }
    }
}

/// How many statements it takes to find records by their keys.
async fn statements(host: &Host, person: &Person<'_>, named: &[Value]) -> usize {
    let before = host.statements();
    person.run(ENTITIES, json!({ "named": named })).await.data();
    host.statements() - before
}

on_both! {
    async fn many_records_take_as_many_statements_as_few(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut named = vec![json!({ "__typename": "Site", "slug": "leeds" })];
        for number in 0..12 {
            named.push(project(&lead, &format!("Garden {number}"), "PUBLIC").await);
        }
        let few = statements(host, &lead, &named[..2]).await;
        assert_eq!(statements(host, &lead, &named).await, few);
    }
}
