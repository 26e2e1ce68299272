//! What work items are linked to besides other work items: what is built for them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ProjectId, RepositoryId};

/// The links of a work item that lead to artifacts: the facet [`Facet::Links`](super::Facet::Links).
/// <https://learn.microsoft.com/azure/devops/boards/queries/link-type-reference#external-link-type>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactLinks {
    /// The links, in the order of the service.
    pub links: Vec<ArtifactLink>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactLink {
    /// What it leads to.
    pub artifact: Artifact,
    /// What the link says of it, such as `Fixed in Commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// A commit.
    Commit {
        /// The project.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// The hash.
        sha: String,
    },
    /// A pull request.
    PullRequest {
        /// The project.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// The id.
        id: u64,
    },
    /// A branch.
    Branch {
        /// The project.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// The name without `refs/heads/`.
        name: String,
    },
    /// A tag.
    Tag {
        /// The project.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// The name without `refs/tags/`.
        name: String,
    },
    /// A run of a build pipeline.
    Build {
        /// The id.
        id: u64,
    },
    /// A TFVC changeset.
    Changeset {
        /// The id.
        id: u64,
    },
    /// A commit on GitHub.
    GitHubCommit {
        /// The connection between the project and GitHub.
        connection: Uuid,
        /// The hash.
        sha: String,
    },
    /// A pull request on GitHub.
    GitHubPullRequest {
        /// The connection between the project and GitHub.
        connection: Uuid,
        /// The number in its repository.
        number: u64,
    },
    /// Something else, by its URI.
    Other {
        /// The URI.
        uri: String,
    },
}
