//! Subscriptions: people follow what changes, over WebSockets and event streams.

mod access;
mod copies;
mod events;
mod protocol;
mod resuming;
mod streams;

use crate::support::{Host, Person, Socket, Value, json};

/// Follows everything.
const CHANGED: &str = "subscription($kinds: [RecordKind!], $site: String, $after: String) {
    changed(kinds: $kinds, site: $site, after: $after) {
        cursor kind id change node { id ... on Project { title visibility } ... on Post { body } ... on Thread { title } }
    }
}";

/// Follows a thread.
const POSTS: &str = "subscription($thread: ID!, $after: String) {
    postAdded(thread: $thread, after: $after) { cursor post { id body byline state } }
}";

/// A project at Leeds of these visibility and title, made by a lead.
async fn project(lead: &Person<'_>, title: &str, visibility: &str) -> Value {
    let input = json!({ "site": "leeds", "title": title, "summary": "Ours.", "visibility": visibility });
    lead.does("projectCreate", input, "project { id version }")
        .await
        .record()
        .clone()
}

/// Changes a project; tells what it is now.
async fn update(lead: &Person<'_>, project: &Value, mut change: Value) -> Value {
    change["id"] = project["id"].clone();
    change["version"] = project["version"].clone();
    lead.does("projectUpdate", change, "project { id version }")
        .await
        .record()
        .clone()
}

async fn space(host: &Host, site: &str, visibility: &str) -> Value {
    let moderator = host.person(&[&format!("{site}:moderator")]);
    let input = json!({ "site": site, "name": "Everybody", "about": "Talk.", "visibility": visibility });
    moderator
        .does("spaceCreate", input, "space { id version }")
        .await
        .record()
        .clone()
}

async fn thread(person: &Person<'_>, space: &Value) -> Value {
    let input = json!({ "space": space["id"], "title": "Tablets", "body": "About tablets." });
    person
        .does("threadStart", input, "thread { id version }")
        .await
        .record()
        .clone()
}

async fn post(person: &Person<'_>, thread: &Value, body: &str) -> Value {
    let input = json!({ "thread": thread["id"], "body": body });
    person
        .does("postCreate", input, "post { id version }")
        .await
        .record()
        .clone()
}

/// The change that the next event tells of what, as `CREATED Garden`; of what is gone only the change.
async fn told(socket: &mut Socket, id: &str) -> String {
    let event = socket.event(id).await;
    let change = event["change"].as_str().unwrap();
    let node = &event["node"];
    match node["title"].as_str().or(node["body"].as_str()) {
        Some(words) => format!("{change} {words}"),
        None => change.to_owned(),
    }
}
