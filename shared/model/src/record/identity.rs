//! People and service accounts, as records refer to them.

use serde::{Deserialize, Serialize};

/// Who did something. Every part may be missing: Git knows no ids, old payloads know no names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The identity's id in its organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name that people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sign-in name or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
}

impl Identity {
    /// Whether it is the empty identity, which the service writes where somebody took a setting back.
    pub fn is_nobody(&self) -> bool {
        let is_zero = |id: &String| id.bytes().all(|byte| matches!(byte, b'0' | b'-'));
        self.id.as_ref().is_some_and(is_zero)
    }
}
