//! Timelines: what a run consisted of. Made from the run's own random stream whenever asked, never stored.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::world::World;
use crate::world::builds::{self, Attempt, Build, End, Outcome, Reason, Shape};
use crate::world::random::Random;

/// One record of a timeline.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) parent: Option<Uuid>,
    /// `Stage`, `Phase`, `Job`, `Task`, `Checkpoint` or `Checkpoint.Approval`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Stable between attempts; tasks have none.
    pub(crate) identifier: Option<String>,
    pub(crate) order: u32,
    pub(crate) attempt: u32,
    /// `None` for skipped and pending records.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) result: RecordResult,
    pub(crate) task: Option<&'static str>,
    /// Earlier attempts: number, timeline and record.
    pub(crate) previous: Vec<(u32, Uuid, Uuid)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordResult {
    Succeeded,
    SucceededWithIssues,
    Failed,
    Canceled,
    Skipped,
}

impl RecordResult {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::SucceededWithIssues => "succeededWithIssues",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }
}

const TASKS: [&str; 7] = [
    "Checkout",
    "UseDotNet",
    "DotNetCoreCLI",
    "CmdLine",
    "PublishTestResults",
    "PublishBuildArtifacts",
    "AzureWebApp",
];

/// The id of the timeline that holds what a retry replaced.
pub(crate) fn earlier_id(seed: u64, build: &Build) -> Uuid {
    Random::stream(&[seed, 0x915, build.key]).uuid()
}

/// The newest state of every record; empty when there never was a timeline.
pub(crate) fn newest(world: &World, build: &Build) -> Vec<Record> {
    match (build.has_timeline(), build.attempts.as_slice()) {
        (true, [first]) => Writer::new(world, build, *first, 1).write(),
        (true, [first, .., last]) => retried(world, build, *first, *last),
        (true, []) | (false, _) => Vec::new(),
    }
}

/// The records that a retry replaced; `None` when there was no retry.
pub(crate) fn earlier(world: &World, build: &Build) -> Option<Vec<Record>> {
    let [first, _, ..] = build.attempts.as_slice() else {
        return None;
    };
    let records = Writer::new(world, build, *first, 1).write();
    let failed = failed_stage(&records)?;
    Some(records.into_iter().skip(failed).collect())
}

/// Whether the record was running at the end of the last finished day, or not even begun.
pub(crate) fn state_of(world: &World, record: &Record) -> &'static str {
    let boundary = world.calendar.boundary();
    match record.span {
        Some((start, _)) if start > boundary => "pending",
        Some((_, finish)) if finish > boundary => "inProgress",
        _ => "completed",
    }
}

/// The first attempt up to the failed stage, the second from there on.
fn retried(world: &World, build: &Build, first: Attempt, last: Attempt) -> Vec<Record> {
    let mut records = Writer::new(world, build, first, 1).write();
    let Some(failed) = failed_stage(&records) else {
        return records;
    };
    let replaced = records.split_off(failed);
    let earlier = earlier_id(world.seed, build);
    let mut writer = Writer::new(world, build, last, 2);
    writer.first_stage = records
        .iter()
        .filter(|record| record.kind == "Stage")
        .count();
    let mut again = writer.write();
    for record in &mut again {
        let old = replaced.iter().find(|old| {
            old.kind == record.kind
                && old.identifier.is_some()
                && old.identifier == record.identifier
        });
        record.previous.extend(old.map(|old| (1, earlier, old.id)));
    }
    records.extend(again);
    records
}

fn failed_stage(records: &[Record]) -> Option<usize> {
    records
        .iter()
        .position(|record| record.kind == "Stage" && record.result == RecordResult::Failed)
}

/// Writes the records of one attempt.
struct Writer<'a> {
    shape: Shape,
    is_pull_request: bool,
    is_over: bool,
    attempt: Attempt,
    number: u32,
    random: Random,
    /// Stages before this one are left out.
    first_stage: usize,
    records: Vec<Record>,
    build: &'a Build,
}

impl<'a> Writer<'a> {
    fn new(world: &World, build: &'a Build, attempt: Attempt, number: u32) -> Self {
        Self {
            shape: world.definitions[build.definition].shape,
            is_pull_request: build.reason == Reason::PullRequest,
            is_over: matches!(build.end, End::At(..)),
            attempt,
            number,
            random: Random::stream(&[world.seed, 0x71E, build.key, u64::from(number)]),
            first_stage: 0,
            records: Vec::new(),
            build,
        }
    }

    fn write(mut self) -> Vec<Record> {
        match self.shape {
            Shape::Classic => self.classic(),
            Shape::Ci => self.stages(&["Build", "Test"]),
            Shape::Release => self.stages(&["Build", "Test", "Deploy"]),
        }
        self.records
    }

    fn classic(&mut self) {
        let Attempt {
            start,
            finish,
            outcome,
        } = self.attempt;
        let jobs = self.random.between(1, 2) as u32;
        for n in 1..=jobs {
            // All jobs run side by side; only the first decides.
            let outcome = if n == 1 { outcome } else { Outcome::Succeeded };
            self.job(
                None,
                &format!("Agent job {n}"),
                format!("Job_{n}"),
                n,
                (start, finish),
                outcome,
            );
        }
    }

    fn stages(&mut self, names: &[&str]) {
        let names = &names[self.first_stage.min(names.len() - 1)..];
        let broken = match self.attempt.outcome {
            Outcome::Succeeded | Outcome::InvalidYaml => names.len(),
            // The stage that fails: the stream of the build decides, so that every attempt agrees.
            _ => self.build.key as usize % names.len(),
        };
        let run = if self.is_pull_request {
            names.len().min(2)
        } else {
            names.len()
        };
        let last_run = broken.min(run - 1);
        for (n, name) in names.iter().enumerate() {
            let order = (self.first_stage + n + 1) as u32;
            if n > last_run {
                self.skipped_stage(name, order);
                continue;
            }
            let outcome = if n == broken.min(run - 1) {
                self.attempt.outcome
            } else {
                Outcome::Succeeded
            };
            let span = part(self.attempt.start, self.attempt.finish, n, last_run + 1);
            self.stage(name, order, span, outcome);
        }
    }

    fn skipped_stage(&mut self, name: &str, order: u32) {
        let id = self.random.uuid();
        self.add(
            id,
            None,
            "Stage",
            name.to_owned(),
            Some(name.to_owned()),
            order,
            None,
            RecordResult::Skipped,
        );
    }

    fn stage(&mut self, name: &str, order: u32, span: (Timestamp, Timestamp), outcome: Outcome) {
        let id = self.random.uuid();
        let identifier = Some(name.to_owned());
        self.add(
            id,
            None,
            "Stage",
            name.to_owned(),
            identifier,
            order,
            Some(span),
            result_of(outcome),
        );
        let mut work = span;
        if name == "Deploy" {
            let checkpoint = self.random.uuid();
            let approved = part(span.0, span.1, 0, 2);
            let done = RecordResult::Succeeded;
            let names = ("Checkpoint".to_owned(), "Checkpoint.Approval".to_owned());
            self.add(
                checkpoint,
                Some(id),
                "Checkpoint",
                names.0,
                Some("Checkpoint".to_owned()),
                1,
                Some(approved),
                done,
            );
            let approval = self.random.uuid();
            self.add(
                approval,
                Some(checkpoint),
                "Checkpoint.Approval",
                names.1,
                None,
                1,
                Some(approved),
                done,
            );
            work = part(span.0, span.1, 1, 2);
        }
        let phase = self.random.uuid();
        let path = format!("{name}.{}", name.to_lowercase());
        self.add(
            phase,
            Some(id),
            "Phase",
            name.to_lowercase(),
            Some(path.clone()),
            1,
            Some(work),
            result_of(outcome),
        );
        let jobs = if name == "Test" { 2 } else { 1 };
        for n in 1..=jobs {
            let outcome = if n == 1 { outcome } else { Outcome::Succeeded };
            let identifier = if jobs == 1 {
                format!("{path}.__default")
            } else {
                format!("{path}.{n}")
            };
            self.job(
                Some(phase),
                &format!("{name} {n}"),
                identifier,
                n,
                work,
                outcome,
            );
        }
    }

    fn job(
        &mut self,
        parent: Option<Uuid>,
        name: &str,
        identifier: String,
        order: u32,
        span: (Timestamp, Timestamp),
        outcome: Outcome,
    ) {
        let id = self.random.uuid();
        self.add(
            id,
            parent,
            "Job",
            name.to_owned(),
            Some(identifier),
            order,
            Some(span),
            result_of(outcome),
        );
        let tasks = self.random.between(3, 6) as usize;
        let broken = 1 + self.random.index(tasks - 2);
        for n in 0..tasks {
            let task = TASKS[n % TASKS.len()];
            let is_after_failure =
                n > broken && matches!(outcome, Outcome::Failed | Outcome::Canceled);
            let result = match outcome {
                _ if is_after_failure => RecordResult::Skipped,
                _ if n == broken => result_of(outcome),
                _ => RecordResult::Succeeded,
            };
            let steps = if matches!(outcome, Outcome::Failed | Outcome::Canceled) {
                broken + 1
            } else {
                tasks
            };
            let span = (!is_after_failure).then(|| part(span.0, span.1, n, steps));
            let task_id = self.random.uuid();
            self.add(
                task_id,
                Some(id),
                "Task",
                task.to_owned(),
                None,
                n as u32 + 1,
                span,
                result,
            );
            if let Some(record) = self.records.last_mut() {
                record.task = Some(task);
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where a record is put together"
    )]
    fn add(
        &mut self,
        id: Uuid,
        parent: Option<Uuid>,
        kind: &'static str,
        name: String,
        identifier: Option<String>,
        order: u32,
        span: Option<(Timestamp, Timestamp)>,
        result: RecordResult,
    ) {
        // What is still to be skipped is pending while the run goes on, and shows no result either.
        let span = if span.is_none() && !self.is_over {
            Some((Timestamp::MAX, Timestamp::MAX))
        } else {
            span
        };
        let attempt = self.number;
        self.records.push(Record {
            id,
            parent,
            kind,
            name,
            identifier,
            order,
            attempt,
            span,
            result,
            task: None,
            previous: Vec::new(),
        });
    }
}

fn result_of(outcome: Outcome) -> RecordResult {
    match outcome {
        Outcome::Succeeded | Outcome::InvalidYaml => RecordResult::Succeeded,
        Outcome::PartiallySucceeded => RecordResult::SucceededWithIssues,
        Outcome::Failed => RecordResult::Failed,
        Outcome::Canceled => RecordResult::Canceled,
    }
}

/// The `n`th of `parts` equal parts of a span.
fn part(start: Timestamp, finish: Timestamp, n: usize, parts: usize) -> (Timestamp, Timestamp) {
    let micros = finish.as_microsecond() - start.as_microsecond();
    let cut =
        |k: usize| start + SignedDuration::from_micros(micros * k as i64 / parts.max(1) as i64);
    (cut(n), if n + 1 == parts { finish } else { cut(n + 1) })
}

/// The id of the newest timeline: that of the orchestration plan.
pub(crate) fn newest_id(seed: u64, build: &Build) -> Uuid {
    builds::plan_id(seed, build)
}
