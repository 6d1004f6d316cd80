//! Going on after a break: nothing is missed and nothing comes twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use champion_network::{
    app::Work,
    changes::{self, Cursor, Filter},
};
use chrono::TimeDelta;
use entity::{Kind, ProjectId, change, change_log};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, sea_query::Expr};
use tokio::time::timeout;

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::support::{Backend, Host, Person, Served, Value, json, on_both, on_each_database};

on_both! {
    async fn a_reconnect_goes_on_after_the_last_event(host) {
        let served = Served::start(&host.server).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space(host, "national", "NETWORK").await).await;
        let mut socket = served.socket(&ana).await;
        let mut other = served.socket(&ana).await;
        for socket in [&mut socket, &mut other] {
            socket.follows("1", POSTS, json!({ "thread": started["id"] })).await;
        }
        post(&ana, &started, "First.").await;
        post(&ana, &started, "Second.").await;
        let cursor = socket.event("1").await["cursor"].clone();
        socket.vanishes().await;
        post(&ana, &started, "Third.").await;
        // Somebody else who follows has heard of everything.
        for body in ["First.", "Second.", "Third."] {
            assert_eq!(other.event("1").await["post"]["body"], body);
        }

        let mut again = served.socket(&ana).await;
        again.follows("1", POSTS, json!({ "thread": started["id"], "after": cursor })).await;

        for body in ["Second.", "Third."] {
            assert_eq!(again.event("1").await["post"]["body"], body);
        }
        post(&ana, &started, "Fourth.").await;
        assert_eq!(again.event("1").await["post"]["body"], "Fourth.");
    }
}

on_both! {
    async fn a_restart_of_the_host_breaks_nothing(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let served = Served::start(&host.server).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({})).await;
        let garden = project(&lead, "Garden", "SITE").await;
        let cursor = socket.event("1").await["cursor"].clone();
        let ((), code) = tokio::join!(served.stop(), socket.closed());
        assert_eq!(code, 1001);
        let garden = update(&lead, &garden, json!({ "title": "Park" })).await;

        let next = host.replica().await;
        let served = Served::start(&next).await;
        update(&lead, &garden, json!({ "title": "Pond" })).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({ "after": cursor })).await;

        assert_eq!(told(&mut socket, "1").await, "UPDATED Pond");
        assert_eq!(told(&mut socket, "1").await, "UPDATED Pond");
        project(&lead, "Forest", "SITE").await;
        assert_eq!(told(&mut socket, "1").await, "CREATED Forest");
    }
}

on_both! {
    async fn a_cursor_that_nothing_can_follow_without_a_gap_is_refused(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({ "kinds": ["PROJECT"] })).await;
        project(&lead, "Garden", "SITE").await;
        host.server.0.clock.advance(TimeDelta::days(2));
        let lead = lead.holding(&["leeds:project_lead"]);
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({ "kinds": ["PROJECT"] })).await;
        let mut cursors = Vec::new();
        for title in ["Park", "Pond"] {
            project(&lead, title, "SITE").await;
            cursors.push(socket.event("1").await["cursor"].clone());
            host.server.0.clock.advance(TimeDelta::hours(1));
        }
        let sweep = async |age: TimeDelta| {
            let before = host.now() - age;
            host.server.0.system("sweep", async |work| changes::sweep(work.db(), before).await).await.unwrap();
        };
        sweep(TimeDelta::days(1)).await;
        let mut again = served.socket(&lead).await;
        again.follows("1", CHANGED, json!({ "after": cursors[0], "kinds": ["PROJECT"] })).await;
        assert_eq!(told(&mut again, "1").await, "CREATED Pond");

        sweep(TimeDelta::minutes(-1)).await;
        again.runs("2", CHANGED, json!({ "after": cursors[0] })).await;
        let (kind, payload) = again.about("2").await;
        assert_eq!((kind.as_str(), &payload[0]["extensions"]), ("error", &json!({ "code": "INVALID_ARGUMENT", "path": ["after"] })));
        let message = payload[0]["message"].as_str().unwrap();
        assert!(message.contains("Fetch your lists anew"), "{message}");
        again.follows("3", CHANGED, json!({ "after": cursors[1], "kinds": ["PROJECT"] })).await;
        project(&lead, "Forest", "SITE").await;
        assert_eq!(told(&mut again, "3").await, "CREATED Forest");

        let other = change_log::Entity::update_many().col_expr(change_log::Column::History, Expr::val("another"));
        host.server.0.system("restore", async |work| Ok(other.exec(work.db()).await?)).await.unwrap();
        again.runs("4", CHANGED, json!({ "after": cursors[1] })).await;
        assert_eq!(again.refusal("4").await, "INVALID_ARGUMENT");
    }
}

on_both! {
    async fn who_reads_slowly_costs_no_memory_and_misses_nothing(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let app = &host.server.0;
        let start = changes::start(app.reader()).await.unwrap();
        let projects = Filter { kinds: Some(vec![Kind::Project]), ..Filter::default() };
        let mut slow = app.followers.follow(app.reader(), app.signals.changes(), &start, projects.clone());
        let mut quick = app.followers.follow(app.reader(), app.signals.changes(), &start, projects);
        let mut garden = project(&lead, "Garden", "SITE").await;
        // From here on it has caught up, and hears of what comes through the channel.
        slow.next().await.unwrap();
        let mut read = Vec::new();
        for number in 0..400 {
            read.push(quick.next().await.unwrap().id);
            garden = update(&lead, &garden, json!({ "title": format!("Garden {number}") })).await;
        }
        read.push(quick.next().await.unwrap().id);

        let mut most = 0;
        let mut late = Vec::new();
        while late.len() < read.len() - 1 {
            late.push(timeout(Duration::from_secs(30), slow.next()).await.expect("a line was lost").unwrap().id);
            most = most.max(slow.held());
        }

        assert_eq!(late, read[1..]);
        assert!((1..64).contains(&most), "{most} lines were held at once");
    }
}

/// How often a reader was told what of each record, as `CREATED id`.
fn counted<'a>(events: impl IntoIterator<Item = &'a Value>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for event in events {
        let told = format!(
            "{} {}",
            event["change"].as_str().unwrap(),
            event["id"].as_str().unwrap()
        );
        *counted.entry(told).or_default() += 1;
    }
    counted
}

const WRITERS: usize = 6;
const PROJECTS: usize = 15;

/// Makes a project, and changes it in a transaction that is long in committing: others that begin later are done earlier.
async fn makes_and_changes(host: &Host, lead: &Person<'_>, writer: usize, number: usize) -> Value {
    let made = project(lead, &format!("Of {writer}, number {number}"), "SITE").await["id"].clone();
    let id: ProjectId = made.as_str().unwrap().parse().unwrap();
    let slowly = async |work: &mut Work<'_>| {
        if work.db().get_database_backend() == DbBackend::Postgres {
            work.db().execute_unprepared("SELECT pg_current_xact_id()").await?;
        }
        for _ in 0..(writer * 5 + number * 3) % 17 {
            work.db().execute_unprepared("SELECT 1").await?;
        }
        work.tell(Kind::Project, id);
        Ok(())
    };
    host.server.0.system("change", slowly).await.unwrap();
    made
}

/// Reads as fast as lines come, always at the end of the log, and begins anew after every few of them.
async fn at_the_end(host: &Host, cursor: &Value) -> Vec<i64> {
    let app = &host.server.0;
    let projects = Filter {
        kinds: Some(vec![Kind::Project]),
        ..Filter::default()
    };
    let mut cursor = cursor.as_str().unwrap().to_owned();
    let mut read = Vec::new();
    for round in 0.. {
        let start = changes::resume(app.reader(), &cursor).await.unwrap();
        let mut follower = app
            .followers
            .follow(app.reader(), app.signals.changes(), &start, projects.clone());
        for _ in 0..(round * 5) % 7 + 1 {
            let line = timeout(Duration::from_secs(60), follower.next())
                .await
                .expect("a line was passed over")
                .unwrap();
            cursor = Cursor::of(&start.history, &line).to_string();
            read.push(line.id);
            if read.len() == 2 * WRITERS * PROJECTS {
                return read;
            }
        }
    }
    unreachable!("it begins anew for ever")
}

on_each_database! {
    async fn while_many_write_every_change_arrives_once_however_often_a_reader_reconnects(backend) {
        let host = &Host::start(backend, |settings| settings.postgres_connections = 12).await;
        let replica = host.replica().await;
        let served = [Served::start(&host.server).await, Served::start(&replica).await];
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served[0].socket(&lead).await;
        let follow = |after: &Value| json!({ "kinds": ["PROJECT"], "after": after });
        socket.follows("1", CHANGED, follow(&Value::Null)).await;
        project(&lead, "First", "SITE").await;
        let first_cursor = socket.event("1").await["cursor"].clone();
        let mut cursor = first_cursor.clone();

        let writers = (0..WRITERS).map(async |writer| {
            let mut made = Vec::new();
            for number in 0..PROJECTS {
                made.push(makes_and_changes(host, &lead, writer, number).await);
            }
            made
        });
        let reader = async {
            let mut events = Vec::new();
            let all = 2 * WRITERS * PROJECTS;
            for round in 0.. {
                // Now here, now there, and now after few events, now after many.
                let mut socket = served[round % 2].socket(&lead).await;
                socket.runs("1", CHANGED, follow(&cursor)).await;
                for _ in 0..((round * 7) % 11 + 1).min(all - events.len()) {
                    let event = socket.event("1").await;
                    cursor = event["cursor"].clone();
                    events.push(event);
                }
                if events.len() == all {
                    break;
                }
            }
            events
        };
        let (made, events, lines) = tokio::join!(join_all(writers), reader, at_the_end(host, &first_cursor));

        let expected = made.iter().flatten().flat_map(|id| {
            let id = id.as_str().unwrap();
            [(format!("CREATED {id}"), 1), (format!("UPDATED {id}"), 1)]
        });
        assert_eq!(counted(&events), expected.collect());
        let written = change::Entity::find().filter(change::Column::Kind.eq(Kind::Project));
        let first = Cursor::parse(first_cursor.as_str().unwrap()).unwrap().place.id;
        let written = written.filter(change::Column::Id.gt(first));
        let written = written.all(host.server.0.reader()).await.unwrap();
        let written: BTreeSet<_> = written.into_iter().map(|line| line.id).collect();
        assert_eq!((lines.len(), lines.into_iter().collect()), (written.len(), written));
        let last = project(&lead, "Last", "SITE").await;
        let mut socket = served[0].socket(&lead).await;
        socket.runs("1", CHANGED, follow(&cursor)).await;
        assert_eq!(socket.event("1").await["id"], last["id"]);
    }
}

on_each_database! {
    async fn a_transaction_that_commits_late_is_not_passed_over(backend) {
        let host = &Host::start(backend, |_| {}).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let served = Served::start(&host.server).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({ "kinds": ["PROJECT"] })).await;
        let early = project(&lead, "Early", "SITE").await;
        assert_eq!(told(&mut socket, "1").await, "CREATED Early");
        if backend == Backend::Sqlite {
            // There is one writer: nobody commits before somebody who began earlier.
            return;
        }
        let (begun, began) = tokio::sync::oneshot::channel();
        let (go, going) = tokio::sync::oneshot::channel::<()>();
        let app = std::sync::Arc::clone(&host.server.0);
        let id: ProjectId = early["id"].as_str().unwrap().parse().unwrap();
        let late = tokio::spawn(async move {
            app.system("late", async |work| {
                // Takes the number of its transaction, and keeps it open.
                work.db().execute_unprepared("SELECT pg_current_xact_id()").await?;
                begun.send(()).unwrap();
                going.await.unwrap();
                work.tell(Kind::Project, id);
                Ok(())
            }).await.unwrap();
        });
        began.await.unwrap();
        let later = project(&lead, "Later", "SITE").await;
        let follows = json!({ "type": "ping" });
        socket.says(follows).await;
        assert_eq!(socket.hears().await["type"], "pong", "what is later was told before what is earlier");
        go.send(()).unwrap();
        late.await.unwrap();

        assert_eq!(socket.event("1").await["id"], early["id"]);
        assert_eq!(socket.event("1").await["id"], later["id"]);
    }
}

on_each_database! {
    async fn replicas_tell_what_the_others_wrote(backend) {
        let host = &Host::start(backend, |_| {}).await;
        let replica = host.replica().await;
        let served = Served::start(&replica).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({ "kinds": ["PROJECT"] })).await;

        let garden = project(&lead, "Garden", "SITE").await;
        assert_eq!(told(&mut socket, "1").await, "CREATED Garden");
        update(&lead, &garden, json!({ "title": "Park" })).await;
        assert_eq!(told(&mut socket, "1").await, "UPDATED Park");
    }
}

on_both! {
    async fn nothing_is_read_while_nobody_follows(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let reads = || {
            let statements = host.statements_since(0);
            statements.iter().filter(|text| text.starts_with("SELECT") && text.contains("\"change\".")).count()
        };
        project(&lead, "Garden", "SITE").await;
        assert_eq!(reads(), 0);
        let mut socket = served.socket(&lead).await;
        socket.follows("1", CHANGED, json!({})).await;
        project(&lead, "Park", "SITE").await;
        assert_eq!(told(&mut socket, "1").await, "CREATED Park");
        assert!(reads() > 0);
    }
}
