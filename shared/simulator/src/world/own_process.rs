//! What a company's own process does to lives that follow Microsoft's: a last state that closes nothing, and closed dates that
//! outlive a reopening.
//!
//! <https://learn.microsoft.com/azure/devops/organizations/settings/work/customize-process-workflow>

use crate::world::process::{ItemType, State};
use crate::world::random::Random;
use crate::world::work_items::Revision;

/// Rewrites one life in place, so that no revision is added and none moves.
pub(crate) fn apply(seed: u64, position: usize, revisions: &mut [Revision]) {
    let mut random = Random::stream(&[seed, 0x302, position as u64]);
    let (ships, keeps_date) = (random.chance(30), random.chance(50));
    if ships {
        ship(revisions);
    }
    if keeps_date {
        keep_closed_dates(revisions);
    }
}

/// A story that was closed at the end is shipped instead.
fn ship(revisions: &mut [Revision]) {
    let is_shipped = |own: &&mut Revision| {
        own.fields.kind == ItemType::UserStory && own.fields.state == State::Closed
    };
    for revision in revisions.iter_mut().rev().take_while(is_shipped) {
        revision.fields.state = State::Shipped;
        revision.fields.reason = "Moved to state Shipped";
        revision.fields.closed = None;
    }
}

/// What is reopened remembers when it was closed.
fn keep_closed_dates(revisions: &mut [Revision]) {
    let mut closed = None;
    for revision in revisions {
        closed = revision.fields.closed.or(closed);
        revision.fields.closed = closed;
    }
}
