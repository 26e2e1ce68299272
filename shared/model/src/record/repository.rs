//! Git repositories as things of their own: what they are called, what branches and tags they have, what policies hold.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, NO_DAY};
use crate::{ProjectId, RepositoryId};

/// A Git repository.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRepository {
    /// Stable over renames.
    pub id: RepositoryId,
    /// The project.
    pub project: ProjectId,
    /// The name now.
    pub name: String,
    /// The default branch; `None` if nothing was ever pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Its size in bytes, where the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Whether it is disabled; then it answers nothing.
    pub is_disabled: bool,
    /// Whether it is a fork.
    pub is_fork: bool,
    /// The repository that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<RepositoryId>,
    /// Where Git finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_url: Option<String>,
    /// Where Git finds it with SSH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_url: Option<String>,
    /// Where people find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_url: Option<String>,
    /// When it was deleted; `None` while it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Who deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<Identity>,
}

/// The branches or the tags of a repository, all of them: what is no longer there is no longer in the list. What moved them
/// since stands in the pushes.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/refs/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefList {
    /// The project of the repository.
    pub project: ProjectId,
    /// The repository.
    pub repository: RepositoryId,
    /// Which refs these are: `heads` or `tags`.
    pub namespace: String,
    /// The refs, by name.
    pub refs: Vec<Ref>,
}

/// A branch or tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    /// The name without its namespace, such as `main`.
    pub name: String,
    /// What it points to: a commit, or the tag object of an annotated tag.
    pub object: String,
    /// The commit of an annotated tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peeled: Option<String>,
    /// The id of the identity that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// Whether it is locked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_locked: bool,
}

/// A policy on branches.
/// <https://learn.microsoft.com/rest/api/azure/devops/policy/configurations/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The project.
    pub project: ProjectId,
    /// The id, unique in the project.
    pub id: u64,
    /// The id of its type, such as that of the policy that wants reviewers.
    pub type_id: String,
    /// The name of its type, such as `Minimum number of reviewers`.
    pub type_name: String,
    /// Grows with every change.
    pub revision: u64,
    /// Whether it holds.
    pub is_enabled: bool,
    /// Whether it stops a pull request, or only says something.
    pub is_blocking: bool,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<Identity>,
    /// The branches that it is for; none for all of them.
    pub branches: Vec<PolicyBranch>,
    /// How many reviewers must approve, for the policy that wants some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_approvers: Option<u64>,
    /// Whether the author's own vote counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_vote_counts: Option<bool>,
    /// The build definition that must succeed, for the policy that wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_definition: Option<u64>,
}

/// The branches of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyBranch {
    /// The repository; `None` for all of the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryId>,
    /// The branch, or what its name begins with; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the name is only the beginning.
    pub is_prefix: bool,
}

impl Aggregate for GitRepository {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.id))
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.deleted_at
    }
}

impl Aggregate for RefList {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.repository, self.namespace);
        (NO_DAY.into(), sort)
    }
}

impl Aggregate for Policy {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.id))
    }

    fn version(&self) -> Option<i64> {
        i64::try_from(self.revision).ok()
    }

    fn happened_at(&self) -> Option<Timestamp> {
        self.created_at
    }
}
