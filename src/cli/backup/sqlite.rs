//! The file of SQLite: copied while a host writes to it, and put in its place.

use std::{
    ffi::OsString,
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement,
    sqlx::sqlite::SqliteConnectOptions,
};
use tempfile::NamedTempFile;

use super::archive::{Archive, Holding, beside, settle};
use crate::cli::Outcome;

/// How long somebody else's lock is awaited: a host keeps it for as long as it runs.
const PATIENCE: Duration = Duration::from_secs(1);

/// What SQLite keeps beside a file.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Copies the database as it is at one moment. Who writes to it goes on.
pub async fn copy(url: &str, to: &Path) -> Outcome {
    let file = file(url)?;
    if !file.exists() {
        return Err(format!("There is no database {}.", file.display()));
    }
    let unreadable = |why: DbErr| format!("{} cannot be copied: {why}", file.display());
    let name = to.to_str().ok_or("The name of the backup is no text.")?;
    let open = open(&file, true).await.map_err(unreadable)?;
    let copied = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [name.into()]);
    let copied = open.execute_raw(copied).await;
    copied.map_err(unreadable)?;
    open.close().await.map_err(unreadable)
}

/// Passes when SQLite finds nothing wrong with a copy. Tells what is in it.
pub async fn check(copy: &Path) -> Outcome<Holding> {
    let failed = |why: DbErr| format!("The copy cannot be read: {why}");
    let open = open(copy, true).await.map_err(failed)?;
    let found = look(&open).await.map_err(failed)?;
    open.close().await.map_err(failed)?;
    found
}

async fn look(db: &DatabaseConnection) -> Result<Outcome<Holding>, DbErr> {
    let wrong = column(db, "PRAGMA integrity_check", 0).await?;
    if wrong != ["ok"] {
        return Ok(Err(format!("The copy is damaged: {}", wrong.join("; "))));
    }
    let tables = column(db, "SELECT \"table\" FROM pragma_foreign_key_check", 0).await?;
    if !tables.is_empty() {
        return Ok(Err(format!("The copy has rows that name none: {}", tables.join(", "))));
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut rows = Vec::new();
    for table in column(db, tables, 0).await? {
        rows.push((table.clone(), super::count(db, &format!("\"{table}\"")).await?));
    }
    let schema = column(db, super::SCHEMA, 0).await?.pop();
    Ok(super::holding(schema, rows))
}

async fn column(db: &DatabaseConnection, select: &str, at: usize) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, select));
    let rows = rows.await?;
    rows.iter().map(|row| row.try_get_by_index(at)).collect()
}

/// Puts the content of a backup in the place of the database, which nobody has open. Tells the name under which what was there
/// is kept.
pub async fn put(archive: &Archive, url: &str, kept: Option<&str>) -> Outcome<Option<String>> {
    let file = file(url)?;
    let there = with(&file, "").exists() || BESIDE.iter().any(|ending| with(&file, ending).exists());
    let Some(kept) = kept.filter(|_| there) else {
        if there {
            return Err(format!(
                "{} is there already, or something that belongs to it: with --replace it is kept under another name.",
                file.display()
            ));
        }
        let new = unpacked(archive, &file).await?;
        let placed = new.persist_noclobber(&file);
        placed.map_err(|why| format!("{} cannot be put in its place: {}", file.display(), why.error))?;
        settle(&file)?;
        return Ok(None);
    };
    let new = unpacked(archive, &file).await?;
    let held = hold(&file).await?;
    let kept = with(&file, &format!(".{kept}"));
    let placed = change_places(new, &file, &kept);
    if let Some(held) = held {
        // What was held has another name now; it is left as it is.
        let _ = held.close().await;
    }
    placed.map_err(|why| format!("{} cannot be put in its place: {why}", file.display()))?;
    settle(&file)?;
    Ok(Some(kept.display().to_string()))
}

/// The content in a file beside the database, looked through, and on the disk.
async fn unpacked(archive: &Archive, file: &Path) -> Outcome<NamedTempFile> {
    let mut new = beside(file)?;
    let copied = archive.copy_content(new.as_file_mut());
    let copied = copied.and_then(|()| belongs_to_the_owner_of(&new, file));
    copied.map_err(|why| format!("The backup cannot be unpacked: {why}"))?;
    archive.holds(&check(new.path()).await?)?;
    let unwritten = |why: &dyn Display| format!("The backup cannot be unpacked: {why}");
    begin_anew(new.path()).await.map_err(|why| unwritten(&why))?;
    new.as_file().sync_all().map_err(|why| unwritten(&why))?;
    Ok(new)
}

async fn begin_anew(file: &Path) -> Result<(), DbErr> {
    let open = open(file, false).await?;
    open.execute_unprepared(&super::begin_anew(DbBackend::Sqlite)).await?;
    open.close().await
}

/// What root restores is the host's.
#[cfg(unix)]
fn belongs_to_the_owner_of(new: &NamedTempFile, file: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};

    use crate::erasure::folder;

    let owner = fs::metadata(file).or_else(|_| fs::metadata(folder(file)))?;
    let own = new.as_file().metadata()?;
    if own.uid() == 0 && owner.uid() != 0 {
        chown(new.path(), Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn belongs_to_the_owner_of(_new: &NamedTempFile, _file: &Path) -> io::Result<()> {
    Ok(())
}

/// Locks the database, which takes in what its log holds; none of what is no database. A host that runs has it locked.
async fn hold(file: &Path) -> Outcome<Option<DatabaseConnection>> {
    if !file.exists() {
        return Ok(None);
    }
    match locked(file).await {
        Ok(held) => Ok(Some(held)),
        Err(why) => refused(file, &why),
    }
}

async fn locked(file: &Path) -> Result<DatabaseConnection, DbErr> {
    let open = open(file, false).await?;
    for statement in ["PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE"] {
        open.execute_unprepared(statement).await?;
    }
    Ok(open)
}

fn refused(file: &Path, why: &DbErr) -> Outcome<Option<DatabaseConnection>> {
    let why = why.to_string();
    if ["not a database", "malformed"]
        .iter()
        .any(|damage| why.contains(damage))
    {
        return Ok(None);
    }
    if why.contains("locked") {
        return Err(format!("{} is in use: stop the host first.", file.display()));
    }
    Err(format!("{} cannot be locked: {why}", file.display()))
}

/// Gives what is there another name and its place to the new file, so that there is always one of them.
fn change_places(new: NamedTempFile, file: &Path, kept: &Path) -> io::Result<()> {
    for ending in BESIDE {
        match fs::rename(with(file, ending), with(kept, ending)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    if file.exists() {
        // Not every file system gives a file two names.
        fs::hard_link(file, kept).or_else(|_| fs::rename(file, kept))?;
    }
    new.persist(file).map_err(|why| why.error)?;
    Ok(())
}

fn with(file: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = file.into();
    name.push(ending);
    name.into()
}

/// The file that a URL of SQLite names.
fn file(url: &str) -> Outcome<PathBuf> {
    let unknown = "The setting database_url names no file.";
    let options = SqliteConnectOptions::from_str(url).map_err(|_| unknown)?;
    let file = options.get_filename();
    // SQLite's names for a database in memory.
    if url.contains(":memory:") || url.contains("mode=memory") || file.as_os_str().is_empty() {
        return Err(unknown.to_owned());
    }
    Ok(file.to_owned())
}

/// A connection of its own, which changes neither how the file is written nor, where it only reads, the file.
async fn open(file: &Path, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    let file = file.to_owned();
    let mut options = ConnectOptions::new("sqlite:");
    options
        .max_connections(1)
        .min_connections(1)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .max_lifetime(None)
        .idle_timeout(None);
    options.map_sqlx_sqlite_opts(move |_| {
        SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(false)
            .read_only(read_only)
            .busy_timeout(PATIENCE)
    });
    sea_orm::Database::connect(options).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_none() {
        for (url, named) in [
            ("sqlite:host.db?mode=rwc", "host.db"),
            ("sqlite:///var/lib/host.db", "/var/lib/host.db"),
            ("sqlite://host.db", "host.db"),
        ] {
            assert_eq!(file(url).unwrap(), Path::new(named));
        }
        for url in ["sqlite::memory:", "sqlite:", "sqlite:x?mode=memory"] {
            assert!(file(url).is_err(), "{url}");
        }
    }
}
