//! Units of work: all or nothing, with audit and outbox, once for all repeats, and nobody's change is lost.

use std::time::Duration;

use champion_network::{
    app::{Intent, Outcome},
    error::Error,
    policy::{Caller, Identity},
    sites::ops::{Founding, found},
};
use chrono::TimeDelta;
use entity::{Kind, ProjectId, audit_entry, audit_person, idempotent_outcome, outbox, project, site};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, Statement};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::support::{Backend, Host, Person, Reply, Value, json, on_both};

const CREATE: &str = "mutation($title: String!, $summary: String!) {
    projectCreate(input: { site: \"leeds\", title: $title, summary: $summary }) { project { id } problems { code } }
}";

/// Audit entries, outbox rows and projects.
async fn left(host: &Host) -> (u64, u64, u64) {
    let db = host.server.0.reader();
    (
        audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.starts_with("project"))
            .count(db)
            .await
            .unwrap(),
        outbox::Entity::find()
            .filter(outbox::Column::Kind.eq(Kind::Project))
            .count(db)
            .await
            .unwrap(),
        project::Entity::find().count(db).await.unwrap(),
    )
}

on_both! {
    async fn a_mutation_leaves_its_audit_entry_and_outbox_row_or_nothing(host) {
        let admin = host.person(&["leeds:site_admin"]);
        admin.run(CREATE, json!({ "title": "", "summary": "Ours." })).await;
        host.person(&["hull:site_admin"]).run(CREATE, json!({ "title": "Garden", "summary": "Ours." })).await;
        assert_eq!(left(host).await, (0, 0, 0));

        admin.run(CREATE, json!({ "title": "Garden", "summary": "Ours." })).await.record();
        assert_eq!(left(host).await, (1, 1, 1));
        let entry = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.eq("projectCreate"))
            .one(host.server.0.reader())
            .await
            .unwrap()
            .unwrap();
        let person = audit_person::Entity::find_by_id(entry.pseudonym.unwrap()).one(host.server.0.reader());
        assert_eq!(person.await.unwrap().unwrap().subject, admin.subject);
        assert_eq!(entry.at, host.now());

        let garden = project::Entity::find().one(host.server.0.reader()).await.unwrap().unwrap();
        assert_eq!((entry.kind, entry.record_id, entry.site_id), (Kind::Project, garden.id.into(), garden.site_id));
        let late = json!({ "id": garden.id.to_string(), "version": 2, "title": "Park" });
        assert_eq!(admin.does("projectUpdate", late.clone(), "project { id }").await.code(), "CONFLICT");
        assert_eq!(left(host).await, (1, 1, 1));
        let mut input = late;
        input["version"] = json!(1);
        admin.does("projectUpdate", input, "project { id }").await.record();
        assert_eq!(left(host).await, (2, 2, 1));
    }
}

on_both! {
    async fn what_fails_in_the_middle_leaves_nothing(host) {
        let before = whole(host).await;
        let york = || Founding {
            slug: "york".to_owned(),
            name: "York".to_owned(),
            kind: entity::SiteKind::Regional,
            region: None,
            ods_code: None,
        };
        let app = &host.server.0;
        let failed = app.system("found", async |work| {
            found(work, york()).await?;
            Err::<(), _>(Error::Forbidden)
        });
        assert!(failed.await.is_err());
        let author = Identity {
            issuer: "https://issuer.test".to_owned(),
            subject: "ana".to_owned(),
            expires_at: host.now(),
            sites: Vec::new(),
        };
        let intent = Intent::new(&author, ["key", "found"], ["found", "{}"]);
        for intent in [None, Some(&intent)] {
            let caller = Caller::default();
            let refused = app.settle(&caller, "found", intent, async |work| {
                found(work, york()).await?;
                Err(Error::not_now("Not now."))
            });
            assert!(matches!(refused.await, Ok(Outcome::Problems(_))));
        }
        assert_eq!(whole(host).await, before);
    }
}

/// Audit entries, outbox rows and sites.
async fn whole(host: &Host) -> (u64, u64, u64) {
    let db = host.server.0.reader();
    (
        audit_entry::Entity::find().count(db).await.unwrap(),
        outbox::Entity::find().count(db).await.unwrap(),
        site::Entity::find().count(db).await.unwrap(),
    )
}

on_both! {
    async fn what_never_leaves_its_site_is_audited_and_not_sent(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (audited, sent, _) = whole(host).await;
        let session = json!({ "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9 });
        ana.does("supportSessionRecord", session, "supportSession { id }").await.record();
        let after = whole(host).await;
        assert_eq!((after.0, after.1), (audited + 1, sent));
    }
}

/// What 32 callers at once were told under one key, two of whom meant something else: one intent was done once, whichever was
/// first, and the others are told so.
async fn race(host: &Host, replies: &[Reply]) {
    let (done, told): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.code() == "OK");
    assert!([30, 2].contains(&done.len()), "{} were done", done.len());
    for reply in &done {
        assert_eq!(reply.record()["id"], done[0].record()["id"]);
    }
    for reply in &told {
        assert_eq!(reply.code(), "INVALID_ARGUMENT");
    }
    assert_eq!(left(host).await, (1, 1, 1));
}

/// The inputs of such callers.
fn inputs() -> impl Iterator<Item = Value> {
    (0..32).map(|number| {
        let title = if number % 16 == 3 { "Park" } else { "Garden" };
        json!({ "title": title, "summary": "Ours." })
    })
}

const KEY: [(&str, &str); 1] = [("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")];

on_both! {
    async fn twins_under_one_key_take_effect_once_and_get_one_answer(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let twins = inputs().map(|input| admin.run_with(CREATE, input, &KEY));
        race(host, &join_all(twins).await).await;
    }
}

/// On SQLite a host is one process.
#[tokio::test]
async fn twins_at_two_replicas_take_effect_once_and_get_one_answer() {
    let host = &Host::start(Backend::Postgres, |_| {}).await;
    let replica = &host.replica().await.router().unwrap();
    let admin = &host.person(&["leeds:site_admin"]);
    let twins = inputs().enumerate().map(async |(number, input)| {
        if number % 2 == 0 {
            return admin.run_with(CREATE, input, &KEY).await;
        }
        let request = admin.request(CREATE, &input, &KEY);
        let answer = replica.clone().oneshot(request).await.unwrap().into_body();
        let answer = axum::body::to_bytes(answer, usize::MAX).await.unwrap();
        Reply(serde_json::from_slice(&answer).unwrap())
    });
    race(host, &join_all(twins).await).await;
}

on_both! {
    async fn a_refused_input_is_refused_again_under_its_key(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = [("idempotency-key", "k")];
        for _ in 0..2 {
            let reply = admin.run_with(CREATE, json!({ "title": "", "summary": "Ours." }), &key).await;
            assert_eq!(reply.code(), "REQUIRED");
        }
        // The key stays with its input, and a refusal is no claim to another.
        let reply = admin.run_with(CREATE, json!({ "title": "Garden", "summary": "Ours." }), &key).await;
        assert_eq!(reply.code(), "INVALID_ARGUMENT");
        assert_eq!(left(host).await, (0, 0, 0));
        // Another person's key of the same name is another key.
        let other = host.person(&["leeds:site_admin"]);
        other.run_with(CREATE, json!({ "title": "Garden", "summary": "Ours." }), &key).await.record();
        // Two fields of one request are two intents under one key.
        let two = "mutation { a: projectCreate(input: { site: \"leeds\", title: \"A\", summary: \"a\" }) { project { slug } }
            b: projectCreate(input: { site: \"leeds\", title: \"B\", summary: \"b\" }) { project { slug } } }";
        let key = [("idempotency-key", "two")];
        for _ in 0..2 {
            let reply = admin.run_with(two, json!({}), &key).await;
            assert_eq!(*reply.data(), json!({ "a": { "project": { "slug": "a" } }, "b": { "project": { "slug": "b" } } }));
        }
    }
}

on_both! {
    async fn with_a_person_goes_what_their_mutations_came_to(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["leeds:champion"]).await);
        let admin = host.person(&["leeds:site_admin"]);
        let update = "mutation($input: ChampionUpdateInput!) { championUpdate(input: $input) { champion { id } problems { code } } }";
        let card = async |person: &Person<'_>| {
            let mine = person.run("{ viewer { champion { id version } } }", json!({})).await;
            mine.data()["viewer"]["champion"].clone()
        };
        for (number, person) in [&ana, &ben].into_iter().enumerate() {
            let mine = card(person).await;
            for (key, email) in [("good", "someone@leeds.test"), ("bad", "nobody")] {
                let input = json!({ "id": mine["id"], "version": mine["version"], "email": email });
                person.run_with(update, json!({ "input": input }), &[("idempotency-key", key)]).await;
            }
            let stands = "mutation($input: ChampionSetStatusInput!) { championSetStatus(input: $input) { champion { id } } }";
            let input = json!({ "id": mine["id"], "version": 9, "status": "ON_BREAK" });
            let key = ["one", "two"][number];
            admin.run_with(stands, json!({ "input": input }), &[("idempotency-key", key)]).await;
        }
        let db = host.server.0.reader();
        assert_eq!(idempotent_outcome::Entity::find().count(db).await.unwrap(), 6);

        let erase = "mutation($input: ChampionEraseInput!) { championErase(input: $input) { problems { code } } }";
        let mine = card(&ana).await;
        let input = json!({ "id": mine["id"], "version": mine["version"] });
        for _ in 0..2 {
            let key = [("idempotency-key", "gone")];
            let reply = ana.run_with(erase, json!({ "input": input }), &key).await;
            assert_eq!(reply.data()["championErase"]["problems"], json!([]), "a repeat is told the same");
        }
        let left = idempotent_outcome::Entity::find().all(db).await.unwrap();
        let id = entity::ids::parse_any(mine["id"].as_str().unwrap()).unwrap().1.to_string();
        let named: Vec<_> = left.iter().filter(|row| row.outcome.contains(&id)).collect();
        assert_eq!((left.len(), named.len()), (4, 1), "Ben's and the admin's of Ben, and that she is gone");
    }
}

on_both! {
    async fn of_many_edits_of_one_version_one_is_kept_and_the_others_are_told(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let made = admin.run(CREATE, json!({ "title": "Garden", "summary": "Ours." })).await;
        let id = made.record()["id"].clone();
        let edits = (0..40).map(|number| {
            let input = json!({ "id": id, "version": 1, "title": format!("Title {number}") });
            admin.does("projectUpdate", input, "project { title version }")
        });
        let replies = join_all(edits).await;
        let codes: Vec<_> = replies.iter().map(|reply| reply.code()).collect();
        assert_eq!(codes.iter().filter(|code| **code == "OK").count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == "CONFLICT").count(), 39, "{codes:?}");
        for reply in &replies {
            assert_eq!(reply.payload()["project"]["version"], 2);
        }
    }
}

/// A copy of the file shows nothing of this: without it, a power cut takes what was acknowledged last.
#[tokio::test]
async fn sqlite_syncs_what_it_acknowledges() {
    let host = Host::start(Backend::Sqlite, |_| {}).await;
    let asked = host.server.0.system("look", async |work| {
        let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA synchronous");
        Ok(work
            .db()
            .query_one_raw(asked)
            .await?
            .unwrap()
            .try_get_by_index::<i64>(0)?)
    });
    assert_eq!(asked.await.unwrap(), 2, "FULL");
}

/// On PostgreSQL; on SQLite works take turns.
#[tokio::test]
async fn a_work_that_takes_long_holds_up_no_other_under_another_key() {
    let host = Host::start(Backend::Postgres, |_| {}).await;
    let admin = host.person(&["leeds:site_admin"]);
    let input = json!({ "title": "Old", "summary": "Ours." });
    admin
        .run_with(CREATE, input, &[("idempotency-key", "old")])
        .await
        .record();
    host.server.0.clock.advance(TimeDelta::hours(25));
    let admin = host.person(&["leeds:site_admin"]);
    let author = Identity {
        issuer: "https://issuer.test".to_owned(),
        subject: "ana".to_owned(),
        expires_at: host.now(),
        sites: Vec::new(),
    };
    // It has forgotten what is old, and has not ended.
    let (intent, caller) = (Intent::new(&author, ["long", ""], ["", ""]), Caller::default());
    let long = host.server.0.settle(&caller, "long", Some(&intent), async |_| {
        let input = json!({ "title": "New", "summary": "Ours." });
        let new = admin.run_with(CREATE, input, &[("idempotency-key", "new")]);
        timeout(Duration::from_secs(20), new)
            .await
            .expect("nobody waits")
            .record();
        Ok(Vec::new())
    });
    assert!(matches!(long.await, Ok(Outcome::Done(_))));
}

/// On PostgreSQL; on SQLite works take turns, and a second one would wait for the first for ever.
#[tokio::test]
async fn a_record_to_change_is_locked_until_the_work_ends() {
    let host = Host::start(Backend::Postgres, |_| {}).await;
    let admin = host.person(&["leeds:site_admin"]);
    let made = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "PUBLIC" });
    let made = admin.does("projectCreate", made, "project { id }").await;
    let id: ProjectId = made.record()["id"].as_str().unwrap().parse().unwrap();
    let app = &host.server.0;
    let second = async || {
        app.system("second", async |work| {
            work.db().execute_unprepared("SET LOCAL lock_timeout = '50ms'").await?;
            work.get::<project::Entity>(id).await
        })
        .await
    };
    let first = app.system("first", async |work| {
        work.get::<project::Entity>(id).await?;
        Ok(second().await)
    });
    assert!(matches!(first.await, Ok(Err(Error::Invalid(_)))));
    assert!(second().await.is_ok());
}
