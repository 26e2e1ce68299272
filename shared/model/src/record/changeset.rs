//! TFVC: changesets, branches, labels, shelvesets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, Facet, Identity, NO_DAY, day};
use crate::{OrganizationId, ProjectId};

/// A TFVC changeset. Its id grows over the whole organization.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changeset {
    /// The organization, because the list names no project.
    pub organization: OrganizationId,
    /// The id.
    pub id: u64,
    /// When it was checked in.
    pub created_at: Timestamp,
    /// Who made the change.
    pub author: Option<Identity>,
    /// Who checked it in.
    pub checked_in_by: Option<Identity>,
    /// The message.
    pub comment: String,
    /// Whether the service cut the message.
    pub comment_truncated: bool,
}

/// What a changeset changed and what goes with it.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesetDetails {
    /// The files and folders.
    pub changes: Vec<Change>,
    /// Whether there are more changes than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The ids of the work items that it was checked in for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub work_items: Vec<u64>,
    /// What the check-in form asked for, such as the reviewer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// The names of the check-in policies that were against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_failures: Vec<String>,
    /// Why the policies were overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// One changed file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The path, such as `$/Project/src/main.cs`.
    pub path: String,
    /// What was done, in the service's words: `add`, `edit`, `delete`, `rename`, several of them with commas.
    pub kind: String,
    /// Whether it is a folder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_folder: bool,
    /// Where a merge, branch or rename came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// An answer in the check-in form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What was asked.
    pub name: String,
    /// What was answered.
    pub value: String,
}

/// A TFVC branch. A changeset is on the branch with the longest path that begins its files' paths.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/branches/get-branches>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TfvcBranch {
    /// The project.
    pub project: ProjectId,
    /// The path.
    pub path: String,
    /// The path of the branch that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What people say that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whose it is.
    pub owner: Option<Identity>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// A TFVC label.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/labels/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TfvcLabel {
    /// The project.
    pub project: ProjectId,
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// What people say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The path within which its name is unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whose it is.
    pub owner: Option<Identity>,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

/// Changes that somebody keeps on the server without checking them in.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/shelvesets/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelveset {
    /// The organization.
    pub organization: OrganizationId,
    /// The id: the name and the owner's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whose it is.
    pub owner: Option<Identity>,
    /// When it was last written.
    pub created_at: Timestamp,
    /// What the owner says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Aggregate for TfvcBranch {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.path))
    }

    fn happened_at(&self) -> Option<Timestamp> {
        self.created_at
    }
}

impl Aggregate for TfvcLabel {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.id))
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.modified_at)
    }
}

impl Aggregate for Shelveset {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.organization, self.id))
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.created_at)
    }
}

impl Aggregate for Changeset {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.organization, self.id);
        (day(self.created_at), sort)
    }

    fn version(&self) -> Option<i64> {
        Some(1)
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.created_at)
    }

    /// What it changed never changes.
    fn marker(&self, facet: Facet) -> Option<String> {
        (facet == Facet::Changes).then(|| "checked in".to_owned())
    }
}
