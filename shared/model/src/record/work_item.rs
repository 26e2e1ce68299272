//! Work items with their history, and the links between them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, Kind, RowKey, hash_bucket, ticks};
use crate::OrganizationId;

/// A work item as of its newest revision, with the history of the fields that metrics replay.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkItem {
    /// The organization: ids are unique in it, and items move between its projects.
    pub organization: OrganizationId,
    /// The id.
    pub id: u64,
    /// The newest revision.
    pub rev: u32,
    /// Whether it is in the recycle bin.
    pub is_deleted: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Who created it.
    pub created_by: Option<Identity>,
    /// When the newest revision was made.
    pub changed_at: Timestamp,
    /// Who made the newest revision.
    pub changed_by: Option<Identity>,
    /// When it was last closed; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// The title.
    pub title: Option<String>,
    /// Every other field of the newest revision by its reference name.
    pub fields: BTreeMap<String, FieldValue>,
    /// The revisions that were seen, oldest first.
    pub revisions: Vec<Revision>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A switch.
    Boolean(bool),
    /// A whole or fractional number.
    Number(f64),
    /// A text, a date or a name of a list.
    Text(String),
    /// A person or service account.
    Identity(Identity),
}

/// A revision: when, by whom, and what differs from the revision before it *in this list*.
///
/// The first revision of a list holds all tracked fields. Differences keep an item with a hundred revisions small,
/// and lose nothing: [`WorkItem::snapshots`] gives the full values back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// The number of the revision; numbers that were not seen are missing.
    pub rev: u32,
    /// When it was made.
    pub at: Timestamp,
    /// The id of the identity that made it, where it is known, else its unique name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The tracked fields that differ; `None` is a field that was emptied.
    pub changes: BTreeMap<Tracked, Option<FieldValue>>,
}

/// The fields whose history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tracked {
    /// `System.TeamProject`: an item may move.
    Project,
    /// `System.WorkItemType`: an item may change its type.
    Type,
    /// `System.State`.
    State,
    /// `System.AssignedTo`, as id or unique name.
    AssignedTo,
    /// `System.AreaPath`.
    AreaPath,
    /// `System.IterationPath`.
    IterationPath,
    /// `Microsoft.VSTS.Scheduling.StoryPoints`, `Effort` or `Size`, whichever the process has.
    Points,
    /// `System.Tags`.
    Tags,
    /// `System.BoardColumn`.
    BoardColumn,
}

/// The full values of the tracked fields at one revision.
pub type Snapshot = BTreeMap<Tracked, FieldValue>;

impl WorkItem {
    /// Where a work item is stored; its id is unique in the organization, and it may move between projects.
    pub fn row_key(organization: OrganizationId, id: u64) -> RowKey {
        RowKey {
            kind: Kind::WorkItem,
            bucket: hash_bucket(id),
            sort: format!("{organization}#{id}"),
        }
    }

    /// The full values of the tracked fields after each revision, oldest first.
    pub fn snapshots(&self) -> Vec<(&Revision, Snapshot)> {
        let mut current = Snapshot::new();
        self.revisions
            .iter()
            .map(|revision| {
                for (field, value) in &revision.changes {
                    match value {
                        Some(value) => current.insert(*field, value.clone()),
                        None => current.remove(field),
                    };
                }
                (revision, current.clone())
            })
            .collect()
    }

    /// Joins two observations of the same item: the newer current fields, and every revision that either has seen.
    ///
    /// The result does not depend on the order in which observations are merged.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut all: BTreeMap<u32, (Timestamp, Option<String>, Snapshot)> = BTreeMap::new();
        for item in [&self, &other] {
            for (revision, snapshot) in item.snapshots() {
                all.insert(revision.rev, (revision.at, revision.by.clone(), snapshot));
            }
        }
        let revisions = differences(all);
        let newer = if other.rev >= self.rev { other } else { self };
        Self { revisions, ..newer }
    }
}

impl Aggregate for WorkItem {
    fn place(&self) -> (String, String) {
        let key = Self::row_key(self.organization, self.id);
        (key.bucket, key.sort)
    }

    fn version(&self) -> Option<i64> {
        Some(i64::from(self.rev))
    }

    /// The last event from which the retention counts; `None` while the item is open.
    ///
    /// An item is over when it has a closed date, is in the recycle bin, or is in one of the states by which the
    /// processes of Microsoft end an item without a closed date.
    fn last_event(&self) -> Option<Timestamp> {
        let state = match self.fields.get("System.State") {
            Some(FieldValue::Text(state)) => state.as_str(),
            _ => "",
        };
        let over = self.is_deleted
            || self.closed_at.is_some()
            || matches!(state, "Closed" | "Done" | "Completed" | "Removed" | "Cut");
        over.then_some(self.changed_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.changed_at)
    }
}

fn differences(all: BTreeMap<u32, (Timestamp, Option<String>, Snapshot)>) -> Vec<Revision> {
    let mut before = Snapshot::new();
    all.into_iter()
        .map(|(rev, (at, by, snapshot))| {
            let gone = before.keys().filter(|field| !snapshot.contains_key(field));
            let mut changes: BTreeMap<Tracked, Option<FieldValue>> =
                gone.map(|field| (*field, None)).collect();
            for (field, value) in &snapshot {
                if before.get(field) != Some(value) {
                    changes.insert(*field, Some(value.clone()));
                }
            }
            before = snapshot;
            Revision {
                rev,
                at,
                by,
                changes,
            }
        })
        .collect()
}

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

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    fn revision(rev: u32) -> WorkItem {
        let state = ["New", "Active", "Active", "Closed"][rev as usize % 4];
        let mut changes = BTreeMap::from([(Tracked::State, Some(FieldValue::Text(state.into())))]);
        if rev.is_multiple_of(3) {
            changes.insert(Tracked::Points, Some(FieldValue::Number(f64::from(rev))));
        }
        let at = Timestamp::from_second(1_790_000_000 + i64::from(rev)).unwrap();
        WorkItem {
            organization: OrganizationId(uuid::Uuid::nil()),
            id: 7,
            rev,
            is_deleted: false,
            created_at: None,
            created_by: None,
            changed_at: at,
            changed_by: None,
            closed_at: None,
            title: Some(format!("revision {rev}")),
            fields: BTreeMap::new(),
            revisions: vec![Revision {
                rev,
                at,
                by: None,
                changes,
            }],
        }
    }

    fn merged(revs: &[u32]) -> WorkItem {
        revs.iter()
            .map(|rev| revision(*rev))
            .reduce(WorkItem::merge)
            .unwrap()
    }

    #[test]
    fn a_field_that_was_emptied_is_told_from_one_that_did_not_change() {
        let item = merged(&[3, 4, 5]);
        let points: Vec<_> = item
            .snapshots()
            .into_iter()
            .map(|(_, s)| s.get(&Tracked::Points).cloned())
            .collect();
        assert_eq!(points, [Some(FieldValue::Number(3.0)), None, None]);
        assert_eq!(item.revisions[1].changes.get(&Tracked::Points), Some(&None));
    }

    proptest! {
        #[test]
        fn any_order_with_repeats_gives_the_same_item(
            revs in subsequence((1..12).collect::<Vec<u32>>(), 1..12),
            seed in any::<u64>(),
        ) {
            let expected = merged(&revs);
            let mut shuffled = revs.clone();
            shuffled.extend(&revs[..revs.len() / 2]);
            let length = shuffled.len();
            for index in 0..length {
                shuffled.swap(index, (seed as usize).wrapping_mul(index + 7) % length);
            }
            prop_assert_eq!(&merged(&shuffled), &expected);
            let stored = serde_json::to_string(&expected).unwrap();
            prop_assert_eq!(serde_json::from_str::<WorkItem>(&stored).unwrap(), expected);
        }
    }
}
