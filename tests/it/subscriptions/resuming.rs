//! Going on after a break: nothing is missed and nothing comes twice.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use champion_network::changes::{self, Filter};
use chrono::TimeDelta;
use entity::{Kind, change_log};
use sea_orm::{EntityTrait, sea_query::Expr};

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::support::{Backend, Host, Served, Value, json, on_both, on_each_database};

on_both! {
    async fn a_reconnect_goes_on_after_the_last_event(host) {
        let served = Served::start(&host.server).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &space(host, "national", "NETWORK").await).await;
        let mut socket = served.socket(&ana).await;
        socket.follows("1", POSTS, json!({ "thread": started["id"] })).await;
        post(&ana, &started, "First.").await;
        post(&ana, &started, "Second.").await;
        let cursor = socket.event("1").await["cursor"].clone();
        socket.vanishes().await;
        post(&ana, &started, "Third.").await;

        let mut again = served.socket(&ana).await;
        again.follows("1", POSTS, json!({ "thread": started["id"], "after": cursor })).await;
        post(&ana, &started, "Fourth.").await;

        for body in ["Second.", "Third.", "Fourth."] {
            assert_eq!(again.event("1").await["post"]["body"], body);
        }
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
        let mut read = Vec::new();
        for number in 0..400 {
            read.push(quick.next().await.unwrap().id);
            garden = update(&lead, &garden, json!({ "title": format!("Garden {number}") })).await;
        }
        read.push(quick.next().await.unwrap().id);

        let mut most = 0;
        let mut late = Vec::new();
        while late.len() < read.len() {
            late.push(slow.next().await.unwrap().id);
            most = most.max(slow.held());
        }

        assert_eq!(late, read);
        assert!((1..64).contains(&most), "{most} lines were held at once");
    }
}

/// Tells of one project how often a reader was told that it was created.
fn counted(events: &[Value]) -> HashMap<String, usize> {
    let mut counted = HashMap::new();
    for event in events.iter().filter(|event| event["change"] == "CREATED") {
        *counted.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counted
}

const WRITERS: usize = 6;
const PROJECTS: usize = 25;

on_each_database! {
    async fn while_many_write_every_change_arrives_once_however_often_a_reader_reconnects(backend) {
        let host = &Host::start(backend, |settings| settings.postgres_connections = 12).await;
        let replica = host.replica().await;
        let served = [Served::start(&host.server).await, Served::start(&replica).await];
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served[0].socket(&lead).await;
        let follow = |after: &Value| json!({ "kinds": ["PROJECT"], "after": after });
        socket.follows("1", CHANGED, follow(&Value::Null)).await;
        let first = project(&lead, "First", "SITE").await;
        let mut cursor = socket.event("1").await["cursor"].clone();
        let written = AtomicUsize::new(0);

        let write = async |writer: usize| {
            let mut made = Vec::new();
            for number in 0..PROJECTS {
                made.push(project(&lead, &format!("Of {writer}, number {number}"), "SITE").await["id"].clone());
                written.fetch_add(1, Ordering::SeqCst);
            }
            made
        };
        let writers = async {
            let all = futures_util::future::join_all((0..WRITERS).map(&write)).await;
            all.into_iter().flatten().collect::<Vec<_>>()
        };
        let reader = async {
            let mut events = Vec::new();
            let mut round = 0;
            while events.len() < WRITERS * PROJECTS {
                // Now here, now there, and now after few events, now after many.
                let mut socket = served[round % 2].socket(&lead).await;
                socket.runs("1", CHANGED, follow(&cursor)).await;
                let some = (round * 7) % 11 + 1;
                for _ in 0..some.min(WRITERS * PROJECTS - events.len()) {
                    let event = socket.event("1").await;
                    cursor = event["cursor"].clone();
                    events.push(event);
                }
                socket.vanishes().await;
                round += 1;
            }
            events
        };
        let (made, events) = tokio::join!(writers, reader);

        let counted = counted(&events);
        assert_eq!(made.len(), WRITERS * PROJECTS);
        for id in &made {
            assert_eq!(counted.get(id.as_str().unwrap()), Some(&1), "{id}");
        }
        assert!(!counted.contains_key(first["id"].as_str().unwrap()));
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
        let id: entity::ProjectId = early["id"].as_str().unwrap().parse().unwrap();
        let late = tokio::spawn(async move {
            app.system("late", async |work| {
                // Takes the number of its transaction, and keeps it open.
                sea_orm::ConnectionTrait::execute_unprepared(work.db(), "SELECT pg_current_xact_id()").await?;
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
