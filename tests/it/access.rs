//! The sweep: every root field, every mutation and every nested edge, asked by people who must not see or change what
//! they find there. The schema itself says what there is to ask, so that nothing new is forgotten.

use std::collections::BTreeSet;

use entity::audit_entry;
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{
    support::{Person, Value, json, on_both},
    sweep::{FEW_ONLY, FIGURE, MEMBERS_ONLY, OpenTo, Schema, Seeds, text, whatever_is_asked},
};

/// Types whose records are everybody's, or hold nothing but numbers and other records.
const OPEN: &[&str] = &[
    "ImpactMeasure",
    "Network",
    "NetworkHost",
    "Organisation",
    "PageInfo",
    "Provenance",
    "RoleGrant",
    "SignUps",
    "Site",
    "SyncStatus",
    "Viewer",
    "_Service",
];
/// Fields that show what others may see too, although their type is not everybody's. That of the report and its cells
/// is in the value of each cell.
const SHARED: &[&str] = &[
    "ImpactReport.cells",
    "Query.impact",
    "ResourceOverlay.resource",
    "ResourceProposal.nationalCopy",
];

on_both! {
    with whatever_is_asked; async fn what_a_caller_may_not_see_is_nowhere(host) {
        let (seeds, ana) = Seeds::plant(host, "leeds").await;
        let schema = Schema::read(host).await;
        let member = host.champion(&["leeds:champion"]).await;
        let elsewhere = ["site_admin", "project_lead", "curator", "moderator", "analyst"].map(|role| format!("hull:{role}"));
        let elsewhere = host.champion(&elsewhere.each_ref().map(String::as_str)).await;
        let outsiders = [host.anonymous(), host.person(&[]), elsewhere];
        let outside = Eyes { schema: &schema, marks: &[MEMBERS_ONLY, FEW_ONLY, FIGURE], ids: &seeds.hidden };
        let inside = Eyes { schema: &schema, marks: &[FEW_ONLY], ids: &seeds.few };
        let (mut shown, mut secret) = (BTreeSet::new(), BTreeSet::new());
        for (field, document) in schema.documents(&seeds) {
            for outsider in &outsiders {
                outside.see_nothing(&field, &ask(outsider, &document).await);
            }
            inside.see_nothing(&field, &ask(&member, &document).await);
            let told = ask(&ana, &document).await;
            assert!(told.get("errors").is_none(), "{field}: {}", told["errors"]);
            outside.note(&told["data"], &mut shown, &mut secret);
        }
        // Nothing was shown because it is refused, and not because there is nothing: somebody sees it, everywhere.
        for (edge, of) in schema.edges() {
            assert!(shown.contains(&edge), "{edge} shows nothing to those who may see all");
            let open = OPEN.contains(&&*of) || SHARED.contains(&&*edge);
            assert!(open || secret.contains(&edge), "{edge} shows nothing that is kept from anybody");
        }
    }
}

async fn ask(person: &Person<'_>, document: &str) -> Value {
    person.run(document, json!({})).await.0
}

/// What gives away that something was seen.
struct Eyes<'a> {
    schema: &'a Schema,
    marks: &'a [&'a str],
    ids: &'a BTreeSet<String>,
}

impl Eyes<'_> {
    /// Demands that an answer holds no trace, not in its errors either, and that no error hides a part of it.
    fn see_nothing(&self, field: &str, answer: &Value) {
        for error in answer["errors"].as_array().into_iter().flatten() {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            let refused = ["NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED"].contains(&code);
            let whole = error["path"].as_array().is_some_and(|path| path.len() == 1);
            assert!(refused && whole, "{field}: {error}");
        }
        let told = answer.to_string();
        if let Some((trace, at)) = self.trace(&told) {
            let around = &told.as_bytes()[at.saturating_sub(300)..(at + 60).min(told.len())];
            panic!("{field} tells {trace}: …{}", String::from_utf8_lossy(around));
        }
        self.schema.walk(&answer["data"], &mut |by, object| counted(by, object));
    }

    /// Notes by which fields an answer shows anything, and by which something that is not everybody's.
    fn note(&self, data: &Value, shown: &mut BTreeSet<String>, secret: &mut BTreeSet<String>) {
        self.schema.walk(data, &mut |by, object| {
            counted(by, object);
            shown.insert(by.to_owned());
            let own = object
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, value)| !is_nested(value));
            if own
                .into_iter()
                .any(|(_, value)| self.trace(&value.to_string()).is_some())
            {
                secret.insert(by.to_owned());
            }
        });
    }

    /// The first trace in a text and where it stands.
    fn trace<'t>(&self, told: &'t str) -> Option<(&'t str, usize)> {
        let words = told.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let known = |word: &&str| self.ids.contains(*word) || self.marks.iter().any(|mark| word.contains(mark));
        let found = words.into_iter().find(known)?;
        Some((found, told.find(found)?))
    }
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value[0].is_object()
}

/// Demands that a whole list holds as many items as it counts: a count tells of what a list does not show.
fn counted(by: &str, list: &Value) {
    let pages = &list["pageInfo"];
    let whole = pages["hasNextPage"] == false && pages["hasPreviousPage"] == false;
    if let (true, Some(items)) = (whole && !list["totalCount"].is_null(), list["nodes"].as_array()) {
        assert_eq!(list["totalCount"], items.len(), "{by} counts what it does not show");
    }
}

on_both! {
    async fn no_mutation_is_open_to_callers_without_the_right(host) {
        let (seeds, _) = Seeds::plant(host, "leeds").await;
        let schema = Schema::read(host).await;
        let inputs = seeds.inputs();
        let known: BTreeSet<_> = inputs.keys().map(|name| (*name).to_owned()).collect();
        let served: BTreeSet<_> = schema.fields("Mutation").iter().map(|field| text(&field["name"])).collect();
        assert_eq!(served, known, "every mutation stands in the table of this test");

        let weak = host.champion(&["leeds:champion"]).await;
        let stranger = host.champion(&["hull:champion"]).await;
        let foreign_admin = host.person(&["hull:site_admin", "hull:curator", "hull:moderator", "hull:analyst"]);
        let before = audit_entry::Entity::find().count(host.server.0.reader()).await.unwrap();
        let mut wrong = Vec::new();
        for (mutation, (input, open_to)) in &inputs {
            let mut ask = async |person: &Person<'_>, who: &str, refusals: [&str; 2]| {
                let reply = person.does(mutation, input.clone(), "__typename").await;
                if !refusals.contains(&reply.code()) {
                    wrong.push(format!("{mutation} {who}: {}", reply.0));
                }
            };
            ask(&host.anonymous(), "as nobody", ["UNAUTHENTICATED", "NOT_FOUND"]).await;
            if *open_to == OpenTo::Anyone {
                continue;
            }
            for person in [&stranger, &foreign_admin] {
                ask(person, "from elsewhere", ["FORBIDDEN", "NOT_FOUND"]).await;
            }
            if *open_to == OpenTo::Few {
                ask(&weak, "as a champion", ["FORBIDDEN", "NOT_FOUND"]).await;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let after = audit_entry::Entity::find().count(host.server.0.reader()).await.unwrap();
        assert_eq!(before, after, "something was changed");
    }
}
