//! Pull requests and what happened in them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Facet, Identity, day};
use crate::{ProjectId, RepositoryId};

/// A pull request, as the project's list shows it.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Unique in the organization.
    pub id: u64,
    /// The project of its repository.
    pub project: ProjectId,
    /// The repository that it wants to change.
    pub repository: RepositoryId,
    /// Where it stands.
    pub status: PullRequestStatus,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// The title.
    pub title: String,
    /// The description; the list cuts it at 400 characters.
    pub description: Option<String>,
    /// Who opened it.
    pub created_by: Option<Identity>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was completed or abandoned.
    pub closed_at: Option<Timestamp>,
    /// The branch with the changes.
    pub source_branch: String,
    /// The branch that it wants to change.
    pub target_branch: String,
    /// Whether it can be merged, such as `succeeded` or `conflicts`.
    pub merge_status: Option<String>,
    /// How it is merged, such as `squash`.
    pub merge_strategy: Option<String>,
    /// The newest commit of the source branch.
    pub source_commit: Option<String>,
    /// The commit of the target branch that it was last merged with.
    pub target_commit: Option<String>,
    /// The merge commit.
    pub merge_commit: Option<String>,
    /// Who was asked, and how they voted.
    pub reviewers: Vec<Reviewer>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// Where a pull request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestStatus {
    /// Open.
    Active,
    /// Merged.
    Completed,
    /// Closed without a merge.
    Abandoned,
    /// A status that is not known to this version.
    Unknown(String),
}

impl PullRequestStatus {
    /// As Azure DevOps writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Abandoned => "abandoned",
            Self::Unknown(name) => name,
        }
    }
}

/// Somebody who was asked to review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Who.
    pub identity: Identity,
    /// 10 approved, 5 approved with suggestions, 0 none, -5 waits for the author, -10 rejected.
    pub vote: i8,
    /// Whether the policy needs this vote.
    pub is_required: bool,
    /// Whether it is a group, whose members vote for it.
    pub is_group: bool,
}

impl PullRequest {
    /// What of the list item shows that its threads have moved on; comments alone do not change the list item.
    pub fn fingerprint(&self) -> String {
        let mut votes: Vec<String> = self
            .reviewers
            .iter()
            .filter_map(|reviewer| {
                let id = reviewer.identity.id.as_deref()?;
                Some(format!("{id}={}", reviewer.vote))
            })
            .collect();
        votes.sort_unstable();
        let mut labels = self.labels.clone();
        labels.sort_unstable();
        format!(
            "{}|{}|{}|{}|{}|{}",
            self.status.as_str(),
            u8::from(self.is_draft),
            self.source_commit.as_deref().unwrap_or_default(),
            self.merge_status.as_deref().unwrap_or_default(),
            votes.join(","),
            labels.join(",")
        )
    }
}

/// What happened in a pull request, read from its threads: one request gives comments, votes with their time,
/// pushes and changes of status.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads/list>
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullRequestActivity {
    /// How many threads there are, human and system.
    pub threads: u32,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// One thing that happened in a pull request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The id of the identity that did it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What.
    pub what: Happened,
}

/// What can happen in a pull request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// Somebody wrote a comment; the text is not kept.
    Comment {
        /// The thread.
        thread: u64,
        /// Whether it answers another comment.
        reply: bool,
        /// Whether it is about a line or file.
        on_code: bool,
    },
    /// Somebody voted.
    Vote(i8),
    /// Commits were pushed to the source branch.
    Push {
        /// How many.
        commits: u32,
    },
    /// It was completed, abandoned or reactivated.
    Status(String),
    /// It became a draft, or stopped being one.
    Draft(bool),
    /// Anything else, by its name upstream.
    Other(String),
}

impl Aggregate for PullRequest {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.project, self.id);
        (day(self.created_at), sort)
    }

    fn last_event(&self) -> Option<Timestamp> {
        self.closed_at
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.created_at)
    }

    fn marker(&self, facet: Facet) -> Option<String> {
        (facet == Facet::Threads).then(|| self.fingerprint())
    }
}
