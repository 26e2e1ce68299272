//! Environments of YAML pipelines, and what was deployed to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, NO_DAY, day, run::StepResult};
use crate::ProjectId;

/// A place that YAML pipelines deploy to.
/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environments/list>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Unique in the organization.
    pub id: u64,
    /// The project.
    pub project: ProjectId,
    /// The name that people read.
    pub name: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<Identity>,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
}

/// One job of a run that deployed to an environment.
/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environmentdeploymentrecords/list>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentDeployment {
    /// Grows with every deployment.
    pub id: u64,
    /// The project of the environment.
    pub project: ProjectId,
    /// The environment.
    pub environment: u64,
    /// The machine or namespace within the environment, where the job names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<u64>,
    /// The pipeline.
    pub pipeline: Option<u64>,
    /// The run.
    pub run: Option<u64>,
    /// The run's number, as people read it.
    pub run_number: Option<String>,
    /// The stage of the run.
    pub stage: Option<String>,
    /// The job of the stage.
    pub job: Option<String>,
    /// How often the stage was begun; above 1 it was retried.
    pub stage_attempt: u32,
    /// How often the job was begun.
    pub job_attempt: u32,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it runs.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub result: Option<StepResult>,
}

impl Aggregate for Environment {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.id))
    }
}

impl Aggregate for EnvironmentDeployment {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.environment, self.id);
        (day(self.queued_at), sort)
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.finished_at
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.queued_at)
    }
}
