//! From the commit at a region to the moment at which the hub and another region show it.
//!
//! Three hosts with their servers, on loopback, in this process. Changes come at fixed moments, whatever became of those
//! before; half of them make a project, half change one. Who looks asks the database every few milliseconds for projects
//! that are newer than those it has seen.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use entity::{ProjectId, SiteId, project};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{
    host::{Host, join, knows, socket},
    measure::{Times, line},
};

/// How often somebody looks.
const LOOKING: Duration = Duration::from_millis(4);

/// How long the last change may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Changes a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// How long, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How often all of it.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// When each version of a project was committed.
type Committed = Arc<Mutex<HashMap<(ProjectId, i32), Instant>>>;

/// Who looks where.
struct Watch {
    seen: HashMap<ProjectId, i32>,
    since: DateTime<Utc>,
    times: Times,
}

pub async fn run(postgres: Option<&str>, arguments: &Arguments) {
    let (at_hub, address) = socket().await;
    let hub = Host::open(postgres, "national", None).await;
    let writer = Host::open(postgres, "leeds", Some(address)).await;
    let reader = Host::open(postgres, "hull", Some(address)).await;
    hub.sequence().await;
    join(&hub, &writer).await;
    join(&hub, &reader).await;
    let running = [
        hub.run(at_hub, true),
        writer.run(socket().await.0, true),
        reader.run(socket().await.0, true),
    ];
    // Everybody has heard of everybody before anything is measured.
    let admin = writer.admin();
    writer.creates(&admin, 0).await.unwrap();
    timeout(PATIENCE, async {
        while !knows(&reader, writer.site).await || shown(&reader, writer.site).await == 0 {
            sleep(LOOKING).await;
        }
    })
    .await
    .unwrap();
    println!(
        "\nlag in ms, {} changes a second for {} s",
        arguments.rate, arguments.seconds
    );
    line(&["round", "shown at", "changes", "p50", "p99", "max"]);
    for round in 1..=arguments.rounds {
        let [at_hub, at_region] = measured(&hub, &writer, &reader, arguments).await;
        for (name, times) in [("hub", at_hub), ("region", at_region)] {
            let [p50, p99, max] = times.summary();
            line(&[&round.to_string(), name, &times.count().to_string(), &p50, &p99, &max]);
        }
    }
    for running in running {
        running.ends().await;
    }
    for host in [hub, writer, reader] {
        host.close().await;
    }
}

async fn shown(host: &Host, site: SiteId) -> usize {
    let rows = project::Entity::find().filter(project::Column::SiteId.eq(site));
    rows.all(host.app.reader()).await.unwrap().len()
}

async fn measured(hub: &Host, writer: &Host, reader: &Host, arguments: &Arguments) -> [Times; 2] {
    let committed = Committed::default();
    let total = arguments.seconds as usize * arguments.rate as usize;
    let begun = writer.app.clock.now();
    let (_, at_hub, at_region) = tokio::join!(
        write(writer, arguments, &committed),
        watch(hub, writer.site, begun, total, &committed),
        watch(reader, writer.site, begun, total, &committed),
    );
    [at_hub, at_region]
}

/// Writes at fixed moments.
async fn write(writer: &Host, arguments: &Arguments, committed: &Committed) {
    let admin = writer.admin();
    let mut moments = interval(Duration::from_secs(1) / arguments.rate);
    moments.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut last: Option<project::Model> = None;
    for number in 0..arguments.seconds as usize * arguments.rate as usize {
        moments.tick().await;
        let row = match last.take() {
            Some(row) => writer.edits(&admin, &row).await.unwrap(),
            None => {
                let row = writer.creates(&admin, number).await.unwrap();
                last = Some(row.clone());
                row
            }
        };
        committed.lock().unwrap().insert((row.id, row.version), Instant::now());
    }
}

/// Looks until as many changes were seen as will come.
async fn watch(host: &Host, site: SiteId, begun: DateTime<Utc>, total: usize, committed: &Committed) -> Times {
    let mut watch = Watch {
        seen: HashMap::new(),
        since: begun,
        times: Times::default(),
    };
    let mut last = Instant::now();
    while watch.times.count() < total && last.elapsed() < PATIENCE {
        if watch.look(host, site, committed).await {
            last = Instant::now();
        }
        sleep(LOOKING).await;
    }
    watch.times
}

impl Watch {
    async fn look(&mut self, host: &Host, site: SiteId, committed: &Committed) -> bool {
        let rows = project::Entity::find()
            .select_only()
            .columns([
                project::Column::Id,
                project::Column::Version,
                project::Column::UpdatedAt,
            ])
            .filter(project::Column::SiteId.eq(site))
            .filter(project::Column::UpdatedAt.gte(self.since))
            .order_by_asc(project::Column::UpdatedAt);
        let rows: Vec<(ProjectId, i32, DateTime<Utc>)> = rows.into_tuple().all(host.app.reader()).await.unwrap();
        let (now, before) = (Instant::now(), self.times.count());
        for (id, version, at) in rows {
            let seen = self.seen.entry(id).or_insert(0);
            for version in *seen + 1..=version {
                // It may be shown before whoever wrote it has noted the time.
                let Some(moment) = committed.lock().unwrap().get(&(id, version)).copied() else {
                    break;
                };
                self.times.add(now.saturating_duration_since(moment));
                *seen = version;
            }
            self.since = self.since.max(at - chrono::TimeDelta::seconds(1));
        }
        self.times.count() > before
    }
}
