//! The file of a backup: what the database's own tool has written, then a manifest, then what proves both.
//!
//! ```text
//! content │ manifest (JSON) │ its length (8 bytes) │ SHA-256 of all before (32 bytes) │ the mark (16 bytes)
//! ```
//!
//! All of it is one file, so that nobody tears it apart. It comes under its name when it is whole and on the disk, and takes
//! nobody's place there.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::{self, Display},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::{
    cli::Outcome,
    erasure::{folder, sync_folder},
};

/// The form of the file that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// What every backup ends with.
const MARK: &[u8; 16] = b"champion-backup\n";

/// What is hashed as one piece.
const PIECE: usize = 1 << 20;

/// Length, hash and mark.
const END: u64 = 8 + 32 + 16;

/// Which database a backup is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The content is a SQLite file.
    Sqlite,
    /// The content is an archive of `pg_dump`.
    Postgres,
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// What a copy of a database holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The last step of the schema.
    pub schema: String,
    /// The rows of each table.
    pub rows: BTreeMap<String, i64>,
}

impl Holding {
    /// The rows of all tables.
    pub fn all_rows(&self) -> i64 {
        self.rows.values().sum()
    }
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the file.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The database.
    pub database: Source,
    /// The version of `pg_dump`; none of SQLite.
    pub pg_dump: Option<u32>,
    /// When it was begun: what was acknowledged before is in it.
    pub at: DateTime<Utc>,
    /// The length of the content.
    pub bytes: u64,
    /// What is in it.
    #[serde(flatten)]
    pub holding: Holding,
}

impl Manifest {
    /// What a new backup says, but for its length.
    pub fn new(database: Source, pg_dump: Option<u32>, at: DateTime<Utc>, holding: Holding) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            database,
            pg_dump,
            at,
            bytes: 0,
            holding,
        }
    }

    /// When it was begun, for people.
    pub fn when(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// What can be read of the manifest of any version.
#[derive(Deserialize)]
struct Version {
    format: u32,
    program: String,
}

/// A backup in the making: a file of another name beside its own, which goes if it does not come to an end.
pub struct Draft {
    file: NamedTempFile,
    to: PathBuf,
}

impl Draft {
    /// Begins one that is to have this name.
    pub fn of(to: &Path) -> Outcome<Self> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(format!("{} is there already: name another file.", to.display()));
        }
        let (file, to) = (beside(to)?, to.to_owned());
        Ok(Self { file, to })
    }

    /// Where the content goes, which is empty yet.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Adds the rest to the content and gives the file its name. Tells its hash.
    pub fn finish(mut self, mut manifest: Manifest) -> Outcome<String> {
        let hash = self
            .seal(&mut manifest)
            .map_err(|why| format!("The backup cannot be written: {why}"))?;
        let placed = self.file.persist_noclobber(&self.to);
        placed.map_err(|why| format!("The backup cannot be named {}: {}", self.to.display(), why.error))?;
        settle(&self.to)?;
        Ok(hash)
    }

    fn seal(&mut self, manifest: &mut Manifest) -> io::Result<String> {
        // Another program has written it by its name.
        let mut file = File::options().read(true).write(true).open(self.file.path())?;
        manifest.bytes = file.metadata()?.len();
        let mut hash = Sha256::new();
        pass(&mut file, manifest.bytes, |piece| {
            hash.update(piece);
            Ok(())
        })?;
        let text = serde_json::to_vec(manifest)?;
        let length = (text.len() as u64).to_be_bytes();
        hash.update(&text);
        hash.update(length);
        let hash = hash.finalize();
        file.seek(SeekFrom::End(0))?;
        file.write_all(&[&text[..], &length[..], &hash[..], &MARK[..]].concat())?;
        file.sync_all()?;
        Ok(format!("{hash:x}"))
    }
}

/// A whole backup, as it was written.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Archive {
    /// Reads all of a file and compares it with what it says of itself.
    pub fn open(path: &Path) -> Outcome<Self> {
        let unreadable = |why: io::Error| format!("{} cannot be read: {why}", path.display());
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let end = end(&mut file, size).map_err(unreadable)?;
        let end = end.ok_or_else(|| format!("{} is no backup, or its end is missing.", path.display()))?;
        let damaged = || format!("{} is damaged: it is not what was written.", path.display());
        let mut hash = Sha256::new();
        file.rewind().map_err(unreadable)?;
        let hashed = pass(&mut file, size - END + 8, |piece| {
            hash.update(piece);
            Ok(())
        });
        hashed.map_err(unreadable)?;
        if hash.finalize()[..] != end.hash {
            return Err(damaged());
        }
        let begins = size.checked_sub(END + end.length).ok_or_else(damaged)?;
        let text = read(&mut file, begins, end.length).map_err(unreadable)?;
        let version: Version = serde_json::from_slice(&text).map_err(|_| damaged())?;
        if version.format > FORMAT {
            let (path, by) = (path.display(), version.program);
            return Err(format!(
                "{path} was written by version {by}, whose backups this one cannot read: use that one."
            ));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| damaged())?;
        if manifest.bytes != begins {
            return Err(damaged());
        }
        let path = path.to_owned();
        Ok(Self { path, manifest })
    }

    /// Where it is. The tools of PostgreSQL read the content and leave the rest alone.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies the content into a file.
    pub fn copy_content(&self, to: &mut File) -> io::Result<()> {
        pass(&mut File::open(&self.path)?, self.manifest.bytes, |piece| {
            to.write_all(piece)
        })
    }
}

/// What the last bytes of a backup say.
struct End {
    length: u64,
    hash: [u8; 32],
}

fn end(file: &mut File, size: u64) -> io::Result<Option<End>> {
    let Some(begins) = size.checked_sub(END) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(begins))?;
    let (mut length, mut hash, mut mark) = ([0; 8], [0; 32], [0; 16]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut hash)?;
    file.read_exact(&mut mark)?;
    let length = u64::from_be_bytes(length);
    Ok((&mark == MARK).then_some(End { length, hash }))
}

fn read(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(length).read_to_end(&mut text)?;
    Ok(text)
}

/// Reads so many bytes, a piece at a time.
fn pass(file: &mut File, bytes: u64, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut left, mut piece) = (bytes, vec![0; PIECE]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        file.read_exact(&mut piece[..most])?;
        each(&piece[..most])?;
        left -= most as u64;
    }
    Ok(())
}

/// A new file in the folder of another, which nobody but its owner reads.
pub fn beside(file: &Path) -> Outcome<NamedTempFile> {
    let mut prefix = file.file_name().map(OsStr::to_owned).unwrap_or_default();
    prefix.push(".");
    let (mut new, folder) = (tempfile::Builder::new(), folder(file));
    let new = new.prefix(&prefix).suffix(".part").tempfile_in(folder);
    new.map_err(|why| format!("No file can be made in {}: {why}", folder.display()))
}

/// Puts the names in the folder of a file on the disk.
pub fn settle(file: &Path) -> Outcome {
    let synced = sync_folder(file);
    synced.map_err(|why| format!("The folder {} cannot be synced: {why}", folder(file).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A backup with this content, and a manifest that a change has been made to.
    fn made(folder: &Path, content: &[u8], change: impl FnOnce(&mut Manifest)) -> PathBuf {
        let file = folder.join("backup");
        let draft = Draft::of(&file).unwrap();
        fs::write(draft.path(), content).unwrap();
        let holding = Holding {
            schema: "m1".to_owned(),
            rows: [("site".to_owned(), 2), ("project".to_owned(), 3)].into(),
        };
        let mut manifest = Manifest::new(Source::Sqlite, None, DateTime::UNIX_EPOCH, holding);
        change(&mut manifest);
        draft.finish(manifest).unwrap();
        file
    }

    #[test]
    fn what_was_written_is_read_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<_> = (0..3_000_000_u32).map(|number| number as u8).collect();
        let file = made(folder.path(), &content, |_| {});

        let archive = Archive::open(&file).unwrap();
        assert_eq!(archive.manifest.holding.all_rows(), 5);
        let mut copy = tempfile::tempfile().unwrap();
        archive.copy_content(&mut copy).unwrap();
        copy.rewind().unwrap();
        let mut read = Vec::new();
        copy.read_to_end(&mut read).unwrap();
        assert!(read == content);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_flipped_bit_anywhere_and_an_end_that_is_missing_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = made(folder.path(), b"some content", |_| {});
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            assert!(Archive::open(&file).is_err(), "byte {at}");
            fs::write(&file, &whole[..at]).unwrap();
            assert!(Archive::open(&file).is_err(), "{at} bytes");
        }
        fs::write(&file, &whole).unwrap();
        Archive::open(&file).unwrap();
    }

    #[test]
    fn a_form_that_is_not_known_yet_is_told_with_who_knows_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = made(folder.path(), b"", |manifest| {
            manifest.format = FORMAT + 1;
            manifest.program = "7.8.9".to_owned();
        });
        assert!(Archive::open(&file).unwrap_err().contains("7.8.9"));
    }

    #[test]
    fn nobody_s_file_is_overwritten_even_if_it_came_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let draft = Draft::of(&file).unwrap();
        fs::write(&file, "mine").unwrap();
        assert!(Draft::of(&file).is_err());

        let holding = Holding {
            schema: String::new(),
            rows: BTreeMap::new(),
        };
        let manifest = Manifest::new(Source::Sqlite, None, DateTime::UNIX_EPOCH, holding);
        assert!(draft.finish(manifest).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
