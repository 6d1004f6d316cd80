//! A region that is new to a network reads a long feed: records a second, and how much memory that takes.
//!
//! The hub holds the feed of a site as that site has appended it; hub and region are servers of this process and speak over
//! loopback. The clock runs from the region's first batch to its last.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use champion_network::{
    federation::{
        apply, directory, feeds,
        protocol::{check::check_append, rules::Rules},
        relay,
        wire::{Audience, Batch, Ed25519, MAX_BATCH_ENTRIES},
    },
    sites::ops::{self as sites, directory::Admission},
};
use entity::SiteId;
use tokio::time::sleep;

use super::{
    host::{Host, founding, join, socket},
    measure::{Peak, line, resident},
    story::{self, Story},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many records the feeds have.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    records: Vec<usize>,
    /// How often each is read.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

pub async fn run(postgres: Option<&str>, arguments: &Arguments) {
    println!("\na new region reads a feed; memory of the process, hub included, in MiB");
    line(&["records", "round", "seconds", "records/s", "before", "peak"]);
    for records in &arguments.records {
        let hub = Host::open(postgres, "national", None).await;
        hub.sequence().await;
        let site = fill(&hub, *records).await;
        let (listener, address) = socket().await;
        let at_hub = hub.run(listener, false);
        for round in 1..=arguments.rounds {
            let region = Host::open(postgres, &format!("region-{round}"), Some(address)).await;
            join(&hub, &region).await;
            read(&hub, region, site, round, *records).await;
        }
        at_hub.ends().await;
        hub.close().await;
    }
}

/// Appends a long feed of a site at the hub.
async fn fill(hub: &Host, records: usize) -> SiteId {
    let maker = Host::open(None, "maker", None).await;
    let (site, key) = story::keys(&maker.app, &["leeds".to_owned()]).await.remove(0);
    admit(hub, site, "leeds", key.public().to_string()).await;
    let mut story = Story::begins(&maker.app, site, Arc::new(key));
    let mut left = records;
    while left > 0 {
        let some = left.min(MAX_BATCH_ENTRIES - 1);
        story.tells(&maker.app, some);
        append(hub, story.takes(&maker.app)).await;
        left -= some;
    }
    hub.sequence().await;
    maker.close().await;
    site
}

/// Takes a site into the hub's directory.
pub async fn admit(hub: &Host, site: SiteId, slug: &str, public_key: String) {
    let admission = Admission {
        id: Some(site),
        founding: founding(slug),
        public_key,
        endpoint: None,
    };
    let admin = hub.admin();
    let admitted = hub.app.write(&admin, "siteAdmit", async |work| {
        sites::directory::admit(work, admission).await
    });
    admitted.await.unwrap();
}

async fn append(hub: &Host, batch: Batch) {
    let site = SiteId(batch.origin.0);
    let standing = directory::standing(hub.app.reader(), site).await.unwrap().unwrap();
    let checked = check_append(batch, &standing, &Ed25519, Rules::default()).unwrap();
    relay::append(&hub.app, &checked).await.unwrap().unwrap();
}

async fn read(hub: &Host, region: Host, site: SiteId, round: usize, records: usize) {
    let end = feeds::feed(hub.app.reader(), site, Audience::Network)
        .await
        .unwrap()
        .unwrap()
        .pos;
    let (before, peak) = (resident(), Peak::watch());
    let reading = region.run(socket().await.0, true);
    let (mut begun, mut first) = (None, 0);
    let seconds = loop {
        let pos = apply::cursor(region.app.reader(), site, Audience::Network)
            .await
            .unwrap()
            .pos;
        if pos > 0 && begun.is_none() {
            (begun, first) = (Some(Instant::now()), pos);
        }
        match begun {
            Some(begun) if pos >= end => break begun.elapsed().as_secs_f64(),
            _ => sleep(Duration::from_millis(5)).await,
        }
    };
    let rate = (end - first) as f64 / seconds;
    let cells = [
        records.to_string(),
        round.to_string(),
        format!("{seconds:.1}"),
        format!("{rate:.0}"),
        before.to_string(),
        peak.most().to_string(),
    ];
    line(&cells.each_ref().map(String::as_str));
    reading.ends().await;
    region.close().await;
}
