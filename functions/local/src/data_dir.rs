//! The directory that keeps the state of a local stack, held by one process at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be created, read or written.
    #[error("cannot use the data directory {path}: {source}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the data directory {path} is in use by another process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

/// A directory held by this process; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
    /// A directory that nobody asked to keep vanishes with the stack.
    temporary: Option<TempDir>,
}

impl DataDir {
    /// Creates and locks the directory; without one it is temporary.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, DataDirError> {
        let (path, temporary) = match path {
            Some(path) => (path.to_owned(), None),
            None => {
                let directory = tempfile::tempdir().map_err(|source| DataDirError::Io {
                    path: std::env::temp_dir(),
                    source,
                })?;
                (directory.path().to_owned(), Some(directory))
            }
        };
        let failed = |source| DataDirError::Io {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(&path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _lock: lock,
                temporary,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the file's path if the directory is to be kept; `None` means memory is enough.
    pub(crate) fn kept_file(&self, name: &str) -> Option<PathBuf> {
        self.temporary.is_none().then(|| self.file(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataDir::open(Some(directory.path())).unwrap();
        let error = DataDir::open(Some(directory.path())).unwrap_err();
        assert!(matches!(error, DataDirError::InUse { .. }), "{error}");
        drop(first);
        DataDir::open(Some(directory.path())).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = DataDir::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }

    #[test]
    fn a_temporary_directory_vanishes() {
        let directory = DataDir::open(None).unwrap();
        let path = directory.path.clone();
        assert!(path.exists() && directory.kept_file("x").is_none());
        drop(directory);
        assert!(!path.exists());
    }
}
