//! Build definitions and their runs.

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;
use crate::world::git::Sha;
use crate::world::people::PersonId;
use crate::world::projects::{Repository, RepositoryState};
use crate::world::random::Random;

/// A pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) path: &'static str,
    pub(crate) project: u16,
    pub(crate) repository: usize,
    pub(crate) shape: Shape,
    pub(crate) revision: u32,
}

/// What a pipeline's runs consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// YAML: build and test.
    Ci,
    /// YAML: build, test, deploy behind an approval.
    Release,
    /// Jobs without stages.
    Classic,
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) id: u32,
    pub(crate) definition: usize,
    pub(crate) number: String,
    pub(crate) reason: Reason,
    pub(crate) queued: Timestamp,
    /// Oldest first; a later one is a retry. Empty when the run was never started.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) end: End,
    pub(crate) requested_for: PersonId,
    pub(crate) branch: String,
    pub(crate) version: Sha,
    /// Position in `World::pull_requests`.
    pub(crate) pull_request: Option<usize>,
    pub(crate) tags: Vec<&'static str>,
    /// Names the random stream of its timeline.
    pub(crate) key: u64,
}

/// Whether a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    NotStarted,
    Running,
    At(Timestamp, Outcome),
}

/// One attempt; whether it is over depends on the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) start: Timestamp,
    pub(crate) finish: Timestamp,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    PartiallySucceeded,
    Failed,
    Canceled,
    /// The YAML was wrong: failed before there was a plan.
    InvalidYaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    PullRequest,
    IndividualCi,
    Schedule,
    Manual,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::PartiallySucceeded => "partiallySucceeded",
            Self::Failed | Self::InvalidYaml => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PullRequest => "pullRequest",
            Self::IndividualCi => "individualCI",
            Self::Schedule => "schedule",
            Self::Manual => "manual",
        }
    }
}

impl Build {
    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.attempts.first().map(|attempt| attempt.start)
    }

    pub(crate) fn finished(&self) -> Option<Timestamp> {
        if let End::At(at, _) = self.end {
            Some(at)
        } else {
            None
        }
    }

    pub(crate) fn status(&self) -> &'static str {
        match self.end {
            End::NotStarted => "notStarted",
            End::Running => "inProgress",
            End::At(..) => "completed",
        }
    }

    pub(crate) fn result(&self) -> Option<&'static str> {
        if let End::At(_, outcome) = self.end {
            Some(outcome.name())
        } else {
            None
        }
    }

    /// Whether an orchestration plan, and with it a timeline, ever existed.
    pub(crate) fn has_timeline(&self) -> bool {
        !self.attempts.is_empty() && !matches!(self.end, End::At(_, Outcome::InvalidYaml))
    }

    pub(crate) fn changed(&self) -> Timestamp {
        self.finished()
            .or_else(|| self.started())
            .unwrap_or(self.queued)
    }
}

impl Definition {
    /// When its newest revision was made, and by whom.
    pub(crate) fn revised(&self, world: &World) -> (Timestamp, PersonId) {
        let mut random = Random::stream(&[world.seed, 0xDEF, u64::from(self.id)]);
        let day = random.between(0, 180);
        let at =
            world.calendar.start_plus_days(day) + random.duration(7_200_000_000, 72_000_000_000);
        (at, world.people.member(self.project, &mut random))
    }
}

/// The pipelines of all projects: two per live repository, and one that releases per project.
pub(crate) fn definitions(repositories: &[Repository]) -> Vec<Definition> {
    let mut definitions = Vec::new();
    for (position, repository) in repositories.iter().enumerate() {
        if repository.state != RepositoryState::Live {
            continue;
        }
        let has_release = !definitions
            .iter()
            .any(|own: &Definition| own.project == repository.project);
        let shapes: &[(&str, Shape)] = match has_release {
            true => &[
                ("ci", Shape::Ci),
                ("nightly", Shape::Classic),
                ("release", Shape::Release),
            ],
            false => &[("ci", Shape::Ci), ("nightly", Shape::Classic)],
        };
        for (suffix, shape) in shapes {
            definitions.push(Definition {
                id: 11 + definitions.len() as u32,
                name: format!("{}-{suffix}", repository.name),
                path: if *shape == Shape::Classic {
                    "\\Classic"
                } else {
                    "\\"
                },
                project: repository.project,
                repository: position,
                shape: *shape,
                revision: 3 + definitions.len() as u32 % 20,
            });
        }
    }
    definitions
}

/// The plan of a run, whose id is also that of its timeline.
pub(crate) fn plan_id(seed: u64, build: &Build) -> Uuid {
    Random::stream(&[seed, 0x914, build.key]).uuid()
}
