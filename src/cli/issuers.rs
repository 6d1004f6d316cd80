//! The first issuer of a site: without one nobody could be its admin.

use std::{fs, path::PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use entity::{SiteRole, TokenAlgorithm};

use super::{Outcome, at, one_of, say, told};
use crate::{
    config::Settings,
    server::Server,
    sites::ops::{self, Trust},
};

/// What an operator does with issuers.
#[derive(Debug, Subcommand)]
pub enum IssuerCommand {
    /// Have a site accept the tokens of an identity provider; its admins register further ones by `issuerRegister`
    Add(Add),
}

/// An identity provider to be trusted.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("keys").required(true))]
pub struct Add {
    /// The slug of the site
    #[arg(long)]
    site: String,
    /// The `iss` of its tokens, exactly
    #[arg(long)]
    issuer: String,
    /// What its tokens must list in `aud`; the setting public_url when left out
    #[arg(long)]
    audience: Option<String>,
    /// How its tokens may be signed: EdDSA, ES256, RS256 or PS256. May be given several times
    #[arg(long = "algorithm", required = true, value_parser = one_of(TokenAlgorithm::ALL))]
    algorithms: Vec<TokenAlgorithm>,
    /// A file with its public keys, a JWK set (RFC 7517)
    #[arg(long, group = "keys", value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Where it publishes its public keys
    #[arg(long, group = "keys", value_name = "URL")]
    jwks_url: Option<String>,
    /// The claim of its tokens that lists roles
    #[arg(long, default_value = "roles")]
    roles_claim: String,
    /// A role that it may grant: champion, project_lead, curator, moderator, analyst or site_admin. May be given several
    /// times
    #[arg(long, required = true, value_parser = one_of(SiteRole::ALL))]
    may_grant: Vec<SiteRole>,
}

/// Runs a command.
pub async fn run(settings: Settings, command: IssuerCommand) -> Outcome {
    at(settings, async |server| match command {
        IssuerCommand::Add(add) => register(server, add).await,
    })
    .await
}

async fn register(server: &Server, add: Add) -> Outcome {
    let jwks = add.jwks.map(|file| {
        let read = fs::read_to_string(&file);
        read.map_err(|why| format!("{} cannot be read: {why}", file.display()))
    });
    let trusted = Trust {
        issuer: add.issuer,
        audience: add.audience.unwrap_or_else(|| server.0.settings.public_url.clone()),
        algorithms: add.algorithms,
        jwks: jwks.transpose()?,
        jwks_url: add.jwks_url,
        roles_claim: add.roles_claim,
        may_grant: add.may_grant,
    };
    let registered = server
        .0
        .system("issuer add", async |work| {
            let site = ops::named(work.db(), &add.site).await?;
            work.hosted(site.id).await?;
            ops::trust(work, site.id, trusted).await
        })
        .await;
    let row = registered.map_err(told)?;
    say(format_args!(
        "{}\t{}\t{}\t{}",
        row.id, add.site, row.issuer, row.audience
    ))
}
