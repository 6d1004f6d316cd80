//! Nothing private leaves a host. No list says what that is: what a member of another site can read here through the API is
//! for others, and all else that stands anywhere in the database is not. The schema says what there is to ask and to fill,
//! the database what there is to keep; so a new field or kind is covered as soon as it is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::DateTime;
use entity::{Kind, feed_entry};
use sea_orm::{ConnectionTrait, Statement, prelude::Uuid};

use super::*;
use crate::{
    support::{Backend, Network, between_hosts, network::site},
    sweep::{Filler, Schema, Seeds, Sharing, whatever_is_asked},
};

/// What travels beside what people read: in which order the home of a space places things, which state of an edition is
/// the later one, and who may be believed.
const WIRE_ONLY: &[&str] = &[
    "placement.position",
    "edition.version",
    "edition.createdAt",
    "member.keys",
    "member.protocol",
    "member.types_allowed",
];

/// The tables of the exchange itself, which hold what has left, and what finds things again by words.
const EXCHANGE: &[&str] = &[
    "feed_",
    "outbox",
    "replica",
    "search_",
    "seaql_migrations",
    "sqlite_",
    "event",
];

/// The shortest text that gives something away wherever it stands.
const TELLING: usize = 7;

/// Records that are asked for at once.
const MOST_IDS: usize = 50;

/// A site that shares all, and two of which each shares every second thing: so whatever can be tied to something else is
/// tied to what is shared and to what is not.
const WORLDS: [(&str, Sharing); 3] = [
    ("leeds", Sharing::All),
    ("hull", Sharing::Every2nd(0)),
    ("york", Sharing::Every2nd(1)),
];

/// What stands in answers or entries: one form of each value.
type Said = HashSet<String>;

/// A value as both sides of a comparison write it; none where it tells nothing.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => plain_text(text),
        _ => None,
    }
}

fn plain_text(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((_, id)) = entity::ids::parse_any(text) {
        return Some(id.to_string());
    }
    if let Ok(id) = text.parse::<Uuid>() {
        return Some(id.to_string());
    }
    for format in ["%+", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(format!("at {}", time.timestamp_millis()));
        }
    }
    Some(text.to_lowercase()).filter(|text| !text.is_empty())
}

/// Every value below an answer, and what was said of each record: its own fields, and those of the records tied to it.
#[derive(Default)]
struct Read {
    all: Said,
    of: HashMap<String, Said>,
}

impl Read {
    fn take(&mut self, value: &Value, record: &str) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.take(item, record)),
            Value::Object(fields) => {
                let own = fields.get("id").and_then(plain);
                for (name, field) in fields {
                    self.take(field, own.as_deref().unwrap_or(record));
                    // An entry may name what it is tied to in other words than by its id.
                    if let Some(said) = plain(field).filter(|_| own.is_some() && name != "__typename") {
                        self.note(record, &said);
                    }
                }
            }
            leaf => {
                if let Some(said) = plain(leaf) {
                    self.note(record, &said);
                }
            }
        }
    }

    fn note(&mut self, record: &str, said: &str) {
        self.all.insert(said.to_owned());
        self.of.entry(record.to_owned()).or_default().insert(said.to_owned());
    }

    fn says(&self, record: &str, said: &str) -> bool {
        self.of.get(record).is_some_and(|of| of.contains(said))
    }
}

/// All that somebody reads of records and of what is tied to them, whatever they ask for.
async fn reads(person: &Person<'_>, schema: &Schema, ids: &BTreeSet<String>) -> Read {
    let (mut read, mut of): (Read, BTreeMap<String, Vec<&str>>) = Default::default();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    for ids in ids.chunks(MOST_IDS) {
        let known = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }";
        let nodes = person.run(known, json!({ "ids": ids })).await.data()["nodes"].clone();
        for (id, node) in ids.iter().zip(nodes.as_array().unwrap()) {
            if let Some(kind) = node["__typename"].as_str() {
                of.entry(kind.to_owned()).or_default().push(id);
            }
        }
    }
    for (kind, ids) in of {
        for fields in schema.below(&kind, NATIONAL) {
            let on = format!("{{ __typename id ... on {kind} {{ {fields} }} }}");
            let query = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {on} }}");
            for ids in ids.chunks(MOST_IDS) {
                read.take(person.run(&query, json!({ "ids": ids })).await.data(), "");
            }
        }
    }
    read
}

/// Every value of a payload with its path, list items under their list's.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Option<String>)>) {
    match value {
        Value::Array(items) if items.is_empty() => found.push((path.to_owned(), None)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                leaves(field, &format!("{path}.{name}"), found);
            }
        }
        leaf => match leaf.as_str().and_then(nested) {
            Some(within) => leaves(&within, path, found),
            None => found.push((path.to_owned(), plain(leaf))),
        },
    }
}

/// What a text says that is itself JSON.
fn nested(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// An entry as the feeds hold it.
struct Told {
    audience: Audience,
    header: Header,
    bytes: String,
    payload: Value,
}

/// What all feeds of a host hold.
async fn told(host: &Host) -> Vec<Told> {
    let entries = feed_entry::Entity::find().all(host.server.0.reader()).await.unwrap();
    let told = entries.into_iter().map(|entry| Told {
        audience: entry.audience.parse().unwrap(),
        header: Header::parse(&entry.header).unwrap(),
        bytes: format!("{} {}", entry.header, entry.payload.as_deref().unwrap_or_default()),
        payload: entry
            .payload
            .as_deref()
            .map_or(Value::Null, |payload| serde_json::from_str(payload).unwrap()),
    });
    told.filter(|told| told.header.kind != "feed").collect()
}

impl Told {
    /// The record that people know: a placement is about another.
    fn record(&self) -> String {
        let subject = self.payload["subject"].as_str().filter(|_| self.is_placement());
        subject.map_or_else(|| self.header.gid.to_string(), str::to_owned)
    }

    fn is_placement(&self) -> bool {
        self.header.kind == "placement"
    }

    /// How people ask for that record.
    fn id(&self) -> String {
        let kind = match self.payload["kind"].as_str().filter(|_| self.is_placement()) {
            Some(kind) => kind.parse().ok(),
            None => Kind::from_prefix(&self.header.kind),
        };
        // Only the directory's type is named otherwise than its kind.
        entity::ids::print(kind.unwrap_or(Kind::Site), self.record().parse().unwrap())
    }

    /// Its values, by type and path.
    fn leaves(&self) -> Vec<(String, Option<String>)> {
        let mut found = Vec::new();
        leaves(&self.payload, &self.header.kind, &mut found);
        found
    }
}

fn is_wire_only(path: &str) -> bool {
    WIRE_ONLY.iter().any(|only| path.starts_with(only))
}

/// Every cell of every table but those of the exchange, with its column.
async fn cells(host: &Host) -> Vec<(String, String)> {
    let db = host.server.0.reader();
    let backend = db.get_database_backend();
    let (tables, columns, text) = match backend {
        sea_orm::DatabaseBackend::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table'",
            "SELECT name FROM pragma_table_info('{}')",
            "CASE typeof({}) WHEN 'blob' THEN lower(hex({})) ELSE CAST({} AS TEXT) END",
        ),
        _ => (
            "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'",
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{}'",
            "CASE pg_typeof({})::text WHEN 'bytea' THEN substr({}::text, 3) ELSE {}::text END",
        ),
    };
    let ask = async |sql: String| {
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        let texts = rows
            .iter()
            .filter_map(|row| row.try_get_by_index::<Option<String>>(0).unwrap());
        texts.collect::<Vec<_>>()
    };
    let mut cells = Vec::new();
    for table in ask(tables.to_owned()).await {
        if EXCHANGE.iter().any(|name| table.starts_with(name)) {
            continue;
        }
        for column in ask(columns.replace("{}", &table)).await {
            let quoted = format!("\"{column}\"");
            let found = ask(format!(
                "SELECT {} AS cell FROM \"{table}\"",
                text.replace("{}", &quoted)
            ))
            .await;
            cells.extend(found.into_iter().map(|cell| (format!("{table}.{column}"), cell)));
        }
    }
    cells
}

/// A host with the sites above, where everything is filled.
async fn filled(backend: Backend) -> (Host, Schema, Vec<Seeds>) {
    let sites: Vec<_> = [NATIONAL, "bath"]
        .into_iter()
        .chain(WORLDS.map(|(site, _)| site))
        .collect();
    let host = Host::keeping(backend, &sites, 7, whatever_is_asked).await;
    let schema = Schema::read(&host).await;
    assert!(host.filler.set(Filler::by(Schema::read(&host).await)).is_ok());
    let mut seeds = Vec::new();
    for (site, sharing) in WORLDS {
        host.filler.get().unwrap().shares(sharing);
        seeds.push(Seeds::plant(&host, site).await.0);
    }
    (host, schema, seeds)
}

/// What the homes of spaces keep out of sight, and what hangs below it.
fn out_of_sight(told: &[Told]) -> Said {
    let placements = || told.iter().filter(|told| told.is_placement());
    let unseen = |told: &&Told| ["HIDDEN", "PENDING"].contains(&told.payload["state"].as_str().unwrap_or_default());
    let mut hidden: Said = placements().filter(unseen).map(Told::record).collect();
    let below: Vec<_> = placements()
        .filter(|told| {
            told.payload["thread"]
                .as_str()
                .is_some_and(|thread| hidden.contains(thread))
        })
        .map(Told::record)
        .collect();
    hidden.extend(below);
    hidden
}

async fn nothing_leaves_that_others_could_not_read(backend: Backend) {
    let (host, schema, seeds) = filled(backend).await;
    sequence(&host).await;
    let told = told(&host).await;
    assert!(
        told.iter().all(|told| told.audience == Audience::Network),
        "every site is kept here"
    );
    let ids = told.iter().map(Told::id);
    let ids = ids
        .chain(seeds.iter().flat_map(|seeds| seeds.types.keys().cloned()))
        .collect();
    let outsider = reads(&host.person(&["bath:champion"]), &schema, &ids).await;
    // What is out of sight its moderators see, wherever they are: the home of a space has to see a thing to place it.
    let roles = WORLDS.map(|(site, _)| format!("{site}:moderator"));
    let moderators = host.person(&roles.each_ref().map(String::as_str));
    let moderators = reads(&moderators, &schema, &ids).await;
    let hidden = out_of_sight(&told);

    let (mut wrong, mut beside) = (BTreeSet::new(), Said::new());
    let (mut paths, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for told in &told {
        let record = told.record();
        let reader = if hidden.contains(&record) {
            &moderators
        } else {
            &outsider
        };
        if !told.payload.is_null() && !reader.all.contains(&record) {
            wrong.insert(format!("{record} is nobody's to read: {}", told.bytes));
            continue;
        }
        for (path, said) in told.leaves() {
            paths.insert(path.clone());
            let Some(said) = said else { continue };
            seen.insert(path.clone());
            if is_wire_only(&path) || hidden.contains(&record) {
                beside.insert(said);
            } else if !reader.says(&record, &said) {
                wrong.insert(format!("{path} tells {said}"));
            }
        }
    }
    let untold = paths
        .difference(&seen)
        .map(|path| format!("nothing ever stood in {path}"));
    wrong.extend(untold);

    let words: Said = schema.words().map(str::to_lowercase).collect();
    let bytes: String = told.iter().map(|told| told.bytes.to_lowercase() + "\n").collect();
    let values: Said = told
        .iter()
        .flat_map(Told::leaves)
        .filter_map(|(_, said)| said)
        .collect();
    let (mut kept, mut columns) = (0, BTreeSet::new());
    for (column, cell) in cells(&host).await {
        for said in cell.lines().filter_map(plain_text).filter(|said| said.len() >= TELLING) {
            if [&outsider.all, &beside, &words]
                .iter()
                .any(|known| known.contains(&said))
            {
                continue;
            }
            kept += 1;
            columns.insert(column.clone());
            if values.contains(&said) || bytes.contains(&said) {
                wrong.insert(format!("{column} has left: {said}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "others could not read this:\n{}",
        Vec::from_iter(wrong).join("\n")
    );
    assert!(
        kept > 500 && columns.len() > 50,
        "there is something to keep: {kept} values of {columns:?}"
    );
}

#[tokio::test]
async fn nothing_leaves_that_a_member_of_another_site_could_not_read_sqlite() {
    nothing_leaves_that_others_could_not_read(Backend::Sqlite).await;
}

#[tokio::test]
async fn nothing_leaves_that_a_member_of_another_site_could_not_read_postgres() {
    nothing_leaves_that_others_could_not_read(Backend::Postgres).await;
}

/// A guide of Leeds that is not shared and is offered to the national team, and somebody of Leeds who reports what somebody
/// of Hull has written in a national space.
async fn confides(network: &Network) {
    let (leeds, hub) = (&network.leeds, &network.hub);
    let author = leeds.champion(&["leeds:champion", "leeds:curator"]).await;
    let other = leeds.person(&["leeds:curator"]);
    let guide = json!({
        "site": "leeds", "title": "whisper guide", "summary": "whisper summary", "body": "whisper body", "type": "GUIDE",
        "topics": ["whisper topic"], "language": "en", "licence": "OGL-UK-3.0", "visibility": "SITE",
    });
    let made = author.does("resourceCreate", guide, "resource { id version }").await;
    let mut guide = made.record().clone();
    for (person, step, more) in [
        (&author, "resourceSubmit", None),
        (&other, "resourceReview", Some("APPROVE")),
        (&other, "resourcePublish", None),
    ] {
        let mut input = guide.clone();
        if let Some(verdict) = more {
            input["verdict"] = json!(verdict);
        }
        guide = person
            .does(step, input, "resource { id version }")
            .await
            .record()
            .clone();
    }
    let offer = json!({ "resource": guide["id"], "reason": "whisper to the national team" });
    author.does("resourcePropose", offer, "proposal { id }").await.record();

    let space = json!({ "site": NATIONAL, "name": "Everybody", "about": "Talk.", "visibility": "NETWORK" });
    let moderator = hub.person(&["national:moderator"]);
    let space = moderator
        .does("spaceCreate", space, "space { id }")
        .await
        .record()
        .clone();
    network.meets().await;
    let started = json!({ "space": space["id"], "title": "Tablets", "body": "Buy mine." });
    let hull = network.hull.champion(&["hull:champion"]).await;
    let thread = hull
        .does("threadStart", started, "thread { id }")
        .await
        .record()
        .clone();
    network.meets().await;
    let report = json!({ "id": thread["id"], "reason": "whisper of a reader" });
    author.does("postReport", report, "report { id }").await.record();
    network.meets().await;
}

between_hosts! {
    async fn what_is_for_some_is_what_they_read_and_is_in_no_other_feed(network) {
        confides(network).await;
        let told = told(&network.leeds).await;
        let (for_all, for_some): (Vec<_>, Vec<_>) = told.into_iter().partition(|told| told.audience == Audience::Network);
        let hull = site(&network.hull, "hull").await.id;
        let (mut wrong, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for told in &for_some {
            let (host, slug) = match told.audience {
                Audience::Site(site) if site == hull.0 => (&network.hull, "hull"),
                _ => (&network.hub, NATIONAL),
            };
            kinds.insert(format!("{} for {slug}", told.header.kind));
            let roles = ["site_admin", "curator", "moderator"].map(|role| format!("{slug}:{role}"));
            let person = host.person(&roles.each_ref().map(String::as_str));
            let read = reads(&person, &Schema::read(host).await, &[told.id()].into()).await;
            for (path, said) in told.leaves() {
                if let Some(said) = said.filter(|said| !read.all.contains(said)) {
                    wrong.insert(format!("{path} tells {slug} {said}"));
                }
            }
            assert!(!told.bytes.contains("person-"), "it names its author: {}", told.bytes);
        }
        assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
        assert_eq!(Vec::from_iter(kinds), ["proposal for national", "report for hull", "report for national"]);
        assert!(for_some.iter().all(|told| told.bytes.contains("whisper")));
        assert!(for_all.iter().all(|told| !told.bytes.contains("whisper")));
    }
}
