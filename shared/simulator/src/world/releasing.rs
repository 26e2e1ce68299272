//! How releases live: planned whole on the day they are made, stage after stage.
//!
//! Some wait for a word that never comes, some are refused, some fail and are tried again, and now and then the release
//! before is brought back.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::world::builds::{Build, Definition, Outcome as BuildOutcome};
use crate::world::calendar::Calendar;
use crate::world::people::{People, PersonId};
use crate::world::projects::Project;
use crate::world::random::Random;
use crate::world::releases::{
    Approval, Decision, Deployment, Outcome, PRODUCTION, Reason, Release, ReleaseDefinition, STAGES,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MINUTES: i64 = 24 * 60;

/// Plans the releases of all projects, day by day.
pub(crate) struct Releaser<'a> {
    seed: u64,
    calendar: &'a Calendar,
    people: &'a People,
    definitions: &'a [ReleaseDefinition],
    /// For each project, when a run ended whose output can be released, and its position.
    outputs: Vec<Vec<(Timestamp, usize)>>,
    /// The last attempt of a release at a stage.
    attempts: HashMap<(usize, usize), u32>,
    pub(crate) releases: Vec<Release>,
    pub(crate) deployments: Vec<Deployment>,
}

/// What is decided about a release beforehand, so that everything occurs in every world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Ordinary,
    /// Nobody decides on production.
    Forgotten,
    /// Production is refused.
    Refused,
    /// The second stage fails and is tried again.
    Retried,
    /// Production is refused after the fact, and the release before is brought back.
    RolledBack,
}

/// One stage for one release, to be planned.
#[derive(Clone, Copy)]
struct Step {
    release: usize,
    stage: usize,
    reason: Reason,
    by: PersonId,
    queued: Timestamp,
    course: Course,
}

/// The classic pipelines: one in each project that still has them.
pub(crate) fn definitions(projects: &[Project]) -> Vec<ReleaseDefinition> {
    let has_releases = |(n, _): &(u16, &Project)| n % 3 != 1;
    let projects = (0_u16..).zip(projects).filter(has_releases);
    let with_id = projects.zip(3_u32..);
    with_id
        .map(|((project, own), id)| ReleaseDefinition {
            id,
            name: format!("{} deploy", own.name),
            project,
        })
        .collect()
}

impl<'a> Releaser<'a> {
    pub(crate) fn new(
        seed: u64,
        calendar: &'a Calendar,
        people: &'a People,
        definitions: &'a [ReleaseDefinition],
        outputs: Vec<Vec<(Timestamp, usize)>>,
    ) -> Self {
        Self {
            seed,
            calendar,
            people,
            definitions,
            outputs,
            attempts: HashMap::new(),
            releases: Vec::new(),
            deployments: Vec::new(),
        }
    }

    /// Plans what is released on one day in one project.
    pub(crate) fn plan_day(&mut self, day: i32, project: u16, mean: u32) {
        let is_own = |own: &ReleaseDefinition| own.project == project;
        let Some(definition) = self.definitions.iter().position(is_own) else {
            return;
        };
        let mut random = Random::stream(&[self.seed, 0x8E1, day as u64, u64::from(project)]);
        for _ in 0..random.count(mean) {
            let created = self
                .calendar
                .moment(day, random.between(60_000, 18 * HOUR_MS));
            let mut own = Random::stream(&[self.seed, 0x8E2, random.next()]);
            self.plan(definition, created, &mut own);
        }
    }

    fn plan(&mut self, definition: usize, created: Timestamp, random: &mut Random) {
        let project = self.definitions[definition].project;
        let outputs = &self.outputs[usize::from(project)];
        let before = outputs.partition_point(|(at, _)| *at <= created);
        let Some((_, build)) = outputs[..before].last() else {
            return;
        };
        let earlier = self
            .releases
            .iter()
            .filter(|own| own.definition == definition);
        let number = earlier.count() as u32 + 1;
        let by = match random.chance(60) {
            true => self.people.build_service(),
            false => self.people.member(project, random),
        };
        let release = self.releases.len();
        self.releases.push(Release {
            id: 0,
            definition,
            number,
            created,
            by,
            build: *build,
        });
        let course = match number % 10 {
            3 => Course::Refused,
            4 => Course::Retried,
            5 => Course::Forgotten,
            7 => Course::RolledBack,
            _ => Course::Ordinary,
        };
        self.live(release, course, random);
    }

    /// Takes a release through the stages until one stops it.
    fn live(&mut self, release: usize, course: Course, random: &mut Random) {
        let Release { by, created, .. } = self.releases[release];
        let mut at = created;
        for stage in 0..STAGES.len() {
            let queued = self
                .calendar
                .later(at, random.duration(900_000, 20_000_000));
            let step = Step {
                release,
                stage,
                reason: Reason::Automated,
                by,
                queued,
                course,
            };
            let Some(ended) = self.bring(step, random) else {
                return;
            };
            at = ended;
        }
        if course == Course::RolledBack {
            self.roll_back(release, at, random);
        }
    }

    /// Deploys to one stage, again if it fails; returns when it was through, if it got through.
    fn bring(&mut self, step: Step, random: &mut Random) -> Option<Timestamp> {
        let mut step = step;
        loop {
            let deployment = self.deployment(step, random);
            let attempt = deployment.attempt;
            let (done, outcome) = match deployment.done {
                Some(done) => done,
                None => {
                    self.deployments.push(deployment);
                    return None;
                }
            };
            let is_through = deployment.is_over()
                && matches!(outcome, Outcome::Succeeded | Outcome::PartiallySucceeded);
            let is_withdrawn = step.course == Course::RolledBack && step.stage == PRODUCTION;
            let modified = deployment.modified();
            self.deployments.push(deployment);
            if is_through || is_withdrawn {
                return Some(modified);
            }
            let again = outcome == Outcome::Failed && attempt < 3;
            if !again || !(step.course == Course::Retried || random.chance(50)) {
                return None;
            }
            let project = self.definitions[self.releases[step.release].definition].project;
            step.queued = self.calendar.minutes_later(done, random.between(3, 240));
            step.reason = Reason::Manual;
            step.by = self.people.member(project, random);
        }
    }

    /// Brings the release before back to production.
    fn roll_back(&mut self, release: usize, at: Timestamp, random: &mut Random) {
        let definition = self.releases[release].definition;
        let project = self.definitions[definition].project;
        let earlier = self.deployments.iter().rev().find(|own| {
            let is_through = own.done.is_some_and(|(done, outcome)| {
                done < at && matches!(outcome, Outcome::Succeeded | Outcome::PartiallySucceeded)
            });
            own.stage == PRODUCTION
                && own.release != release
                && is_through
                && self.releases[own.release].definition == definition
        });
        let Some(earlier) = earlier.map(|own| own.release) else {
            return;
        };
        let step = Step {
            release: earlier,
            stage: PRODUCTION,
            reason: Reason::Redeploy,
            by: self.people.member(project, random),
            queued: self.calendar.minutes_later(at, random.between(4, 90)),
            course: Course::Ordinary,
        };
        self.bring(step, random);
    }

    fn deployment(&mut self, step: Step, random: &mut Random) -> Deployment {
        let attempt = self.attempts.entry((step.release, step.stage)).or_default();
        *attempt += 1;
        let attempt = *attempt;
        let mut deployment = Deployment {
            id: 0,
            release: step.release,
            stage: step.stage,
            attempt,
            reason: step.reason,
            by: step.by,
            queued: step.queued,
            approvals: vec![self.before(step, random)],
            started: None,
            done: None,
        };
        if let Some((approved, Decision::Approved)) = deployment.approvals[0].decided {
            self.work(step, approved, &mut deployment, random);
        }
        deployment
    }

    /// What must be said before the work: nobody is asked but for production.
    fn before(&self, step: Step, random: &mut Random) -> Approval {
        let created = step.queued;
        if step.stage != PRODUCTION || step.reason == Reason::Redeploy {
            let decided = Some((created, Decision::Approved));
            return Approval {
                is_post: false,
                approver: None,
                by: None,
                created,
                decided,
            };
        }
        let wait = random.between(5, 2 * DAY_MINUTES);
        let at = self.calendar.minutes_later(created, wait);
        let decided = match step.course {
            Course::Forgotten => None,
            Course::Refused => Some((at, Decision::Rejected)),
            _ => Some((at, Decision::Approved)),
        };
        self.asked(false, step, created, decided, random)
    }

    fn asked(
        &self,
        is_post: bool,
        step: Step,
        created: Timestamp,
        decided: Option<(Timestamp, Decision)>,
        random: &mut Random,
    ) -> Approval {
        let project = self.definitions[self.releases[step.release].definition].project;
        Approval {
            is_post,
            approver: Some(self.people.reviewers_of(project)),
            by: Some(self.people.member(project, random)),
            created,
            decided,
        }
    }

    fn work(
        &self,
        step: Step,
        approved: Timestamp,
        deployment: &mut Deployment,
        random: &mut Random,
    ) {
        let started = self
            .calendar
            .later(approved, random.duration(600_000, 90_000_000));
        let length = random.duration(30_000_000, 1_500_000_000);
        let done = self.calendar.later(started, length);
        let first_fails = step.course == Course::Retried && step.stage == 1;
        let outcome = match random.below(100) {
            _ if first_fails && deployment.attempt == 1 => Outcome::Failed,
            _ if step.course != Course::Ordinary => Outcome::Succeeded,
            0..=11 => Outcome::Failed,
            12..=15 => Outcome::PartiallySucceeded,
            16..=18 => Outcome::Canceled,
            _ => Outcome::Succeeded,
        };
        deployment.started = Some(started);
        deployment.done = Some((done, outcome));
        let is_withdrawn = step.course == Course::RolledBack && step.stage == PRODUCTION;
        let is_fine = matches!(outcome, Outcome::Succeeded | Outcome::PartiallySucceeded);
        if is_fine && (is_withdrawn || (step.stage == 1 && random.chance(40))) {
            let decision = match is_withdrawn {
                true => Decision::Rejected,
                false => Decision::Approved,
            };
            let at = self
                .calendar
                .minutes_later(done, random.between(3, DAY_MINUTES));
            let word = self.asked(true, step, done, Some((at, decision)), random);
            deployment.approvals.push(word);
        }
    }
}

/// For each project, the runs of the default branch whose output can be released, by their end.
///
/// Only the first attempt counts: what a retry makes of a run later must not change what was released before.
pub(crate) fn outputs(
    projects: usize,
    builds: &[Build],
    definitions: &[Definition],
) -> Vec<Vec<(Timestamp, usize)>> {
    let mut outputs = vec![Vec::new(); projects];
    for (position, build) in builds.iter().enumerate() {
        let Some(first) = build.attempts.first() else {
            continue;
        };
        if first.outcome == BuildOutcome::Succeeded && build.pull_request.is_none() {
            let project = definitions[build.definition].project;
            outputs[usize::from(project)].push((first.finish, position));
        }
    }
    for own in &mut outputs {
        own.sort_unstable();
    }
    outputs
}
