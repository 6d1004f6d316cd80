//! Whether the database holds together.

use clap::Args;

use super::{Outcome, close, logging, progress_bar, say, told};
use crate::{
    check::{self, Report},
    clock::{Clock, Ids},
    config::Settings,
    database::Database,
    server::Server,
};

/// What is looked at.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Do not ask the hub how far it has seen the audits of this host's sites
    #[arg(long)]
    offline: bool,
}

/// Looks at the database, which may be in use, and tells a line for each fault.
pub async fn check(settings: Settings, arguments: CheckArguments) -> Outcome {
    logging::start("warn", settings.log_format)?;
    let unopened =
        |why| format!("The database cannot be opened. Is it there, and is the setting database_url right? {why}");
    let database = Database::open_to_read(&settings).await.map_err(unopened)?;
    if !database.is_migrated().await {
        return Err(
            "The database has not this version's schema: `champion-network migrate` brings it there.".to_owned(),
        );
    }
    let server = Server::over(database, settings, Clock::default(), Ids::default());
    let bar = progress_bar()?;
    let looked = check::check(&server.0, arguments.offline, |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    let looked = looked.await;
    bar.finish_and_clear();
    let closed = close(&server).await;
    let report = looked.map_err(told)?;
    closed?;
    tell(&report)
}

/// The faults on stdout, and how many there are; or that there are none.
fn tell(report: &Report) -> Outcome {
    for finding in &report.findings {
        say(finding)?;
    }
    match report.findings.len() {
        0 => say(format_args!(
            "Everything holds. Audits: {}, with entries: {}. Feeds: {}, with entries: {}. Records: {}. Copies: {}.",
            report.audits.0, report.audits.1, report.feeds.0, report.feeds.1, report.records, report.copies
        )),
        1 => Err("1 fault was found.".to_owned()),
        faults => Err(format!("{faults} faults were found.")),
    }
}
