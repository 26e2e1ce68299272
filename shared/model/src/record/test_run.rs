//! Test runs: summaries, not single tests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, day, ticks};
use crate::ProjectId;

/// One test run.
/// <https://learn.microsoft.com/rest/api/azure/devops/test/runs/query>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    /// Unique in the organization.
    pub id: u64,
    /// The project.
    pub project: ProjectId,
    /// The name that people read.
    pub name: String,
    /// Whether machines did it.
    pub is_automated: bool,
    /// How far it is.
    pub state: TestRunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When upstream last touched it; an analysis moves it forward.
    pub updated_at: Timestamp,
    /// The run of a pipeline that it belongs to; `None` for what people try by hand.
    pub run: Option<u64>,
    /// The pipeline.
    pub pipeline: Option<u64>,
    /// The branch that was tested.
    pub branch: Option<String>,
    /// The stage of the run.
    pub stage: Option<String>,
    /// How often the stage was begun; above 1 it was retried.
    pub stage_attempt: Option<u32>,
    /// The job of the stage.
    pub job: Option<String>,
    /// The classic release that it belongs to.
    pub release: Option<u64>,
    /// How many tests there were.
    pub total: u32,
    /// How many passed.
    pub passed: u32,
    /// How many have no result yet.
    pub incomplete: u32,
    /// How many were left out.
    pub not_applicable: u32,
    /// How many failures nobody has looked at yet.
    pub unanalyzed: u32,
    /// How many ended in which way, such as `Failed`, where upstream says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
}

/// How many tests ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The way, by its name upstream.
    pub outcome: String,
    /// Whether upstream calls these tests flaky or run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// How many.
    pub count: u32,
}

/// How far a test run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestRunState {
    /// It has not begun.
    NotStarted,
    /// It goes on.
    InProgress,
    /// It ended.
    Completed,
    /// It was given up.
    Aborted,
    /// It waits for something.
    Waiting,
    /// It ended, and somebody must look at it.
    NeedsInvestigation,
    /// A state that is not known to this version.
    Unknown(String),
}

impl Aggregate for TestRun {
    fn place(&self) -> (String, String) {
        (
            day(self.started_at),
            format!("{}#{}", self.project, self.id),
        )
    }

    fn version(&self) -> Option<i64> {
        Some(ticks(self.updated_at))
    }

    /// Nothing finishes a test run that its agent forgot, so every one expires after its last change.
    fn last_event(&self) -> Option<Timestamp> {
        Some(self.updated_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.started_at)
    }
}
