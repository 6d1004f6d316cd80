//! Backups: everything of the database in one file while the host runs, and back.
//!
//! The list of the erased and the tally stay where they are, beside the database: what was forgotten stays forgotten, and a
//! host knows by them that its database is an older one.

mod archive;
mod postgres;
mod sqlite;
mod tools;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use indicatif::ProgressBar;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use self::archive::{Archive, Draft, Holding, Manifest, Source};
use super::{Outcome, say};
use crate::{changes::new_history, clock::Clock, config::Settings, erasure::Ledger, tally::Tally};

/// How often a terminal is shown that something goes on.
const TICK: Duration = Duration::from_millis(100);

/// The steps that a database has gone through, the last one last.
const SCHEMA: &str = "SELECT version FROM seaql_migrations ORDER BY version";

/// Where the backup goes.
#[derive(Debug, Args)]
pub struct Backup {
    /// A file that is not there yet. Only its owner can read it: the keys of the sites are in it
    file: PathBuf,
}

/// Which backup comes back.
#[derive(Debug, Args)]
pub struct Restore {
    /// What `backup` has written
    file: PathBuf,
    /// Put it in the place of what is in the database, which is kept under another name. No host may have the database open
    #[arg(long)]
    replace: bool,
}

/// Writes a backup of the database into a file.
pub async fn back_up(settings: &Settings, arguments: Backup) -> Outcome {
    let url = settings.database_url.as_str();
    let (draft, at) = (Draft::of(&arguments.file)?, Clock::default().now());
    let source = source(url)?;
    let (holding, pg_dump) = match source {
        Source::Sqlite => {
            seen("copying", sqlite::copy(url, draft.path())).await?;
            (seen("checking", sqlite::check(draft.path())).await?, None)
        }
        Source::Postgres => {
            let (holding, version) = seen("copying", postgres::dump(url, draft.path())).await?;
            seen("checking", postgres::check(draft.path(), version)).await?;
            (holding, Some(version))
        }
    };
    let (tables, rows) = (holding.rows.len(), holding.all_rows());
    let manifest = Manifest::new(source, pg_dump, at, holding);
    let hash = seen("closing", async { draft.finish(manifest) }).await?;
    say(format_args!(
        "{}: {rows} rows in {tables} tables of {source}, SHA-256 {hash}",
        arguments.file.display()
    ))
}

/// Puts a backup into the database that the settings name.
pub async fn restore(settings: &Settings, arguments: Restore) -> Outcome {
    let (url, file) = (settings.database_url.as_str(), &arguments.file);
    let archive = seen("checking", async { Archive::open(file) }).await?;
    fits(&archive, source(url)?)?;
    let kept = Clock::default().now().format("replaced-%Y%m%dT%H%M%S-%3f").to_string();
    let kept = arguments.replace.then_some(&*kept);
    let moved = match archive.manifest.database {
        Source::Sqlite => seen("restoring", sqlite::put(&archive, url, kept)).await?,
        Source::Postgres => seen("restoring", postgres::put(&archive, url, kept)).await?,
    };
    let moved = moved.map(|name| format!("; what was there is {name} now"));
    let (rows, when) = (archive.manifest.holding.all_rows(), archive.manifest.when());
    say(format_args!(
        "{}: {rows} rows of {when} are in the database{}",
        file.display(),
        moved.unwrap_or_default()
    ))?;
    for line in missing(settings) {
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(io::stderr(), "champion-network: {line}");
    }
    Ok(())
}

/// What it means that something does not stand beside the database.
fn missing(settings: &Settings) -> Vec<String> {
    let ledger = Ledger::of(settings);
    let mut lines = Vec::new();
    if !ledger.path().exists() {
        lines.push(format!(
            "There is no list of the erased at {}. Whoever was erased since the backup is back until another host tells: put \
             the newest copy of the list there before the host starts.",
            ledger.path().display()
        ));
    }
    // One that cannot be read is what the host says itself when it starts.
    if let Ok(None) = Tally::beside(&ledger).read() {
        lines.push(
            "There is no tally beside it, so the host takes this database for an older one: the national host publishes \
             nothing before another host has told what it has read (`serve --no-witness` if none has)."
                .to_owned(),
        );
    }
    lines
}

/// What a database that came back does first: what those who followed its changes have read since the backup was of another
/// history, whose lines may get the same numbers again.
fn begin_anew(backend: DbBackend) -> String {
    format!("UPDATE change_log SET history = {}", new_history(backend))
}

/// Passes when a backup is for this database and this program.
fn fits(archive: &Archive, target: Source) -> Outcome {
    let (of, name) = (archive.manifest.database, archive.path().display());
    if of != target {
        return Err(format!(
            "{name} is a backup of {of}, and the setting database_url names a database of {target}."
        ));
    }
    let schema = &archive.manifest.holding.schema;
    let known = Migrator::migrations().iter().any(|step| step.name() == schema);
    if known {
        return Ok(());
    }
    Err(format!(
        "{name} was written by version {} and knows {schema}, which this version ({}) does not: use that one or a newer.",
        archive.manifest.program,
        env!("CARGO_PKG_VERSION"),
    ))
}

impl Archive {
    /// Passes when exactly what the backup says was found.
    fn holds(&self, found: &Holding) -> Outcome {
        if *found == self.manifest.holding {
            return Ok(());
        }
        Err(format!("{} holds something else than it says.", self.path().display()))
    }
}

fn source(url: &str) -> Outcome<Source> {
    match url.split(':').next() {
        Some("sqlite") => Ok(Source::Sqlite),
        Some("postgres" | "postgresql") => Ok(Source::Postgres),
        _ => Err("The setting database_url names neither a SQLite file nor a PostgreSQL database.".to_owned()),
    }
}

async fn count(db: &impl ConnectionTrait, table: &str) -> Result<i64, DbErr> {
    let count = Statement::from_string(db.get_database_backend(), format!("SELECT COUNT(*) FROM {table}"));
    let row = db.query_one_raw(count).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

fn holding(schema: Option<String>, rows: Vec<(String, i64)>) -> Outcome<Holding> {
    let schema = schema.ok_or("The database has no schema yet: nothing is to be backed up.")?;
    let rows = rows.into_iter().collect();
    Ok(Holding { schema, rows })
}

/// Awaits something and shows on a terminal that it goes on.
async fn seen<T>(what: &'static str, doing: impl Future<Output = T>) -> T {
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(TICK);
    let done = doing.await;
    bar.finish_and_clear();
    done
}
