//! Calling the hub (`docs/federation.md`, sections 4 and 8): what the sites of this host write goes up, what the others
//! write comes down. Nobody calls this host.
//!
//! | where | what |
//! |---|---|
//! | `hub` | one request: its token, its limits, what may come back |
//! | `up` | a worker a feed of this host's sites: entries as they come, and a fresh word when none do |
//! | `down` | which feeds of others advanced; a worker for each |
//! | [`errands`] | what an operator asks for: joining, another key |
//! | `receipts` | what this host has read to the end |
//! | `reports` | what it could not take |
//!
//! The hub is never given up. A worker that fails waits for itself alone, so a bad feed holds up no other.

mod down;
pub mod errands;
mod hub;
mod receipts;
mod reports;
mod up;

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use entity::{SiteId, SiteStatus, feed_head, site, site_key};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tokio::{
    sync::{Mutex, OnceCell, mpsc, watch},
    task::{Id, JoinSet},
    time::sleep,
};
use url::{Host, Url};

use self::hub::{Hub, Trouble};
use super::{
    feeds,
    messages::Advance,
    wire::{Audience, Origin},
};
use crate::{app::App, config::Settings, error::Result};

/// How often the sites and feeds of this host are looked at although nothing said that there are new ones.
const LOOKING: Duration = Duration::from_secs(5);

/// Changes that wait for their workers.
const WAITING_CHANGES: usize = 64;

/// What the workers share.
#[derive(Debug)]
struct Dialling {
    app: Arc<App>,
    hub: Hub,
    recalled: Mutex<HashMap<SiteId, Arc<OnceCell<()>>>>,
}

impl Dialling {
    /// Sees that the hub was asked, since the start, what it remembers of a site.
    async fn recalled(&self, site: SiteId) -> Result<(), Trouble> {
        let cell = Arc::clone(self.recalled.lock().await.entry(site).or_default());
        cell.get_or_try_init(|| up::recall(self, site)).await.copied()
    }
}

/// What a worker is there for. There is one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Task {
    /// Sending a feed of a site of this host.
    Up(Origin, Audience),
    /// Asking, in the name of a site, what advanced; every further site asks only for what is for it alone.
    Listen(SiteId, bool),
    /// Reading a feed of another host's site.
    Down(Origin, Audience),
    /// Acknowledging what was read.
    Receipts,
}

/// The address of the hub, when the settings name one.
///
/// # Errors
/// A sentence for the operator when it cannot be called.
pub fn hub_url(settings: &Settings) -> Result<Option<Url>, String> {
    let text = settings.hub_url.trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |why: &str| Err(format!("The setting hub_url {why}."));
    let Ok(url) = Url::parse(text) else {
        return wrong("is not an address such as https://network.example.nhs.uk");
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return wrong("names no host"),
    };
    let plain = url.scheme() == "http" && loopback && settings.development_issuer;
    if url.scheme() != "https" && !plain {
        return wrong("does not start with https; in development, http to this machine will do");
    }
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !bare {
        return wrong("has a user name, a password, a query or a fragment");
    }
    Ok(Some(url))
}

/// Calls the hub until the process is to end.
pub async fn run(app: Arc<App>, hub: Url) {
    let signals = Arc::clone(&app);
    let dialling = Arc::new(Dialling {
        hub: Hub::at(hub, Arc::clone(&app)),
        app,
        recalled: Mutex::default(),
    });
    let mut crew = Crew::new(dialling);
    signals.signals.unless_stopping(crew.work()).await;
    // Ended half-way, a worker leaves nothing: what it was about to do is in no transaction yet, or the transaction is
    // dropped with it.
    crew.workers.shutdown().await;
}

/// The active sites of this host that have a key: a site gets its own with its first entry, and until then has nothing to
/// say and no name to ask in.
async fn sites(app: &App) -> Result<Vec<SiteId>> {
    let own = site::Entity::find()
        .filter(site::Column::Hosted.eq(true))
        .filter(site::Column::Status.eq(SiteStatus::Active))
        .order_by_asc(site::Column::Id);
    let own = own.all(app.reader()).await?;
    let keys = site_key::Entity::find().filter(site_key::Column::SignsFrom.is_not_null());
    let keys: HashSet<_> = keys
        .all(app.reader())
        .await?
        .into_iter()
        .map(|key| key.site_id)
        .collect();
    Ok(own
        .into_iter()
        .map(|site| site.id)
        .filter(|id| keys.contains(id))
        .collect())
}

/// The site in whose name a feed is asked for: the one that it is for, or any of this host's.
async fn asks_as(dialling: &Dialling, audience: Audience) -> Result<SiteId, Trouble> {
    match audience {
        Audience::Site(site) => Ok(SiteId(site)),
        Audience::Network | Audience::Hub => {
            let own = sites(&dialling.app).await?;
            own.first().copied().ok_or(Trouble::NoKey)
        }
    }
}

/// The workers and what wakes them.
struct Crew {
    dialling: Arc<Dialling>,
    workers: JoinSet<()>,
    tasks: HashMap<Id, Task>,
    readers: HashMap<(Origin, Audience), watch::Sender<Option<Advance>>>,
    news: mpsc::Sender<Advance>,
    arriving: mpsc::Receiver<Advance>,
}

impl Crew {
    fn new(dialling: Arc<Dialling>) -> Self {
        let (news, arriving) = mpsc::channel(WAITING_CHANGES);
        Self {
            dialling,
            workers: JoinSet::new(),
            tasks: HashMap::new(),
            readers: HashMap::new(),
            news,
            arriving,
        }
    }

    async fn work(&mut self) {
        let app = Arc::clone(&self.dialling.app);
        let mut growth = app.signals.growth();
        loop {
            growth.mark_unchanged();
            if let Err(error) = self.employ().await {
                tracing::error!(%error, "the sites and feeds of this host cannot be read");
            }
            // News keep nobody from looking for new sites: they are taken in below, many at a time.
            let looking = sleep(LOOKING);
            tokio::pin!(looking);
            loop {
                tokio::select! {
                    Some(advance) = self.arriving.recv() => self.wake(advance),
                    Some(ended) = self.workers.join_next_with_id() => self.ended(ended),
                    _ = growth.changed() => break,
                    () = &mut looking => break,
                }
            }
        }
    }

    /// Sees that there is a worker for every site and for every feed of this host.
    async fn employ(&mut self) -> Result<()> {
        let app = Arc::clone(&self.dialling.app);
        let sites = sites(&app).await?;
        for (number, site) in sites.iter().enumerate() {
            self.start(Task::Listen(*site, number > 0));
            let feeds = feed_head::Entity::find().filter(feed_head::Column::Origin.eq(*site));
            for row in feeds.filter(feed_head::Column::Pos.gt(0)).all(app.reader()).await? {
                let feed = feeds::stored(&row)?;
                self.start(Task::Up(feed.origin, feed.audience));
            }
        }
        if !sites.is_empty() {
            self.start(Task::Receipts);
        }
        Ok(())
    }

    /// Tells the worker of a feed that it advanced.
    fn wake(&mut self, advance: Advance) {
        // The hub leaves out the feeds of the site that asks, and not those of the other sites here.
        let is_own = |task: &Task| matches!(task, Task::Listen(site, _) if site.0 == advance.origin.0);
        if self.tasks.values().any(is_own) {
            return;
        }
        let feed = (advance.origin, advance.audience);
        let reader = self.readers.entry(feed).or_insert_with(|| watch::Sender::new(None));
        reader.send_replace(Some(advance));
        self.start(Task::Down(feed.0, feed.1));
    }

    fn start(&mut self, task: Task) {
        if self.tasks.values().any(|running| *running == task) {
            return;
        }
        let dialling = Arc::clone(&self.dialling);
        let worker = match task {
            Task::Up(origin, audience) => self.workers.spawn(up::feed(dialling, SiteId(origin.0), audience)),
            Task::Listen(site, directed) => {
                let news = self.news.clone();
                self.workers.spawn(down::listen(dialling, site, directed, news))
            }
            Task::Down(origin, audience) => {
                let reader = self.readers.entry((origin, audience));
                let news = reader.or_insert_with(|| watch::Sender::new(None)).subscribe();
                self.workers
                    .spawn(down::feed(dialling, SiteId(origin.0), audience, news))
            }
            Task::Receipts => self.workers.spawn(receipts::send(dialling)),
        };
        self.tasks.insert(worker.id(), task);
    }

    /// A worker ends when its site or feed is not there any more, or by a fault of this program. Whoever is needed is
    /// employed anew at the next look.
    fn ended(&mut self, ended: std::result::Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(why) => {
                tracing::error!(%why, "a worker failed");
                why.id()
            }
        };
        self.tasks.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(text: &str, development: bool) -> Result<Option<Url>, String> {
        let mut settings = Settings::defaults().unwrap();
        settings.hub_url = text.to_owned();
        settings.development_issuer = development;
        hub_url(&settings)
    }

    #[test]
    fn a_hub_is_called_over_https_and_in_development_on_this_machine_without() {
        assert_eq!(hub("", false), Ok(None));
        for (text, development) in [
            ("https://network.test", false),
            ("https://network.test/champion/", false),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost", true),
        ] {
            assert!(hub(text, development).unwrap().is_some(), "{text}");
        }
        for (text, development) in [
            ("http://network.test", true),
            ("http://127.0.0.1:8080", false),
            ("ftp://network.test", true),
            ("network.test", true),
            ("https://ana:secret@network.test", false),
            ("https://network.test/?a=1", false),
            ("https://network.test/#a", false),
        ] {
            let why = hub(text, development).unwrap_err();
            assert!(why.contains("hub_url") && !why.contains("secret"), "{why}");
        }
    }
}
