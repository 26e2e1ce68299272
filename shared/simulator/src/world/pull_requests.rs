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
    /// Whether it wanted to change another branch at first.
    pub(crate) starts_elsewhere: bool,
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
    pub(crate) has_declined: bool,
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
    },
    Status(Status),
    Published,
    /// The service tried the merge.
    MergeAttempt,
    /// A policy came to a verdict.
    Policy,
    /// New commits made every vote void.
    VotesReset,
    /// It shall complete by itself.
    AutoComplete,
    /// It now wants to change the default branch.
    Retargeted,
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

    /// A reviewer's standing vote: the newest one that was not made void.
    pub(crate) fn vote_of(&self, person: PersonId) -> i8 {
        let mut votes = self
            .events
            .iter()
            .rev()
            .filter_map(|event| match event.kind {
                EventKind::Vote(vote) if event.by == person => Some(vote),
                EventKind::VotesReset => Some(0),
                _ => None,
            });
        votes.next().unwrap_or(0)
    }

    /// Who set it to complete by itself.
    pub(crate) fn auto_complete_by(&self) -> Option<PersonId> {
        let is_set = |event: &&Event| matches!(event.kind, EventKind::AutoComplete);
        self.events.iter().find(is_set).map(|event| event.by)
    }

    /// The branch that it wants to change.
    pub(crate) fn target_name(&self) -> &'static str {
        let is_moved = |event: &Event| matches!(event.kind, EventKind::Retargeted);
        if self.starts_elsewhere && !self.events.iter().any(is_moved) {
            "refs/heads/release/next"
        } else {
            "refs/heads/main"
        }
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
