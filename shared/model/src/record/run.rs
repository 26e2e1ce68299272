//! Runs of build pipelines and their timelines.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Facet, Identity, day, ticks};
use crate::ProjectId;

/// A run of a YAML or classic build pipeline; a run *is* a build.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Unique in the organization.
    pub id: u64,
    /// The project.
    pub project: ProjectId,
    /// The number that people read, such as `20261123.4`.
    pub number: String,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// How far it is.
    pub status: RunStatus,
    /// How it ended; `None` while it runs.
    pub result: Option<RunResult>,
    /// What started it, such as `individualCI`, `pullRequest`, `schedule`.
    pub reason: Option<String>,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When its orchestration began; `None` if it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended; a retried stage moves it forward.
    pub finished_at: Option<Timestamp>,
    /// When upstream last touched it.
    pub last_changed_at: Option<Timestamp>,
    /// The ref that was built.
    pub source_branch: Option<String>,
    /// The commit or changeset that was built.
    pub source_version: Option<String>,
    /// The repository that was built.
    pub repository: Option<RunRepository>,
    /// For whom it ran.
    pub requested_for: Option<Identity>,
    /// The pull request that it validates.
    pub pull_request: Option<u64>,
    /// The run that started it.
    pub triggered_by: Option<u64>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The pipeline that a run belongs to, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The definition's id.
    pub id: u64,
    /// The definition's name.
    pub name: String,
    /// The folder, such as `\team`.
    pub folder: Option<String>,
    /// The revision of the definition.
    pub revision: Option<u32>,
}

/// The repository that a run built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRepository {
    /// A GUID for Azure Repos, something else for other hosts.
    pub id: String,
    /// The host, such as `TfsGit` or `GitHub`.
    pub host: String,
    /// The name.
    pub name: Option<String>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waiting.
    NotStarted,
    /// Running.
    InProgress,
    /// Being canceled.
    Cancelling,
    /// Waiting for its time.
    Postponed,
    /// Ended.
    Completed,
    /// A status that is not known to this version.
    Unknown(String),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Everything passed.
    Succeeded,
    /// It ended, with errors that were let pass.
    PartiallySucceeded,
    /// It failed.
    Failed,
    /// It was canceled.
    Canceled,
    /// It has no result.
    None,
    /// A result that is not known to this version.
    Unknown(String),
}

impl Run {
    /// The newest instant that upstream gives for it: orders the versions of the same run.
    pub fn changed_at(&self) -> Timestamp {
        [
            Some(self.queued_at),
            self.started_at,
            self.finished_at,
            self.last_changed_at,
        ]
        .into_iter()
        .flatten()
        .max()
        .unwrap_or(self.queued_at)
    }
}

impl Aggregate for Run {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.project, self.id);
        (day(self.queued_at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(ticks(self.changed_at()))
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.finished_at
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.queued_at)
    }

    /// The state for which a timeline is wanted: once it has ended, and again when a retry moves its end.
    ///
    /// A run that was canceled before it started never had a plan, so it has no timeline to ask for.
    fn marker(&self, facet: Facet) -> Option<String> {
        let never_ran = self.started_at.is_none() && self.result == Some(RunResult::Canceled);
        match self.finished_at {
            Some(finished_at)
                if facet == Facet::Timeline
                    && self.status == RunStatus::Completed
                    && !never_ran =>
            {
                Some(finished_at.to_string())
            }
            _ => None,
        }
    }
}

/// The stages, jobs and tasks of a run.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The records, parents before children where upstream sends them so. Empty if the run has no timeline.
    pub records: Vec<TimelineRecord>,
}

/// One stage, phase, job, task or check of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineRecord {
    /// Its id within the timeline.
    pub id: String,
    /// The record that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What it is.
    pub kind: TimelineKind,
    /// The name that people read.
    pub name: Option<String>,
    /// Stable between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The position among its siblings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// Counts from 1; above 1 it was retried.
    pub attempt: u32,
    /// How far it is, such as `completed`.
    pub state: Option<String>,
    /// How it ended; `None` while it runs.
    pub result: Option<StepResult>,
    /// When it began; `None` if it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The agent that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The pool queue of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u64>,
    /// Errors that it logged.
    #[serde(default)]
    pub errors: u32,
    /// Warnings that it logged.
    #[serde(default)]
    pub warnings: u32,
}

/// What a timeline record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// A stage.
    Stage,
    /// A phase: the jobs that a matrix or deployment expands to.
    Phase,
    /// A job.
    Job,
    /// A task of a job.
    Task,
    /// The checks before a stage.
    Checkpoint,
    /// An approval among the checks.
    Approval,
    /// Anything else, by its name upstream.
    Unknown(String),
}

/// How a stage, job or task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It passed.
    Succeeded,
    /// It passed, with issues.
    SucceededWithIssues,
    /// It failed.
    Failed,
    /// It was canceled.
    Canceled,
    /// It was not run.
    Skipped,
    /// The agent went away.
    Abandoned,
    /// A result that is not known to this version.
    Unknown(String),
}
