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
//! | [`audit`] | what its sites have signed of their audits |
//! | `reports` | what it could not take |
//!
//! The hub is never given up. A worker that fails waits for itself alone, so a bad feed holds up no other.

pub mod audit;
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

use self::hub::{Ask, Hub, Told, Trouble};
use super::{
    directory, feeds,
    messages::Advance,
    protocol::rules::Rules,
    wire::{Audience, Origin, Status},
};
use crate::{app::App, config::Settings, error::Result};

/// How often the sites and feeds of this host are looked at although nothing said that there are new ones.
const LOOKING: Duration = Duration::from_secs(5);

/// Changes that wait for their workers.
const WAITING_CHANGES: usize = 64;

/// Most feeds that wait for the directory.
const MOST_WAITING: usize = 20_000;

/// What the workers share.
#[derive(Debug)]
struct Dialling {
    app: Arc<App>,
    hub: Hub,
    recalled: Mutex<HashMap<SiteId, Arc<OnceCell<()>>>>,
    /// Sites of this host that the hub turned away when they last asked: suspended there, or with a key that does not count.
    turned_away: Mutex<HashSet<SiteId>>,
}

impl Dialling {
    /// Sees that the hub was asked, since the start, what it remembers of a site.
    async fn recalled(&self, site: SiteId) -> Result<(), Trouble> {
        let cell = Arc::clone(self.recalled.lock().await.entry(site).or_default());
        cell.get_or_try_init(|| up::recall(self, site)).await.copied()
    }

    /// The sites of this host, those last that the hub turned away.
    async fn speakers(&self) -> Result<Vec<SiteId>, Trouble> {
        let mut sites = sites(&self.app).await?;
        let turned_away = self.turned_away.lock().await;
        sites.sort_by_key(|site| turned_away.contains(site));
        Ok(sites)
    }

    /// Whether the hub turned a site away when it last asked.
    async fn is_turned_away(&self, site: SiteId) -> bool {
        self.turned_away.lock().await.contains(&site)
    }

    /// Remembers whether the hub turned a site away.
    async fn note<T>(&self, site: SiteId, told: &Result<T, Trouble>) {
        let mut turned_away = self.turned_away.lock().await;
        match told {
            Ok(_) => turned_away.remove(&site),
            Err(trouble) if trouble.is_about_the_site() => turned_away.insert(site),
            Err(_) => false,
        };
    }

    /// Asks in the name of the site that a feed is for; for a feed for everybody in that of the first of this host's that the
    /// hub does not turn away.
    async fn ask_for(&self, audience: Audience, target: &str, body: Option<&[u8]>) -> Result<Told, Trouble> {
        let speakers = match audience {
            Audience::Site(site) => vec![SiteId(site)],
            Audience::Network | Audience::Hub => self.speakers().await?,
        };
        let mut told = Err(Trouble::NoKey);
        for site in speakers {
            told = self
                .hub
                .ask(&Ask { site, target, body })
                .await
                .and_then(Told::unless_turned_away);
            self.note(site, &told).await;
            if !told.as_ref().is_err_and(Trouble::is_about_the_site) {
                break;
            }
        }
        told
    }
}

/// What a worker is there for. There is one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Task {
    /// Sending a feed of a site of this host.
    Up(Origin, Audience),
    /// Asking, in the name of a site, what advanced.
    Listen(SiteId),
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
        turned_away: Mutex::default(),
    });
    let mut crew = Crew::new(dialling);
    signals.signals.unless_stopping(crew.work()).await;
    // Ended half-way, a worker leaves nothing: what it was about to do is in no transaction yet, or the transaction is
    // dropped with it.
    crew.workers.shutdown().await;
}

/// The active sites of this host that have a key: a site gets its own with its first entry, and until then has nothing to
/// say and no name to ask in.
///
/// # Errors
/// Only when the database fails.
pub async fn sites(app: &App) -> Result<Vec<SiteId>> {
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

/// Whether this host may read a feed now: none when it never may.
async fn is_readable(app: &App, (origin, audience): (Origin, Audience)) -> Result<Option<bool>> {
    let db = app.reader();
    if !directory::reader(db).await?.may_read(audience, Rules::default()) {
        return Ok(None);
    }
    let standing = directory::standing(db, SiteId(origin.0)).await?;
    Ok(match standing.map(|standing| standing.status) {
        Some(Status::Left) => None,
        status => Some(status == Some(Status::Active)),
    })
}

/// The workers and what wakes them.
struct Crew {
    dialling: Arc<Dialling>,
    workers: JoinSet<()>,
    tasks: HashMap<Id, Task>,
    readers: HashMap<(Origin, Audience), watch::Sender<Option<Advance>>>,
    /// What advanced of sites that the directory does not count as active, or not yet.
    waiting: HashMap<(Origin, Audience), Advance>,
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
            waiting: HashMap::new(),
            news,
            arriving,
        }
    }

    async fn work(&mut self) {
        let app = Arc::clone(&self.dialling.app);
        let (mut growth, mut learnt) = (app.signals.growth(), app.signals.directory());
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
                    Some(advance) = self.arriving.recv() => self.wake(advance).await,
                    Some(ended) = self.workers.join_next_with_id() => self.ended(ended),
                    _ = learnt.changed() => self.wake_waiting().await,
                    _ = growth.changed() => break,
                    () = &mut looking => {
                        self.wake_waiting().await;
                        break;
                    }
                }
            }
        }
    }

    /// Sees that there is a worker for every site and for every feed of this host.
    async fn employ(&mut self) -> Result<()> {
        let app = Arc::clone(&self.dialling.app);
        let sites = sites(&app).await?;
        for site in &sites {
            self.start(Task::Listen(*site));
            let feeds = feed_head::Entity::find().filter(feed_head::Column::Origin.eq(*site));
            for row in feeds.filter(feed_head::Column::Pos.gt(0)).all(app.reader()).await? {
                let feed = feeds::stored(&row)?;
                self.start(Task::Up(feed.origin, feed.audience));
            }
        }
        if !sites.is_empty() {
            self.start(Task::Receipts);
        }
        let readers: Vec<_> = self.readers.keys().copied().collect();
        for (origin, audience) in readers {
            self.start(Task::Down(origin, audience));
        }
        Ok(())
    }

    /// Tells the worker of a feed that it advanced. Only of sites that the directory counts as active is there one, so that a
    /// hub that invents feeds keeps nobody busy.
    async fn wake(&mut self, advance: Advance) {
        // The hub leaves out the feeds of the site that asks, and not those of the other sites here.
        let is_own = |task: &Task| matches!(task, Task::Listen(site) if site.0 == advance.origin.0);
        if self.tasks.values().any(is_own) {
            return;
        }
        let feed = (advance.origin, advance.audience);
        if let Some(reader) = self.readers.get(&feed) {
            reader.send_replace(Some(advance));
            return;
        }
        match is_readable(&self.dialling.app, feed).await {
            Ok(Some(true)) => {
                self.readers.insert(feed, watch::Sender::new(Some(advance)));
                self.start(Task::Down(feed.0, feed.1));
            }
            Ok(Some(false)) if self.waiting.len() < MOST_WAITING => {
                self.waiting.insert(feed, advance);
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the directory cannot be read"),
        }
    }

    /// Looks whether the directory has meanwhile come to know sites of which something advanced.
    async fn wake_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let active = site::Entity::find().filter(site::Column::Status.eq(SiteStatus::Active));
        let active = active.all(self.dialling.app.reader()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the directory cannot be read");
            Vec::new()
        });
        let active: HashSet<_> = active.iter().map(|site| Origin(site.id.0)).collect();
        let ready = |(origin, _): &(Origin, Audience), _: &mut Advance| active.contains(origin);
        let ready: Vec<_> = self.waiting.extract_if(ready).collect();
        for (_, advance) in ready {
            self.wake(advance).await;
        }
    }

    fn start(&mut self, task: Task) {
        if self.tasks.values().any(|running| *running == task) {
            return;
        }
        let dialling = Arc::clone(&self.dialling);
        let worker = match task {
            Task::Up(origin, audience) => self.workers.spawn(up::feed(dialling, SiteId(origin.0), audience)),
            Task::Listen(site) => {
                let news = self.news.clone();
                self.workers.spawn(down::listen(dialling, site, news))
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
        match ended {
            Ok((id, ())) => {
                if let Some(Task::Down(origin, audience)) = self.tasks.remove(&id) {
                    self.readers.remove(&(origin, audience));
                }
            }
            Err(why) => {
                tracing::error!(%why, "a worker failed");
                self.tasks.remove(&why.id());
            }
        }
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
