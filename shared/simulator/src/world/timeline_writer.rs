//! Writes the records of one attempt of a run: stages, phases, jobs and tasks, or jobs and tasks alone.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::world::World;
use crate::world::builds::{Attempt, Build, End, Outcome, Reason, Shape};
use crate::world::random::Random;
use crate::world::timeline::{Record, RecordResult};

const TASKS: [&str; 7] = [
    "Checkout",
    "UseDotNet",
    "DotNetCoreCLI",
    "CmdLine",
    "PublishTestResults",
    "PublishBuildArtifacts",
    "AzureWebApp",
];

/// Writes the records of one attempt.
pub(crate) struct Writer<'a> {
    shape: Shape,
    is_pull_request: bool,
    is_over: bool,
    attempt: Attempt,
    number: u32,
    random: Random,
    /// Stages before this one are left out.
    pub(crate) first_stage: usize,
    records: Vec<Record>,
    build: &'a Build,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(world: &World, build: &'a Build, attempt: Attempt, number: u32) -> Self {
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

    pub(crate) fn write(mut self) -> Vec<Record> {
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
