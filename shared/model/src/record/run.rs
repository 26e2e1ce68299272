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
    /// Who or what asked for it; another than [`Self::requested_for`] where the service did it for someone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Identity>,
    /// Who touched it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_changed_by: Option<Identity>,
    /// Its priority in the queue, such as `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Where it waited for an agent. Means nothing for a YAML pipeline, whose jobs choose for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<RunQueue>,
    /// The orchestration plan; records of deployments name it, too. `None` if the run never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What it was triggered by in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Why it could not begin: what the service found wrong with its definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Whether someone or a release keeps it from being deleted upstream.
    #[serde(default)]
    pub kept: bool,
    /// When it was found to be gone although it had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
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

/// The queue of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunQueue {
    /// The name.
    pub name: String,
    /// The pool behind it.
    pub pool: Option<String>,
    /// Whether the pool's machines are Microsoft's.
    pub hosted: Option<bool>,
}

/// What in a repository made a run start.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#build>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The branch that was pushed to, or the source branch of the pull request.
    pub branch: Option<String>,
    /// The commit: what was pushed, or the tip of the pull request's branch.
    pub commit: Option<String>,
    /// The message of that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The repository, where it is not the one that was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
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
    /// Where the run with this id is stored; see [`Aggregate::place`].
    pub fn place_of(project: ProjectId, id: u64, queued_at: Timestamp) -> (String, String) {
        (day(queued_at), format!("{project}#{id}"))
    }

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
        Self::place_of(self.project, self.id, self.queued_at)
    }

    /// That a run is gone is one tick newer than the run as it was last seen, and older than anything that happens to it
    /// should it turn up again.
    fn version(&self) -> Option<i64> {
        Some(ticks(self.changed_at()) + i64::from(self.gone_at.is_some()))
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.finished_at.or(self.gone_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.queued_at)
    }

    /// The state for which a timeline is wanted: once it has ended, and again when a retry moves its end.
    ///
    /// A run that was canceled before it started never had a plan, and neither had one whose definition was refused, so
    /// there is no timeline to ask for.
    fn marker(&self, facet: Facet) -> Option<String> {
        let never_began = self.started_at.is_none() && self.result == Some(RunResult::Canceled);
        let never_ran = never_began || !self.problems.is_empty();
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
    /// Who told them.
    #[serde(default, skip_serializing_if = "TimelineSource::is_run")]
    pub source: TimelineSource,
    /// The records of every attempt, those of the newest first; one that was not retried is there once. Parents come
    /// before children where upstream sends them so. Empty if the run has no timeline.
    pub records: Vec<TimelineRecord>,
}

/// Who told the records of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineSource {
    /// The run itself.
    #[default]
    Run,
    /// Analytics, which tells many runs at once and of each one less: stages, jobs, tasks and approvals that ran, and tasks
    /// that were skipped. It knows no phases, no skipped stages and jobs, no other checks, no attempts (a run that is seen
    /// to have been retried is asked itself), and of a record no identifier, order, agent, queue, kind of task, errors and
    /// warnings: those are absent, the attempt is 1, and the counts are 0. Ids are made of names.
    /// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>
    Analytics,
}

impl TimelineSource {
    fn is_run(&self) -> bool {
        *self == Self::Run
    }
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
    /// What a task does, such as `CmdLine`; its name is what people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Since when a job waited for its agent: its phase had begun then. Jobs of classic pipelines have no phase, and wait
    /// from the beginning of their run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
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
    /// Whether the run may use a resource, such as a service connection.
    Authorization,
    /// A check that runs a task: a function, a REST call, business hours.
    TaskCheck,
    /// A check for a required template.
    ExtendsCheck,
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
