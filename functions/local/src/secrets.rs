//! Secrets Manager: secrets with their version stages, kept in a file that only its owner can read.

pub(crate) mod api;
mod secret;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use self::secret::Secret;

/// Why the secrets' file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read or written.
    #[error("cannot use the secrets' file {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file's content is not what this service wrote.
    #[error("the secrets' file {path} is damaged at line {line}")]
    Damaged {
        /// The file.
        path: String,
        /// Where parsing stopped; the content itself is never shown.
        line: usize,
    },
}

/// The service; clones share the same secrets.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    state: Mutex<BTreeMap<String, Secret>>,
    file: Option<PathBuf>,
    arn_prefix: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Opens the secrets that `file` kept; without a file they live in memory.
    pub(crate) fn open(
        file: Option<&Path>,
        region: &str,
        account: &str,
    ) -> Result<Self, SecretsError> {
        let state = file.map_or_else(|| Ok(BTreeMap::new()), store::load)?;
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(state),
            file: file.map(Path::to_owned),
            arn_prefix: format!("arn:aws:secretsmanager:{region}:{account}:secret:"),
        })))
    }

    /// Keeps a text under a name, whatever was there before.
    pub(crate) fn keep(&self, name: &str, text: &SecretString) -> Result<(), SecretsError> {
        let mut state = self.state();
        let mut changed = state.clone();
        let arn = format!("{}{name}-000000", self.0.arn_prefix);
        changed.insert(
            name.to_owned(),
            Secret::holding(arn, text.expose_secret().to_owned()),
        );
        self.save(&changed)?;
        *state = changed;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, secrets: &BTreeMap<String, Secret>) -> Result<(), SecretsError> {
        self.0
            .file
            .as_deref()
            .map_or(Ok(()), |file| store::save(file, secrets))
    }
}
