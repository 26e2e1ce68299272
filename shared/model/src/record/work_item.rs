//! Work items with their history.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, BUCKETS, Facet, Identity, Joins, Kind, Record, RowKey, hash_bucket};
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
    /// When it was found out that it cannot be seen any more: it was destroyed, or moved to where the credential may not look.
    /// Whatever brings it again takes this back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
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
    /// `System.BoardColumn`, or the column of the item's first board where only boards name columns.
    BoardColumn,
    /// `System.BoardColumnDone`: whether it stands in the "done" half of its column.
    BoardColumnDone,
    /// `System.BoardLane`.
    BoardLane,
    /// `Microsoft.VSTS.Common.Priority`.
    Priority,
    /// `System.CommentCount`: every comment makes a revision, so its growth says who commented and when.
    Comments,
}

/// The first answer to a work item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// When.
    pub at: Timestamp,
    /// By whom, as [`Revision::by`] names people.
    pub by: Option<String>,
    /// Whether it was a comment.
    pub is_comment: bool,
}

/// The full values of the tracked fields at one revision.
pub type Snapshot = BTreeMap<Tracked, FieldValue>;

/// The states by which the processes of Microsoft end items.
/// <https://learn.microsoft.com/azure/devops/boards/work-items/guidance/choose-process>
pub const ENDS: [&str; 5] = ["Closed", "Done", "Completed", "Removed", "Cut"];

impl WorkItem {
    /// The text of a current field.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.fields.get(field)? {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it can be worked on: it is neither in the recycle bin nor gone.
    pub fn is_there(&self) -> bool {
        !self.is_deleted && self.gone_at.is_none()
    }

    /// The state that it is in.
    pub fn state(&self) -> Option<&str> {
        self.text("System.State")
    }

    /// Whether its closed date belongs to the state that it is in: a process of one's own may let a reopened item keep
    /// the date.
    fn is_closed_since_its_last_state(&self) -> bool {
        let changed = self.text("Microsoft.VSTS.Common.StateChangeDate");
        let changed: Option<Timestamp> = changed.and_then(|at| at.parse().ok());
        self.closed_at
            .is_some_and(|closed| changed.is_none_or(|changed| changed <= closed))
    }

    /// When somebody other than its author first did something to it, and whether that was a comment. `None` if nobody
    /// has, or if its creation was before everything that was seen.
    pub fn first_response(&self) -> Option<Response> {
        let (created, later) = self.revisions.split_first()?;
        let is_other = |revision: &&Revision| revision.by.is_some() && revision.by != created.by;
        if created.rev != 1 {
            return None;
        }
        let first = later.iter().find(is_other)?;
        Some(Response {
            at: first.at,
            by: first.by.clone(),
            is_comment: first.changes.contains_key(&Tracked::Comments),
        })
    }

    /// The comments that were seen to be made, oldest first. Comments that were taken back do not count.
    pub fn comments(&self) -> Vec<&Revision> {
        let count = |snapshot: &Snapshot| match snapshot.get(&Tracked::Comments) {
            Some(FieldValue::Number(count)) => *count,
            _ => 0.0,
        };
        let snapshots = self.snapshots();
        let grows = |pair: &[(&Revision, Snapshot)]| count(&pair[0].1) < count(&pair[1].1);
        let later = snapshots.windows(2).filter(|pair| grows(pair));
        later.map(|pair| pair[1].0).collect()
    }

    /// The item with its size taken from another field. The history of that field is not kept, so its present value stands for
    /// all of it.
    #[must_use]
    pub fn sized_by(mut self, field: &str) -> Self {
        let size = self.fields.get(field).cloned();
        for (index, revision) in self.revisions.iter_mut().enumerate() {
            revision.changes.remove(&Tracked::Points);
            if let (0, Some(size)) = (index, &size) {
                revision.changes.insert(Tracked::Points, Some(size.clone()));
            }
        }
        self
    }

    /// Every bucket that work items and the links between them are stored in.
    pub fn buckets() -> impl Iterator<Item = String> {
        (0..BUCKETS).map(hash_bucket)
    }

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
    /// What a state means is defined by the item's type, which is another record; [`Workflows`](super::Workflows) knows,
    /// and a daily pass sets right what this rule could not. By itself an item is over when it is in the recycle bin, is
    /// in a state by which the processes of Microsoft end items, or was closed and has not changed its state since.
    fn last_event(&self) -> Option<Timestamp> {
        if self.gone_at.is_some() {
            return self.gone_at;
        }
        let over = self.is_deleted
            || self.state().is_some_and(|state| ENDS.contains(&state))
            || self.is_closed_since_its_last_state();
        over.then_some(self.changed_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.changed_at)
    }

    /// Links are wanted of every revision that has some, or does not say. A facet of another revision is out of date, and an
    /// item that wants none has none, whatever is stored. Those of a deleted item cannot be read.
    fn marker(&self, facet: Facet) -> Option<String> {
        let count = self.fields.get("System.ExternalLinkCount");
        let has_none = count == Some(&FieldValue::Number(0.0));
        let is_wanted = facet == Facet::Links && !has_none && !self.is_deleted;
        is_wanted.then(|| self.rev.to_string())
    }
}

impl Joins for WorkItem {
    const KIND: Kind = Kind::WorkItem;

    /// Joins two observations of the same item: the newer current fields, and every revision that either has seen.
    fn join(self, other: Self) -> Self {
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

    fn of(record: &Record) -> Option<&Self> {
        match record {
            Record::WorkItem(item) => Some(item),
            _ => None,
        }
    }

    fn into_record(self) -> Record {
        Record::WorkItem(Box::new(self))
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
            gone_at: None,
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
            .reduce(WorkItem::join)
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

    /// An item whose revisions have these authors and numbers of comments.
    fn discussed(revisions: &[(&str, f64)]) -> WorkItem {
        let with = |(rev, (by, comments)): (u32, &(&str, f64))| {
            let mut item = revision(rev);
            item.revisions[0].by = Some((*by).to_owned());
            let comments = Some(FieldValue::Number(*comments));
            item.revisions[0].changes = BTreeMap::from([(Tracked::Comments, comments)]);
            item
        };
        let items = (1..).zip(revisions).map(with);
        items.reduce(WorkItem::join).unwrap()
    }

    #[test]
    fn the_first_response_is_the_first_change_by_somebody_else() {
        let item = discussed(&[("ann", 0.0), ("ann", 1.0), ("bob", 1.0), ("bob", 2.0)]);
        let response = item.first_response().unwrap();
        let found = (response.at, response.by.as_deref(), response.is_comment);
        assert_eq!(found, (item.revisions[2].at, Some("bob"), false));
        let comment = discussed(&[("ann", 0.0), ("bob", 1.0)]).first_response();
        assert!(comment.unwrap().is_comment);
        assert_eq!(discussed(&[("ann", 0.0)]).first_response(), None);
        let mut late = item;
        late.revisions.remove(0);
        assert_eq!(late.first_response(), None, "its creation was not seen");
    }

    #[test]
    fn a_comment_is_a_revision_with_one_more_of_them() {
        let item = discussed(&[("ann", 0.0), ("bob", 1.0), ("bob", 0.0), ("ann", 2.0)]);
        let revs: Vec<u32> = item.comments().iter().map(|own| own.rev).collect();
        assert_eq!(revs, [2, 4]);
        let mut late = item;
        late.revisions.drain(..1);
        assert_eq!(late.comments().len(), 1, "what was there before is not new");
    }

    /// Microsoft does not say whether a revision tells how many comments there were when it was made, or how many there are.
    #[test]
    fn where_revisions_tell_the_present_number_only_later_comments_have_a_time() {
        let item = discussed(&[("ann", 2.0), ("bob", 2.0), ("ann", 2.0), ("bob", 3.0)]);
        let revs: Vec<u32> = item.comments().iter().map(|own| own.rev).collect();
        assert_eq!(revs, [4], "the last one came with a later pass");
        let response = item.first_response().unwrap();
        assert_eq!(
            (response.by.as_deref(), response.at),
            (Some("bob"), item.revisions[1].at)
        );
    }

    #[test]
    fn a_closed_date_that_outlived_a_reopening_ends_nothing() {
        let mut item = revision(1);
        let fields = [
            ("System.State", "Active"),
            (
                "Microsoft.VSTS.Common.StateChangeDate",
                "2026-11-02T00:00:00Z",
            ),
        ];
        item.fields = fields
            .map(|(name, value)| (name.to_owned(), FieldValue::Text(value.to_owned())))
            .into();
        item.closed_at = Some("2026-11-01T00:00:00Z".parse().unwrap());
        assert_eq!(item.last_event(), None);
        item.closed_at = Some("2026-11-02T00:00:00Z".parse().unwrap());
        assert_eq!(item.last_event(), Some(item.changed_at));
    }

    #[test]
    fn the_size_can_be_that_of_another_field() {
        let size = |item: &WorkItem| {
            let snapshots = item.snapshots().into_iter();
            let sizes = snapshots.map(|(_, own)| own.get(&Tracked::Points).cloned());
            sizes.collect::<Vec<_>>()
        };
        let mut item = merged(&[1, 3, 4]);
        assert_eq!(size(&item)[0], None);
        let cost = FieldValue::Number(8.0);
        item.fields.insert("Custom.Cost".to_owned(), cost.clone());
        let sized = item.clone().sized_by("Custom.Cost");
        assert_eq!(size(&sized), vec![Some(cost); 3]);
        assert_eq!(size(&item.sized_by("Custom.Other")), vec![None; 3]);
    }

    #[test]
    fn links_are_wanted_unless_there_are_none() {
        let mut item = revision(4);
        let wanted = |item: &WorkItem| item.marker(Facet::Links);
        assert_eq!(wanted(&item).as_deref(), Some("4"), "it does not say");
        let mut count = |count| {
            let count = FieldValue::Number(count);
            item.fields
                .insert("System.ExternalLinkCount".to_owned(), count);
            wanted(&item)
        };
        assert_eq!(count(0.0), None);
        assert_eq!(count(2.0).as_deref(), Some("4"));
        item.is_deleted = true;
        assert_eq!(wanted(&item), None);
        assert_eq!(item.marker(Facet::Timeline), None);
    }

    #[test]
    fn what_is_gone_expires_from_then_on_unless_it_is_seen_again() {
        let at: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let open = revision(1);
        let gone = open.clone().join(WorkItem {
            gone_at: Some(at),
            ..open.clone()
        });
        assert_eq!((open.last_event(), gone.last_event()), (None, Some(at)));
        assert_eq!(gone.clone().join(revision(2)).gone_at, None);
        assert_eq!(gone.join(open).gone_at, None, "it was read again");
    }

    #[test]
    fn a_restored_item_is_in_the_recycle_bin_no_more() {
        let deleted = WorkItem {
            is_deleted: true,
            ..revision(2)
        };
        let binned = revision(1).join(deleted.clone());
        assert_eq!(binned.last_event(), Some(binned.changed_at));
        let restored = binned.join(revision(5));
        assert!(!restored.is_deleted);
        assert_eq!(restored.last_event(), None);
        let late = restored.join(deleted);
        assert!(!late.is_deleted, "the older news comes last");
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
