//! Three hosts in one process: the hub with the national site, and a host for each of two regions. Their feeds are carried
//! from one to the other by hand.

use champion_network::{
    config::Settings,
    federation::{
        apply::{self, Received},
        directory::{self, National},
        feeds::{self, Served},
        protocol::{
            check::{Refusal, check_append},
            consumer::Answer,
            relay::{Asked, Taken},
            rules::Rules,
        },
        pull::{self, Fetched, Next},
        relay, sequencer,
        wire::{Audience, Batch, Ed25519, PublicKey, Status},
    },
    sites,
};
use entity::{SiteId, feed_head, site};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{Backend, Host, NATIONAL};

/// How many entries are carried at once: few, so that every test crosses batches.
const AT_ONCE: usize = 4;

/// A hub and two regions that have joined its network.
pub struct Network {
    /// Keeps the national site.
    pub hub: Host,
    /// Keeps `leeds`.
    pub leeds: Host,
    /// Keeps `hull`.
    pub hull: Host,
}

impl Network {
    /// Starts the hosts, makes a network of them, and lets them hear of each other.
    pub async fn start(backend: Backend) -> Self {
        let network = Self::joined(backend, |_| {}, |_| {}).await;
        network.meets().await;
        network
    }

    /// Starts the hosts, with settings of their own for the hub and the regions. The national admin has admitted both regions,
    /// and they have joined; nothing was exchanged yet.
    pub async fn joined(
        backend: Backend,
        hub: impl FnOnce(&mut Settings),
        region: impl Fn(&mut Settings) + Clone,
    ) -> Self {
        Self::around(Host::keeping(backend, &[NATIONAL], 7, hub).await, backend, region).await
    }

    /// The same around a hub that is there already.
    pub async fn around(hub: Host, backend: Backend, region: impl Fn(&mut Settings) + Clone) -> Self {
        let (leeds, hull) = tokio::join!(
            Host::keeping(backend, &["leeds"], 8, region.clone()),
            Host::keeping(backend, &["hull"], 9, region),
        );
        let network = Self { hub, leeds, hull };
        network.join_all(&["leeds"]).await;
        network
    }

    /// The same with a first region that keeps several sites, whose people may become the second one's.
    pub async fn with_several(backend: Backend, sites: &[&str]) -> Self {
        let (hub, leeds, hull) = tokio::join!(
            Host::keeping(backend, &[NATIONAL], 7, |_| {}),
            Host::keeping(backend, sites, 8, |_| {}),
            Host::keeping(backend, &["hull"], 9, |_| {}),
        );
        let hull = hull.signing_as(&leeds);
        let network = Self { hub, leeds, hull };
        network.join_all(sites).await;
        network.meets().await;
        network
    }

    async fn join_all(&self, sites: &[&str]) {
        sequence(&self.hub).await;
        for slug in sites {
            self.join(&self.leeds, slug).await;
        }
        self.join(&self.hull, "hull").await;
    }

    /// Has a site of a host join, whose first one makes the host do so.
    pub async fn join(&self, host: &Host, slug: &str) {
        self.admits(host, slug).await;
        if sites::ops::national(host.server.0.reader()).await.unwrap().is_some() {
            return;
        }
        let national = national(&self.hub).await;
        let join = host
            .server
            .0
            .system("join", async |work| directory::join(work, national).await);
        join.await.unwrap();
    }

    /// Has the national admin admit a site that another host keeps.
    pub async fn admits(&self, host: &Host, slug: &str) {
        sequence(host).await;
        let region = site(host, slug).await;
        let input = json!({
            "id": region.id.to_string(), "slug": slug, "name": region.name, "publicKey": region.public_key,
        });
        let admin = self.hub.person(&["national:site_admin"]);
        admin.does("siteAdmit", input, "site { slug }").await.record();
    }

    /// Carries everything everywhere until nothing is new: what a host places comes back to where it was written.
    pub async fn meets(&self) {
        for _ in 0..3 {
            for (from, to) in [
                (&self.leeds, &self.hub),
                (&self.hull, &self.hub),
                (&self.hub, &self.leeds),
                (&self.hub, &self.hull),
            ] {
                exchange(from, to).await;
            }
        }
    }
}

/// The national site as a host that joins is told of it.
pub async fn national(hub: &Host) -> National {
    let national = site(hub, NATIONAL).await;
    National {
        id: national.id,
        slug: national.slug,
        name: national.name,
        key: PublicKey::parse(national.public_key.as_deref().unwrap()).unwrap(),
        root: None,
    }
}

/// Writes what waits at a host into its feeds.
pub async fn sequence(host: &Host) -> usize {
    sequencer::run(&host.server.0).await.unwrap()
}

/// A site as a host knows it.
pub async fn site(host: &Host, slug: &str) -> site::Model {
    sites::ops::named(host.server.0.reader(), slug).await.unwrap()
}

/// The sites that a host keeps.
pub async fn kept(host: &Host) -> Vec<site::Model> {
    let all = sites::ops::all(host.server.0.reader()).await.unwrap();
    all.into_iter().filter(|site| site.hosted).collect()
}

/// Carries what one host has to say to another, until it has heard all: a region appends at the hub, everybody else reads.
pub async fn exchange(from: &Host, to: &Host) {
    sequence(from).await;
    let is_hub = is_hub(to).await;
    let kept: Vec<_> = kept(to).await.into_iter().map(|site| site.id).collect();
    let own: Vec<_> = self::kept(from).await.into_iter().map(|site| site.id).collect();
    let reader = directory::reader(to.server.0.reader()).await.unwrap();
    for (site, audience) in feeds_of(from).await {
        // The directory may have suspended a site since.
        let known = directory::standing(to.server.0.reader(), site).await.unwrap();
        if known.is_some_and(|known| known.status != Status::Active) {
            continue;
        }
        if is_hub && own.contains(&site) {
            while append(from, to, site, audience).await {}
        } else if !kept.contains(&site) && reader.may_read(audience, Rules::default()) {
            while carry(from, to, site, audience).await {}
        }
    }
}

/// Carries what a host has of one site to another, and nothing else.
pub async fn hear(from: &Host, to: &Host, slug: &str) {
    sequence(from).await;
    let site = site(from, slug).await;
    while carry(from, to, site.id, Audience::Network).await {}
}

async fn is_hub(host: &Host) -> bool {
    directory::is_kept_here(host.server.0.reader()).await.unwrap()
}

/// The feeds that a host writes or relays, the national site's first.
async fn feeds_of(host: &Host) -> Vec<(SiteId, Audience)> {
    let db = host.server.0.reader();
    let national = sites::ops::national(db).await.unwrap().map(|national| national.id);
    let rows = feed_head::Entity::find().filter(feed_head::Column::Pos.gt(0));
    let rows = rows.all(db).await.unwrap().into_iter();
    let mut feeds: Vec<_> = rows.map(|row| (row.origin, row.audience.parse().unwrap())).collect();
    feeds.sort_by_key(|(origin, _)| Some(*origin) != national);
    feeds
}

/// Appends at the hub what it does not hold yet. Tells whether there may be more.
async fn append(from: &Host, to: &Host, site: SiteId, audience: Audience) -> bool {
    let (from, to) = (&from.server.0, &to.server.0);
    let held = feeds::feed(to.reader(), site, audience).await.unwrap();
    let asked = Asked {
        epoch: held.map(|held| held.epoch),
        after: held.map_or(0, |held| held.pos),
        head: held.map(|held| held.head),
    };
    let from_start = Asked {
        epoch: None,
        after: 0,
        head: None,
    };
    let mut served = feeds::read(from, site, audience, &asked, AT_ONCE).await.unwrap();
    if matches!(served, Served::Diverged(_)) {
        // A new epoch.
        served = feeds::read(from, site, audience, &from_start, AT_ONCE).await.unwrap();
    }
    let batch = match served {
        Served::Batch(batch) => *batch,
        Served::Unchanged(_) => return false,
        other => panic!("the hub holds a feed that its writer does not know: {other:?}"),
    };
    let standing = directory::standing(to.reader(), site).await.unwrap().unwrap();
    let checked = check_append(batch, &standing, &Ed25519, Rules::default()).unwrap();
    match relay::append(to, &checked).await.unwrap() {
        Ok(taken) => assert!(matches!(taken, Taken::Stored { .. }), "{taken:?}"),
        Err(refusal) => {
            assert!(matches!(refusal, Refusal::Forged { .. }), "{refusal:?}");
            return false;
        }
    }
    pull::catch_up(to, site, audience).await.unwrap();
    true
}

/// Carries one answer. Tells whether there may be more.
async fn carry(from: &Host, to: &Host, site: SiteId, audience: Audience) -> bool {
    let fetched = match ask(from, to, site, audience).await {
        Served::Batch(batch) => Fetched::Batch(batch),
        Served::Unchanged(checkpoint) => Fetched::Answer(Answer::Unchanged(checkpoint)),
        Served::Diverged(_) => Fetched::Answer(Answer::Diverged),
        Served::Unknown => return false,
    };
    let next = pull::take(&to.server.0, site, audience, fetched).await.unwrap();
    assert!(!matches!(next, Next::Refused(_)), "{next:?} {site} {audience}");
    next == Next::Ask
}

/// What the writer of a feed answers to a reader, from where that stands.
async fn ask(from: &Host, to: &Host, site: SiteId, audience: Audience) -> Served {
    let cursor = apply::cursor(to.server.0.reader(), site, audience).await.unwrap();
    let app = &from.server.0;
    feeds::read(app, site, audience, &pull::asked(&cursor), AT_ONCE)
        .await
        .unwrap()
}

/// The first entries of a feed, whoever has read them.
pub async fn from_start(from: &Host, slug: &str, audience: Audience, limit: usize) -> Batch {
    let asked = Asked {
        epoch: None,
        after: 0,
        head: None,
    };
    let site = site(from, slug).await;
    match feeds::read(&from.server.0, site.id, audience, &asked, limit)
        .await
        .unwrap()
    {
        Served::Batch(batch) => *batch,
        other => panic!("a feed has a first entry: {other:?}"),
    }
}

/// Hands a batch to a host.
pub async fn hand(to: &Host, batch: Batch) -> Received {
    apply::receive(&to.server.0, batch).await.unwrap()
}
