//! One secret and the rules of its version stages.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version>

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret with its versions.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) arn: String,
    #[serde(default)]
    pub(super) description: String,
    /// The KMS key that it is encrypted with; without one it is the account's own.
    #[serde(default)]
    pub(super) kms_key_id: Option<String>,
    pub(super) created: f64,
    pub(super) changed: f64,
    /// When it will be gone for good; `Some` means that it is deleted.
    #[serde(default)]
    pub(super) deletion: Option<f64>,
    pub(super) versions: BTreeMap<String, Version>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

/// One version of a secret's value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) value: Content,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: f64,
}

/// A secret's value, in the shape that the API uses.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Content {
    #[serde(rename = "SecretString")]
    Text(String),
    /// In base64.
    #[serde(rename = "SecretBinary")]
    Binary(String),
}

/// The same version id was already used for another value.
#[derive(Debug)]
pub(super) struct VersionExists;

impl Secret {
    /// A secret that holds a text and nothing else.
    pub(super) fn holding(arn: String, text: String) -> Self {
        let now = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        let version = Version {
            value: Content::Text(text),
            stages: BTreeSet::from([CURRENT.to_owned()]),
            created: now,
        };
        Self {
            arn,
            description: String::new(),
            kms_key_id: None,
            created: now,
            changed: now,
            deletion: None,
            versions: BTreeMap::from([(uuid::Uuid::new_v4().to_string(), version)]),
            tags: BTreeMap::new(),
        }
    }

    /// Adds a version and moves `stages` to it; the same version twice changes nothing.
    pub(super) fn put(
        &mut self,
        id: &str,
        value: Content,
        stages: &BTreeSet<String>,
        now: f64,
    ) -> Result<(), VersionExists> {
        if let Some(existing) = self.versions.get(id) {
            return if existing.value == value {
                Ok(())
            } else {
                Err(VersionExists)
            };
        }
        self.versions.insert(
            id.to_owned(),
            Version {
                value,
                stages: BTreeSet::new(),
                created: now,
            },
        );
        for stage in stages {
            self.move_stage(stage, id);
        }
        self.versions
            .retain(|_, version| !version.stages.is_empty());
        self.changed = now;
        Ok(())
    }

    /// Moves a stage; `AWSPREVIOUS` follows to where `AWSCURRENT` was.
    fn move_stage(&mut self, stage: &str, to: &str) {
        let from = self.version_of(stage).map(|(id, _)| id.to_owned());
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if let Some(version) = self.versions.get_mut(to) {
            version.stages.insert(stage.to_owned());
        }
        if let Some(from) = from.filter(|from| stage == CURRENT && from != to) {
            self.move_stage(PREVIOUS, &from);
        }
    }

    /// Returns the version that has a stage.
    pub(super) fn version_of(&self, stage: &str) -> Option<(&str, &Version)> {
        let (id, version) = self
            .versions
            .iter()
            .find(|(_, version)| version.stages.contains(stage))?;
        Some((id, version))
    }
}
