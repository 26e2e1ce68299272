//! Definitions of build pipelines, and how long a project keeps their runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, NO_DAY, run::RunRepository};
use crate::{ProjectId, Retention};

/// A build pipeline as its newest revision defines it. What it defines in full is not kept: variables can hold secrets.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/definitions/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Unique in the project.
    pub id: u64,
    /// The project.
    pub project: ProjectId,
    /// The name.
    pub name: String,
    /// The folder, such as `\team`.
    pub folder: Option<String>,
    /// Grows by one with each change of the definition; a change of a YAML file is a commit and no revision.
    pub revision: u32,
    /// When this revision was made.
    pub revised_at: Option<Timestamp>,
    /// Who made this revision.
    pub revised_by: Option<Identity>,
    /// Whether it takes runs: `enabled`, `paused` or `disabled`.
    pub queue_status: Option<String>,
    /// Whether it is a draft of another definition.
    pub draft: bool,
    /// How its steps are defined.
    pub process: Process,
    /// The YAML file's path in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yaml_path: Option<String>,
    /// The repository that it builds.
    pub repository: Option<RunRepository>,
    /// The branch that it builds unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// What starts it, such as `continuousIntegration`; a YAML file can say more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
}

/// How the steps of a pipeline are defined.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/definitions/get#buildprocess>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// In the editor of Azure DevOps.
    Classic,
    /// In a YAML file.
    Yaml,
    /// In another way, by its number upstream.
    Unknown(String),
}

impl Aggregate for Definition {
    fn place(&self) -> (String, String) {
        (NO_DAY.to_owned(), format!("{}#{}", self.project, self.id))
    }

    fn version(&self) -> Option<i64> {
        Some(i64::from(self.revision))
    }

    fn happened_at(&self) -> Option<Timestamp> {
        self.revised_at
    }
}

/// After how many days a project deletes runs: what is older than that when it is first fetched is lost.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/retention/get>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRetention {
    /// The project.
    pub project: ProjectId,
    /// Days until a run is deleted.
    pub run_days: Option<u32>,
    /// Days until the run of a pull request is deleted.
    pub pull_request_run_days: Option<u32>,
    /// Days until the artifacts of a run are deleted.
    pub artifact_days: Option<u32>,
    /// How many runs per protected branch are kept whatever their age.
    pub runs_per_protected_branch: Option<u32>,
}

impl RunRetention {
    /// The days after which upstream deletes the first of the runs that we would keep longer; `None` if it keeps them all
    /// as long as we do.
    pub fn shorter_than(&self, ours: Retention) -> Option<u32> {
        let days = [self.run_days, self.pull_request_run_days];
        let shortest = days.into_iter().flatten().min()?;
        (shortest < ours.as_days()).then_some(shortest)
    }
}

impl Aggregate for RunRetention {
    fn place(&self) -> (String, String) {
        (NO_DAY.to_owned(), format!("{}#runs", self.project))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_deletes_runs_before_we_do_is_told_apart() {
        let keeps = |run_days, pull_request_run_days| RunRetention {
            project: ProjectId(uuid::Uuid::nil()),
            run_days,
            pull_request_run_days,
            artifact_days: Some(1),
            runs_per_protected_branch: None,
        };
        let ours = Retention::days(90);
        assert_eq!(keeps(Some(365), Some(90)).shorter_than(ours), None);
        assert_eq!(keeps(Some(365), Some(10)).shorter_than(ours), Some(10));
        assert_eq!(keeps(Some(30), None).shorter_than(ours), Some(30));
        assert_eq!(keeps(None, None).shorter_than(ours), None);
    }
}
