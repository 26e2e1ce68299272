//! What is held for a connection, and what became of it when the connection was deleted.

use std::{collections::BTreeMap, ops::AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Actor, ConnectionId, FanOut, Kind, TenantId};

/// A message on the fan-out queue that is no [`FanOut`]: remove what is held for a connection that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Whose connection it is.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
}

/// What the fan-out queue carries. A purge names no organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Errand {
    /// Look at an organization.
    Visit(FanOut),
    /// Remove what a deleted connection has left.
    Purge(Purge),
}

/// How much is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Records by kind.
    #[serde(default)]
    pub records: BTreeMap<Kind, u64>,
    /// Streams with their cursors.
    #[serde(default)]
    pub streams: u64,
    /// Lines of the run log.
    #[serde(default)]
    pub runs: u64,
    /// Notes of items that were set aside.
    #[serde(default)]
    pub quarantined: u64,
    /// Organizations, projects and repositories that were found.
    #[serde(default)]
    pub discovered: u64,
    /// Rows on the patience of organizations.
    #[serde(default)]
    pub throttles: u64,
    /// Integrations.
    #[serde(default)]
    pub integrations: u64,
    /// Secrets in Secrets Manager.
    #[serde(default)]
    pub secrets: u64,
}

impl AddAssign for Holdings {
    fn add_assign(&mut self, other: Self) {
        for (kind, count) in other.records {
            *self.records.entry(kind).or_default() += count;
        }
        self.streams += other.streams;
        self.runs += other.runs;
        self.quarantined += other.quarantined;
        self.discovered += other.discovered;
        self.throttles += other.throttles;
        self.integrations += other.integrations;
        self.secrets += other.secrets;
    }
}

/// The deletion of a connection: its receipt, kept when everything else is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Which connection.
    pub connection: ConnectionId,
    /// How it was called.
    pub name: String,
    /// When a user asked for it.
    pub requested_at: Timestamp,
    /// Who.
    pub requested_by: Actor,
    /// When nothing was left, as a look at every place confirmed; `None` while something is.
    pub finished_at: Option<Timestamp>,
    /// What was held when nobody could store any more; counts appear when they are known.
    pub removed: Holdings,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn a_message_is_read_as_what_it_was_sent_as() {
        let connection = ConnectionId(uuid::Uuid::nil());
        let tenant = TenantId::new("contoso").unwrap();
        let errands = [
            Errand::Visit(FanOut {
                tenant: tenant.clone(),
                connection,
                organization: "fabrikam".parse().unwrap(),
                reason: Reason::Scheduled,
            }),
            Errand::Purge(Purge { tenant, connection }),
        ];
        for errand in errands {
            let text = serde_json::to_string(&errand).unwrap();
            assert_eq!(serde_json::from_str::<Errand>(&text).unwrap(), errand);
        }
    }
}
