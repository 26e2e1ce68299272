//! How one work item lives: its revisions, one after the other.

use jiff::Timestamp;

use crate::world::calendar::Calendar;
use crate::world::classification::{self, AREAS};
use crate::world::people::{People, PersonId};
use crate::world::process::{ItemType, State};
use crate::world::random::Random;
use crate::world::work_items::{Fields, Revision};

const TAGS: [&str; 6] = [
    "blocked",
    "customer",
    "regression",
    "tech-debt",
    "à revoir",
    "v2",
];
const COMMENTS: [&str; 4] = [
    "<div>Reproduced on staging.</div>",
    "<div>Waiting for the other team.</div>",
    "<div>Looks good to me &#128077;</div>",
    "<div>Moved to next sprint.</div>",
];
const DAY_MINUTES: i64 = 24 * 60;

/// What a life additionally suffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Ordinary,
    Deleted,
    DeletedAndRestored,
    MovedTo(u16),
    ChangedType,
}

/// Writes one item's revisions, one after the other.
pub(crate) struct Writer<'a> {
    calendar: &'a Calendar,
    fields: Fields,
    at: Timestamp,
    pub(crate) revisions: Vec<Revision>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        calendar: &'a Calendar,
        kind: ItemType,
        project: u16,
        at: Timestamp,
        author: PersonId,
        random: &mut Random,
    ) -> Self {
        let fields = Fields {
            kind,
            project,
            title: random.next() as u32,
            state: State::New,
            reason: "New",
            area: random.chance(80).then(|| random.index(AREAS.len())),
            sprint: None,
            assignee: None,
            points: None,
            priority: random.between(1, 4) as u8,
            tags: if random.chance(25) {
                vec![*random.pick(&TAGS)]
            } else {
                Vec::new()
            },
            column_done: false,
            is_deleted: false,
            comments: 0,
            state_changed: at,
            activated: None,
            resolved: None,
            closed: None,
        };
        let first = Revision {
            at,
            by: author,
            fields: fields.clone(),
            comment: None,
        };
        Self {
            calendar,
            fields,
            at,
            revisions: vec![first],
        }
    }

    /// The ordinary course: planned, started, finished, now and then reopened; it may stop anywhere and stay open.
    pub(crate) fn live(&mut self, people: &People, project: u16, random: &mut Random) {
        let slow = if matches!(self.fields.kind, ItemType::Epic | ItemType::Feature) {
            5
        } else {
            1
        };
        let worker = people.member(project, random);
        if random.chance(70) && self.fields.kind != ItemType::Task {
            let points = *random.pick(&[1, 2, 3, 5, 8, 13]);
            self.change(worker, random.between(30, 2 * DAY_MINUTES), |fields| {
                fields.points = Some(points)
            });
        }
        if !random.chance(92) {
            return;
        }
        let sprint =
            classification::sprint_at(self.calendar, self.at) + i64::from(random.chance(20));
        self.change(worker, random.between(60, 3 * DAY_MINUTES), |fields| {
            fields.assignee = Some(worker);
            fields.sprint = Some(sprint);
        });
        if random.chance(6) && self.fields.kind != ItemType::Bug {
            self.move_to(
                State::Removed,
                "Removed from the backlog",
                worker,
                random.between(60, 4 * DAY_MINUTES),
            );
            return;
        }
        if random.chance(90) {
            self.work(people, project, worker, slow, random);
        }
    }

    fn work(
        &mut self,
        people: &People,
        project: u16,
        mut worker: PersonId,
        slow: i64,
        random: &mut Random,
    ) {
        self.move_to(
            State::Active,
            "Implementation started",
            worker,
            random.between(60, 4 * DAY_MINUTES),
        );
        if random.chance(35) {
            self.comment(worker, random);
        }
        if random.chance(18) {
            worker = people.member(project, random);
            self.change(worker, random.between(60, DAY_MINUTES), |fields| {
                fields.assignee = Some(worker)
            });
        }
        if random.chance(45) {
            self.change(worker, random.between(60, 2 * DAY_MINUTES), |fields| {
                fields.column_done = true
            });
        }
        if !random.chance(88 - 6 * slow as u64) {
            return;
        }
        self.finish(people, project, worker, slow, random);
        if self.fields.kind == ItemType::Bug && random.chance(30) {
            let tester = people.member(project, random);
            self.move_to(
                State::Active,
                "Test Failed",
                tester,
                random.between(120, 4 * DAY_MINUTES),
            );
            self.finish(people, project, worker, slow, random);
        }
    }

    fn finish(
        &mut self,
        people: &People,
        project: u16,
        worker: PersonId,
        slow: i64,
        random: &mut Random,
    ) {
        let days = DAY_MINUTES * slow;
        if self.fields.kind.is_resolved_first() {
            self.move_to(
                State::Resolved,
                "Code complete and unit tests pass",
                worker,
                random.between(180, 5 * days),
            );
        }
        if random.chance(85) {
            let tester = people.member(project, random);
            self.move_to(
                State::Closed,
                "Acceptance tests pass",
                tester,
                random.between(60, 3 * days),
            );
        }
    }

    pub(crate) fn suffer(&mut self, fate: Fate, random: &mut Random) {
        let by = self.revisions[0].by;
        let wait = random.between(60, DAY_MINUTES);
        match fate {
            Fate::Ordinary => {}
            Fate::Deleted => self.change(by, wait, |fields| fields.is_deleted = true),
            Fate::DeletedAndRestored => {
                self.change(by, wait, |fields| fields.is_deleted = true);
                self.change(by, random.between(30, 600), |fields| {
                    fields.is_deleted = false
                });
            }
            Fate::MovedTo(project) => self.change(by, wait, |fields| {
                fields.project = project;
                fields.area = None;
            }),
            Fate::ChangedType => self.change(by, wait, |fields| {
                fields.kind = if fields.kind == ItemType::Bug {
                    ItemType::UserStory
                } else {
                    ItemType::Bug
                };
                fields.state = if fields.state == State::Removed {
                    State::New
                } else {
                    fields.state
                };
            }),
        }
    }

    fn comment(&mut self, by: PersonId, random: &mut Random) {
        self.change(by, random.between(20, DAY_MINUTES), |fields| {
            fields.comments += 1
        });
        if let Some(last) = self.revisions.last_mut() {
            last.comment = Some(*random.pick(&COMMENTS));
        }
    }

    fn move_to(&mut self, state: State, reason: &'static str, by: PersonId, minutes: i64) {
        let at = self.calendar.minutes_later(self.at, minutes);
        self.change(by, minutes, |fields| {
            fields.state = state;
            fields.reason = reason;
            fields.column_done = false;
            fields.state_changed = at;
            match state {
                State::New => {}
                State::Active => {
                    fields.activated = Some((at, by));
                    fields.resolved = None;
                    fields.closed = None;
                }
                State::Resolved => fields.resolved = Some((at, by)),
                State::Shipped => {}
                State::Closed | State::Removed => fields.closed = Some((at, by)),
            }
        });
    }

    fn change(&mut self, by: PersonId, minutes: i64, change: impl FnOnce(&mut Fields)) {
        self.at = self.calendar.minutes_later(self.at, minutes);
        change(&mut self.fields);
        self.revisions.push(Revision {
            at: self.at,
            by,
            fields: self.fields.clone(),
            comment: None,
        });
    }
}
