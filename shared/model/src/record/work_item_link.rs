//! Links between work items.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, hash_bucket, ticks};
use crate::OrganizationId;

/// A link between two work items. Such links bump no revision, so they have a stream of their own.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-links>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItemLink {
    /// The organization.
    pub organization: OrganizationId,
    /// The item that the link starts from.
    pub source: u64,
    /// The type, such as `System.LinkTypes.Hierarchy`.
    pub rel: String,
    /// The item that it leads to.
    pub target: u64,
    /// When it was made or removed.
    pub changed_at: Timestamp,
    /// Whether it stands.
    pub active: bool,
}

impl Aggregate for WorkItemLink {
    fn place(&self) -> (String, String) {
        let sort = format!(
            "{}#{}/{}/{}",
            self.organization, self.source, self.rel, self.target
        );
        (hash_bucket(self.source), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(ticks(self.changed_at))
    }

    fn last_event(&self) -> Option<Timestamp> {
        (!self.active).then_some(self.changed_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.changed_at)
    }
}
