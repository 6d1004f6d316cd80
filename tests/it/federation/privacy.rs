//! Nothing private leaves a host. No list says what that is: what a member of another site can read here through the API is
//! for others, and all else that stands anywhere in the database is not. The schema says what there is to ask and to fill,
//! the database what there is to keep; so a new field or kind is covered as soon as it is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::DateTime;
use entity::{Kind, feed_entry};
use sea_orm::prelude::Uuid;

use super::*;
use crate::{
    support::{Backend, Network, between_hosts, network::site, on_each_database, tables::tables},
    sweep::{Filler, Schema, Seeds, Sharing, whatever_is_asked},
};

/// What travels beside what people read: in which order the home of a space places things, which state of an edition is
/// the later one, who may be believed, and how a figure is to be shown.
const WIRE_ONLY: &[&str] = &[
    "placement.position",
    "placement.version",
    "placement.updatedAt",
    "edition.version",
    "edition.createdAt",
    "member.keys",
    "member.protocol",
    "member.types_allowed",
    "release.disclosed",
];

/// The same of an offer: what the national team's copy will be, and whose copy.
const OF_AN_OFFER: &[&str] = &["proposal.offer.facts", "proposal.resource"];

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

/// A site that shares all, and two of which each shares what the other keeps: so whatever can be tied to something else is
/// tied to what is shared and to what is not.
const WORLDS: [(&str, Sharing); 3] = [
    ("leeds", Sharing::All),
    ("hull", Sharing::Half(0)),
    ("york", Sharing::Half(1)),
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
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(items) if items.is_empty() => found.push((path.to_owned(), Value::Null)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, path, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                leaves(field, &format!("{path}.{name}"), found);
            }
        }
        leaf => match leaf.as_str().and_then(nested) {
            Some(within) => leaves(&within, path, found),
            None => found.push((path.to_owned(), leaf.clone())),
        },
    }
}

/// What a text says that is itself JSON.
fn nested(text: &str) -> Option<Value> {
    let within: Option<Value> = serde_json::from_str(text).ok();
    within.filter(|within| within.is_object() || within.is_array())
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
    fn leaves(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        if !self.payload.is_null() {
            leaves(&self.payload, &self.header.kind, &mut found);
        }
        found
    }
}

/// Whether a value is the name of a record that somebody reads: a placement names more than what it is about.
fn is_known(reader: &Read, said: &str) -> bool {
    said.parse::<Uuid>().is_ok() && reader.all.contains(said)
}

/// Every cell of every table but those of the exchange, with its column.
async fn cells(host: &Host) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    for (table, rows) in tables(host).await {
        if EXCHANGE.iter().any(|name| table.starts_with(name)) {
            continue;
        }
        for (column, cell) in rows.into_iter().flatten() {
            cells.extend(cell.map(|cell| (format!("{table}.{column}"), cell)));
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
        goes_on(&host, site, seeds.last().unwrap()).await;
    }
    (host, schema, seeds)
}

/// What the seeds leave out: what was changed and taken back in the forum, figures of every form, organisations that closed.
async fn goes_on(host: &Host, site: &str, seeds: &Seeds) {
    let roles = ["champion", "project_lead", "moderator", "analyst", "site_admin"].map(|role| format!("{site}:{role}"));
    let roles: Vec<_> = roles.iter().map(String::as_str).collect();
    let (ana, ben) = (host.champion(&roles).await, host.champion(&roles).await);
    for kept in [false, true] {
        let started = json!({ "space": seeds.ids["square"], "title": "hush", "body": "hush" });
        let mut thread = ana
            .does("threadStart", started, "thread { id version }")
            .await
            .record()
            .clone();
        let written = json!({ "thread": thread["id"], "body": "hush" });
        let mut post = ana
            .does("postCreate", written, "post { id version }")
            .await
            .record()
            .clone();
        thread["title"] = json!("hush again");
        let thread = ana
            .does("threadEdit", thread, "thread { id version }")
            .await
            .record()
            .clone();
        post["body"] = json!("hush again");
        let post = ana.does("postEdit", post, "post { id version }").await.record().clone();
        if !kept {
            ana.does("postWithdraw", post, "post { id }").await.record();
            ana.does("threadWithdraw", thread, "thread { id }").await.record();
        }
    }
    let target = json!({ "site": site, "title": "hush aim", "summary": "hush", "visibility": "SITE" });
    let mut project = ana
        .does("projectCreate", target, "project { id version }")
        .await
        .record()
        .clone();
    for (code, kind, aggregation, figure) in [
        (
            "reach",
            "COVERAGE",
            "LATEST",
            json!({ "numerator": "60", "denominator": "81" }),
        ),
        ("score", "SCORE", "MEAN", json!({ "value": "4" })),
        ("helped", "COUNT", "SUM", json!({ "value": "4" })),
    ] {
        let tied = if kind == "COUNT" {
            json!("SIGN_UPS")
        } else {
            Value::Null
        };
        let input = json!({
            "site": site, "code": code, "name": "hush", "definition": "hush", "unit": "units", "kind": kind,
            "aggregation": aggregation, "countsPeople": kind == "COUNT", "sessionFigure": tied,
        });
        let measure = ana.does("measureDefine", input, "measure { id }").await.record()["id"].clone();
        if !tied.is_null() {
            continue;
        }
        let mut observed = figure.clone();
        (observed["site"], observed["measure"], observed["observedOn"]) =
            (json!(site), measure.clone(), json!("2026-03-04"));
        let observed = ana
            .does("observationRecord", observed, "observation { id }")
            .await
            .record()["id"]
            .clone();
        let decided = json!({ "id": observed, "approve": true });
        ben.does("observationDecide", decided, "observation { id }")
            .await
            .record();
        let release = json!({
            "site": site, "measure": measure, "from": "2026-03-01", "to": "2026-03-31", "visibility": "PUBLIC",
        });
        ana.does("impactRelease", release, "releases { id }").await.record();
        if kind == "COVERAGE" {
            let mut aim = figure;
            aim["measure"] = measure;
            project["targets"] = json!([aim]);
            project = ana
                .does("projectSetTargets", project, "project { id version }")
                .await
                .record()
                .clone();
        }
    }
    let place = site.to_uppercase();
    let csv = format!("ods_code,name,opened_on,closed_on\n{place}3,Closed trust,2001-02-03,2024-05-06\n");
    let file = json!({ "site": site, "defaultRole": "NHS_TRUST", "csv": csv });
    ana.does("organisationsImport", file, "imported").await.record();
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

/// What its author has taken back, and what hangs below it: nobody reads it, and so it travels without a text.
fn taken_back(told: &[Told]) -> Said {
    let is_withdrawn = |told: &&Told| !told.payload["withdrawnAt"].is_null();
    let mut withdrawn: Said = told.iter().filter(is_withdrawn).map(Told::record).collect();
    let is_below = |told: &&Told| {
        told.payload["thread"]
            .as_str()
            .is_some_and(|thread| withdrawn.contains(thread))
    };
    let below: Vec<_> = told
        .iter()
        .filter(is_below)
        .filter(|told| told.is_placement())
        .map(Told::record)
        .collect();
    withdrawn.extend(below);
    withdrawn
}

/// What is said in the feeds, held against what people read.
struct Walk<'a> {
    outsider: &'a Read,
    moderators: &'a Read,
    hidden: Said,
    withdrawn: Said,
    words: &'a Said,
    wrong: BTreeSet<String>,
    /// What may travel although nobody reads it.
    beside: Said,
    paths: BTreeSet<String>,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    fn meets(&mut self, told: &Told) {
        let record = told.record();
        self.beside.extend([told.header.gid.to_string(), record.clone()]);
        let hidden = self.hidden.contains(&record);
        let reader = if hidden { self.moderators } else { self.outsider };
        // Who has taken something back shows it to nobody.
        let withdrawn = self.withdrawn.contains(&record);
        let known = |id: String| withdrawn || reader.all.contains(&id);
        if !told.payload.is_null() && !known(record.clone()) {
            self.wrong
                .insert(format!("{record} is nobody's to read: {}", told.bytes));
            return;
        }
        if let Some(parent) = told.header.parent.filter(|parent| !known(parent.to_string())) {
            self.wrong
                .insert(format!("{record} is below {parent}, which is nobody's to read"));
        }
        for (path, said) in told.leaves() {
            self.paths.insert(path.clone());
            if said.is_null() {
                continue;
            }
            self.seen.insert(path.clone());
            let Some(said) = plain(&said) else { continue };
            let bare = withdrawn && !self.is_text(&said);
            if bare || hidden || WIRE_ONLY.iter().any(|only| path.starts_with(only)) {
                self.beside.insert(said);
            } else if !(reader.says(&record, &said) || told.is_placement() && is_known(reader, &said)) {
                self.wrong.insert(format!("{path} tells {said}"));
            }
        }
    }

    /// Whether a value is something that somebody wrote: not a name of a record, a time, a number or one of few words.
    fn is_text(&self, said: &str) -> bool {
        let known = said.parse::<Uuid>().is_ok() || said.parse::<f64>().is_ok() || self.words.contains(said);
        !known && !said.starts_with("at ")
    }

    /// Paths at which nothing ever stood: what would leave there nobody has seen. An empty list is none where another was not.
    fn untold(&self) -> impl Iterator<Item = &String> {
        let within = |path: &str| self.seen.iter().any(|seen| seen.starts_with(path));
        self.paths.iter().filter(move |path| !within(path))
    }

    fn may_travel(&self, said: &str) -> bool {
        let known = [&self.outsider.all, &self.beside, self.words];
        known.iter().any(|known| known.contains(said))
    }
}

/// The values of a cell that tell something: of its JSON, or of its lines.
fn values(cell: &str) -> Vec<String> {
    let mut found = Vec::new();
    match nested(cell) {
        Some(within) => leaves(&within, "", &mut found),
        None => found.extend(cell.lines().map(|line| (String::new(), json!(line)))),
    }
    let values = found.iter().filter_map(|(_, value)| plain(value));
    values.filter(|said| said.len() >= TELLING).collect()
}

on_each_database! {
    async fn nothing_leaves_that_a_member_of_another_site_could_not_read(backend) {
        let (host, schema, seeds) = filled(backend).await;
        sequence(&host).await;
        let told = told(&host).await;
        let for_all = told.iter().all(|told| told.audience == Audience::Network);
        assert!(for_all, "every site is kept here");
        let planted = seeds.iter().flat_map(|seeds| seeds.types.keys().cloned());
        let ids = told.iter().map(Told::id).chain(planted).collect();
        let outsider = reads(&host.person(&["bath:champion"]), &schema, &ids).await;
        // What is out of sight its moderators see, wherever they are: the home of a space has to see a thing to place it.
        let roles = WORLDS.map(|(site, _)| format!("{site}:moderator"));
        let moderators = host.person(&roles.each_ref().map(String::as_str));
        let mut walk = Walk {
            outsider: &outsider,
            moderators: &reads(&moderators, &schema, &ids).await,
            hidden: out_of_sight(&told),
            withdrawn: taken_back(&told),
            words: &schema.words().map(str::to_lowercase).collect(),
            wrong: BTreeSet::new(),
            beside: Said::new(),
            paths: BTreeSet::new(),
            seen: BTreeSet::new(),
        };
        told.iter().for_each(|told| walk.meets(told));
        let mut wrong = walk.wrong.clone();
        wrong.extend(walk.untold().map(|path| format!("nothing ever stood in {path}")));

        let bytes: String = told.iter().map(|told| told.bytes.to_lowercase() + "\n").collect();
        let all = told.iter().flat_map(Told::leaves);
        let all: Said = all.filter_map(|(_, said)| plain(&said)).collect();
        let (mut kept, mut columns) = (0, BTreeSet::new());
        for (column, cell) in cells(&host).await {
            for said in values(&cell).into_iter().filter(|said| !walk.may_travel(said)) {
                if all.contains(&said) || bytes.contains(&said) {
                    wrong.insert(format!("{column} has left: {said}"));
                }
                kept += 1;
                columns.insert(column.clone());
            }
        }
        let wrong = Vec::from_iter(wrong).join("\n");
        assert!(wrong.is_empty(), "others could not read this:\n{wrong}");
        assert!(
            kept > 500 && columns.len() > 50,
            "there is something to keep: {kept} values of {columns:?}"
        );
    }
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
                let known = OF_AN_OFFER.iter().any(|only| path.starts_with(only));
                if let Some(said) = plain(&said).filter(|said| !known && !read.all.contains(said)) {
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
