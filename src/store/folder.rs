//! The data folder: the key, the record, the logs; for one gateway alone.
//!
//! Two gateways on one folder would not hear of each other's withdrawals, and would break the
//! record's chain. So whoever opens the folder locks it, for as long as it runs.
//!
//! A withdrawal that could not be written leaves a mark here before it is answered: if the
//! gateway dies before it is written after all, the next start finds the mark and trusts no
//! agreement that the old key sealed.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A data folder that this process has locked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held open: the lock goes with it.
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug)]
pub enum FolderError {
    /// It cannot be made or opened.
    Io(PathBuf, io::Error),
    /// Another gateway uses it.
    InUse(PathBuf),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            FolderError::InUse(path) => write!(
                f,
                "{}: another gateway uses this folder; stop it, start with `--take-over`, or give this one its own `--data`",
                path.display()
            ),
        }
    }
}

impl Folder {
    /// Makes the folder where it is absent, and locks it.
    pub fn open(path: &Path) -> Result<Folder, FolderError> {
        let fail = |error| FolderError::Io(path.to_owned(), error);
        // Personal data: for the operator's own account alone (policy 8.1).
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key file.
    pub fn key(&self) -> PathBuf {
        self.path.join("seal.key")
    }

    /// The file of the keys that sign receipts.
    pub fn signing_key(&self) -> PathBuf {
        self.path.join("receipt.key")
    }

    /// The record of consent.
    pub fn record(&self) -> PathBuf {
        self.path.join("consent.db")
    }

    /// The folder of the purpose logs.
    pub fn logs(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The mark of withdrawals that are not on the disk.
    pub fn mark(&self) -> Mark {
        Mark(self.path.join("withdrawals.unwritten"))
    }
}

/// A file that is there while withdrawals count in memory alone.
#[derive(Clone, Debug)]
pub struct Mark(PathBuf);

impl Mark {
    /// Whether it is there.
    pub fn is_set(&self) -> bool {
        self.0.exists()
    }

    /// Puts it there, on the disk.
    pub fn set(&self) -> io::Result<()> {
        if self.is_set() {
            return Ok(());
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.0)?
            .sync_all()?;
        sync_parent(&self.0)
    }

    /// Takes it away.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Ok(()) => sync_parent(&self.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Makes what was created, renamed or removed in a file's folder durable.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_for_one_gateway_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let folder = Folder::open(&path).unwrap();
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(error.contains("another gateway uses this folder"), "{error}");
        drop(folder);
        Folder::open(&path).unwrap();
    }
}
