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
        for order in 1..=jobs {
            // All jobs run side by side; only the first decides.
            let outcome = if order == 1 {
                outcome
            } else {
                Outcome::Succeeded
            };
            let place = Place::ran(None, order, (start, finish), outcome);
            self.job(
                &format!("Agent job {order}"),
                format!("Job_{order}"),
                place,
                outcome,
            );
        }
    }

    fn stages(&mut self, names: &[&str]) {
        let names = &names[self.first_stage.min(names.len() - 1)..];
        // The deployment of a pull request is always skipped.
        let run = if self.is_pull_request {
            names.len().min(2)
        } else {
            names.len()
        };
        let last = match self.attempt.outcome {
            Outcome::Succeeded | Outcome::InvalidYaml => run - 1,
            // Nothing runs after the stage that breaks; the run's key says which, so that asking twice gives the same.
            _ => (self.build.key as usize % names.len()).min(run - 1),
        };
        for (n, name) in names.iter().enumerate() {
            let order = (self.first_stage + n + 1) as u32;
            if n > last {
                let skipped = Place {
                    parent: None,
                    order,
                    span: None,
                    result: RecordResult::Skipped,
                };
                self.add("Stage", name, Some((*name).to_owned()), skipped);
                continue;
            }
            let outcome = if n == last {
                self.attempt.outcome
            } else {
                Outcome::Succeeded
            };
            let span = part((self.attempt.start, self.attempt.finish), n, last + 1);
            self.stage(name, order, span, outcome);
        }
    }

    fn stage(&mut self, name: &str, order: u32, span: Span, outcome: Outcome) {
        let stage = self.add(
            "Stage",
            name,
            Some(name.to_owned()),
            Place::ran(None, order, span, outcome),
        );
        let span = if name == "Deploy" {
            self.approval(stage, span)
        } else {
            span
        };
        let lower = name.to_lowercase();
        let path = format!("{name}.{lower}");
        let phase = self.add(
            "Phase",
            &lower,
            Some(path.clone()),
            Place::ran(Some(stage), 1, span, outcome),
        );
        let jobs = if name == "Test" { 2 } else { 1 };
        for order in 1..=jobs {
            let outcome = if order == 1 {
                outcome
            } else {
                Outcome::Succeeded
            };
            let last = if jobs == 1 {
                "__default".to_owned()
            } else {
                order.to_string()
            };
            let place = Place::ran(Some(phase), order, span, outcome);
            self.job(
                &format!("{name} {order}"),
                format!("{path}.{last}"),
                place,
                outcome,
            );
        }
    }

    /// Half of the stage's time is spent on an approval; the rest is returned.
    fn approval(&mut self, stage: Uuid, span: Span) -> Span {
        let waited = part(span, 0, 2);
        let place = Place::ran(Some(stage), 1, waited, Outcome::Succeeded);
        let checkpoint = self.add(
            "Checkpoint",
            "Checkpoint",
            Some("Checkpoint".to_owned()),
            place,
        );
        let place = Place::ran(Some(checkpoint), 1, waited, Outcome::Succeeded);
        self.add("Checkpoint.Approval", "Checkpoint.Approval", None, place);
        part(span, 1, 2)
    }

    fn job(&mut self, name: &str, identifier: String, place: Place, outcome: Outcome) {
        let job = self.add("Job", name, Some(identifier), place);
        let tasks = self.random.between(3, 6) as usize;
        let broken = 1 + self.random.index(tasks - 2);
        let stops = matches!(outcome, Outcome::Failed | Outcome::Canceled);
        let steps = if stops { broken + 1 } else { tasks };
        for n in 0..tasks {
            let name = TASKS[n % TASKS.len()];
            let is_run = n < steps;
            let result = match n {
                _ if !is_run => RecordResult::Skipped,
                _ if n == broken => result_of(outcome),
                _ => RecordResult::Succeeded,
            };
            let span = place
                .span
                .filter(|_| is_run)
                .map(|span| part(span, n, steps));
            self.add(
                "Task",
                name,
                None,
                Place {
                    parent: Some(job),
                    order: n as u32 + 1,
                    span,
                    result,
                },
            );
            if let Some(record) = self.records.last_mut() {
                record.task = Some(name);
            }
        }
    }

    fn add(
        &mut self,
        kind: &'static str,
        name: &str,
        identifier: Option<String>,
        place: Place,
    ) -> Uuid {
        let id = self.random.uuid();
        // What is still to be skipped is pending while the run goes on, and shows no result either.
        let pending = (!self.is_over).then_some((Timestamp::MAX, Timestamp::MAX));
        self.records.push(Record {
            id,
            parent: place.parent,
            kind,
            name: name.to_owned(),
            identifier,
            order: place.order,
            attempt: self.number,
            span: place.span.or(pending),
            result: place.result,
            task: None,
            previous: Vec::new(),
        });
        id
    }
}

type Span = (Timestamp, Timestamp);

/// Where a record stands and what became of it.
#[derive(Clone, Copy)]
struct Place {
    parent: Option<Uuid>,
    order: u32,
    /// `None` when it never ran.
    span: Option<Span>,
    result: RecordResult,
}

impl Place {
    fn ran(parent: Option<Uuid>, order: u32, span: Span, outcome: Outcome) -> Self {
        Self {
            parent,
            order,
            span: Some(span),
            result: result_of(outcome),
        }
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
fn part((start, finish): Span, n: usize, parts: usize) -> Span {
    let micros = finish.as_microsecond() - start.as_microsecond();
    let cut =
        |k: usize| start + SignedDuration::from_micros(micros * k as i64 / parts.max(1) as i64);
    (cut(n), if n + 1 == parts { finish } else { cut(n + 1) })
}
