//! TFVC changesets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, day};
use crate::OrganizationId;

/// A TFVC changeset. Its id grows over the whole organization.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changeset {
    /// The organization, because the list names no project.
    pub organization: OrganizationId,
    /// The id.
    pub id: u64,
    /// When it was checked in.
    pub created_at: Timestamp,
    /// Who made the change.
    pub author: Option<Identity>,
    /// Who checked it in.
    pub checked_in_by: Option<Identity>,
    /// The message.
    pub comment: String,
    /// Whether the service cut the message.
    pub comment_truncated: bool,
}

impl Aggregate for Changeset {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.organization, self.id);
        (day(self.created_at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(1)
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.created_at)
    }
}
