//! Who changed what, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectionId, IntegrationId};

/// A change of a connection, as the audit log keeps it. It holds no secret, and nothing that Azure DevOps told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: Actor,
    /// What was done.
    pub action: Action,
    /// To which connection.
    pub connection: ConnectionId,
    /// How that was called then, since the log outlives it.
    pub name: String,
    /// To which of its integrations; `None` if to all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationId>,
    /// The fields that were given another value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// Who makes a change, as the token of the request names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's subject: what stays the same when the person is renamed. `system` for what no person did.
    pub subject: String,
    /// The token's `name`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Actor {
    /// The product itself.
    pub fn system() -> Self {
        Self {
            subject: "system".into(),
            name: None,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A connection was saved.
    Created,
    /// Some of its fields were changed.
    Edited,
    /// It was given another credential.
    Reauthenticated,
    /// It is not visited any more.
    Paused,
    /// It is visited again.
    Resumed,
    /// Somebody asked to delete it.
    DeletionRequested,
    /// Nothing of it is left.
    Deleted,
}
