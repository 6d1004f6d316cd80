//! What a hub bears as its network grows: so many sites that each wait for changes and read every feed that advances, while
//! a few of them write. Only the hub is whole; the sites have no database, so that what is measured is the hub's work. It
//! includes the checking of every token and batch, and applying to the hub's own rows what comes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use champion_network::federation::{host, wire::Origin};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    catch_up::admit,
    host::Host,
    measure::{Peak, Times, line, resident},
    peer::{Counted, Hub, Peer},
    story::{self, Story},
};

/// How long the last change may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many sites a network has.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100])]
    sites: Vec<usize>,
    /// Changes a second in the whole network.
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// When each position of a feed was about to be appended.
type Appended = Arc<Mutex<HashMap<(Origin, u64), Instant>>>;

pub async fn run(postgres: Option<&str>, arguments: &Arguments) {
    println!(
        "\nfrom an append to every other site's having read it, in ms; {} changes a second for {} s; memory in MiB",
        arguments.rate, arguments.seconds
    );
    line(&[
        "sites",
        "deliveries",
        "p50",
        "p99",
        "max",
        "missing",
        "polls/s",
        "reads/s",
        "KiB/s out",
        "before",
        "peak",
    ]);
    for sites in &arguments.sites {
        network(postgres, *sites, arguments).await;
    }
}

async fn network(postgres: Option<&str>, sites: usize, arguments: &Arguments) {
    let host = Host::open(postgres, "national", None).await;
    host.sequence().await;
    let hub = Arc::new(Hub {
        id: host::id(&host.app).await.unwrap(),
        app: Arc::clone(&host.app),
        routes: host.router(),
        counted: Counted::default(),
    });
    let (mut stories, peers) = members(&host, &hub, sites).await;
    let appended = Appended::default();
    let times = Arc::new(Mutex::new(Times::default()));
    let before = resident();
    let mut readers = JoinSet::new();
    for peer in peers {
        readers.spawn(read(peer, Arc::clone(&appended), Arc::clone(&times)));
    }
    let (peak, counts) = (Peak::watch(), counts(&hub));
    let begun = Instant::now();
    let changes = write(&hub, &mut stories, arguments, &appended).await;
    let expected = changes * (sites - 1);
    while times.lock().unwrap().count() < expected && begun.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let [polls, reads, bytes] = [0, 1, 2].map(|at| (self::counts(&hub)[at] - counts[at]) as f64 / seconds);
    let times = std::mem::take(&mut *times.lock().unwrap());
    let [p50, p99, max] = times.summary();
    let cells = [
        sites.to_string(),
        times.count().to_string(),
        p50,
        p99,
        max,
        (expected - times.count()).to_string(),
        format!("{polls:.0}"),
        format!("{reads:.0}"),
        format!("{:.0}", bytes / 1024.0),
        before.to_string(),
        peak.most().to_string(),
    ];
    line(&cells.each_ref().map(String::as_str));
    readers.shutdown().await;
    drop(hub);
    host.close().await;
}

/// Admits the sites and begins their feeds. Each has read all that there is.
async fn members(host: &Host, hub: &Arc<Hub>, sites: usize) -> (Vec<(Peer, Story)>, Vec<Peer>) {
    let maker = Host::open(None, "maker", None).await;
    let slugs: Vec<_> = (0..sites).map(|number| format!("site-{number}")).collect();
    let mut stories = Vec::new();
    for ((site, key), slug) in story::keys(&maker.app, &slugs).await.into_iter().zip(&slugs) {
        admit(host, site, slug, key.public().to_string()).await;
        let key = Arc::new(key);
        let mut story = Story::begins(&maker.app, site, Arc::clone(&key));
        story.tells(&maker.app, 1);
        let writer = Peer::new(hub, site, &key);
        writer.appends(&story.takes(&maker.app)).await;
        stories.push((writer, story, site, key));
    }
    maker.close().await;
    host.sequence().await;
    let (_, _, site, key) = &stories[0];
    let mut first = Peer::new(hub, *site, key);
    // The hub's feed is one more, and its own is told to nobody but others.
    while first.feeds() < sites {
        first.hears().await;
    }
    let peers = stories
        .iter()
        .map(|(_, _, site, key)| first.beside(*site, key))
        .collect();
    let stories = stories.into_iter().map(|(writer, story, ..)| (writer, story)).collect();
    (stories, peers)
}

async fn read(mut peer: Peer, appended: Appended, times: Arc<Mutex<Times>>) {
    let mut seen = HashMap::<Origin, u64>::new();
    loop {
        for (origin, end) in peer.hears().await {
            let now = Instant::now();
            let before = seen.insert(origin, end).unwrap_or(0);
            for pos in before + 1..=end {
                if let Some(begun) = appended.lock().unwrap().get(&(origin, pos)) {
                    times.lock().unwrap().add(now - *begun);
                }
            }
        }
        // As a host does (`federation::dial`).
        sleep(Duration::from_millis(50)).await;
    }
}

fn counts(hub: &Hub) -> [u64; 3] {
    let counted = &hub.counted;
    [&counted.polls, &counted.reads, &counted.bytes].map(|count| count.load(Ordering::Relaxed))
}

/// The sites write in turn, at fixed moments. Tells how many changes that were.
async fn write(hub: &Hub, stories: &mut [(Peer, Story)], arguments: &Arguments, appended: &Appended) -> usize {
    let changes = (arguments.rate * arguments.seconds as f64) as usize;
    let mut moments = interval(Duration::from_secs_f64(1.0 / arguments.rate));
    moments.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let sites = stories.len();
    for change in 0..changes {
        moments.tick().await;
        let (peer, story) = &mut stories[change % sites];
        story.tells(&hub.app, 1);
        let batch = story.takes(&hub.app);
        appended
            .lock()
            .unwrap()
            .insert((batch.origin, batch.to), Instant::now());
        peer.appends(&batch).await;
    }
    changes
}
