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
    /// Creates and locks the directory; without one it is temporary. A fresh one forgets what it kept.
    pub(crate) fn open(path: Option<&Path>, fresh: bool) -> Result<Self, DataDirError> {
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
            Ok(()) => {
                if fresh {
                    forget(&path).map_err(failed)?;
                }
                Ok(Self {
                    path,
                    _lock: lock,
                    temporary,
                })
            }
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

/// What a stack keeps; the logs are a directory of their own.
const KEPT: &[&str] = &[
    "dynamodb.sqlite",
    "issuer.key",
    "origin.json",
    "secrets.json",
    "sqs.sqlite",
    "token",
];

/// Removes exactly what a stack keeps: the directory may be one that has other things in it.
fn forget(path: &Path) -> std::io::Result<()> {
    let companions = ["", "-wal", "-shm", "-journal"];
    for name in KEPT {
        for companion in companions {
            ignore_missing(std::fs::remove_file(
                path.join(format!("{name}{companion}")),
            ))?;
        }
    }
    ignore_missing(std::fs::remove_dir_all(path.join("logs")))
}

fn ignore_missing(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataDir::open(Some(directory.path()), false).unwrap();
        let error = DataDir::open(Some(directory.path()), false).unwrap_err();
        assert!(matches!(error, DataDirError::InUse { .. }), "{error}");
        drop(first);
        DataDir::open(Some(directory.path()), false).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = DataDir::open(Some(&path), false).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }

    #[test]
    fn a_fresh_one_forgets_what_it_kept_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        for name in ["sqs.sqlite", "sqs.sqlite-wal", "secrets.json", "mine.txt"] {
            std::fs::write(file(name), "").unwrap();
        }
        std::fs::create_dir(file("logs")).unwrap();
        DataDir::open(Some(directory.path()), true).unwrap();
        let left = [
            "sqs.sqlite",
            "sqs.sqlite-wal",
            "secrets.json",
            "logs",
            "mine.txt",
        ]
        .map(|name| file(name).exists());
        assert_eq!(left, [false, false, false, false, true]);
    }

    #[test]
    fn a_temporary_directory_vanishes() {
        let directory = DataDir::open(None, false).unwrap();
        let path = directory.path.clone();
        assert!(path.exists() && directory.kept_file("x").is_none());
        drop(directory);
        assert!(!path.exists());
    }
}
