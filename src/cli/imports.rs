//! Taking in files, with a progress bar where somebody watches.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use entity::{ChampionId, OrganisationRole};
use indicatif::ProgressBar;

use super::{Outcome, at, one_of, progress_bar, say, told};
use crate::{
    config::Settings,
    error::{self, Error},
    impact::ops::import,
    server::Server,
    sites::ops::{self, organisations},
};

/// What an operator does with organisations.
#[derive(Debug, Subcommand)]
pub enum OrganisationsCommand {
    /// Take in a CSV file of organisations, all of it or nothing
    Import(Organisations),
}

/// A file of organisations.
#[derive(Debug, Args)]
pub struct Organisations {
    /// The slug of the site that keeps them
    #[arg(long)]
    site: String,
    /// The role of the lines that say none, e.g. icb, gp_practice or nhs_trust
    #[arg(long, value_parser = one_of(OrganisationRole::ALL))]
    role: Option<OrganisationRole>,
    /// Its first line names the columns ods_code, name, opened_on, closed_on, successors and role; the first two are
    /// needed. Dates are written YYYY-MM-DD, several successors as ODS codes with blanks between
    file: PathBuf,
}

/// What an operator does with observations.
#[derive(Debug, Subcommand)]
pub enum ObservationsCommand {
    /// Take in a CSV file of observations, all of it or nothing; somebody else of the site approves them
    Import(Observations),
}

/// A file of observations.
#[derive(Debug, Args)]
pub struct Observations {
    /// The slug of the site that they belong to
    #[arg(long)]
    site: String,
    /// The id of the champion in whose name they are recorded, e.g. champion_2x4y6z8a0c2e4g6j8m0p2r4t6v
    #[arg(long, value_name = "ID", value_parser = champion_id)]
    champion: ChampionId,
    /// Its first line names the columns measure, observed_on, project, value, numerator, denominator, breakdown and note;
    /// the first two are needed. Measures are named by code, projects by slug, days are written YYYY-MM-DD, a breakdown
    /// as dimension=value with semicolons between
    file: PathBuf,
}

fn champion_id(text: &str) -> Result<ChampionId, &'static str> {
    text.parse().map_err(|_| "this is no id of a champion")
}

/// Runs a command on organisations.
pub async fn organisations(settings: Settings, command: OrganisationsCommand) -> Outcome {
    let OrganisationsCommand::Import(Organisations { site, role, file }) = command;
    let stored = take_in(settings, &file, async |server, text, bar| {
        server
            .0
            .system("organisations import", async |work| {
                let site = ops::named(work.db(), &site).await?;
                organisations::take_in(work, site.id, text, role, |done, of| advance(bar, done, of)).await
            })
            .await
    });
    let stored = stored.await?.len();
    say(format_args!(
        "organisations of {} now at {site}: {stored}",
        file.display()
    ))
}

/// Runs a command on observations.
pub async fn observations(settings: Settings, command: ObservationsCommand) -> Outcome {
    let ObservationsCommand::Import(Observations { site, champion, file }) = command;
    let stored = take_in(settings, &file, async |server, text, bar| {
        server
            .0
            .system("observations import", async |work| {
                import::import_for(work, &site, champion, text, |done, of| advance(bar, done, of)).await
            })
            .await
    });
    let stored = stored.await?.len();
    say(format_args!(
        "observations of {} recorded at {site}: {stored}",
        file.display()
    ))
}

/// Reads a file and stores it, with a bar that shows how far it is.
async fn take_in<T>(
    settings: Settings,
    file: &Path,
    store: impl AsyncFnOnce(&Server, &str, &ProgressBar) -> error::Result<T>,
) -> Outcome<T> {
    let text = fs::read_to_string(file).map_err(|why| format!("{} cannot be read: {why}", file.display()))?;
    at(settings, async |server| {
        let bar = progress_bar()?;
        let stored = store(server, &text, &bar).await;
        bar.finish_and_clear();
        stored.map_err(|why| refused(file, why))
    })
    .await
}

/// Why nothing of a file was stored: a heading, then a line for each problem.
fn refused(file: &Path, why: Error) -> String {
    match &why {
        Error::Invalid(_) => format!("Nothing of {} was stored.\n{}", file.display(), told(why)),
        _ => told(why),
    }
}

fn advance(bar: &ProgressBar, done: usize, of: usize) {
    bar.set_length(of as u64);
    bar.set_position(done as u64);
}
