//! A query costs a constant number of statements, however many rows it shows.

use std::collections::BTreeMap;

use crate::{
    support::{Host, Person, json, on_both},
    sweep::{Schema, Seeds, whatever_is_asked},
};

const PAGE: &str = "query($first: Int!) {
    projects(first: $first) {
        totalCount
        nodes {
            title milestones { title } viewerCan
            site { name }
            lead { displayName }
            champions(first: 5) { totalCount nodes { displayName site { slug } } }
            threads(first: 3) {
                totalCount
                nodes {
                    title byline author { displayName }
                    posts(first: 3) { nodes { body byline author { displayName } } }
                }
            }
        }
    }
}";

/// Statements for the token, for each level of the page, and for each count.
const MOST: usize = 24;

on_both! {
    async fn a_page_of_twenty_projects_costs_as_many_statements_as_a_page_of_two(host) {
        let lead = host.champion(&["leeds:project_lead", "leeds:moderator"]).await;
        plant(&lead).await;
        let small = cost(host, &lead, 2).await;
        let large = cost(host, &lead, 20).await;
        assert_eq!(small, large);
        assert!(large <= MOST, "{large} statements");
    }
}

async fn cost(host: &Host, person: &Person<'_>, first: usize) -> usize {
    let before = host.statements();
    let reply = person.run(PAGE, json!({ "first": first })).await;
    let nodes = reply.data()["projects"]["nodes"].as_array().unwrap().clone();
    assert_eq!(nodes.len(), first);
    for node in nodes {
        assert_eq!(node["champions"]["nodes"].as_array().unwrap().len(), 1, "{node}");
        assert_eq!(
            node["threads"]["nodes"][0]["posts"]["nodes"].as_array().unwrap().len(),
            2,
            "{node}"
        );
    }
    host.statements() - before
}

on_both! {
    with whatever_is_asked; async fn every_field_costs_the_same_when_another_site_has_as_much_again(host) {
        let (seeds, _) = Seeds::plant(host, "leeds").await;
        let schema = Schema::read(host).await;
        let roles = ["site_admin", "project_lead", "curator", "moderator", "analyst"];
        let roles: Vec<_> = ["leeds", "hull"].iter().flat_map(|site| roles.map(|role| format!("{site}:{role}"))).collect();
        let reader = host.person(&roles.iter().map(String::as_str).collect::<Vec<_>>());
        let costs = async || {
            let mut costs = BTreeMap::new();
            for (field, document) in schema.documents(&seeds) {
                if !["node", "nodes"].contains(&&*field) {
                    let before = host.statements();
                    reader.run(&document, json!({})).await.data();
                    costs.insert(document, host.statements_since(before));
                }
            }
            costs
        };
        let once = costs().await;
        Seeds::plant(host, "hull").await;
        for (document, statements) in costs().await {
            let before = &once[&document];
            assert_eq!(before.len(), statements.len(), "{} {}", &document[..60], surplus(before, &statements));
        }
    }
}

/// How many more statements began at each table.
fn surplus(before: &[String], after: &[String]) -> String {
    let mut counts = BTreeMap::new();
    for (statements, step) in [(before, -1), (after, 1)] {
        for statement in statements {
            let table = statement.split(" FROM ").nth(1).and_then(|rest| rest.split(' ').next());
            *counts.entry(table.unwrap_or(statement)).or_insert(0) += step;
        }
    }
    counts.retain(|_, count| *count != 0);
    format!("{counts:?}")
}

on_both! {
    async fn long_texts_are_read_only_when_they_are_asked_for(host) {
        let (_, ana) = Seeds::plant(host, "leeds").await;
        for (query, asked, table, column) in [
            ("{ projects { nodes { title * } } }", "summary", "project", "summary"),
            ("{ projects { nodes { title * } } }", "question", "project", "question"),
            ("{ resources { nodes { title * } } }", "summary", "resource", "summary"),
            ("{ resources { nodes { editions { nodes { number * } } } } }", "summary", "resource_edition", "summary"),
            ("{ resources { nodes { editions { nodes { number * } } } } }", "bodyHtml", "resource_edition", "body"),
            ("{ proposals { nodes { reason * } } }", "offered { title }", "resource_proposal", "offer"),
            ("{ champions { edges { node { displayName * } } } }", "bio", "champion", "bio"),
            ("{ threads { nodes { title * } } }", "bodyHtml", "thread", "body"),
            ("{ threads { nodes { posts { nodes { state ...more } } } } } fragment more on Post { byline * }", "body", "post", "body"),
            ("{ observations(site: \"leeds\") { nodes { observedOn * } } }", "note", "observation", "note"),
            ("{ observations(site: \"leeds\") { nodes { observedOn * } } }", "breakdown { value }", "observation", "breakdown"),
        ] {
            for (more, read) in [("", false), (asked, true)] {
                let query = query.replace('*', more);
                let before = host.statements();
                ana.run(&query, json!({})).await.data();
                let statements = host.statements_since(before);
                let named = format!("\"{table}\".\"{column}\"");
                let lists = statements.iter().filter(|statement| statement.contains("key_0"));
                let found = lists.into_iter().any(|statement| statement.contains(&named));
                assert_eq!(found, read, "{query}\n{}", statements.join("\n"));
            }
        }
    }
}

/// Twenty projects with a team, a thread and two posts each.
async fn plant(lead: &Person<'_>) {
    let me = lead.run("{ viewer { champion { id } } }", json!({})).await.data()["viewer"]["champion"]["id"].clone();
    let space =
        json!({ "site": "leeds", "name": "Room", "about": "For all.", "access": "OPEN", "visibility": "NETWORK" });
    let space = lead.does("spaceCreate", space, "space { id }").await.record()["id"].clone();
    for number in 0..20 {
        let project = json!({ "site": "leeds", "title": format!("Project {number}"), "summary": "One of twenty." });
        let project = lead.does("projectCreate", project, "project { id }").await.record()["id"].clone();
        let team = json!({ "id": project, "version": 1, "champion": me });
        lead.does("projectAddChampion", team, "project { id }").await.record();
        let thread = json!({ "space": space, "title": "How?", "body": "How do we?", "project": project });
        let thread = lead.does("threadStart", thread, "thread { id }").await.record()["id"].clone();
        for body in ["So.", "Or so."] {
            lead.does("postCreate", json!({ "thread": thread, "body": body }), "post { id }")
                .await
                .record();
        }
    }
}
