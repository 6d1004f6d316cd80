//! Three hosts in one process: the hub with the national site, and a host for each of two regions. Their feeds are carried
//! from one to the other by hand.

use champion_network::{
    federation::{
        apply::{self, Received},
        directory::{self, National},
        feeds::{self, Served},
        protocol::{consumer::Answer, relay::Asked},
        sequencer,
        wire::{Audience, Batch, PublicKey},
    },
    sites,
};
use entity::site;
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
    /// Starts the hosts and makes a network of them.
    pub async fn start(backend: Backend) -> Self {
        let network = Self {
            hub: Host::keeping(backend, &[NATIONAL], 7, |_| {}).await,
            leeds: Host::keeping(backend, &["leeds"], 8, |_| {}).await,
            hull: Host::keeping(backend, &["hull"], 9, |_| {}).await,
        };
        sequence(&network.hub).await;
        let national = site(&network.hub, NATIONAL).await;
        for (host, slug) in [(&network.leeds, "leeds"), (&network.hull, "hull")] {
            sequence(host).await;
            let region = site(host, slug).await;
            let input = json!({
                "id": region.id.to_string(), "slug": slug, "name": region.name, "publicKey": region.public_key,
            });
            let admin = network.hub.person(&["national:site_admin"]);
            admin.does("siteAdmit", input, "site { slug }").await.record();
            let national = National {
                id: national.id,
                slug: national.slug.clone(),
                name: national.name.clone(),
                key: PublicKey::parse(national.public_key.as_deref().unwrap()).unwrap(),
            };
            let join = host
                .server
                .0
                .system("join", async |work| directory::join(work, national).await);
            join.await.unwrap();
        }
        network.meets().await;
        network
    }

    /// Carries everything everywhere until nothing is new: what a host places comes back to where it was written.
    pub async fn meets(&self) {
        for _ in 0..3 {
            for (from, to) in [
                (&self.leeds, &self.hub),
                (&self.hull, &self.hub),
                (&self.hub, &self.leeds),
                (&self.hub, &self.hull),
                (&self.leeds, &self.hull),
                (&self.hull, &self.leeds),
            ] {
                exchange(from, to).await;
            }
        }
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

/// Carries what one host has to say to another, until it has heard all.
pub async fn exchange(from: &Host, to: &Host) {
    sequence(from).await;
    let mut audiences = vec![Audience::Network];
    for site in kept(to).await {
        audiences.push(Audience::Site(site.id.0));
        if site.slug == NATIONAL {
            audiences.push(Audience::Hub);
        }
    }
    for site in kept(from).await {
        for audience in &audiences {
            while carry(from, to, &site, *audience).await {}
        }
    }
}

/// Carries one answer. Tells whether there may be more.
async fn carry(from: &Host, to: &Host, site: &site::Model, audience: Audience) -> bool {
    match ask(from, to, site, audience).await {
        Served::Batch(batch) => {
            let received = hand(to, *batch).await;
            let slugs = (&site.slug, audience, kept(to).await);
            assert!(!matches!(received, Received::Refused(_)), "{received:?} {slugs:?}");
            true
        }
        Served::Unchanged(checkpoint) => {
            answer(to, site, audience, Answer::Unchanged(checkpoint)).await;
            false
        }
        Served::Diverged(_) => {
            answer(to, site, audience, Answer::Diverged).await;
            true
        }
        Served::Unknown => false,
    }
}

/// What the writer of a feed answers to a reader, from where that stands.
pub async fn ask(from: &Host, to: &Host, site: &site::Model, audience: Audience) -> Served {
    let cursor = apply::cursor(to.server.0.reader(), site.id, audience).await.unwrap();
    let asked = Asked {
        epoch: cursor.epoch,
        after: cursor.pos,
        head: cursor.epoch.map(|_| cursor.head),
    };
    let app = &from.server.0;
    feeds::read(app, site.id, audience, &asked, AT_ONCE).await.unwrap()
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

/// Hands a batch to a host. The hub opens the window of an epoch that it hears of first, as its relay does.
pub async fn hand(to: &Host, batch: Batch) -> Received {
    let app = &to.server.0;
    let origin = entity::SiteId(batch.origin.0);
    let cursor = apply::cursor(app.reader(), origin, batch.audience).await.unwrap();
    if directory::is_kept_here(app.reader()).await.unwrap() && cursor.epoch != Some(batch.epoch) {
        let (audience, epoch, kid) = (batch.audience, batch.epoch, batch.checkpoint.kid.clone());
        let opened = app.system("open", async |work| {
            directory::opened(work, origin, &kid, audience, epoch).await
        });
        opened.await.unwrap();
    }
    apply::receive(app, batch).await.unwrap()
}

async fn answer(to: &Host, site: &site::Model, audience: Audience, answer: Answer) {
    let answered = apply::answered(&to.server.0, site.id, audience, &answer).await.unwrap();
    assert!(!matches!(answered, Received::Refused(_)), "{answered:?}");
}
