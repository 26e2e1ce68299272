//! Pull requests: what happened to them so far.

use jiff::Timestamp;

use crate::world::git::Sha;
use crate::world::people::PersonId;

/// A pull request into the default branch.
#[derive(Clone, Debug)]
pub(crate) struct PullRequest {
    pub(crate) id: u32,
    pub(crate) repository: usize,
    pub(crate) author: PersonId,
    pub(crate) created: Timestamp,
    pub(crate) title: u32,
    /// Characters of the description.
    pub(crate) description_length: usize,
    pub(crate) branch: String,
    pub(crate) reviewers: Vec<Reviewer>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) is_squash: bool,
    pub(crate) starts_as_draft: bool,
    /// Oldest first.
    pub(crate) events: Vec<Event>,
    /// Tips of the source branch over time.
    pub(crate) tips: Vec<(Timestamp, Sha)>,
    /// Tip of the target when the pull request was last looked at, and the merge's commit once completed.
    pub(crate) target: Option<Sha>,
    pub(crate) merge: Option<Sha>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Reviewer {
    pub(crate) person: PersonId,
    pub(crate) is_required: bool,
    pub(crate) is_group: bool,
}

/// Something that happened to a pull request; each makes one thread.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) by: PersonId,
    pub(crate) kind: EventKind,
}

#[derive(Clone, Debug)]
pub(crate) enum EventKind {
    ReviewerAdded(PersonId),
    Vote(i8),
    /// A discussion, on a file or in general, with the replies' authors and times.
    Discussion {
        on_file: bool,
        replies: Vec<(Timestamp, PersonId)>,
        is_fixed: bool,
    },
    /// New commits on the source branch.
    Pushed {
        commits: u8,
        is_force: bool,
    },
    Status(Status),
    Published,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Completed,
    Abandoned,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
        }
    }
}

impl PullRequest {
    pub(crate) fn status(&self) -> Status {
        self.last_status()
            .map_or(Status::Active, |(_, status)| status)
    }

    /// When it was closed, if it is.
    pub(crate) fn closed(&self) -> Option<Timestamp> {
        self.last_status()
            .filter(|(_, status)| *status != Status::Active)
            .map(|(at, _)| at)
    }

    /// The identity that closed it.
    pub(crate) fn closed_by(&self) -> Option<PersonId> {
        let closed = self.closed()?;
        self.events
            .iter()
            .find(|event| event.at == closed)
            .map(|event| event.by)
    }

    pub(crate) fn is_draft(&self) -> bool {
        self.starts_as_draft
            && !self
                .events
                .iter()
                .any(|event| matches!(event.kind, EventKind::Published))
    }

    /// A reviewer's standing vote; votes are reset by nothing but a new vote.
    pub(crate) fn vote_of(&self, person: PersonId) -> i8 {
        let votes = self.events.iter().rev().filter(|event| event.by == person);
        let mut votes = votes.filter_map(|event| {
            if let EventKind::Vote(vote) = event.kind {
                Some(vote)
            } else {
                None
            }
        });
        votes.next().unwrap_or(0)
    }

    /// The source branch's newest tip.
    pub(crate) fn source(&self) -> Option<Sha> {
        self.tips.last().map(|(_, tip)| *tip)
    }

    /// How many threads it has: one for each event.
    pub(crate) fn threads(&self) -> u64 {
        self.events.len() as u64
    }

    /// Its last visible change.
    pub(crate) fn changed(&self) -> Timestamp {
        self.events.last().map_or(self.created, |event| event.at)
    }

    fn last_status(&self) -> Option<(Timestamp, Status)> {
        let mut newest_first = self.events.iter().rev();
        newest_first.find_map(|event| {
            if let EventKind::Status(status) = event.kind {
                Some((event.at, status))
            } else {
                None
            }
        })
    }
}
