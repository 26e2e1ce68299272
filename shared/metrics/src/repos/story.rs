//! What people did in a pull request, in order.

use jiff::Timestamp;
use model::{
    people::AccountKind,
    record::{
        PullRequest, PullRequestActivity,
        pull_request::{Happened, PullRequestStatus},
    },
};

use super::BOTS;
use crate::{Context, Who};

/// A pull request as a story of its author and of others.
pub(crate) struct Story<'a> {
    own: &'a PullRequest,
    /// Who opened it.
    pub(crate) author: Option<Who>,
    acts: Vec<Act<'a>>,
}

/// Something that somebody did.
pub(crate) struct Act<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// Who; `None` where it is not known.
    pub(crate) who: Option<Who>,
    /// What.
    pub(crate) what: &'a Happened,
}

/// The least vote that approves: 5 is with suggestions.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers/list#identityrefwithvote>
pub(crate) const APPROVED: i8 = 5;

impl<'a> Story<'a> {
    /// Tells it without services and bots, unless they are asked for; an author is told even if it is one.
    pub(crate) fn new(
        own: &'a PullRequest,
        activity: &'a PullRequestActivity,
        context: &Context,
    ) -> Self {
        let people = &context.known.people;
        let author = own.created_by.as_ref().and_then(|who| people.who(who));
        let with_bots = context.settings.is_on(&BOTS);
        let counts = |who: &Option<Who>| match who {
            None => true,
            Some(who) if Some(who) == author.as_ref() => true,
            Some(who) => with_bots || people.kind(who) == AccountKind::Human,
        };
        let acts = activity.events.iter().map(|event| Act {
            at: event.at,
            who: event.by.as_deref().map(|by| people.by_key(by)),
            what: &event.what,
        });
        let mut acts: Vec<Act<'_>> = acts.filter(|act| counts(&act.who)).collect();
        acts.sort_by_key(|act| act.at);
        Self { own, author, acts }
    }

    /// What was done before it was closed. Comments on a closed pull request review nothing.
    fn while_open(&self) -> impl Iterator<Item = &Act<'a>> {
        let end = self.own.closed_at.unwrap_or(Timestamp::MAX);
        self.acts.iter().filter(move |act| act.at <= end)
    }

    /// What somebody other than the author did before it was closed.
    fn by_others(&self) -> impl Iterator<Item = &Act<'a>> {
        self.while_open()
            .filter(|act| act.who.is_some() && act.who != self.author)
    }

    /// Comments and votes of others, oldest first.
    pub(crate) fn reviews(&self) -> impl Iterator<Item = &Act<'a>> {
        self.by_others().filter(|act| match act.what {
            Happened::Vote(vote) => *vote != 0,
            Happened::Comment { .. } => true,
            _ => false,
        })
    }

    /// When somebody other than the author first commented or voted.
    pub(crate) fn first_review(&self) -> Option<Timestamp> {
        self.reviews().next().map(|act| act.at)
    }

    /// When somebody other than the author first commented.
    pub(crate) fn first_comment(&self) -> Option<Timestamp> {
        let is_comment = |act: &&Act<'_>| matches!(act.what, Happened::Comment { .. });
        self.by_others().find(is_comment).map(|act| act.at)
    }

    /// When somebody other than the author first approved.
    pub(crate) fn first_approval(&self) -> Option<Timestamp> {
        let approves =
            |act: &&Act<'_>| matches!(act.what, Happened::Vote(vote) if *vote >= APPROVED);
        self.by_others().find(approves).map(|act| act.at)
    }

    /// How many comments there are, those of the author included.
    pub(crate) fn comments(&self) -> usize {
        let is_comment = |act: &&Act<'_>| matches!(act.what, Happened::Comment { .. });
        self.while_open().filter(is_comment).count()
    }

    /// When it was first shown to reviewers: when it stopped being a draft, if it was opened as one.
    pub(crate) fn published_at(&self) -> Timestamp {
        let turns = self.acts.iter().filter_map(|act| match act.what {
            Happened::Draft(is_draft) => Some((act.at, *is_draft)),
            _ => None,
        });
        // If the first turn is away from being a draft, it began as one.
        match turns.min_by_key(|(at, _)| *at) {
            Some((at, false)) => at,
            _ => self.own.created_at,
        }
    }

    /// Comments, votes and pushes before it was closed, oldest first, and whether its author did it.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (&Act<'a>, bool)> {
        let acts = self.while_open().filter(|act| match act.what {
            Happened::Vote(vote) => *vote != 0,
            Happened::Comment { .. } | Happened::Push { .. } => act.who.is_some(),
            _ => false,
        });
        acts.map(|act| (act, act.who == self.author))
    }

    /// Who brought somebody in as a reviewer; `None` if no event tells.
    pub(crate) fn added_by(&self, reviewer: &Who, context: &Context) -> Option<&Who> {
        let people = &context.known.people;
        let adds = |act: &&Act<'_>| match act.what {
            Happened::Reviewers {
                added: Some(added), ..
            } => people.by_key(added) == *reviewer,
            _ => false,
        };
        self.acts.iter().find(adds)?.who.as_ref()
    }
}

/// When it was merged; `None` if it was not.
pub(crate) fn merged_at(own: &PullRequest) -> Option<Timestamp> {
    own.closed_at
        .filter(|_| own.status == PullRequestStatus::Completed)
}
