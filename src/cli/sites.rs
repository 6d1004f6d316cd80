//! The sites of a host.

use clap::{Args, Subcommand};
use entity::{SiteKind, site};

use super::{Outcome, at, development, network, one_of, say, told};
use crate::{
    config::Settings,
    server::Server,
    sites::ops::{self, Founding},
};

/// What an operator does with sites.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Found a site that this host keeps
    Create(Create),
    /// List the sites that this host knows
    List,
    /// Join the network of the hub that the setting hub_url names: pin its root, found the site and make its key if need be,
    /// and print what the national admin admits
    Join(network::Join),
    /// Have a site sign with another key, which its present one proves
    RotateKey(network::OfSite),
    /// Have a site sign with a new key after the present one was lost or stolen
    ReplaceKey(network::OfSite),
    /// Write everything of a site into a file, and stop publishing and changing it here, so that another host takes over
    Export(network::Export),
    /// Take in a site that `site export` has written down on another host, and take over
    Import(network::Import),
    /// Keep a site that was exported, as long as no other host has taken over
    Keep(network::Kept),
    /// List what a site has erased for ever, and which other hosts have confirmed it
    Erasures(network::Erasures),
    /// On the national host: list what other hosts could not take of which feed, and the proof when a site has signed two
    /// stories
    Reports,
    /// On the national host: nothing that a site's keys have signed counts any more
    RevokeKey(network::Revoked),
    /// On the national host: take in a site's new key after a loss
    AcceptKey(network::Accepted),
}

/// A site to be founded.
#[derive(Debug, Args)]
pub struct Create {
    /// Its name in addresses, arguments and tokens: lower-case letters and digits with hyphens. Never changes
    #[arg(long)]
    slug: String,
    /// Its name for people
    #[arg(long)]
    name: String,
    /// What kind of site it is: national or regional. A network has one national site
    #[arg(long, default_value = "regional", value_parser = one_of(SiteKind::ALL))]
    kind: SiteKind,
    /// The region it serves
    #[arg(long)]
    region: Option<String>,
    /// Its code in the Organisation Data Service
    #[arg(long)]
    ods_code: Option<String>,
}

/// Runs a command.
pub async fn run(settings: Settings, command: SiteCommand) -> Outcome {
    at(settings, async |server| match command {
        SiteCommand::Create(create) => found(server, create).await,
        SiteCommand::List => list(server).await,
        SiteCommand::Join(join) => network::join(server, join).await,
        SiteCommand::RotateKey(of) => network::rotate(server, of).await,
        SiteCommand::ReplaceKey(of) => network::replace(server, of).await,
        SiteCommand::Export(export) => network::export(server, export).await,
        SiteCommand::Import(import) => network::import(server, import).await,
        SiteCommand::Keep(kept) => network::keep(server, kept).await,
        SiteCommand::Erasures(of) => network::erasures(server, of).await,
        SiteCommand::Reports => network::reports(server).await,
        SiteCommand::RevokeKey(revoked) => network::revoke(server, revoked).await,
        SiteCommand::AcceptKey(accepted) => network::accept(server, accepted).await,
    })
    .await
}

async fn found(server: &Server, create: Create) -> Outcome {
    let founding = Founding {
        slug: create.slug,
        name: create.name,
        kind: create.kind,
        region: create.region,
        ods_code: create.ods_code,
    };
    let founded = server
        .0
        .system("site create", async |work| ops::found(work, founding).await)
        .await;
    let site = founded.map_err(told)?;
    if server.0.settings.development_issuer {
        development::keep_issuer(server).await?;
    }
    say(line(&site))
}

async fn list(server: &Server) -> Outcome {
    for site in ops::all(server.0.reader()).await.map_err(told)? {
        say(line(&site))?;
    }
    Ok(())
}

/// One site a line, for people and for `cut` alike.
fn line(site: &site::Model) -> String {
    let home = if site.hosted { "kept here" } else { "kept elsewhere" };
    let (slug, id, kind, status, name) = (&site.slug, site.id, site.kind, site.status, &site.name);
    format!("{slug}\t{id}\t{kind}\t{status}\t{home}\t{name}")
}
