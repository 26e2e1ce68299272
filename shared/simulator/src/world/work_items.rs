//! Work items as they are: immutable revisions, and links that change without one.

use jiff::Timestamp;

use crate::world::artifacts::ArtifactLink;
use crate::world::people::PersonId;
use crate::world::process::{ItemType, State};

/// A work item with all revisions so far; never empty.
#[derive(Clone, Debug)]
pub(crate) struct WorkItem {
    pub(crate) id: u32,
    pub(crate) revisions: Vec<Revision>,
    /// The parent over time, by position in `World::work_items`.
    pub(crate) parents: Vec<(Timestamp, Option<usize>)>,
    pub(crate) artifact_links: Vec<ArtifactLink>,
    /// Nothing answers for it any more, as if it had never been.
    pub(crate) is_destroyed: bool,
}

/// One revision: the whole state of the item at that time.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) at: Timestamp,
    pub(crate) by: PersonId,
    pub(crate) fields: Fields,
    /// Text added to the discussion by this revision.
    pub(crate) comment: Option<&'static str>,
}

/// The values of a revision.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) kind: ItemType,
    pub(crate) project: u16,
    pub(crate) title: u32,
    pub(crate) state: State,
    pub(crate) reason: &'static str,
    pub(crate) area: Option<usize>,
    pub(crate) sprint: Option<i64>,
    pub(crate) assignee: Option<PersonId>,
    pub(crate) points: Option<u8>,
    pub(crate) priority: u8,
    pub(crate) tags: Vec<&'static str>,
    /// Whether the item stands in the "done" half of its board column.
    pub(crate) column_done: bool,
    pub(crate) is_deleted: bool,
    pub(crate) comments: u32,
    pub(crate) state_changed: Timestamp,
    pub(crate) activated: Option<(Timestamp, PersonId)>,
    pub(crate) resolved: Option<(Timestamp, PersonId)>,
    pub(crate) closed: Option<(Timestamp, PersonId)>,
}

/// A change of a link between two work items, given by position in `World::work_items`. It bumps nobody's revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkChange {
    pub(crate) at: Timestamp,
    pub(crate) by: PersonId,
    pub(crate) kind: LinkKind,
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) is_active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkKind {
    /// From parent to child.
    Hierarchy,
    Related,
}

impl LinkKind {
    /// The name that the reporting endpoint uses.
    pub(crate) fn reporting_name(self) -> &'static str {
        match self {
            Self::Hierarchy => "System.LinkTypes.Hierarchy",
            Self::Related => "System.LinkTypes.Related",
        }
    }
}

impl WorkItem {
    pub(crate) fn created(&self) -> &Revision {
        &self.revisions[0]
    }

    pub(crate) fn latest(&self) -> &Revision {
        &self.revisions[self.revisions.len() - 1]
    }

    /// The project that the item is in now; it decides who may see it.
    pub(crate) fn project(&self) -> u16 {
        self.latest().fields.project
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.latest().fields.is_deleted
    }

    /// The parent at a time, by position.
    pub(crate) fn parent_at(&self, at: Timestamp) -> Option<usize> {
        self.parents
            .iter()
            .rev()
            .find(|(since, _)| *since <= at)
            .and_then(|(_, parent)| *parent)
    }

    /// The number of the last revision at a time, counted from 1; 0 before the item existed.
    pub(crate) fn rev_at(&self, at: Timestamp) -> usize {
        self.revisions.partition_point(|revision| revision.at <= at)
    }
}
