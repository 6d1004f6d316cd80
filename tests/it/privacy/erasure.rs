//! Erasures: what is gone is gone from tables, indexes, files and logs, here and elsewhere, and soon.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use champion_network::{database::Scrubbing, federation::run::Background};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use tokio::task::spawn_blocking;

use super::card;
use crate::support::{Backend, Host, Network, Person, json, on_both, on_each_database, tables::tables, until, within};

/// Within what time nothing may be left of what was erased.
const FORGOTTEN_IN: Duration = Duration::from_secs(5);

/// What somebody who is to be erased says of themself, and what is said to them: each stands in one field.
const CARD: [(&str, &str); 4] = [
    ("displayName", "zqname Amina Yusuf"),
    ("bio", "zqbio I help on the wards."),
    ("email", "zqemail@example.org"),
    ("phone", "01253 919191"),
];

/// The beginnings of these, and of all else that is to be gone, in the case in which a search index has them too.
const TRACES: &[&str] = &[
    "zqname",
    "zqbio",
    "zqemail",
    "919191",
    "zqstatus",
    "zqold",
    "zqdecision",
    "zqobserved",
    "zqpost",
    "zqthread",
    "zqtag",
    "zqtitle",
    "zqreport",
];

/// Where the files of a host stand.
fn folder(host: &Host) -> &Path {
    host.settings.erasure_ledger_path.parent().unwrap()
}

/// The traces that are anywhere in the files of a folder, each with the file.
fn in_files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A file that is written anew may just have gone.
        let bytes = fs::read(&path).unwrap_or_default().to_ascii_lowercase();
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'z' | b'9')) {
            let traces = TRACES.iter().filter(|trace| bytes[at..].starts_with(trace.as_bytes()));
            found.extend(traces.map(|trace| format!("{trace} in {}", path.display())));
        }
    }
    found
}

/// Waits until no trace is in any file, no longer than that may take.
async fn is_out_of_the_files(host: &Host) {
    within(FORGOTTEN_IN, "nothing is left in the files", async || {
        let folder = folder(host).to_owned();
        // What is looked through must not keep the host from its work.
        let left = spawn_blocking(move || in_files(&folder)).await.unwrap();
        left.is_empty().then_some(())
    })
    .await;
}

/// The traces that stand in a table, each with its column.
async fn in_tables(host: &Host) -> Vec<String> {
    let mut found = Vec::new();
    for (table, rows) in tables(host).await {
        for (column, cell) in rows.iter().flatten() {
            let cell = cell.as_deref().unwrap_or_default().to_lowercase();
            let traces = TRACES.iter().filter(|trace| cell.contains(**trace));
            found.extend(traces.map(|trace| format!("{trace} in {table}.{column}")));
        }
    }
    found
}

/// The columns that hold the subject of somebody's token.
async fn naming(host: &Host, person: &Person<'_>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (table, rows) in tables(host).await {
        let cells = rows.iter().flatten();
        let named = cells.filter(|(_, cell)| cell.as_ref().is_some_and(|cell| *cell == person.subject));
        found.extend(named.map(|(column, _)| format!("{table}.{column}")));
    }
    found.into_iter().collect()
}

/// Somebody who has left traces everywhere.
async fn lives(host: &Host) -> Person<'_> {
    let ana = host.champion(&["leeds:champion"]).await;
    let lead = host
        .champion(&[
            "leeds:project_lead",
            "leeds:moderator",
            "leeds:analyst",
            "leeds:site_admin",
        ])
        .await;
    let mut mine = card(&ana).await;
    // What stood there before is as private as what stands there now.
    for old in ["zqold", ""] {
        let mut input = mine.clone();
        input["visibility"] = json!("NETWORK");
        for (field, text) in CARD {
            let said = match (old, field) {
                ("", _) => text.to_owned(),
                (_, "email") => format!("{old}@example.org"),
                (_, "phone") => "0113 919191".to_owned(),
                _ => format!("{old} {field}"),
            };
            input[field] = json!(said);
        }
        let query = "mutation($input: ChampionUpdateInput!) { championUpdate(input: $input) { champion { id version } problems { message } } }";
        let done = ana
            .run_with(
                query,
                json!({ "input": input }),
                &[("idempotency-key", &format!("zqkey{old}"))],
            )
            .await;
        mine = done.data()["championUpdate"]["champion"].clone();
    }
    let away =
        json!({ "id": mine["id"], "version": mine["version"], "status": "ON_BREAK", "reason": "zqstatus reason" });
    lead.does("championSetStatus", away, "champion { id }").await.record();
    counts(&ana, &lead).await;
    talks(&ana, &lead).await;
    let project = json!({ "site": "leeds", "title": "Ward tablets", "summary": "Tablets.", "visibility": "NETWORK" });
    let project = lead
        .does("projectCreate", project, "project { id version }")
        .await
        .record()
        .clone();
    let team = json!({ "id": project["id"], "version": project["version"], "champion": mine["id"] });
    lead.does("projectAddChampion", team, "project { id }").await.record();
    ana
}

/// What she recorded was returned to her.
async fn counts(ana: &Person<'_>, lead: &Person<'_>) {
    let session = json!({
        "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
    });
    let session = ana
        .does("supportSessionRecord", session, "supportSession { id }")
        .await
        .record()
        .clone();
    let returned = json!({ "id": session["id"], "approve": false, "reason": "zqdecision on a session" });
    lead.does("supportSessionDecide", returned, "supportSession { id }")
        .await
        .record();
    let measure = json!({
        "site": "leeds", "code": "helped", "name": "Helped", "definition": "Counted.", "unit": "people",
        "kind": "COUNT", "aggregation": "SUM", "countsPeople": true,
    });
    let measure = lead.does("measureDefine", measure, "measure { id }").await.record()["id"].clone();
    let observed = json!({ "site": "leeds", "measure": measure, "observedOn": "2026-05-04", "value": "9" });
    let observed = ana
        .does("observationRecord", observed, "observation { id }")
        .await
        .record()
        .clone();
    let returned = json!({ "id": observed["id"], "approve": false, "reason": "zqobserved twice" });
    lead.does("observationDecide", returned, "observation { id }")
        .await
        .record();
}

/// What she wrote she took back, and what she reported was looked at.
async fn talks(ana: &Person<'_>, lead: &Person<'_>) {
    let space = json!({ "site": "leeds", "name": "Hall", "about": "Talk.", "visibility": "NETWORK" });
    let space = lead.does("spaceCreate", space, "space { id }").await.record().clone();
    let thread = json!({ "space": space["id"], "title": "zqtitle", "body": "zqthread about me", "tags": ["zqtag"] });
    let thread = ana
        .does("threadStart", thread, "thread { id version }")
        .await
        .record()
        .clone();
    let other = json!({ "space": space["id"], "title": "Tablets", "body": "Which ones?" });
    let other = lead
        .does("threadStart", other, "thread { id version }")
        .await
        .record()
        .clone();
    let post = json!({ "thread": other["id"], "body": "zqpost about me" });
    let post = ana
        .does("postCreate", post, "post { id version }")
        .await
        .record()
        .clone();
    ana.does("postWithdraw", post, "post { id }").await.record();
    ana.does("threadWithdraw", thread, "thread { id }").await.record();
    let kept = json!({ "thread": other["id"], "body": "A robust one." });
    ana.does("postCreate", kept, "post { id }").await.record();
    let report = json!({ "id": other["id"], "reason": "zqreport in my words" });
    let report = ana
        .does("postReport", report, "report { id version }")
        .await
        .record()
        .clone();
    let closed = json!({ "id": report["id"], "version": report["version"], "outcome": "Looked at." });
    let moderator = lead.holding(&["leeds:moderator"]);
    // Whose thread was reported does not decide on it.
    assert_eq!(
        moderator
            .does("reportClose", closed.clone(), "report { id }")
            .await
            .code(),
        "FORBIDDEN"
    );
    let admin = Person::with_roles(ana.host(), "somebody else", &["leeds:moderator"]);
    admin.does("reportClose", closed, "report { id }").await.record();
}

async fn erases_herself(ana: &Person<'_>) {
    let mine = card(ana).await;
    let erase = json!({ "id": mine["id"], "version": mine["version"] });
    let query = "mutation($input: ChampionEraseInput!) { championErase(input: $input) { problems { message } } }";
    let done = ana
        .run_with(query, json!({ "input": erase }), &[("idempotency-key", "zqkey-last")])
        .await;
    assert_eq!(done.data()["championErase"]["problems"], json!([]));
}

#[tokio::test]
async fn no_byte_of_an_erased_person_is_left_in_any_file_within_five_seconds() {
    let host = &Host::start(Backend::Sqlite, |_| {}).await;
    let background = Background::start(&host.server.0).unwrap();
    let ana = lives(host).await;
    let told = async || {
        let mut found = in_tables(host).await.into_iter();
        found.find(|found| found.contains("feed_entry"))
    };
    until("her card is in the feed", told).await;
    let before = Vec::from_iter(in_files(folder(host))).join("\n");
    for trace in TRACES {
        assert!(before.contains(trace), "{trace} is nowhere:\n{before}");
    }

    // Somebody reads what there is all the while, for as long as they are let.
    let reader = host.server.0.reader();
    let reading = async {
        #[expect(
            clippy::disallowed_methods,
            reason = "a reader that holds on to what was there before"
        )]
        let held = reader.begin().await.unwrap();
        held.execute_unprepared("SELECT count(*) FROM champion").await.unwrap();
        held
    };
    let held = reading.await;
    erases_herself(&ana).await;
    drop(held);

    is_out_of_the_files(host).await;
    assert_eq!(in_tables(host).await, Vec::<String>::new());
    // What she has not taken back stays, by somebody.
    let asked = "{ threads { nodes { title posts { nodes { body byline author { id } } } } } }";
    let told = host.person(&["leeds:champion"]).run(asked, json!({})).await;
    let posts = &told.data()["threads"]["nodes"][0]["posts"]["nodes"];
    assert_eq!(
        posts,
        &json!([{ "body": "A robust one.", "byline": "A champion at Leeds", "author": null }])
    );
    background.end().await;
}

on_both! {
    async fn nothing_of_an_erased_person_is_left_in_any_table(host) {
        let background = Background::start(&host.server.0).unwrap();
        let ana = lives(host).await;
        assert!(!in_tables(host).await.is_empty());
        assert_eq!(naming(host, &ana).await, ["audit_person.subject", "champion.subject"]);
        erases_herself(&ana).await;
        within(FORGOTTEN_IN, "nothing is left in the tables", async || {
            in_tables(host).await.is_empty().then_some(())
        })
        .await;
        assert_eq!(naming(host, &ana).await, Vec::<String>::new());
        background.end().await;
    }
}

on_each_database! {
    async fn nothing_of_an_erased_person_is_left_at_other_hosts(backend) {
        let network = &Network::start(backend).await;
        let ana = lives(&network.leeds).await;
        network.meets().await;
        let elsewhere = [&network.hub, &network.hull];
        for host in elsewhere {
            let found = in_tables(host).await.join("\n");
            assert!(found.contains("zqname") && found.contains("champion.display_name"), "{found}");
        }
        erases_herself(&ana).await;
        network.meets().await;
        for host in elsewhere {
            assert_eq!(in_tables(host).await, Vec::<String>::new());
            let background = Background::start(&host.server.0).unwrap();
            if backend == Backend::Sqlite {
                is_out_of_the_files(host).await;
            }
            background.end().await;
        }
    }
}

/// Without writing the file anew, copies of rows stay on pages from which others were moved away.
#[tokio::test]
async fn no_copy_of_a_deleted_row_stays_on_a_page_of_the_file() {
    let host = &Host::start(Backend::Sqlite, |_| {}).await;
    let app = &host.server.0;
    let erased = |number: usize| format!("zqrow{number:05}q");
    let text = |number: usize, times: usize| format!("{} {}", erased(number), "words ".repeat(times));
    let table =
        "CREATE TABLE trial (id TEXT PRIMARY KEY, name TEXT, words TEXT); CREATE INDEX trial_name ON trial (name, id)";
    let mut alive: Vec<(String, usize)> = Vec::new();
    // As chance would have it, the same in every run.
    let mut state = 7_u64;
    let mut chance = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut rounds = Vec::new();
    for number in 0..4_000_usize {
        let id = format!("{:08x}-{number}", chance(usize::MAX / 2) as u32);
        let words = [2, 20, 100, 180, 600, 1_800][chance(6)];
        rounds.push(format!(
            "INSERT INTO trial VALUES ('{id}', '{}', '{}')",
            text(number, 1),
            text(number, words)
        ));
        alive.push((id, number));
        if chance(2) == 0 {
            let (id, number) = &alive[chance(alive.len())];
            let words = text(*number, chance(700));
            rounds.push(format!(
                "UPDATE trial SET words = '{words}', name = '{}' WHERE id = '{id}'",
                text(*number, 2)
            ));
        }
        if number > 300 && chance(5) > 0 {
            let (id, _) = alive.swap_remove(chance(alive.len()));
            rounds.push(format!("DELETE FROM trial WHERE id = '{id}'"));
        }
    }
    let write = async |statements: &[String]| {
        let write = app.system("trial", async |work| {
            for statement in statements {
                work.db().execute_unprepared(statement).await?;
            }
            work.forgets();
            Ok(())
        });
        write.await.unwrap();
    };
    write(&[table.to_owned()]).await;
    for statements in rounds.chunks(5) {
        write(statements).await;
    }

    assert!(app.database.scrub(&mut Scrubbing::default()).await.unwrap());
    let mut left = BTreeSet::new();
    for entry in fs::read_dir(folder(host)).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let marks = bytes
            .windows(11)
            .filter(|window| window.starts_with(b"zqrow") && window.ends_with(b"q"));
        left.extend(marks.map(|mark| String::from_utf8_lossy(mark).into_owned()));
    }
    let kept = alive.iter().map(|(_, number)| erased(*number)).collect();
    assert_eq!(left, kept);
}

/// Where a connection to SQLite keeps pages and rows for a moment, in its own numbers: 2 is memory alone.
async fn keeps_for_a_moment(db: &impl ConnectionTrait) -> i32 {
    let asked = Statement::from_string(db.get_database_backend(), "PRAGMA temp_store");
    let row = db.query_one_raw(asked).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn no_row_goes_through_a_temporary_file_even_after_the_file_was_written_anew() {
    let host = &Host::start(Backend::Sqlite, |_| {}).await;
    let app = &host.server.0;
    for _ in ["at the start", "after it was written anew"] {
        let at_the_writer = app.system("trial", async |work| {
            work.forgets();
            Ok(keeps_for_a_moment(work.db()).await)
        });
        assert_eq!(at_the_writer.await.unwrap(), 2);
        assert_eq!(keeps_for_a_moment(app.reader()).await, 2);
        assert!(app.database.scrub(&mut Scrubbing::default()).await.unwrap());
    }
}

on_each_database! {
    async fn files_that_somebody_reads_are_scrubbed_once_they_have_done(backend) {
        let host = &Host::start(backend, |_| {}).await;
        let app = Arc::clone(&host.server.0);
        let reader = match backend {
            Backend::Sqlite => app.reader().clone(),
            // A connection of its own, that no vacuum waits for.
            Backend::Postgres => host.replica().await.0.reader().clone(),
        };
        #[expect(clippy::disallowed_methods, reason = "a reader that holds on to what was there before")]
        let held = reader
            .begin_with_config(Some(sea_orm::IsolationLevel::RepeatableRead), None)
            .await
            .unwrap();
        held.execute_unprepared("SELECT count(*) FROM champion").await.unwrap();
        let ana = host.champion(&["leeds:champion"]).await;
        erases_herself(&ana).await;
        let mut scrubbing = Scrubbing::default();

        assert!(!app.database.scrub(&mut scrubbing).await.unwrap(), "somebody still sees her");
        held.rollback().await.unwrap();
        assert!(app.database.scrub(&mut scrubbing).await.unwrap());
    }
}
