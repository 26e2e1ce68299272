//! Pushes and commits.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::world::people::PersonId;
use crate::world::random::Random;

/// A commit's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sha([u8; 20]);

impl Sha {
    /// "No commit", as reference updates write it.
    pub(crate) const ZERO: Self = Self([0; 20]);

    pub(crate) fn random(random: &mut Random) -> Self {
        let mut bytes = [0; 20];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_be_bytes()[..chunk.len()]);
        }
        Self(bytes)
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sha {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What happened to one repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Oldest first.
    pub(crate) pushes: Vec<Push>,
    /// In the order of their pushes.
    pub(crate) commits: Vec<Commit>,
    /// The tips of the default branch, oldest first.
    pub(crate) main: Vec<(Timestamp, Sha)>,
}

impl History {
    /// The tip of the default branch at a time.
    pub(crate) fn main_at(&self, at: Timestamp) -> Option<Sha> {
        self.main[..self.main.partition_point(|(since, _)| *since <= at)]
            .last()
            .map(|(_, tip)| *tip)
    }
}

/// One push.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    /// Increasing over the whole organization.
    pub(crate) id: u32,
    pub(crate) at: Timestamp,
    pub(crate) by: PersonId,
    pub(crate) refs: Vec<RefUpdate>,
}

/// A branch or tag that a push created, moved or deleted.
#[derive(Clone, Debug)]
pub(crate) struct RefUpdate {
    pub(crate) name: String,
    pub(crate) old: Sha,
    pub(crate) new: Sha,
}

/// One commit, in the push that first brought it.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) sha: Sha,
    pub(crate) parents: Vec<Sha>,
    pub(crate) author: PersonId,
    pub(crate) committer: PersonId,
    pub(crate) authored: Timestamp,
    pub(crate) committed: Timestamp,
    pub(crate) comment: String,
    /// Files added, edited, deleted.
    pub(crate) counts: [u16; 3],
    /// Position of its push in [`History::pushes`].
    pub(crate) push: usize,
    /// Ids of the work items it mentions.
    pub(crate) work_items: Vec<u32>,
}
