//! The erasure ledger: which records are gone for ever, in a file beside the database (`docs/federation.md`, section 5).
//!
//! It stands outside the database, so that no backup of the database brings an erased record back. A line is written and
//! synced before the erasing transaction commits: two ids, home and record. Replicas of a host share the file.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use entity::SiteId;
use sea_orm::prelude::Uuid;

use crate::config::Settings;

/// A record and its home.
pub type Erased = (SiteId, Uuid);

/// The ledger of a host.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    known: Mutex<Known>,
}

/// What was read of the file so far.
#[derive(Debug, Default)]
struct Known {
    bytes: u64,
    erased: HashSet<Erased>,
}

impl Ledger {
    /// The ledger of a host with these settings: beside the file of SQLite, else where `erasure_ledger_path` says.
    pub fn of(settings: &Settings) -> Self {
        let beside = settings.database_url.strip_prefix("sqlite:");
        let beside = beside.map(|file| file.trim_start_matches("//"));
        let beside = beside.map(|file| file.split('?').next().unwrap_or(file));
        let path = beside.map_or_else(
            || settings.erasure_ledger_path.clone(),
            |file| PathBuf::from(format!("{file}.erased")),
        );
        Self {
            path,
            known: Mutex::default(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every record that it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn all(&self) -> io::Result<HashSet<Erased>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_on(&mut known)?;
        Ok(known.erased.clone())
    }

    /// Those records of a site that it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_site(&self, home: SiteId) -> io::Result<Vec<Uuid>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_on(&mut known)?;
        let own = known.erased.iter().filter(|(site, _)| *site == home);
        Ok(own.map(|(_, id)| *id).collect())
    }

    /// Which of these records of a site it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn among(&self, home: SiteId, records: &[Uuid]) -> io::Result<HashSet<Uuid>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_on(&mut known)?;
        let erased = records.iter().filter(|id| known.erased.contains(&(home, **id)));
        Ok(erased.copied().collect())
    }

    /// Adds records that it does not hold; they are on the disk when it returns.
    ///
    /// # Errors
    /// When the file cannot be written or synced. Then nothing may be erased.
    pub fn add(&self, records: &[Erased]) -> io::Result<()> {
        let known = self.all()?;
        let new = records.iter().filter(|record| !known.contains(record));
        let mut lines: String = new.map(|(home, id)| format!("{} {id}\n", home.0)).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(&self.path)?;
        if !ends_with_a_line(&mut file)? {
            // The line that a crash cut short must not run into this one.
            lines.insert(0, '\n');
        }
        file.write_all(lines.as_bytes())?;
        file.sync_all()
    }

    /// Reads what was added since, by this process or another.
    fn read_on(&self, known: &mut Known) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(why),
        };
        file.seek(SeekFrom::Start(known.bytes))?;
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 && line.ends_with('\n') {
            known.bytes += line.len() as u64;
            known.erased.extend(parse(&line));
            line.clear();
        }
        Ok(())
    }
}

fn parse(line: &str) -> Option<Erased> {
    let (home, id) = line.trim_end().split_once(' ')?;
    Some((SiteId(home.parse().ok()?), id.parse().ok()?))
}

fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn ledger(folder: &Path) -> Ledger {
        let mut settings = Settings::defaults().unwrap();
        settings.database_url = format!("sqlite:{}?mode=rwc", folder.join("host.db").display());
        Ledger::of(&settings)
    }

    fn record(number: u128) -> Erased {
        (SiteId(Uuid::from_u128(1)), Uuid::from_u128(number))
    }

    #[test]
    fn what_was_added_is_there_for_every_process() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (ledger(folder.path()), ledger(folder.path()));
        assert!(one.all().unwrap().is_empty());

        one.add(&[record(1), record(2)]).unwrap();
        assert_eq!(two.all().unwrap(), [record(1), record(2)].into());
        two.add(&[record(3)]).unwrap();
        assert_eq!(one.all().unwrap(), [record(1), record(2), record(3)].into());
    }

    #[test]
    fn a_line_that_a_crash_cut_short_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        ledger.add(&[record(1)]).unwrap();
        let mut file = OpenOptions::new().append(true).open(ledger.path()).unwrap();
        file.write_all(b"00000000-0000").unwrap();
        assert_eq!(ledger.all().unwrap(), [record(1)].into());

        ledger.add(&[record(2)]).unwrap();
        assert_eq!(ledger.all().unwrap(), [record(1), record(2)].into());
        assert_eq!(fs::read_to_string(ledger.path()).unwrap().lines().count(), 3);
    }
}
