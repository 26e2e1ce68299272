//! How pull requests live: reviewed, improved, and completed, abandoned, taken up again or forgotten.

use jiff::Timestamp;

use crate::world::builds::{Reason, Shape};
use crate::world::code_lives::{CodePlanner, PushKind};
use crate::world::people::PersonId;
use crate::world::pull_requests::{Event, EventKind, Status};
use crate::world::random::Random;

/// Plans one pull request's way to its end.
pub(crate) struct Review<'a, 'b> {
    pub(crate) planner: &'a mut CodePlanner<'b>,
    /// Position in the list of planned pull requests.
    pub(crate) position: usize,
    /// When the last thing happened to it.
    pub(crate) at: Timestamp,
}

impl Review<'_, '_> {
    /// Plans everything from the creation on.
    pub(crate) fn live(&mut self, random: &mut Random) {
        let pull_request = &self.planner.pull_requests[self.position];
        let (author, is_draft) = (pull_request.author, pull_request.starts_as_draft);
        let added: Vec<PersonId> = pull_request
            .reviewers
            .iter()
            .map(|reviewer| reviewer.person)
            .collect();
        let humans: Vec<PersonId> = pull_request
            .reviewers
            .iter()
            .filter(|reviewer| !reviewer.is_group)
            .map(|reviewer| reviewer.person)
            .collect();
        for person in added {
            self.event(0, author, EventKind::ReviewerAdded(person), random);
        }
        if is_draft {
            if random.chance(15) {
                return;
            }
            self.event(300, author, EventKind::Published, random);
        }
        for _ in 0..random.between(0, 2) {
            self.round(author, &humans, random);
        }
        match random.below(100) {
            0..=9 => {}
            10..=19 => self.abandon(author, &humans, random),
            _ => self.complete(author, &humans, random),
        }
    }

    /// Somebody criticises, the author answers with commits.
    fn round(&mut self, author: PersonId, humans: &[PersonId], random: &mut Random) {
        let critic = if humans.is_empty() {
            author
        } else {
            *random.pick(humans)
        };
        self.discuss(critic, author, random);
        if critic != author && random.chance(40) {
            self.event(
                400,
                critic,
                EventKind::Vote(*random.pick(&[-5, -5, -10])),
                random,
            );
        }
        let (commits, is_force) = (random.between(1, 3) as u8, random.chance(12));
        self.event(900, author, EventKind::Pushed { commits }, random);
        self.planner.push_to(
            self.position,
            self.at,
            PushKind::Update { commits, is_force },
            random,
        );
    }

    fn discuss(&mut self, critic: PersonId, author: PersonId, random: &mut Random) {
        self.event(
            700,
            critic,
            EventKind::Discussion {
                on_file: false,
                replies: Vec::new(),
                is_fixed: false,
            },
            random,
        );
        let mut at = self.at;
        let mut replies = Vec::new();
        for n in 0..random.between(0, 2) {
            at = self
                .planner
                .calendar
                .minutes_later(at, random.between(3, 300));
            replies.push((at, if n % 2 == 0 { author } else { critic }));
        }
        let (on_file, is_fixed) = (random.chance(60), random.chance(50));
        if let Some(event) = self.planner.pull_requests[self.position].events.last_mut() {
            event.kind = EventKind::Discussion {
                on_file,
                replies,
                is_fixed,
            };
        }
    }

    fn approve(&mut self, humans: &[PersonId], random: &mut Random) {
        for &person in humans {
            self.event(
                600,
                person,
                EventKind::Vote(*random.pick(&[10, 10, 10, 5])),
                random,
            );
        }
    }

    fn abandon(&mut self, author: PersonId, humans: &[PersonId], random: &mut Random) {
        self.event(2_000, author, EventKind::Status(Status::Abandoned), random);
        if random.chance(40) {
            self.event(3_000, author, EventKind::Status(Status::Active), random);
            self.complete(author, humans, random);
        }
    }

    fn complete(&mut self, author: PersonId, humans: &[PersonId], random: &mut Random) {
        self.approve(humans, random);
        let by = if humans.is_empty() || random.chance(60) {
            author
        } else {
            *random.pick(humans)
        };
        self.event(500, by, EventKind::Status(Status::Completed), random);
        let at = self.at;
        self.planner
            .push_to(self.position, at, PushKind::Merge, random);
        let repository = self.planner.pull_requests[self.position].repository;
        self.planner.run_after(
            at,
            repository,
            Shape::Ci,
            Reason::IndividualCi,
            by,
            None,
            random,
        );
        if random.chance(35) {
            self.planner.run_after(
                at,
                repository,
                Shape::Release,
                Reason::IndividualCi,
                by,
                None,
                random,
            );
        }
        if random.chance(70) {
            let gone = self
                .planner
                .calendar
                .later(at, random.duration(900_000, 4_000_000));
            self.planner
                .push_to(self.position, gone, PushKind::DeleteBranch, random);
        }
    }

    fn event(&mut self, within_minutes: i64, by: PersonId, kind: EventKind, random: &mut Random) {
        let wait = random.duration(700_000, within_minutes * 60_000_000 + 2_000_000);
        self.at = self.planner.calendar.later(self.at, wait);
        self.planner.pull_requests[self.position]
            .events
            .push(Event {
                at: self.at,
                by,
                kind,
            });
    }
}
