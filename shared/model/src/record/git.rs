//! Pushes and commits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Identity, day};
use crate::{ProjectId, RepositoryId};

/// A push: the reliable change feed of a Git repository, dated by the server.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pushes/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Grows with every push.
    pub id: u64,
    /// The project of the repository.
    pub project: ProjectId,
    /// The repository.
    pub repository: RepositoryId,
    /// When the server took it.
    pub at: Timestamp,
    /// Who pushed.
    pub by: Option<Identity>,
    /// The refs that it moved.
    pub ref_updates: Vec<RefUpdate>,
}

/// One ref that a push moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefUpdate {
    /// The full name, such as `refs/heads/main`.
    pub name: String,
    /// Where it pointed before; `None` if the push created it.
    pub old: Option<String>,
    /// Where it points after; `None` if the push deleted it.
    pub new: Option<String>,
}

/// A commit, filed under the push that brought it, because commit dates are whatever the client says.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The hash.
    pub sha: String,
    /// The project of the repository.
    pub project: ProjectId,
    /// The repository.
    pub repository: RepositoryId,
    /// The push that brought it; `None` where the service does not say.
    pub push: Option<u64>,
    /// When that push was taken by the server; the committer's date where no push is known.
    pub pushed_at: Timestamp,
    /// Who wrote it.
    pub author: Option<Signature>,
    /// Who committed it.
    pub committer: Option<Signature>,
    /// The message.
    pub comment: String,
    /// Whether the service cut the message.
    pub comment_truncated: bool,
    /// Files added, edited, deleted. Files, not lines: the API does not count lines.
    pub files: FileCounts,
    /// The work items that the service links to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work_items: Vec<u64>,
}

/// A Git signature: raw text of the client, not an identity of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The client's clock.
    pub at: Option<Timestamp>,
}

/// How many files a commit touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// Files added.
    pub added: u32,
    /// Files changed.
    pub edited: u32,
    /// Files deleted.
    pub deleted: u32,
}

impl Aggregate for Push {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.repository, self.id);
        (day(self.at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(1)
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.at)
    }
}

impl Aggregate for Commit {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.repository, self.sha);
        (day(self.pushed_at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(1)
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.pushed_at)
    }
}
