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
    /// The description; the list cuts it at [`DESCRIPTION_LIMIT`] characters.
    pub description: Option<String>,
    /// Whether the description is as long as the list gives it, so that it may be longer.
    #[serde(default)]
    pub description_truncated: bool,
    /// Who opened it.
    pub created_by: Option<Identity>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was completed or abandoned.
    pub closed_at: Option<Timestamp>,
    /// Who completed or abandoned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<Identity>,
    /// Who set it to complete by itself once every policy agrees; `None` if nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_complete_by: Option<Identity>,
    /// When its completion was asked for; it is completed when the merge is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_queued_at: Option<Timestamp>,
    /// The branch with the changes.
    pub source_branch: String,
    /// The branch that it wants to change.
    pub target_branch: String,
    /// The repository that the changes come from, if it is a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<RepositoryId>,
    /// Whether it can be merged, such as `succeeded` or `conflicts`.
    pub merge_status: Option<String>,
    /// The id of the merge that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_id: Option<String>,
    /// How it is merged, such as `squash`.
    pub merge_strategy: Option<String>,
    /// What else happens when it is completed.
    #[serde(default, skip_serializing_if = "Completion::is_plain")]
    pub completion: Completion,
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

/// Lists cut descriptions at so many characters:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>.
pub const DESCRIPTION_LIMIT: usize = 400;

/// What happens when a pull request is completed.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project#gitpullrequestcompletionoptions>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Whether the source branch is deleted.
    #[serde(default)]
    pub deletes_source_branch: bool,
    /// Whether the linked work items move on to their next state.
    #[serde(default)]
    pub moves_work_items: bool,
    /// Whether policies are overridden.
    #[serde(default)]
    pub bypasses_policy: bool,
    /// Why policies are overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypass_reason: Option<String>,
}

impl Completion {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
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
    /// Whether they will not review.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_declined: bool,
    /// Whether they put a flag on it for themselves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_flagged: bool,
    /// The ids of the groups that this vote counts for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voted_for: Vec<String>,
}

impl PullRequest {
    /// What of the list item shows that its threads have moved on; comments alone do not change the list item.
    pub fn fingerprint(&self) -> String {
        let mut votes: Vec<String> = self
            .reviewers
            .iter()
            .filter_map(|reviewer| {
                let id = reviewer.identity.id.as_deref()?;
                let declined = if reviewer.has_declined { "-" } else { "" };
                Some(format!("{id}={}{declined}", reviewer.vote))
            })
            .collect();
        votes.sort_unstable();
        let mut labels = self.labels.clone();
        labels.sort_unstable();
        let auto_complete = self.auto_complete_by.as_ref();
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{}",
            self.status.as_str(),
            u8::from(self.is_draft),
            self.source_commit.as_deref().unwrap_or_default(),
            self.merge_status.as_deref().unwrap_or_default(),
            votes.join(","),
            labels.join(","),
            self.target_branch,
            auto_complete
                .and_then(|by| by.id.as_deref())
                .unwrap_or_default(),
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
    /// Discussions that wait for somebody.
    #[serde(default)]
    pub open_discussions: u32,
    /// Discussions that were settled.
    #[serde(default)]
    pub settled_discussions: u32,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// The work items that a pull request is linked to.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/artifact-uri-query/query>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestLinks {
    /// Their ids, which are unique in the organization.
    pub work_items: Vec<u64>,
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
    /// Somebody wrote a comment; the text is not kept. Whether it was a person or a service, its author tells.
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
    /// The votes of one or more reviewers were taken back, because of new commits.
    VotesReset,
    /// The source branch was moved: a new iteration.
    Push {
        /// How many commits came with it.
        commits: u32,
        /// Where the branch pointed then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<String>,
    },
    /// It was completed, abandoned or reactivated.
    Status(String),
    /// It was completed although a policy was against it.
    PolicyBypassed,
    /// It became a draft, or stopped being one.
    Draft(bool),
    /// It was set to complete by itself, or no longer.
    AutoComplete(bool),
    /// The ids of reviewers who were asked, and of those who no longer are.
    Reviewers {
        /// Who was added.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        added: Option<String>,
        /// Who was removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        removed: Option<String>,
    },
    /// The merge with the target branch was tried.
    Merge {
        /// How it went, such as `Succeeded` or `Conflicts`.
        status: String,
    },
    /// It was given another target branch.
    Retargeted,
    /// A policy came to a new verdict.
    Policy(String),
    /// A status was posted by a service, such as a check.
    CheckPosted(String),
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
        matches!(facet, Facet::Threads | Facet::Links).then(|| self.fingerprint())
    }
}
