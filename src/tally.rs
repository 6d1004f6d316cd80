//! The tally: how often feeds of this host have changed, in a file beside the erasure ledger (`docs/federation.md`, section 8).
//!
//! The database counts the same. The file stands outside it, so that a database which has counted less is known to be an
//! older one that came back from a backup. The count is written right before the transaction that it counts commits, while
//! that one holds the turn: replicas of a host share the file, and it never says less than what anybody has read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use crate::erasure::Ledger;

/// The tally of a host.
#[derive(Clone, Debug)]
pub struct Tally {
    path: PathBuf,
}

impl Tally {
    /// The tally beside this ledger.
    pub fn beside(ledger: &Ledger) -> Self {
        let mut path = ledger.path().as_os_str().to_owned();
        path.push(".tally");
        Self { path: path.into() }
    }

    /// What it says; none when there is no file, or none that can be read.
    ///
    /// # Errors
    /// When the file is there and cannot be opened.
    pub fn read(&self) -> io::Result<Option<i64>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim_end().parse().ok())),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Sets it. It always takes as many bytes, so that no half of it is left when the machine stops.
    ///
    /// # Errors
    /// When the file cannot be written. Then nothing may be published.
    pub fn write(&self, count: i64) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.path)?;
        file.write_all(format!("{count:020}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn it_says_what_was_written_last_and_garbage_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::defaults().unwrap();
        settings.database_url = format!("sqlite:{}", folder.path().join("host.db").display());
        let tally = Tally::beside(&Ledger::of(&settings));
        assert_eq!(tally.read().unwrap(), None);

        for count in [1, i64::MAX, 7] {
            tally.write(count).unwrap();
            assert_eq!(tally.read().unwrap(), Some(count));
        }
        fs::write(folder.path().join("host.db.erased.tally"), "no number").unwrap();
        assert_eq!(tally.read().unwrap(), None);
    }
}
