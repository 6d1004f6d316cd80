//! The worked example: one process with a national host and two regional ones, which exchange over HTTP, filled through
//! the API like by everybody, then served.
//!
//! [`run`] chooses a folder, fills it where it is empty, says what to open and serves until it is told to stop. What the
//! hosts say of the real programmes is fact; everything else is marked as sample data.

mod announce;
mod calendar;
mod content;
mod error;
mod exchange;
mod fill;
mod folder;
mod founding;
mod host;
mod ports;
mod series;
mod stage;
mod tokens;

use std::{io, path::PathBuf, pin::pin};

use futures_util::{
    FutureExt,
    future::{join_all, try_join_all},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::{clock::Clock, server::stop};
use announce::{Announcement, HostToOpen};
use calendar::Calendar;
use content::SiteContent;
use entity::SiteRole;
pub use error::{Error, Result};
use fill::Fill;
use folder::Folder;
use host::Host;
use stage::Stage;
use tokens::{Person, Signer};

/// Finds the thread that the announcement proposes to answer in.
const FIND_THREAD: &str = "{ threads(first: 1, filter: { search: \"kite marks\" }) { nodes { id } } }";

/// How a demonstration is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it is kept. Without one it is kept nowhere: it goes when the process ends.
    pub folder: Option<PathBuf>,
    /// The hub's port; the other hosts listen on those behind it. Without one it is the usual port, or a free one where that
    /// is in use.
    pub port: Option<u16>,
    /// Says what to open as one line of JSON, for scripts, and listens on free ports unless one is named.
    pub json: bool,
}

/// Starts a demonstration and serves it until the process is told to stop.
///
/// # Errors
/// When the folder or a port cannot be used, or the API refuses an item of the content.
pub async fn run(options: Options) -> Result<()> {
    let stop = pin!(stop().map_err(Error::machine("signals cannot be received"))?);
    let mut stop = stop.shared();
    let contents = content::load()?;
    let listeners = ports::open(&options).await?;
    let folder = Folder::choose(options.folder.as_deref())?;
    if !folder.is_filled() {
        tokio::select! {
            filled = fill(&folder, &contents, options.json) => filled?,
            () = &mut stop => return Ok(()),
        }
    }
    let hosts = open(&folder, &listeners).await?;
    let signer = Signer::from_pem(&folder.key()?)?;
    let announcement = announcement(&hosts, &contents, &signer).await?;
    announcement
        .print(options.json)
        .map_err(Error::machine("what to open cannot be printed"))?;
    let hosts = hosts.into_iter().zip(listeners);
    let served = join_all(hosts.map(|(host, listener)| host.serve(listener, stop.clone()))).await;
    served.into_iter().collect()
}

/// Where somebody on this machine reaches a port.
fn address(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// Opens the filled hosts; the regional ones are told where the hub answers.
async fn open(folder: &Folder, listeners: &[TcpListener]) -> Result<Vec<Host>> {
    let addresses: Vec<_> = listeners
        .iter()
        .map(address)
        .collect::<io::Result<_>>()
        .map_err(Error::machine("a port cannot be read"))?;
    let settings = |number: usize, place: &_| {
        let mut settings = host::settings(place, &folder.filled())?;
        settings.public_url.clone_from(&addresses[number]);
        if number > 0 {
            settings.hub_url.clone_from(&addresses[0]);
        }
        Ok(settings)
    };
    Host::open_all(settings, || Clock::System).await
}

/// What is said once everything is ready.
async fn announcement<'a>(hosts: &[Host], contents: &'a [SiteContent], signer: &Signer) -> Result<Announcement<'a>> {
    let now = Clock::System.now();
    let mut announcement = Announcement {
        hosts: Vec::new(),
        tokens: Vec::new(),
        contents,
        calendar: Calendar::starting(now),
        thread: None,
    };
    for host in hosts {
        let (place, url) = (host.place, host.server.0.settings.public_url.clone());
        let tokens = tokens::for_every_role(signer, place.sites, &url, now)?;
        announcement.tokens.extend(tokens);
        announcement.hosts.push(HostToOpen {
            name: place.name,
            url,
            sites: place.sites,
        });
    }
    let (_, token) = signer.sign(&Person::holding(content::NATIONAL, SiteRole::Champion), now)?;
    let found = hosts[0].ask(&token, FIND_THREAD, json!({})).await?;
    let thread = &found["data"]["threads"]["nodes"][0]["id"];
    announcement.thread = thread.as_str().map(str::to_owned);
    Ok(announcement)
}

/// Fills a folder: founds the sites on their operators' word and lets the hosts join one network, then lets people do
/// everything else. Until then nobody outside reaches the hosts, and they one another at a port of the moment.
async fn fill(folder: &Folder, contents: &[SiteContent], quiet: bool) -> Result<()> {
    let draft = folder.begin()?;
    let signer = Signer::generate()?;
    let calendar = Calendar::starting(Clock::System.now());
    let settings = |_, place: &_| host::settings(place, draft.path());
    let hosts = Host::open_all(settings, || Clock::standing_at(calendar.begins())).await?;
    let listener = ports::listen(0)
        .await
        .map_err(Error::machine("a port cannot be opened"))?;
    let hub = address(&listener).map_err(Error::machine("a port cannot be read"))?;
    let stage = Stage::new(&hosts, Url::parse(&hub).map_err(Error::internal)?, &signer);
    let progress = progress(contents, quiet);
    let filled = async {
        founding::network(&stage, contents, &signer).await?;
        Fill::new(&stage, calendar, contents, &progress)?.everything().await
    };
    tokio::select! {
        filled = filled => filled?,
        () = hosts[0].answer(listener) => {}
    }
    progress.finish_and_clear();
    drop(stage);
    try_join_all(hosts.into_iter().map(Host::close)).await?;
    draft.keep(signer.key().pem())
}

fn progress(contents: &[SiteContent], quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("Filling the demonstration {wide_bar} {pos}/{len}");
    ProgressBar::new(Fill::length(contents)).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
