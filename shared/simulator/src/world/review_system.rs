//! What the service itself writes into a pull request: merges that it tried, policies, votes that it took back, and settings
//! that were changed.
//!
//! These events stand seconds before or after one that the list of pull requests shows, as they do in life, so that whoever
//! reads the threads when the list has changed has seen them all.

use jiff::{SignedDuration, Timestamp};

use crate::world::people::PersonId;
use crate::world::pull_requests::{Event, EventKind, PullRequest, Status};
use crate::world::random::Random;

/// Adds what the service writes to a pull request that is planned to its end, from a random stream of its own.
pub(crate) fn add(seed: u64, service: PersonId, own: &mut PullRequest) {
    let mut random = Random::stream(&[seed, 0x5E7, u64::from(own.id)]);
    own.starts_elsewhere = random.chance(8);
    for reviewer in &mut own.reviewers {
        reviewer.has_declined = !reviewer.is_required && random.chance(10);
    }
    let mut writer = Writer {
        service,
        author: own.author,
        events: Vec::new(),
    };
    writer.merge(own.created);
    let mut votes = false;
    for event in &own.events {
        match event.kind {
            EventKind::Vote(_) => votes = true,
            EventKind::Pushed { .. } => {
                if votes && random.chance(25) {
                    votes = false;
                    writer.at(event.at, 1_000, service, EventKind::VotesReset);
                }
                writer.merge(event.at);
                if own.starts_elsewhere {
                    writer.at(event.at, -5_000, own.author, EventKind::Retargeted);
                }
            }
            EventKind::Status(Status::Completed) => writer.before_completion(event.at, &mut random),
            _ => {}
        }
    }
    own.events.append(&mut writer.events);
    own.events.sort_by_key(|event| event.at);
}

struct Writer {
    service: PersonId,
    author: PersonId,
    events: Vec<Event>,
}

impl Writer {
    fn at(&mut self, at: Timestamp, milliseconds: i64, by: PersonId, kind: EventKind) {
        let at = at + SignedDuration::from_millis(milliseconds);
        self.events.push(Event { at, by, kind });
    }

    /// The service tries the merge whenever the source branch is new.
    fn merge(&mut self, at: Timestamp) {
        self.at(at, 2_000, self.service, EventKind::MergeAttempt);
        self.at(at, 3_500, self.service, EventKind::Policy);
    }

    fn before_completion(&mut self, at: Timestamp, random: &mut Random) {
        if random.chance(30) {
            self.at(at, -90_000, self.author, EventKind::AutoComplete);
        }
        if random.chance(25) {
            let comment = EventKind::Discussion {
                on_file: false,
                replies: Vec::new(),
                is_fixed: true,
            };
            self.at(at, -60_000, self.service, comment);
        }
    }
}
