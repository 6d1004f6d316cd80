//! What a person may ask of a host about themself, and what it forgets: the export, erasures, retention, logs and metrics.

mod erasure;
mod export;
mod logs;
mod retention;

use crate::support::{Person, Value, json};

/// The card of somebody, as they see it.
async fn card(person: &Person<'_>) -> Value {
    let me = person.run("{ viewer { champion { id version } } }", json!({})).await;
    me.data()["viewer"]["champion"].clone()
}

/// All pages of what is kept of somebody.
async fn exported(person: &Person<'_>) -> Vec<Value> {
    let (mut pages, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = "query($after: String) { viewer { export(after: $after) } }";
        let page = person.run(query, json!({ "after": after })).await.data()["viewer"]["export"].clone();
        after = page["next"].clone();
        pages.push(page);
        if after.is_null() {
            return pages;
        }
    }
}

/// The records of an export.
fn records(pages: &[Value]) -> impl Iterator<Item = &Value> {
    pages.iter().flat_map(|page| page["records"].as_array().unwrap())
}
