//! Taking in files, with a progress bar where somebody watches.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use entity::OrganisationRole;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Outcome, at, one_of, say, told};
use crate::{
    config::Settings,
    error::Error,
    server::Server,
    sites::ops::{self, organisations},
};

/// What an operator does with organisations.
#[derive(Debug, Subcommand)]
pub enum OrganisationsCommand {
    /// Take in a CSV file of organisations, all of it or nothing
    Import(Import),
}

/// A file of organisations.
#[derive(Debug, Args)]
pub struct Import {
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

/// Runs a command on organisations.
pub async fn organisations(settings: Settings, command: OrganisationsCommand) -> Outcome {
    let OrganisationsCommand::Import(import) = command;
    let text = read(&import.file)?;
    at(settings, async |server| take_in(server, &import, &text).await).await
}

async fn take_in(server: &Server, import: &Import, text: &str) -> Outcome {
    let bar = progress_bar()?;
    let stored = server
        .0
        .system("organisations import", async |work| {
            let site = ops::named(work.db(), &import.site).await?;
            organisations::take_in(work, site.id, text, import.role, |done, of| advance(&bar, done, of)).await
        })
        .await;
    bar.finish_and_clear();
    let stored = stored.map_err(|why| refused(&import.file, why))?;
    let count = match stored.len() {
        1 => "1 organisation".to_owned(),
        many => format!("{many} organisations"),
    };
    say(format_args!(
        "{count} of {} stored at {}.",
        import.file.display(),
        import.site
    ))
}

/// The text of a file.
fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|why| format!("{} cannot be read: {why}", file.display()))
}

/// Why nothing of a file was stored: a heading, then a line for each problem.
fn refused(file: &Path, why: Error) -> String {
    match &why {
        Error::Invalid(_) => format!("Nothing of {} was stored.\n{}", file.display(), told(why)),
        _ => told(why),
    }
}

/// A bar on stderr; it stays away when that is not a terminal.
fn progress_bar() -> Outcome<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left");
    let style = style.map_err(|why| format!("The progress bar cannot be drawn: {why}"))?;
    Ok(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style))
}

fn advance(bar: &ProgressBar, done: usize, of: usize) {
    bar.set_length(of as u64);
    bar.set_position(done as u64);
}
