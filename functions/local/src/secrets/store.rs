//! The file: written beside itself and renamed, so that a killed process leaves the old or the new one, never half.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::SecretsError;
use super::secret::Secret;
use crate::private_file;

pub(super) fn load(file: &Path) -> Result<BTreeMap<String, Secret>, SecretsError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            return Err(SecretsError::Io {
                path: file.display().to_string(),
                source,
            });
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| SecretsError::Damaged {
        path: file.display().to_string(),
        line: error.line(),
    })
}

pub(super) fn save(file: &Path, secrets: &BTreeMap<String, Secret>) -> Result<(), SecretsError> {
    let new = file.with_extension("new");
    write(&new, secrets)
        .and_then(|()| std::fs::rename(&new, file))
        .map_err(|source| SecretsError::Io {
            path: file.display().to_string(),
            source,
        })
}

fn write(file: &Path, secrets: &BTreeMap<String, Secret>) -> std::io::Result<()> {
    let mut file = private_file::create(file)?;
    serde_json::to_writer(&mut file, secrets)?;
    file.flush()
}
