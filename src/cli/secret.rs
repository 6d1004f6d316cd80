//! Files that hold a secret.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// A new file that nobody else may read.
///
/// # Errors
/// When there is one already, or the folder cannot be written.
pub fn create(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
