//! What is held for a connection, and what became of it when the connection was deleted.

use std::{collections::BTreeMap, ops::AddAssign};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Actor, ConnectionId, FanOut, Kind, TenantId, Trace};

/// A message on the fan-out queue that is no [`FanOut`]: remove what is held for a connection that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Whose connection it is.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
    /// What set it going.
    #[serde(default, skip_serializing_if = "Trace::is_none")]
    pub trace: Trace,
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
    /// Records by kind; written with the names that the API has for them.
    #[serde(default, serialize_with = "by_name", deserialize_with = "from_names")]
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

fn by_name<S: Serializer>(counts: &BTreeMap<Kind, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().map(|(kind, count)| (kind.name(), count)))
}

fn from_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Kind, u64>, D::Error> {
    let counts = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let kinds = counts.into_iter().map(|(name, count)| {
        let kind = Kind::from_name(&name);
        let kind = kind.ok_or_else(|| D::Error::custom(format!("`{name}` is no kind")));
        Ok((kind?, count))
    });
    kinds.collect()
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
    fn records_are_counted_under_the_names_that_the_api_has_for_them() {
        let records = Kind::ALL.iter().copied().zip(1..).collect();
        let held = Holdings {
            records,
            ..Holdings::default()
        };
        let json = serde_json::to_value(&held).unwrap();
        for kind in Kind::ALL {
            assert!(json["records"][kind.name()].is_u64(), "{json}");
        }
        assert_eq!(serde_json::from_value::<Holdings>(json).unwrap(), held);
    }

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
                trace: Trace::default(),
            }),
            Errand::Purge(Purge {
                tenant,
                connection,
                trace: Trace::new(uuid::Uuid::nil()),
            }),
        ];
        for errand in errands {
            let text = serde_json::to_string(&errand).unwrap();
            assert_eq!(serde_json::from_str::<Errand>(&text).unwrap(), errand);
        }
    }
}
