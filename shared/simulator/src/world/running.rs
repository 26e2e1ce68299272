//! Turns planned runs into builds, as they stand at the end of the last finished day.

use jiff::{SignedDuration, Timestamp};

use crate::world::builds::{Attempt, Build, Definition, End, Outcome, Reason, Shape};
use crate::world::calendar::Calendar;
use crate::world::code_lives::{Course, RunPlan};
use crate::world::git::{History, Sha};
use crate::world::pull_requests::PullRequest;
use crate::world::random::Random;

const FIRST_ID: u32 = 4_021;

/// What builds are made from.
pub(crate) struct Runner<'a> {
    pub(crate) seed: u64,
    pub(crate) calendar: &'a Calendar,
    pub(crate) definitions: &'a [Definition],
    pub(crate) pull_requests: &'a [PullRequest],
    pub(crate) histories: &'a [History],
}

impl Runner<'_> {
    /// Makes the builds of plans in the order of their queueing; each plan's `pull_request` is a position in the final list.
    pub(crate) fn run(&self, plans: &[RunPlan]) -> Vec<Build> {
        plans
            .iter()
            .zip(FIRST_ID..)
            .map(|(plan, id)| self.build(plan, id))
            .collect()
    }

    fn build(&self, plan: &RunPlan, id: u32) -> Build {
        let mut random = Random::stream(&[self.seed, 0x2B, plan.key]);
        let definition = &self.definitions[plan.definition];
        let (attempts, end) = self.course(plan, definition.shape, &mut random);
        let (branch, version) = self.source(plan, definition.repository, &mut random);
        let date = plan.queued.to_string();
        Build {
            id,
            definition: plan.definition,
            number: format!("{}.{}", date[..10].replace('-', ""), id % 40 + 1),
            reason: plan.reason,
            queued: plan.queued,
            attempts,
            end,
            requested_for: plan.requested_for,
            branch,
            version,
            pull_request: plan.pull_request,
            tags: if random.chance(6) {
                vec!["release-candidate"]
            } else {
                Vec::new()
            },
            key: plan.key,
        }
    }

    fn source(&self, plan: &RunPlan, repository: usize, random: &mut Random) -> (String, Sha) {
        let main = self.histories[repository]
            .main_at(plan.queued)
            .unwrap_or(Sha::ZERO);
        match plan
            .pull_request
            .map(|position| &self.pull_requests[position])
        {
            // A pull request's run builds a merge commit that no push brought.
            Some(own) if plan.reason == Reason::PullRequest => {
                (format!("refs/pull/{}/merge", own.id), Sha::random(random))
            }
            _ => ("refs/heads/main".to_owned(), main),
        }
    }

    /// The attempts that have begun, and whether the run is over.
    fn course(&self, plan: &RunPlan, shape: Shape, random: &mut Random) -> (Vec<Attempt>, End) {
        let canceled = match plan.course {
            Course::CanceledAt(at) => Some(at),
            Course::Ordinary if random.chance(3) => {
                Some(self.calendar.minutes_later(plan.queued, 4))
            }
            Course::Ordinary | Course::Overnight => None,
        };
        let boundary = self.calendar.boundary();
        if let Some(at) = canceled {
            let end = if at <= boundary {
                End::At(at, Outcome::Canceled)
            } else {
                End::NotStarted
            };
            return (Vec::new(), end);
        }
        let mut attempts = self.attempts(plan, shape, random);
        attempts.retain(|attempt| attempt.start <= boundary);
        let end = match attempts.last() {
            None => End::NotStarted,
            Some(last) if last.finish <= boundary => End::At(last.finish, last.outcome),
            Some(_) => End::Running,
        };
        (attempts, end)
    }

    fn attempts(&self, plan: &RunPlan, shape: Shape, random: &mut Random) -> Vec<Attempt> {
        let outcome = outcome(shape, random);
        let start = self
            .calendar
            .later(plan.queued, random.duration(800_000, 240_000_000));
        let length = match (plan.course, outcome) {
            (Course::Overnight, _) => SignedDuration::from_hours(9),
            (_, Outcome::InvalidYaml) => random.duration(90_000, 400_000),
            _ => random.duration(45_000_000, 2_400_000_000),
        };
        let finish = self.calendar.later(start, length);
        let first = Attempt {
            start,
            finish,
            outcome,
        };
        let is_retried = shape != Shape::Classic && outcome == Outcome::Failed && random.chance(45);
        let second = is_retried.then(|| self.retry(first, random)).flatten();
        [Some(first), second].into_iter().flatten().collect()
    }

    /// A retry of the failed stage. It never spans the turn of a day: a finished run would seem unfinished again.
    fn retry(&self, first: Attempt, random: &mut Random) -> Option<Attempt> {
        let start = self
            .calendar
            .minutes_later(first.finish, random.between(3, 600));
        let finish = self
            .calendar
            .later(start, random.duration(45_000_000, 900_000_000));
        let outcome = if random.chance(80) {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        let day = |at: Timestamp| self.calendar.days_since_start(at);
        (day(start) == day(finish)).then_some(Attempt {
            start,
            finish,
            outcome,
        })
    }
}

fn outcome(shape: Shape, random: &mut Random) -> Outcome {
    match random.below(100) {
        0..=16 => Outcome::Failed,
        17..=21 => Outcome::PartiallySucceeded,
        22..=24 => Outcome::Canceled,
        25..=27 if shape != Shape::Classic => Outcome::InvalidYaml,
        _ => Outcome::Succeeded,
    }
}
