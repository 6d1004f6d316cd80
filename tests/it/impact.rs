//! Impact: measured, recorded, approved, released after disclosure control and added up.

mod attacks;
mod import;
mod measures;
mod observations;
mod releases;
mod report;
mod sessions;

use serde_json::Value;

use crate::support::{Person, json};

/// A measure of a site: its code, kind, aggregation and whether it counts people.
async fn measure(analyst: &Person<'_>, site: &str, code: &str, shape: [&str; 2], people: bool) -> Value {
    let input = json!({
        "site": site, "code": code, "name": format!("Measure {code}"), "definition": "What is counted.",
        "unit": "units", "kind": shape[0], "aggregation": shape[1], "countsPeople": people,
    });
    analyst
        .does("measureDefine", input, "measure { id version }")
        .await
        .record()
        .clone()
}

/// A national measure.
async fn national(host: &crate::support::Host, code: &str, shape: [&str; 2], people: bool) -> Value {
    let analyst = host.person(&["national:analyst"]);
    measure(&analyst, "national", code, shape, people).await["id"].clone()
}

/// A figure, recorded and not yet approved.
async fn recorded(champion: &Person<'_>, site: &str, measure: &Value, day: &str, figure: Value) -> Value {
    let mut input = figure;
    for (name, value) in [
        ("site", json!(site)),
        ("measure", measure.clone()),
        ("observedOn", json!(day)),
    ] {
        input[name] = value;
    }
    let reply = champion
        .does("observationRecord", input, "observation { id version }")
        .await;
    reply.record().clone()
}

/// A figure that somebody recorded and somebody else approved.
async fn approved(people: [&Person<'_>; 2], site: &str, measure: &Value, day: &str, figure: Value) {
    let observation = recorded(people[0], site, measure, day, figure).await;
    let input = json!({ "id": observation["id"], "approve": true });
    let reply = people[1]
        .does("observationDecide", input, "observation { state }")
        .await;
    assert_eq!(reply.record()["state"], "APPROVED");
}

const RELEASES: &str = "releases {
    id version month revision state visibility supersedes { id }
    value {
        __typename ... on ExactValue { exact: value numerator denominator }
        ... on RoundedValue { rounded: value base some: numerator all: denominator count }
        ... on SuppressedValue { reason profile }
    }
}";

/// Releases months of a measure to everybody.
async fn released(analyst: &Person<'_>, site: &str, measure: &Value, from: &str, to: &str) -> Value {
    let input = json!({ "site": site, "measure": measure, "from": from, "to": to, "visibility": "PUBLIC" });
    analyst.does("impactRelease", input, RELEASES).await.record().clone()
}
