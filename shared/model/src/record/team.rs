//! Who works on a project, and which fields their work items have.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aggregate, NO_DAY};
use crate::{OrganizationId, ProjectId};

/// A team of a project.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/teams/get-all-teams>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The organization of the project.
    pub organization: OrganizationId,
    /// The project.
    pub project: ProjectId,
    /// Stable over renames.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// An iteration that a team has chosen to plan in; a work item names it by its path.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/iterations/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sprint {
    /// The project of the team.
    pub project: ProjectId,
    /// The team.
    pub team: Uuid,
    /// The iteration, which other teams may plan in too: the `identifier` of its classification node.
    pub iteration: Uuid,
    /// The name.
    pub name: String,
    /// What `System.IterationPath` of its work items is, if the service says so.
    pub path: Option<String>,
    /// The midnight (UTC) that its first day begins with; `None` if nobody has set it.
    pub starts_at: Option<Timestamp>,
    /// The midnight (UTC) that its last day begins with; that day is a part of it.
    pub finishes_at: Option<Timestamp>,
}

/// A field that work items of an organization can have.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/fields/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItemField {
    /// The organization: all its projects share their fields.
    pub organization: OrganizationId,
    /// The stable name, such as `System.State`.
    pub reference_name: String,
    /// The name that people read.
    pub name: String,
    /// The type of its values, as the service names it: `string`, `integer`, `dateTime`, `html` ...
    pub value_type: Option<String>,
    /// Whether its values are people.
    pub is_identity: bool,
    /// Whether its values come from a list.
    pub is_picklist: bool,
    /// Whether nobody can set it.
    pub is_read_only: bool,
}

impl Aggregate for Team {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.id))
    }
}

impl Aggregate for Sprint {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.team, self.iteration);
        (NO_DAY.into(), sort)
    }
}

impl Aggregate for WorkItemField {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.organization, self.reference_name);
        (NO_DAY.into(), sort)
    }
}
