//! A database of PostgreSQL: dumped while hosts write to it, and read in again in one transaction.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel, Statement,
    TransactionTrait,
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    archive::{Archive, Holding},
    tools::{Heard, Tools, environment, run},
};
use crate::{cli::Outcome, database::UPGRADING};

/// How often, and how far apart, somebody else's connections are looked for: those of a process that has just ended may live
/// a moment longer than it.
const LOOKS: u32 = 10;
const LOOKS_APART: Duration = Duration::from_millis(500);

/// What `restore --replace` has put aside.
const ASIDE: &str = "replaced_";

/// Other connections of people and programs to the database.
const OTHERS: &str = "SELECT application_name FROM pg_catalog.pg_stat_activity
    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
        AND coalesce(backend_type, 'client backend') = 'client backend'";

/// What the database holds already.
const RELATIONS: &str = "SELECT relname::text FROM pg_catalog.pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')";

/// The tables of a host.
const TABLES: &str = "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY tablename";

/// Dumps the database as it is at one moment. Who writes to it goes on. Tells what is in it, and the version of `pg_dump`.
pub async fn dump(url: &str, to: &Path) -> Outcome<(Holding, u32)> {
    let unreadable = |why: DbErr| format!("The database cannot be read: {why}");
    let environment = environment(url)?;
    let open = connect(url).await?;
    let tools = Tools::of(version(&open).await.map_err(unreadable)?)?;
    // What is counted here and what is dumped is the same moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "it only reads, and there is no server here whose work it could be"
    )]
    let moment = open
        .begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly))
        .await
        .map_err(unreadable)?;
    let holding = holding(&moment).await.map_err(unreadable)??;
    let snapshot = column(&moment, "SELECT pg_catalog.pg_export_snapshot()")
        .await
        .map_err(unreadable)?
        .concat();
    let mut command = tools.command("pg_dump", &environment);
    command
        .args(["--format=custom", "--no-owner", "--no-privileges", "--no-password"])
        .arg(format!("--exclude-schema={ASIDE}*"))
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(to);
    aside(move || run(command)).await?;
    moment.rollback().await.map_err(unreadable)?;
    open.close().await.map_err(unreadable)?;
    Ok((holding, tools.version))
}

/// Passes when all of a dump can be read.
pub async fn check(dump: &Path, pg_dump: u32) -> Outcome {
    let mut command = Tools::of(pg_dump)?.command("pg_restore", &BTreeMap::new());
    command.args(["--file", "/dev/null"]).arg(dump);
    aside(move || run(command)).await
}

/// Reads a dump into the database, which nobody else uses, in one transaction. `kept` is where what is there goes; without it
/// nothing may be there. Tells where it went.
pub async fn put(archive: &Archive, url: &str, kept: Option<&str>) -> Outcome<Option<String>> {
    let unreadable = |why: DbErr| format!("The database cannot be read: {why}");
    let environment = environment(url)?;
    let open = connect(url).await?;
    let there = !column(&open, RELATIONS).await.map_err(unreadable)?.is_empty();
    if there && kept.is_none() {
        return Err(
            "There is something in the database already: with --replace it is kept in a schema of another name."
                .to_owned(),
        );
    }
    is_unused(&open).await?;
    let server = version(&open).await.map_err(unreadable)?;
    open.close().await.map_err(unreadable)?;
    let kept = kept.filter(|_| there).map(|kept| kept.replace('-', "_").to_lowercase());
    let (before, after) = (before(kept.as_deref()), after(&archive.manifest.holding));
    let tools = Tools::of(server.max(archive.manifest.pg_dump.unwrap_or_default()))?;
    let mut dump = tools.command("pg_restore", &BTreeMap::new());
    dump.args(["--no-owner", "--no-privileges", "--file=-"])
        .arg(archive.path());
    let mut database = tools.command("psql", &environment);
    database.args([
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
    ]);
    aside(move || pour(dump, database, &before, &after)).await?;
    Ok(kept.map(|kept| format!("the schema {kept}")))
}

/// What comes before the statements of the dump. A host that starts meanwhile waits until all is done.
fn before(kept: Option<&str>) -> String {
    let aside = kept.map(|kept| format!("ALTER SCHEMA public RENAME TO {kept}; CREATE SCHEMA public;"));
    format!(
        "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock({UPGRADING});
        DO $$ BEGIN IF EXISTS ({OTHERS}) THEN RAISE EXCEPTION 'somebody else uses the database'; END IF; END $$;
        {}
        DO $$ BEGIN IF EXISTS ({RELATIONS}) THEN RAISE EXCEPTION 'there is something in the database'; END IF; END $$;\n",
        aside.unwrap_or_default()
    )
}

/// What comes after them: every table has the rows that the backup says. Only the last word keeps any of it.
fn after(holding: &Holding) -> String {
    let mut script = "\nDO $$ BEGIN\n".to_owned();
    for (table, rows) in &holding.rows {
        // Writing to a string does not fail.
        let _ = writeln!(
            script,
            "IF (SELECT count(*) FROM public.\"{table}\") <> {rows} THEN RAISE EXCEPTION 'rows of {table} are missing'; END IF;"
        );
    }
    let _ = writeln!(
        script,
        "END $$;\nSET search_path = public;\n{};\nCOMMIT;",
        super::begin_anew(DbBackend::Postgres)
    );
    script
}

/// Has one tool print statements and the other run them. Nothing stays when either fails or this program ends: the last word
/// comes only after the first one's good end.
fn pour(mut dump: Command, mut database: Command, before: &str, after: &str) -> Outcome {
    let (reading, writing) = (Heard::from(&mut dump)?, Heard::from(&mut database)?);
    let failed = |why: io::Error| format!("The tools of PostgreSQL cannot be run: {why}");
    let mut from = Running(dump.stdout(Stdio::piped()).spawn().map_err(failed)?);
    let mut to = Running(database.stdin(Stdio::piped()).spawn().map_err(failed)?);
    let (Some(mut statements), Some(mut into)) = (from.0.stdout.take(), to.0.stdin.take()) else {
        return Err("The tools of PostgreSQL cannot be heard.".to_owned());
    };
    let poured = into
        .write_all(before.as_bytes())
        .and_then(|()| io::copy(&mut statements, &mut into));
    let read = match &poured {
        // Who does not take any more says itself why.
        Err(_) => true,
        Ok(_) => from.0.wait().map_err(failed)?.success(),
    };
    if !read {
        return Err(reading.complaint(&dump));
    }
    let written = poured.and_then(|_| into.write_all(after.as_bytes()));
    drop(into);
    if to.0.wait().map_err(failed)?.success() && written.is_ok() {
        return Ok(());
    }
    Err(writing.complaint(&database))
}

/// A tool that is killed when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself, or is of no use.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does what takes long beside everything else: the connection that holds the moment is looked after meanwhile.
async fn aside<T: Send + 'static>(task: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    let done = spawn_blocking(task).await;
    done.map_err(|why| format!("The tools of PostgreSQL cannot be awaited: {why}"))?
}

async fn is_unused(db: &DatabaseConnection) -> Outcome {
    let mut others = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            sleep(LOOKS_APART).await;
        }
        others = column(db, OTHERS)
            .await
            .map_err(|why| format!("Who uses the database cannot be told: {why}"))?;
        if others.is_empty() {
            return Ok(());
        }
    }
    others.sort_unstable();
    others.dedup();
    Err(format!(
        "The database is in use ({}): stop the host first.",
        others.join(", ")
    ))
}

async fn holding(db: &impl ConnectionTrait) -> Result<Outcome<Holding>, DbErr> {
    let mut rows = Vec::new();
    for table in column(db, TABLES).await? {
        rows.push((table.clone(), super::count(db, &format!("public.\"{table}\"")).await?));
    }
    let schema = column(db, super::SCHEMA).await?.pop();
    Ok(super::holding(schema, rows))
}

/// The number of the server's version.
async fn version(db: &impl ConnectionTrait) -> Result<u32, DbErr> {
    let told = column(db, "SHOW server_version_num").await?.concat();
    let number: u32 = told.parse().map_err(|_| DbErr::Custom(format!("version {told}")))?;
    Ok(number / 10_000)
}

async fn column(db: &impl ConnectionTrait, select: &str) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, select));
    let rows = rows.await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn connect(url: &str) -> Outcome<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .min_connections(1)
        .sqlx_logging(false)
        .set_application_name("champion-network backup");
    let opened = sea_orm::Database::connect(options).await;
    opened.map_err(|why| {
        format!("The database cannot be opened. Is it running, and is the setting database_url right? {why}")
    })
}
