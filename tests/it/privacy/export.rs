//! The export: whole, of nobody else, in pages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::DateTime;
use entity::{audit_entry, support_session};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder, prelude::Uuid};

use super::{card, exported, records};
use crate::{
    support::{
        Host, Person, Value, json, on_both,
        tables::{Row, tables},
    },
    sweep::{Filler, Schema, Seeds, whatever_is_asked},
};

/// Tables whose rows name people and that are no records of them, with the reason.
const NOT_OF_PEOPLE: &[(&str, &str)] = &[
    (
        "audit_person",
        "their names stand at the top of the export, and each pseudonym at the entries",
    ),
    (
        "change",
        "what the rules read of records that stand in the export, for some days",
    ),
    ("change_told", "the same, as it was told last"),
    (
        "feed_entry",
        "copies of what records say that the export says are shared",
    ),
    ("feed_shared", "which of them were shared"),
    ("idempotent_outcome", "ids of changed records, for a day"),
    ("outbox", "ids of changed records, until the feed has told of them"),
    (
        "resource_overlay",
        "what a site lays over a resource; whose that is repeats the resource",
    ),
];

/// Columns of records of people that the export leaves out, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "champion.claim_code_hash",
        "somebody could guess at the code, which is for whoever is invited",
    ),
    ("audit_entry.hash", "it proves the entry and says nothing of anybody"),
    (
        "audit_entry.pseudonym",
        "of what others did to their card: it is somebody else",
    ),
    ("resource_edition.resource_status", "repeats the resource"),
    (
        "resource_proposal.offer",
        "of somebody else's resource: it is their text",
    ),
    ("resource_proposal.owner_id", "somebody else who offered it"),
    (
        "resource_proposal.reason",
        "of a proposal by somebody else: it is their text",
    ),
    (
        "resource_proposal.resource_owner_id",
        "somebody else whose resource it is",
    ),
    ("resource.owner_id", "somebody else, whose draft they have changed"),
    ("resource.draft_by_id", "somebody else, who has changed their draft"),
    (
        "resource_edition.owner_id",
        "somebody else, whose draft they have changed",
    ),
    ("thread.closed_space_id", "repeats the space"),
    ("thread.active_at", "the later one of two other times"),
    ("post.thread_home_id", "repeats the thread, which is somebody else's"),
    ("post.thread_owner_id", "the same"),
    ("post.thread_state", "the same"),
    ("report.owner_id", "of a report of something of theirs: who reported"),
    ("report.site_id", "the same: from where"),
    ("report.reason", "the same: in which words"),
    ("report.outcome", "the same: what was answered"),
    ("report.subject_owner_id", "of a report by them: somebody else"),
    (
        "moderation_action.moderator_id",
        "somebody else, who moderated what is theirs",
    ),
];

/// Tables without an id, with the column of theirs that is in the export and where: below the champion.
const PARTS: &[&str] = &["project_champion", "space_member"];

/// A value as both sides write it.
fn plain(text: &str) -> String {
    let text = text.trim();
    if let Some((_, id)) = entity::ids::parse_any(text) {
        return id.to_string();
    }
    if let Ok(id) = text.parse::<Uuid>() {
        return id.to_string();
    }
    for format in ["%+", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return format!("at {}", time.timestamp_millis());
        }
    }
    text.to_owned()
}

/// Every value below a record.
fn leaves(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, found)),
        Value::Null => {}
        Value::String(text) => drop(found.insert(plain(text))),
        other => drop(found.insert(other.to_string())),
    }
}

/// The values of a cell: of its JSON, or its lines.
fn values(cell: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    match serde_json::from_str::<Value>(cell) {
        Ok(within) if within.is_array() || within.is_object() => leaves(&within, &mut found),
        _ => found.extend(cell.lines().map(plain).filter(|line| !line.is_empty())),
    }
    if !cell.contains('{') && cell.contains('\n') {
        // A long text, or a list.
        found.insert(plain(cell));
    }
    found
}

/// What people and their colleagues did at a site, everything filled; those whose exports are looked at.
async fn filled<'a>(host: &'a Host, subjects: &mut Vec<Person<'a>>) -> Seeds {
    assert!(host.filler.set(Filler::by(Schema::read(host).await)).is_ok());
    let (seeds, ana) = Seeds::plant(host, "leeds").await;
    let roles = ["champion", "curator", "moderator", "project_lead"].map(|role| format!("leeds:{role}"));
    let roles = roles.each_ref().map(String::as_str);
    let (eva, max) = (host.champion(&roles).await, host.champion(&roles).await);
    let practices = json!({
        "site": "leeds", "code": "practices", "name": "Practices", "definition": "Those that take part.", "unit": "practices",
        "kind": "COVERAGE", "aggregation": "LATEST", "countsPeople": false,
    });
    let practices = ana.does("measureDefine", practices, "measure { id }").await;
    let practices = &practices.record()["id"];
    for (me, other, phone) in [(&eva, &max, "0113 496 0001"), (&max, &eva, "0113 496 0002")] {
        let mine = card(me).await;
        let private = json!({ "id": mine["id"], "version": mine["version"], "phone": phone });
        me.does("championUpdate", private, "champion { id }").await.record();
        busy(&seeds, me, other, &ana).await;
        among_themselves(&seeds, me, other).await;
        let covered = json!({
            "site": "leeds", "measure": practices, "observedOn": "2026-05-04", "numerator": "60", "denominator": "81",
        });
        me.does("observationRecord", covered, "observation { id }")
            .await
            .record();
    }
    subjects.extend([ana, eva, max]);
    seeds
}

/// Takes part in a closed space: asks about a project, answers, thinks better of it, takes back.
async fn among_themselves(seeds: &Seeds, me: &Person<'_>, other: &Person<'_>) {
    for person in [me, other] {
        let mine = card(person).await;
        let query = "query($id: ID!) { node(id: $id) { ... on Space { version } } }";
        let closed = me.run(query, json!({ "id": seeds.ids["closed"] })).await;
        let version = &closed.data()["node"]["version"];
        let member = json!({ "id": seeds.ids["closed"], "version": version, "champion": mine["id"] });
        me.does("spaceAddMember", member, "space { id }").await;
    }
    let thread = json!({
        "space": seeds.ids["closed"], "title": "Loans", "body": "Who pays?", "project": seeds.ids["project"],
    });
    let thread = written(me, "threadStart", thread, "thread").await;
    let post = written(
        me,
        "postCreate",
        json!({ "thread": thread["id"], "body": "We do." }),
        "post",
    )
    .await;
    let reply = json!({ "thread": thread["id"], "body": "Until May.", "replyTo": post["id"] });
    written(me, "postCreate", reply, "post").await;
    let better = json!({ "id": post["id"], "version": post["version"], "body": "The trust does." });
    written(me, "postEdit", better, "post").await;
    let answer = json!({ "id": thread["id"], "post": post["id"] });
    let thread = written(me, "threadAccept", answer, "thread").await;
    let better = json!({ "id": thread["id"], "version": thread["version"], "title": "Loans of tablets" });
    let thread = written(me, "threadEdit", better, "thread").await;
    written(me, "threadWithdraw", thread, "thread").await;
}

/// A record that somebody writes, with its id and version.
async fn written(person: &Person<'_>, field: &str, input: Value, record: &str) -> Value {
    let reply = person.does(field, input, &format!("{record} {{ id version }}")).await;
    reply.record().clone()
}

/// Does what makes rows that name somebody: shares, leads, writes, takes back, reports, moderates, is decided on.
async fn busy(seeds: &Seeds, me: &Person<'_>, other: &Person<'_>, admin: &Person<'_>) {
    let thread = json!({ "space": seeds.ids["square"], "title": "Tablets", "body": "Which?", "tags": ["wards"] });
    let thread = written(me, "threadStart", thread, "thread").await;
    for taken_back in [false, true] {
        let post = json!({ "thread": thread["id"], "body": "A robust one." });
        let post = written(me, "postCreate", post, "post").await;
        let report = json!({ "id": post["id"], "reason": "whisper of a reader" });
        let report = written(other, "postReport", report, "report").await;
        let closed = json!({ "id": report["id"], "version": report["version"], "outcome": "whisper of a moderator" });
        written(admin, "reportClose", closed, "report").await;
        let hidden = json!({ "id": post["id"], "state": "HIDDEN", "reason": "Advertising." });
        other.does("postModerate", hidden, "post { id }").await.record();
        if taken_back {
            let query = "query($id: ID!) { node(id: $id) { ... on Post { id version } } }";
            let hidden = me.run(query, json!({ "id": post["id"] })).await.data()["node"].clone();
            written(me, "postWithdraw", hidden, "post").await;
        }
    }
    let session = json!({
        "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
        "signUps": { "records": 7001, "prescriptions": 7002, "appointments": 7003 },
    });
    let session = written(me, "supportSessionRecord", session, "supportSession").await;
    let decided = json!({ "id": session["id"], "approve": false, "reason": "Count again." });
    other
        .does("supportSessionDecide", decided, "supportSession { id }")
        .await
        .record();
    let guide = json!({
        "site": "leeds", "title": "Guide", "summary": "Short.", "body": "Long.", "type": "GUIDE", "language": "en",
        "licence": "OGL-UK-3.0", "visibility": "SITE",
    });
    let guide = written(me, "resourceCreate", guide, "resource").await;
    let edit = json!({ "id": guide["id"], "version": guide["version"], "title": "Better guide" });
    other.does("resourceUpdate", edit, "resource { id }").await.record();
}

/// The records of an export by their ids.
fn by_id(pages: &[Value]) -> HashMap<String, (&str, HashSet<String>)> {
    let shown = records(pages).map(|record| {
        let mut found = HashSet::new();
        leaves(record, &mut found);
        (
            plain(record["id"].as_str().unwrap()),
            (record["type"].as_str().unwrap(), found),
        )
    });
    shown.collect()
}

/// A row that names somebody, against their export.
struct Held<'a> {
    table: &'a str,
    row: &'a Row,
    names: &'a [String],
    sites: &'a HashMap<String, String>,
}

impl Held<'_> {
    fn cell(&self, column: &str) -> Option<String> {
        let found = self.row.iter().find(|(name, _)| name == column);
        found.and_then(|(_, cell)| cell.as_deref().map(plain))
    }

    /// The id of the record of an export that has to say what stands here.
    fn record(&self) -> Option<String> {
        if PARTS.contains(&self.table) {
            return self.cell("champion_id");
        }
        self.cell(if self.table == "placement" { "record_id" } else { "id" })
    }

    /// What the export does not say of it.
    fn missing(&self, export: &HashMap<String, (&str, HashSet<String>)>) -> Vec<String> {
        let said = self.record().and_then(|id| export.get(&id));
        let Some((_, said)) = said else {
            return vec![format!("a row of {} is not there: {:?}", self.table, self.row)];
        };
        let cells = self
            .row
            .iter()
            .filter_map(|(column, cell)| Some((column, cell.as_ref()?)));
        let left_out = |column: &str| {
            LEFT_OUT
                .iter()
                .any(|(name, _)| *name == format!("{}.{column}", self.table))
        };
        let unsaid = cells.filter(|(column, cell)| {
            let known = |value: &String| {
                let site = self.sites.get(value);
                said.contains(value) || self.names.contains(value) || site.is_some_and(|slug| said.contains(slug))
            };
            !left_out(column) && !values(cell).iter().all(known)
        });
        unsaid
            .map(|(column, cell)| format!("{}.{column} is not told: {cell}", self.table))
            .collect()
    }
}

on_both! {
    with whatever_is_asked; async fn an_export_says_all_that_the_tables_hold_of_a_person(host) {
        let mut subjects = Vec::new();
        filled(host, &mut subjects).await;
        let tables = tables(host).await;
        let of = |table: &str| &tables.iter().find(|(name, _)| name == table).unwrap().1;
        let cell = |row: &Row, column: &str| row.iter().find(|(name, _)| name == column).unwrap().1.clone().unwrap();
        let sites = of("site").iter().map(|row| (plain(&cell(row, "id")), cell(row, "slug"))).collect();
        let (mut wrong, mut told, mut met) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        for person in &subjects {
            let pages = exported(person).await;
            let export = by_id(&pages);
            let me = plain(card(person).await["id"].as_str().unwrap());
            let names = [me, person.subject.clone(), crate::support::host::ISSUER.to_owned()];
            let person = &names[..2];
            for (table, rows) in &tables {
                let is_theirs = |row: &&Row| {
                    let cells = row.iter().filter_map(|(_, cell)| cell.as_deref());
                    cells.map(values).any(|values| person.iter().any(|name| values.contains(name)))
                };
                for row in rows.iter().filter(is_theirs) {
                    *met.entry(table.clone()).or_insert(0) += 1;
                    if NOT_OF_PEOPLE.iter().any(|(name, _)| name == table) {
                        continue;
                    }
                    let held = Held { table, row, names: &names, sites: &sites };
                    wrong.extend(held.missing(&export));
                    let filled = row.iter().filter(|(_, cell)| cell.as_ref().is_some_and(|cell| !cell.is_empty()));
                    told.extend(filled.map(|(column, _)| format!("{table}.{column}")));
                }
            }
        }
        assert!(wrong.is_empty(), "{} things are missing:\n{}", wrong.len(), Vec::from_iter(wrong).join("\n"));
        // There was something to tell in every column of every table that names people.
        let columns = tables.iter().filter(|(table, _)| met.contains_key(table));
        let columns = columns.filter(|(table, _)| !NOT_OF_PEOPLE.iter().any(|(name, _)| name == table));
        let columns = columns.flat_map(|(table, rows)| rows[0].iter().map(move |(column, _)| format!("{table}.{column}")));
        let untold: Vec<_> = columns.filter(|column| !told.contains(column) && !NEVER_FILLED.contains(&column.as_str())).collect();
        assert_eq!(untold, Vec::<String>::new(), "nothing ever stood there");
        assert!(met.len() >= 15, "{met:?}");
    }
}

/// Columns in which nothing stands in this test.
const NEVER_FILLED: &[&str] = &[
    // Of somebody who has not come yet.
    "champion.claim_code_hash",
    "champion.claim_expires_at",
    // Nobody copies a resource of theirs here. That it is told the compiler sees to: an export takes rows apart by their columns.
    "resource.derived_from_id",
];

on_both! {
    with whatever_is_asked; async fn an_export_says_nothing_of_anybody_else(host) {
        let mut subjects = Vec::new();
        filled(host, &mut subjects).await;
        let (ana, eva, max) = (&subjects[0], &subjects[1], &subjects[2]);
        for (me, others) in [(eva, [max, ana]), (max, [eva, ana])] {
            let pages = exported(me).await;
            let text = json!(pages).to_string();
            // What others said of them alone to moderators is not theirs to read.
            let told: Vec<_> = records(&pages)
                .filter(|record| record["fields"]["isReporter"] == json!(false))
                .collect();
            assert!(!told.is_empty());
            for report in told {
                let fields = &report["fields"];
                assert!(fields["reason"].is_null() && fields["outcome"].is_null(), "{report}");
            }
            for other in others {
                assert!(!text.contains(&format!("{}\"", other.subject)), "{text}");
                let theirs = exported(other).await;
                let card = records(&theirs).find(|record| record["type"] == "Champion").unwrap();
                for field in ["email", "phone", "bio"] {
                    if let Some(private) = card["fields"][field].as_str() {
                        assert!(!text.contains(private), "{field}: {private}");
                    }
                }
            }
        }
    }
}

on_both! {
    async fn a_person_with_thousands_of_sessions_gets_them_all_in_pages(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let session = json!({
            "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
        });
        ana.does("supportSessionRecord", session, "supportSession { id }").await.record();
        let app = &host.server.0;
        let held = support_session::Entity::find().one(app.reader()).await.unwrap().unwrap();
        let more = |_| {
            let id = sea_orm::ActiveValue::Set(app.ids.next(host.now()));
            support_session::ActiveModel { id, ..held.clone().into_active_model().reset_all() }
        };
        let more: Vec<_> = (0..2_400).map(more).collect();
        app.system("grow", async |work| {
            for some in more.chunks(500) {
                support_session::Entity::insert_many(some.to_vec()).exec_without_returning(work.db()).await?;
            }
            Ok(())
        })
        .await
        .unwrap();

        let before = host.statements();
        let pages = exported(&ana).await;
        let statements = (host.statements() - before) / pages.len();
        assert_eq!(pages.len(), 3);
        assert!(statements <= 26, "{statements} statements a page");
        let sessions = records(&pages).filter(|record| record["type"] == "SupportSession");
        let told: BTreeSet<_> = sessions.map(|record| record["id"].as_str().unwrap().to_owned()).collect();
        let kept = support_session::Entity::find().order_by_asc(support_session::Column::Id);
        let kept: Vec<_> = kept.all(app.reader()).await.unwrap();
        assert_eq!(told.len(), kept.len());
        assert!(kept.iter().all(|row| told.contains(&row.id.to_string())));
        assert!(pages.iter().all(|page| page["records"].as_array().unwrap().len() <= 1_000));
        assert_eq!(pages[0]["format"], "champion-network/person");
        assert_eq!(pages[0]["person"]["subject"], ana.subject.as_str());
    }
}

const HAND_OVER: &str = "mutation($input: ChampionExportInput!) {
    championExport(input: $input) { champion { id } export problems { code path message } }
}";

on_both! {
    async fn an_admin_hands_over_what_is_kept_of_a_champion_and_it_is_audited(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let mine = card(&ana).await;
        let input = json!({ "input": { "id": mine["id"] } });
        for (person, code) in [
            (host.anonymous(), "NOT_FOUND"),
            (host.person(&["hull:site_admin"]), "FORBIDDEN"),
            (host.person(&["leeds:project_lead"]), "FORBIDDEN"),
            (host.champion(&["leeds:champion"]).await, "FORBIDDEN"),
        ] {
            let refused = person.run(HAND_OVER, input.clone()).await;
            assert!([code, "UNAUTHENTICATED"].contains(&refused.code()), "{refused:?}");
        }
        let audited = async || {
            let entries = audit_entry::Entity::find().all(host.server.0.reader()).await.unwrap();
            entries.iter().filter(|entry| entry.action == "championExport").count()
        };
        assert_eq!(audited().await, 0);

        let admin = host.person(&["leeds:site_admin"]);
        let handed = admin.run(HAND_OVER, input.clone()).await;
        let page = &handed.data()["championExport"]["export"];
        assert_eq!(audited().await, 1);
        // The request itself has been audited meanwhile, and stands in what she reads herself.
        let own = exported(&ana).await;
        let same = |page: &Value| page["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect::<Vec<_>>();
        assert_eq!(same(page), same(&own[0]));
        assert_eq!(page["person"], own[0]["person"]);
        assert_eq!(ana.run(HAND_OVER, input).await.code(), "OK");
    }
}

on_both! {
    async fn a_place_that_is_none_is_told_so(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let wrong = ana.run("{ viewer { export(after: \"nowhere\") } }", json!({})).await;
        assert_eq!(wrong.code(), "INVALID_ARGUMENT");
        assert_eq!(wrong.0["errors"][0]["extensions"]["path"], json!(["after"]));
        let input = json!({ "id": card(&ana).await["id"], "after": "nowhere" });
        let wrong = ana.run(HAND_OVER, json!({ "input": input })).await;
        assert_eq!(wrong.problems(), "INVALID after");
        assert_eq!(wrong.payload()["export"], Value::Null);
        // Without a token there is nobody of whom to tell.
        assert_eq!(host.anonymous().run("{ viewer { export } }", json!({})).await.data()["viewer"], Value::Null);
    }
}

on_both! {
    with |settings| settings.http.answer_values = 100; async fn who_may_ask_for_little_at_once_may_still_ask_for_this(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        assert_eq!(exported(&ana).await.len(), 1);
        let twice = "{ viewer { one: export two: export } }";
        assert_eq!(ana.run(twice, json!({})).await.code(), "LIMIT_EXCEEDED");
    }
}
