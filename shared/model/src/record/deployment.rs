//! Deployments of classic releases.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, day, ticks};
use crate::ProjectId;

/// One attempt to bring a classic release to a stage.
/// <https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Unique in the organization.
    pub id: u64,
    /// The project.
    pub project: ProjectId,
    /// What is deployed.
    pub release: Release,
    /// The classic release pipeline.
    pub definition: ReleaseDefinition,
    /// Where to.
    pub stage: Stage,
    /// Counts from 1 for this release and stage; above 1 it was deployed again.
    pub attempt: u32,
    /// What started it, such as `automated`, `manual`, `redeployTrigger`.
    pub reason: Option<String>,
    /// How far it is.
    pub status: DeploymentStatus,
    /// What it is waiting for or ended with, in more detail.
    pub operation: Operation,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When its work began; `None` if it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When it is to begin, if it was put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<Timestamp>,
    /// When upstream last touched it; a late approval moves it forward.
    pub modified_at: Timestamp,
    /// Who asked for it.
    pub requested_by: Option<Identity>,
    /// For whom.
    pub requested_for: Option<Identity>,
    /// What had to be said before and after its work, in upstream's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ReleaseApproval>,
}

/// A classic release: a set of artifacts on its way through the stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Unique in the organization.
    pub id: u64,
    /// The name, such as `Release-12`.
    pub name: String,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What made it, such as `continuousIntegration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was made; `None` where the list does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Identity>,
    /// What it consists of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

/// A part of a release: the output of a run, or a version of a repository.
/// <https://learn.microsoft.com/azure/devops/release/artifacts>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The kind of source, such as `Build` or `Git`.
    pub kind: String,
    /// Its name within the release.
    pub alias: Option<String>,
    /// Whether the release is named after it.
    pub is_primary: bool,
    /// The pipeline or repository that it comes from.
    pub source: Option<String>,
    /// The id of that pipeline or repository.
    pub source_id: Option<String>,
    /// The run, if the source is a pipeline.
    pub run: Option<u64>,
    /// The version that people read: the run's number, or the commit.
    pub version: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The commit or changeset.
    pub commit: Option<String>,
    /// The repository.
    pub repository: Option<String>,
}

/// A classic release pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseDefinition {
    /// Unique in the project.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The folder, such as `\team`.
    pub folder: Option<String>,
}

/// A stage of a classic release pipeline, which Microsoft's API calls an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The stage of this release.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The stage of the pipeline: the same for all its releases.
    pub definition: Option<u64>,
}

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// Its work has not begun; also of one that was refused or canceled before.
    NotDeployed,
    /// It is being worked on, or waits for a word afterwards.
    InProgress,
    /// It is there.
    Succeeded,
    /// It is there, with errors that were let pass.
    PartiallySucceeded,
    /// It failed.
    Failed,
    /// A status that is not known to this version.
    Unknown(String),
}

/// What a deployment waits for or ended with.
/// <https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list#deploymentoperationstatus>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It is in the queue.
    Queued,
    /// It was put off to a time.
    Scheduled,
    /// It waits for an approval.
    Pending,
    /// It was approved.
    Approved,
    /// It was refused.
    Rejected,
    /// It was put off by an approver.
    Deferred,
    /// It waits for an agent.
    QueuedForAgent,
    /// It waits for another deployment of the pipeline.
    QueuedForPipeline,
    /// It is being worked on.
    PhaseInProgress,
    /// Its work succeeded.
    PhaseSucceeded,
    /// Its work succeeded, with errors that were let pass.
    PhasePartiallySucceeded,
    /// Its work failed.
    PhaseFailed,
    /// Its work was canceled.
    PhaseCanceled,
    /// It was canceled.
    Canceled,
    /// It is being canceled.
    Cancelling,
    /// It waits for a person in the middle of its work.
    ManualInterventionPending,
    /// Its gates are being asked.
    EvaluatingGates,
    /// A gate refused it.
    GateFailed,
    /// An operation that is not known to this version.
    Unknown(String),
}

/// What had to be said before or after the work of a deployment.
/// <https://learn.microsoft.com/rest/api/azure/devops/release/approvals/list>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseApproval {
    /// Unique in the organization.
    pub id: u64,
    /// Whether it came before or after the work.
    pub place: ApprovalPlace,
    /// What was said.
    pub status: ApprovalStatus,
    /// Whether the pipeline approves by itself.
    pub is_automated: bool,
    /// Whose word was wanted, often a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Identity>,
    /// Who gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Identity>,
    /// Its position where several are wanted one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// When it was given, or last changed.
    pub modified_at: Option<Timestamp>,
    /// What was written with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Whether an approval comes before or after the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalPlace {
    /// Before.
    Before,
    /// After.
    After,
    /// A place that is not known to this version.
    Unknown(String),
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// Nothing yet.
    Pending,
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// Somebody else is asked.
    Reassigned,
    /// It was not wanted any more.
    Canceled,
    /// It was not needed.
    Skipped,
    /// A status that is not known to this version.
    Unknown(String),
}

impl Deployment {
    /// Whether nothing more will happen to it.
    ///
    /// One that was refused or canceled before its work keeps the status "not deployed" for ever, so the operation
    /// decides there.
    pub fn is_over(&self) -> bool {
        match self.status {
            DeploymentStatus::Succeeded
            | DeploymentStatus::PartiallySucceeded
            | DeploymentStatus::Failed => true,
            DeploymentStatus::InProgress => false,
            DeploymentStatus::NotDeployed | DeploymentStatus::Unknown(_) => matches!(
                self.operation,
                Operation::Rejected
                    | Operation::Canceled
                    | Operation::PhaseCanceled
                    | Operation::PhaseFailed
                    | Operation::GateFailed
            ),
        }
    }
}

impl Aggregate for Deployment {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.project, self.id);
        (day(self.queued_at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(ticks(self.modified_at))
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.is_over().then_some(self.modified_at)
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.queued_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: DeploymentStatus, operation: Operation) -> Deployment {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        Deployment {
            id: 1,
            project: ProjectId(uuid::Uuid::nil()),
            release: Release {
                id: 2,
                name: "Release-2".to_owned(),
                description: None,
                reason: None,
                created_at: None,
                created_by: None,
                artifacts: Vec::new(),
            },
            definition: ReleaseDefinition {
                id: 3,
                name: "web".to_owned(),
                folder: None,
            },
            stage: Stage {
                id: 4,
                name: "Production".to_owned(),
                definition: None,
            },
            attempt: 1,
            reason: None,
            status,
            operation,
            queued_at: at,
            started_at: None,
            completed_at: None,
            scheduled_for: None,
            modified_at: at,
            requested_by: None,
            requested_for: None,
            approvals: Vec::new(),
        }
    }

    #[test]
    fn one_that_waits_for_an_approval_is_kept_and_one_that_was_refused_expires() {
        let waiting = deployment(DeploymentStatus::NotDeployed, Operation::Pending);
        assert_eq!(waiting.last_event(), None);
        let refused = deployment(DeploymentStatus::NotDeployed, Operation::Rejected);
        assert_eq!(refused.last_event(), Some(refused.modified_at));
        let checked = deployment(DeploymentStatus::InProgress, Operation::Pending);
        assert_eq!(
            checked.last_event(),
            None,
            "its work is done, the word is not"
        );
        let done = deployment(DeploymentStatus::Succeeded, Operation::Approved);
        assert!(done.last_event().is_some());
    }
}
