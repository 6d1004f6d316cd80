//! The erasure ledger: which records are gone for ever, in a file beside the database (`docs/federation.md`, section 5).
//!
//! It stands outside the database, so that no backup of the database brings an erased record back. A line is written and
//! synced before the erasing transaction commits: two ids, home and record. A home with a star instead of a record takes
//! back all that was entered of it before: a key that spoke for it was stolen. Replicas of a host share the file.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::SiteId;
use sea_orm::prelude::Uuid;

use crate::config::Settings;

/// A record and its home.
pub type Erased = (SiteId, Uuid);

/// The word of a line that takes back what was entered of a home.
const TAKEN_BACK: &str = "*";

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
    erased: HashMap<SiteId, HashSet<Uuid>>,
}

impl Known {
    fn holds(&self, (home, record): &Erased) -> bool {
        self.erased.get(home).is_some_and(|records| records.contains(record))
    }

    /// Takes in a line; one that nobody wrote says nothing.
    fn take_in(&mut self, line: &str) {
        let Some((home, record)) = line.trim_end().split_once(' ') else {
            return;
        };
        let Ok(home) = home.parse().map(SiteId) else { return };
        if record == TAKEN_BACK {
            self.erased.remove(&home);
        } else if let Ok(record) = record.parse() {
            self.erased.entry(home).or_default().insert(record);
        }
    }
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

    /// The homes of the records that it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn homes(&self) -> io::Result<Vec<SiteId>> {
        Ok(self.known()?.erased.keys().copied().collect())
    }

    /// Those records of a site that it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_site(&self, home: SiteId) -> io::Result<Vec<Uuid>> {
        let known = self.known()?;
        let own = known.erased.get(&home).into_iter().flatten();
        Ok(own.copied().collect())
    }

    /// How many records of a site it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self, home: SiteId) -> io::Result<usize> {
        Ok(self.known()?.erased.get(&home).map_or(0, HashSet::len))
    }

    /// Which of these records of a site it holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn among(&self, home: SiteId, records: &[Uuid]) -> io::Result<HashSet<Uuid>> {
        let known = self.known()?;
        let Some(own) = known.erased.get(&home) else {
            return Ok(HashSet::new());
        };
        Ok(records.iter().filter(|id| own.contains(*id)).copied().collect())
    }

    /// Takes back what was entered of these homes, and adds records that it does not hold. All of it is on the disk when it
    /// returns.
    ///
    /// # Errors
    /// When the file cannot be written or synced. Then nothing may be erased.
    pub fn write(&self, taken_back: &[SiteId], records: &[Erased]) -> io::Result<()> {
        let known = self.known()?;
        let back = taken_back.iter().filter(|home| known.erased.contains_key(*home));
        let back = back.map(|home| format!("{} {TAKEN_BACK}\n", home.0));
        let new = records
            .iter()
            .filter(|record| taken_back.contains(&record.0) || !known.holds(record));
        let new = new.map(|(home, id)| format!("{} {id}\n", home.0));
        let mut lines: String = back.chain(new).collect();
        drop(known);
        if lines.is_empty() {
            return Ok(());
        }
        let is_new = !self.path.exists();
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
        file.sync_all()?;
        // A power cut may take a name that is not on the disk, and the file with it.
        if is_new { sync_folder(&self.path) } else { Ok(()) }
    }

    /// What the file says now.
    fn known(&self) -> io::Result<MutexGuard<'_, Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_on(&mut known)?;
        Ok(known)
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
            known.take_in(&line);
            line.clear();
        }
        Ok(())
    }
}

/// The folder of a file.
pub fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Puts the names in the folder of a file on the disk.
///
/// # Errors
/// When the folder cannot be opened or synced.
#[cfg(unix)]
pub fn sync_folder(file: &Path) -> io::Result<()> {
    File::open(folder(file))?.sync_all()
}

/// Does nothing: here a folder cannot be opened, and its names come onto the disk with the files.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
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

    fn all(ledger: &Ledger) -> Vec<Uuid> {
        let mut all = ledger.of_site(record(1).0).unwrap();
        all.sort_unstable();
        assert_eq!(ledger.count(record(1).0).unwrap(), all.len());
        all
    }

    #[test]
    fn what_was_added_is_there_for_every_process() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (ledger(folder.path()), ledger(folder.path()));
        assert!(all(&one).is_empty());

        one.write(&[], &[record(1), record(2)]).unwrap();
        assert_eq!(all(&two), [record(1).1, record(2).1]);
        two.write(&[], &[record(2), record(3)]).unwrap();
        assert_eq!(all(&one), [record(1).1, record(2).1, record(3).1]);
        assert_eq!(fs::read_to_string(one.path()).unwrap().lines().count(), 3);
    }

    #[test]
    fn what_is_taken_back_is_forgotten_and_what_comes_after_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let other = (SiteId(Uuid::from_u128(2)), Uuid::from_u128(9));
        ledger.write(&[], &[record(1), record(2), other]).unwrap();

        ledger.write(&[record(1).0], &[record(2), record(3)]).unwrap();

        assert_eq!(all(&ledger), [record(2).1, record(3).1]);
        assert_eq!(ledger.of_site(other.0).unwrap(), [other.1]);
    }

    #[test]
    fn a_line_that_a_crash_cut_short_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        ledger.write(&[], &[record(1)]).unwrap();
        let mut file = OpenOptions::new().append(true).open(ledger.path()).unwrap();
        file.write_all(b"00000000-0000").unwrap();
        assert_eq!(all(&ledger), [record(1).1]);

        ledger.write(&[], &[record(2)]).unwrap();
        assert_eq!(all(&ledger), [record(1).1, record(2).1]);
        assert_eq!(fs::read_to_string(ledger.path()).unwrap().lines().count(), 3);
    }
}
