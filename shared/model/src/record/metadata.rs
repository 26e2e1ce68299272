//! What gives work items their meaning: types with states, areas, iterations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aggregate, NO_DAY};
use crate::ProjectId;

/// A type of work item in one project.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/work-item-types/list>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItemType {
    /// The project.
    pub project: ProjectId,
    /// The name, such as `User Story`.
    pub name: String,
    /// The stable name, such as `Microsoft.VSTS.WorkItemTypes.UserStory`.
    pub reference_name: Option<String>,
    /// The colour as hexadecimal RGB.
    pub color: Option<String>,
    /// Whether new items of this type are refused.
    pub is_disabled: bool,
    /// The states in the order of the process.
    pub states: Vec<State>,
}

/// A state that a work item can be in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The name, such as `Active`.
    pub name: String,
    /// What the name means for the flow of work.
    pub category: StateCategory,
    /// The colour as hexadecimal RGB.
    pub color: Option<String>,
}

/// The meaning of a state.
/// <https://learn.microsoft.com/azure/devops/boards/work-items/workflow-and-state-categories>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateCategory {
    /// Not begun.
    Proposed,
    /// Being worked on.
    InProgress,
    /// Done but not verified.
    Resolved,
    /// Done.
    Completed,
    /// Given up.
    Removed,
    /// A category that is not known to this version.
    Unknown(String),
}

/// An area or an iteration.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/classification-nodes/get-root-nodes>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassificationNode {
    /// The project.
    pub project: ProjectId,
    /// Stable over renames.
    pub identifier: Uuid,
    /// Which of the two trees it is in.
    pub structure: Structure,
    /// The last part of the path.
    pub name: String,
    /// As `System.AreaPath` and `System.IterationPath` write it: no leading backslash, no tree name.
    pub path: String,
    /// The first day, of an iteration that has dates.
    pub starts_at: Option<Timestamp>,
    /// The last day, of an iteration that has dates.
    pub finishes_at: Option<Timestamp>,
}

/// The two trees of classification nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structure {
    /// Who or what part of the product.
    Area,
    /// When.
    Iteration,
    /// A tree that is not known to this version.
    Unknown(String),
}

impl Aggregate for WorkItemType {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.name))
    }
}

impl Aggregate for ClassificationNode {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}", self.project, self.identifier);
        (NO_DAY.into(), sort)
    }
}
