//! Where a demonstration is kept. What is half filled never looks filled: it gets its name at the end.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    error::{Error, Result},
    host::{PLACES, Place},
};

/// The folder of filled hosts; each has a folder of its own in it.
const FILLED: &str = "network";
/// The folder of hosts that are being filled.
const FILLING: &str = "network-being-filled";
const DATABASE: &str = "champion-network.db";
const ERASURE_LEDGER: &str = "champion-network.db.erased";
const KEY: &str = "development-key.pem";

/// Where a demonstration is kept.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Takes the folder away when it is dropped.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// The named folder, which is made where it is missing, or a temporary one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn choose(named: Option<&Path>) -> Result<Self> {
        if let Some(path) = named {
            fs::create_dir_all(path).map_err(Error::machine(format!("{} cannot be made", path.display())))?;
            return Ok(Self {
                path: path.to_owned(),
                _temporary: None,
            });
        }
        let temporary = tempfile::Builder::new().prefix("champion-network-demo-").tempdir();
        let temporary = temporary.map_err(Error::machine("a temporary folder cannot be made"))?;
        Ok(Self {
            path: temporary.path().to_owned(),
            _temporary: Some(temporary),
        })
    }

    /// Whether a demonstration was filled here before.
    pub fn is_filled(&self) -> bool {
        self.path.join(FILLED).join(KEY).is_file()
    }

    /// Where the filled hosts are.
    pub fn filled(&self) -> PathBuf {
        self.path.join(FILLED)
    }

    /// The key of the filled demonstration's issuer.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(&self) -> Result<String> {
        let file = self.path.join(FILLED).join(KEY);
        fs::read_to_string(&file).map_err(Error::machine(format!("{} cannot be read", file.display())))
    }

    /// Begins to fill. What an earlier attempt left is taken away.
    ///
    /// # Errors
    /// When the folder cannot be made anew.
    pub fn begin(&self) -> Result<Filling<'_>> {
        let path = self.path.join(FILLING);
        let anew = match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => PLACES
                .iter()
                .try_for_each(|place| fs::create_dir_all(path.join(place.folder))),
        };
        anew.map_err(Error::machine(format!("{} cannot be made anew", path.display())))?;
        Ok(Filling { folder: self, path })
    }
}

/// A demonstration that is being filled.
#[derive(Debug)]
pub struct Filling<'a> {
    folder: &'a Folder,
    path: PathBuf,
}

impl Filling<'_> {
    /// Where the hosts are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the filling: from now on the folder holds a demonstration. The databases must be closed.
    ///
    /// # Errors
    /// When the key cannot be written or the folder not renamed.
    pub fn keep(self, key: &str) -> Result<()> {
        let filled = self.folder.path.join(FILLED);
        write_secret(&self.path.join(KEY), key)
            .and_then(|()| fs::rename(&self.path, &filled))
            .map_err(Error::machine(format!("{} cannot be written", filled.display())))
    }
}

/// Only its owner may read a key.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// The URL of a host's database; characters that mean something in a URL are written out.
pub fn database(kept_in: &Path, place: &Place) -> String {
    let path = kept_in.join(place.folder).join(DATABASE).display().to_string();
    format!("sqlite:{}?mode=rwc", path.replace('%', "%25").replace('?', "%3F"))
}

/// The file of a host in which stands what was erased for ever.
pub fn erasure_ledger(kept_in: &Path, place: &Place) -> PathBuf {
    kept_in.join(place.folder).join(ERASURE_LEDGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_filled_does_not_look_filled() {
        let outer = tempfile::tempdir().unwrap();
        let folder = Folder::choose(Some(&outer.path().join("new"))).unwrap();
        let half = folder.begin().unwrap();
        fs::write(half.path.join("half"), "half").unwrap();
        assert!(!folder.is_filled());

        let again = folder.begin().unwrap();
        assert!(!again.path.join("half").exists());
        again.keep("a key").unwrap();

        assert!(folder.is_filled());
        assert_eq!(folder.key().unwrap(), "a key");
    }

    #[test]
    fn a_temporary_folder_goes_with_its_demonstration() {
        let folder = Folder::choose(None).unwrap();
        let path = folder.path.clone();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
