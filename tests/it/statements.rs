//! A query costs a constant number of statements, however many rows it shows.

use crate::support::{Host, Person, json, on_both};

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
