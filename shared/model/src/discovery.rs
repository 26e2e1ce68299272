//! What was found in an organization: the projects and repositories that streams are made for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Organization, ProjectId, RepositoryId, Selection};

/// The parts of an organization that a credential can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// The organization.
    pub organization: Organization,
    /// When it was looked at.
    pub at: Timestamp,
    /// Its projects.
    pub projects: Vec<Project>,
    /// Its Git repositories, those of all projects.
    pub repositories: Vec<Repository>,
    /// What was wanted of them when the streams were last brought in line with that.
    #[serde(default)]
    pub selection: Selection,
}

/// A project.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/projects/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Stable over renames.
    pub id: ProjectId,
    /// The name now.
    pub name: String,
}

/// A Git repository.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// Stable over renames.
    pub id: RepositoryId,
    /// The project.
    pub project: ProjectId,
    /// The name now.
    pub name: String,
    /// The default branch; `None` if nothing was ever pushed.
    pub default_branch: Option<String>,
    /// Whether it is disabled; then it answers nothing.
    pub is_disabled: bool,
}
