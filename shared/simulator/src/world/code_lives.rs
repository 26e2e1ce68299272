//! How code lives: pull requests with their reviews, pushes and the runs that they trigger, planned whole on the day they begin.

use jiff::Timestamp;

use crate::config::Sizes;
use crate::world::builds::{Definition, Reason, Shape};
use crate::world::calendar::Calendar;
use crate::world::people::{People, PersonId};
use crate::world::projects::{Repository, RepositoryState};
use crate::world::pull_requests::{PullRequest, Reviewer};
use crate::world::random::Random;
use crate::world::reviews::Review;
use crate::world::text;

const LABELS: [&str; 4] = ["hotfix", "breaking-change", "dependencies", "größer"];
const HOUR_MS: i64 = 3_600_000;

/// A push to come.
#[derive(Clone, Debug)]
pub(crate) struct PushPlan {
    pub(crate) at: Timestamp,
    pub(crate) by: PersonId,
    pub(crate) repository: usize,
    pub(crate) kind: PushKind,
    /// Position in the list of planned pull requests.
    pub(crate) pull_request: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushKind {
    /// Straight to the default branch; `backdated_days` makes the commits that much older than the push.
    Direct {
        commits: u8,
        backdated_days: i64,
        has_tag: bool,
    },
    /// A new source branch.
    Open {
        commits: u8,
    },
    Update {
        commits: u8,
        is_force: bool,
    },
    Merge,
    DeleteBranch,
}

/// A run to come.
#[derive(Clone, Debug)]
pub(crate) struct RunPlan {
    pub(crate) queued: Timestamp,
    pub(crate) definition: usize,
    pub(crate) reason: Reason,
    pub(crate) requested_for: PersonId,
    pub(crate) pull_request: Option<usize>,
    pub(crate) course: Course,
    pub(crate) key: u64,
}

/// What is decided about a run beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Ordinary,
    /// Runs into the next day.
    Overnight,
    /// Canceled before it started.
    CanceledAt(Timestamp),
}

/// Plans the life of all repositories, day by day.
pub(crate) struct CodePlanner<'a> {
    pub(crate) seed: u64,
    pub(crate) calendar: &'a Calendar,
    pub(crate) people: &'a People,
    pub(crate) repositories: &'a [Repository],
    pub(crate) definitions: &'a [Definition],
    pub(crate) pull_requests: Vec<PullRequest>,
    pub(crate) pushes: Vec<PushPlan>,
    pub(crate) runs: Vec<RunPlan>,
}

impl CodePlanner<'_> {
    /// Gives every live repository its first push, on the oldest day.
    pub(crate) fn plan_first_pushes(&mut self, day: i32) {
        for (repository, own) in self.repositories.iter().enumerate() {
            if own.state == RepositoryState::Live {
                let at = self.calendar.moment(day, repository as i64);
                let kind = PushKind::Direct {
                    commits: 3,
                    backdated_days: 0,
                    has_tag: false,
                };
                self.pushes.push(PushPlan {
                    at,
                    by: self.people.system(),
                    repository,
                    kind,
                    pull_request: None,
                });
            }
        }
    }

    /// Plans what begins on one day in one project.
    pub(crate) fn plan_day(&mut self, day: i32, project: u16, sizes: &Sizes) {
        let mut random = Random::stream(&[self.seed, 0x401, day as u64, u64::from(project)]);
        let live: Vec<usize> = (0..self.repositories.len())
            .filter(|&n| {
                self.repositories[n].project == project
                    && self.repositories[n].state == RepositoryState::Live
            })
            .collect();
        if live.is_empty() {
            return;
        }
        for _ in 0..random.count(sizes.pull_requests) {
            let repository = *random.pick(&live);
            self.plan_pull_request(day, repository, &mut random);
        }
        let is_scripted = project == 0 && day == -20;
        for n in 0..random
            .count(sizes.direct_pushes)
            .max(u32::from(is_scripted))
        {
            let repository = *random.pick(&live);
            self.plan_direct_push(day, repository, is_scripted && n == 0, &mut random);
        }
        for _ in 0..random.count(sizes.other_runs) {
            let repository = *random.pick(&live);
            self.plan_other_run(day, repository, &mut random);
        }
        if project == 0 {
            self.plan_scripted_runs(day, live[0], &mut random);
        }
    }

    fn plan_direct_push(
        &mut self,
        day: i32,
        repository: usize,
        is_scripted: bool,
        random: &mut Random,
    ) {
        let at = self
            .calendar
            .moment(day, random.between(60_000, 19 * HOUR_MS));
        let by = self
            .people
            .member(self.repositories[repository].project, random);
        let backdated_days = if is_scripted || random.chance(3) {
            random.between(100, 140)
        } else {
            0
        };
        let commits = random.between(1, 5) as u8;
        let kind = PushKind::Direct {
            commits,
            backdated_days,
            has_tag: random.chance(8),
        };
        self.pushes.push(PushPlan {
            at,
            by,
            repository,
            kind,
            pull_request: None,
        });
        if random.chance(50) {
            self.run_after(
                at,
                repository,
                Shape::Ci,
                Reason::IndividualCi,
                by,
                None,
                random,
            );
        }
    }

    fn plan_other_run(&mut self, day: i32, repository: usize, random: &mut Random) {
        let at = self.calendar.moment(day, random.between(0, 18 * HOUR_MS));
        let by = self
            .people
            .member(self.repositories[repository].project, random);
        let shape = *random.pick(&[Shape::Classic, Shape::Classic, Shape::Ci, Shape::Release]);
        let (reason, by) = match shape {
            Shape::Classic => (Reason::Schedule, self.people.system()),
            Shape::Ci | Shape::Release => (Reason::Manual, by),
        };
        self.run_after(at, repository, shape, reason, by, None, random);
    }

    /// What must occur in every world: a run over the turn of every second day, and runs that end at the same instant.
    fn plan_scripted_runs(&mut self, day: i32, repository: usize, random: &mut Random) {
        let system = self.people.system();
        if day.rem_euclid(2) == 1 {
            let at = self
                .calendar
                .moment(day, random.between(19 * HOUR_MS, 19 * HOUR_MS + 1_800_000));
            self.run_after(
                at,
                repository,
                Shape::Classic,
                Reason::Schedule,
                system,
                None,
                random,
            );
            self.set_course(Course::Overnight);
        }
        if day.rem_euclid(10) == 5 {
            let at = self
                .calendar
                .moment(day, random.between(2 * HOUR_MS, 18 * HOUR_MS));
            let canceled = self.calendar.minutes_later(at, 11);
            for _ in 0..2 {
                self.run_after(
                    at,
                    repository,
                    Shape::Ci,
                    Reason::Manual,
                    system,
                    None,
                    random,
                );
                self.set_course(Course::CanceledAt(canceled));
            }
        }
    }

    fn set_course(&mut self, course: Course) {
        if let Some(run) = self.runs.last_mut() {
            run.course = course;
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a run is decided by exactly these, and a struct would be RunPlan again"
    )]
    pub(crate) fn run_after(
        &mut self,
        at: Timestamp,
        repository: usize,
        shape: Shape,
        reason: Reason,
        requested_for: PersonId,
        pull_request: Option<usize>,
        random: &mut Random,
    ) {
        let fits = |own: &Definition| own.repository == repository && own.shape == shape;
        let Some(definition) = self.definitions.iter().position(fits) else {
            return;
        };
        let queued = self
            .calendar
            .later(at, random.duration(1_500_000, 45_000_000));
        let key = random.next();
        let course = Course::Ordinary;
        self.runs.push(RunPlan {
            queued,
            definition,
            reason,
            requested_for,
            pull_request,
            course,
            key,
        });
    }

    fn plan_pull_request(&mut self, day: i32, repository: usize, random: &mut Random) {
        let project = self.repositories[repository].project;
        let author = self.people.member(project, random);
        let opened = self
            .calendar
            .moment(day, random.between(60_000, 18 * HOUR_MS));
        let wait = random.duration(120_000_000, 2_000_000_000);
        let created = self.calendar.later(opened, wait);
        let title = random.next() as u32;
        let reviewers = self.reviewers(project, author, random);
        let position = self.pull_requests.len();
        self.pull_requests.push(PullRequest {
            id: 0,
            repository,
            author,
            created,
            title,
            description_length: *random.pick(&[0, 60, 250, 399, 400, 401, 1_200, 3_000]),
            branch: format!(
                "refs/heads/feature/{}-{:05x}",
                text::slug(title),
                random.below(0x10_0000)
            ),
            reviewers,
            labels: if random.chance(20) {
                vec![*random.pick(&LABELS)]
            } else {
                Vec::new()
            },
            is_squash: random.chance(60),
            starts_as_draft: random.chance(15),
            starts_elsewhere: false,
            events: Vec::new(),
            tips: Vec::new(),
            target: None,
            merge: None,
        });
        self.push_to(
            position,
            opened,
            PushKind::Open {
                commits: random.between(1, 4) as u8,
            },
            random,
        );
        Review {
            planner: self,
            position,
            at: created,
        }
        .live(random);
    }

    fn reviewers(&self, project: u16, author: PersonId, random: &mut Random) -> Vec<Reviewer> {
        let mut reviewers: Vec<Reviewer> = Vec::new();
        for _ in 0..random.between(1, 3) {
            let person = self.people.member(project, random);
            if person != author && reviewers.iter().all(|own| own.person != person) {
                reviewers.push(Reviewer {
                    person,
                    is_required: random.chance(40),
                    is_group: false,
                    has_declined: false,
                });
            }
        }
        if random.chance(35) {
            let person = self.people.reviewers_of(project);
            reviewers.push(Reviewer {
                person,
                is_required: true,
                is_group: true,
                has_declined: false,
            });
        }
        reviewers
    }

    /// A push of a pull request, and perhaps the run that it triggers.
    pub(crate) fn push_to(
        &mut self,
        position: usize,
        at: Timestamp,
        kind: PushKind,
        random: &mut Random,
    ) {
        let PullRequest {
            repository, author, ..
        } = self.pull_requests[position];
        self.pushes.push(PushPlan {
            at,
            by: author,
            repository,
            kind,
            pull_request: Some(position),
        });
        if !matches!(kind, PushKind::Open { .. } | PushKind::Update { .. }) || !random.chance(60) {
            return;
        }
        // A run of a pull request cannot be older than the pull request.
        let at = at.max(self.pull_requests[position].created);
        self.run_after(
            at,
            repository,
            Shape::Ci,
            Reason::PullRequest,
            author,
            Some(position),
            random,
        );
    }
}
