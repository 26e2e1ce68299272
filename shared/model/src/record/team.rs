//! Who works on a project, and which fields their work items have.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aggregate, NO_DAY};
use crate::{OrganizationId, ProjectId};

/// A team of a project.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/teams/get-all-teams>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The project.
    pub project: ProjectId,
    /// Stable over renames.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
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

impl Aggregate for WorkItemField {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.organization, self.reference_name);
        (NO_DAY.into(), sort)
    }
}
