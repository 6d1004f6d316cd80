//! The worked example: one process with the national site and four regional ones, filled through the API like by
//! everybody, then served.
//!
//! [`run`] chooses a folder, fills it where it is empty, says what to open and serves until it
//! is told to stop. What a host says of the real programmes is fact; everything else is marked as sample data.

mod announce;
mod calendar;
mod content;
mod error;
mod fill;
mod folder;
mod series;
mod stage;
mod tokens;

use std::{io, net::Ipv4Addr, path::PathBuf, pin::pin};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;

use crate::{
    clock::{Clock, Ids},
    config::Settings,
    federation::run::Background,
    http,
    server::{Server, stop},
    sites,
};
use announce::Announcement;
use calendar::Calendar;
use content::SiteContent;
pub use error::{Error, Result};
use fill::Fill;
use folder::Folder;
use stage::Stage;
use tokens::Signer;

/// How a demonstration is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it is kept. Without one it is kept nowhere: it goes when the process ends.
    pub folder: Option<PathBuf>,
    /// The port to listen on. Without one it is the usual port, or a free one where that is in use.
    pub port: Option<u16>,
    /// Says what to open as one line of JSON, for scripts, and listens on a free port unless one is named.
    pub json: bool,
}

/// Starts a demonstration and serves it until the process is told to stop.
///
/// # Errors
/// When the folder or the port cannot be used, or the API refuses an item of the content.
pub async fn run(options: Options) -> Result<()> {
    let mut stop = pin!(stop().map_err(Error::machine("signals cannot be received"))?);
    let contents = content::load()?;
    let listener = listen(&options).await?;
    let address = listener
        .local_addr()
        .map_err(Error::machine("the port cannot be read"))?;
    let folder = Folder::choose(options.folder.as_deref())?;
    if !folder.is_filled() {
        tokio::select! {
            filled = fill(&folder, &contents, options.json) => filled?,
            () = &mut stop => return Ok(()),
        }
    }
    let mut settings = settings(&folder.database())?;
    settings.listen = address;
    settings.public_url = format!("http://{address}");
    let server = Server::open(settings.clone(), Clock::System, Ids::default()).await?;
    let signer = Signer::from_pem(&folder.key()?)?;
    let announcement = Announcement {
        name: settings.host_name.clone(),
        url: settings.public_url.clone(),
        tokens: tokens::for_every_role(&signer, &contents, Clock::System.now())?,
        contents: &contents,
        calendar: Calendar::starting(Clock::System.now()),
    };
    announcement
        .print(options.json)
        .map_err(Error::machine("what to open cannot be printed"))?;
    let router = server.router()?;
    let background = Background::start(&server.0)?;
    http::serve(listener, router, &settings.http, background.stopping(stop)).await;
    background.end().await;
    server.0.database.close().await.map_err(crate::error::Error::from)?;
    Ok(())
}

/// Opens the port, before any work is done that would be lost without it.
async fn listen(options: &Options) -> Result<TcpListener> {
    let usual = Settings::defaults().map_err(Error::internal)?.listen.port();
    let port = options.port.unwrap_or(if options.json { 0 } else { usual });
    let address = (Ipv4Addr::LOCALHOST, port);
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && options.port.is_none() => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
        }
        other => other,
    }
    .map_err(Error::machine(format!("port {port} cannot be opened")))
}

/// The settings of a demonstration: the defaults, open to the pages of a developer on this machine.
fn settings(database_url: &str) -> Result<Settings> {
    let mut settings = Settings::defaults().map_err(Error::internal)?;
    settings.host_name = "Champion Network demonstration".to_owned();
    settings.database_url = database_url.to_owned();
    settings.http.allowed_origins = vec!["*".to_owned()];
    Ok(settings)
}

/// Fills a folder: founds the sites on the operator's word, then lets people do everything else.
async fn fill(folder: &Folder, contents: &[SiteContent], quiet: bool) -> Result<()> {
    let draft = folder.begin()?;
    let signer = Signer::generate()?;
    let calendar = Calendar::starting(Clock::System.now());
    let clock = Clock::standing_at(calendar.begins());
    let server = Server::open(settings(&draft.database())?, clock, Ids::default()).await?;
    for content in contents {
        found(&server, &signer, &content.site).await?;
    }
    let progress = progress(contents, quiet);
    let stage = Stage::new(&server, &signer)?;
    Fill::new(&stage, calendar, contents, &progress)?.everything().await?;
    progress.finish_and_clear();
    drop(stage);
    server.0.database.close().await.map_err(crate::error::Error::from)?;
    draft.keep(signer.key().pem())
}

async fn found(server: &Server, signer: &Signer, site: &content::Site) -> Result<()> {
    let founding = sites::ops::Founding {
        slug: site.slug.clone(),
        name: site.name.clone(),
        kind: site.kind,
        region: site.region.clone(),
        ods_code: site.ods_code.clone(),
    };
    let trust = sites::ops::Trust::everything(tokens::ISSUER, tokens::AUDIENCE, signer.key().jwk_set());
    server
        .0
        .system("siteFound", async |work| {
            let site = sites::ops::found(work, founding).await?;
            sites::ops::trust(work, site.id, trust).await
        })
        .await?;
    Ok(())
}

fn progress(contents: &[SiteContent], quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("Filling the demonstration {wide_bar} {pos}/{len}");
    ProgressBar::new(Fill::length(contents)).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
