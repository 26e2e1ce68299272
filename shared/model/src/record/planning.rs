//! How teams plan: on which days they work, which areas are theirs, and who has how much time in a sprint.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aggregate, Identity, NO_DAY};
use crate::ProjectId;

/// A day is this long; the service counts in midnights of UTC.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How a team works.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/teamsettings/get>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamSettings {
    /// The project of the team.
    pub project: ProjectId,
    /// The team.
    pub team: Uuid,
    /// The days of the week on which it works; the others do not count in a sprint.
    pub working_days: Vec<Weekday>,
    /// Where its bugs are shown.
    pub bugs: BugsBehavior,
    /// The backlogs that it uses, by the reference name of their category.
    pub backlogs: Vec<String>,
    /// The iteration below which it plans; `None` if nobody has set it.
    pub backlog_iteration: Option<Uuid>,
    /// The iteration that new work items get.
    pub default_iteration: Option<Uuid>,
    /// What stands for the default iteration where none is fixed: `@currentIteration`.
    pub default_iteration_macro: Option<String>,
}

/// A day of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days of the week need no explanation")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
    /// A day that is not known to this version.
    Unknown(String),
}

/// Where the bugs of a team are shown.
/// <https://learn.microsoft.com/azure/devops/organizations/settings/show-bugs-on-backlog>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BugsBehavior {
    /// On no backlog.
    Off,
    /// Among the requirements.
    AsRequirements,
    /// Among the tasks.
    AsTasks,
    /// A behaviour that is not known to this version.
    Unknown(String),
}

/// Which work items are a team's: those of its areas.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/teamfieldvalues/get>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamAreas {
    /// The project of the team.
    pub project: ProjectId,
    /// The team.
    pub team: Uuid,
    /// The field that tells teams apart: `System.AreaPath`, unless a process was made otherwise.
    pub field: Option<String>,
    /// The value that new work items get.
    pub default: Option<String>,
    /// The values that are the team's.
    pub areas: Vec<TeamArea>,
}

/// An area of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamArea {
    /// Its path, as `System.AreaPath` writes it.
    pub path: String,
    /// Whether the areas below it are the team's too.
    pub with_children: bool,
}

/// What a team can do in a sprint. There is none for a team that has planned nothing for it.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/capacities/get-capacities-with-identity-ref-and-totals>
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SprintCapacity {
    /// The project of the team.
    pub project: ProjectId,
    /// The team.
    pub team: Uuid,
    /// The sprint: the `identifier` of its classification node.
    pub iteration: Uuid,
    /// The midnight (UTC) that its first day begins with.
    pub starts_at: Timestamp,
    /// The midnight (UTC) that its last day begins with; that day is a part of it.
    pub finishes_at: Timestamp,
    /// Who works in it.
    pub members: Vec<MemberCapacity>,
    /// When nobody of the team works.
    pub days_off: Vec<DaysOff>,
}

/// What one person can do in a sprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberCapacity {
    /// Who.
    pub person: Option<Identity>,
    /// How much time the person has, by kind of work.
    pub activities: Vec<ActivityCapacity>,
    /// When the person does not work.
    pub days_off: Vec<DaysOff>,
}

/// The time for one kind of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityCapacity {
    /// The value of `Microsoft.VSTS.Common.Activity` that it is for; `None` if the time is for any.
    pub name: Option<String>,
    /// Hours of each working day, or whatever unit the team estimates tasks in.
    pub per_day: f64,
}

/// Days in a row on which nobody works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysOff {
    /// The midnight (UTC) that the first of them begins with.
    pub first: Timestamp,
    /// The midnight (UTC) that the last of them begins with; that day is off, too.
    pub last: Timestamp,
}

impl SprintCapacity {
    /// The end of the last day of a sprint whose last day begins at `finishes_at`.
    pub fn end(finishes_at: Timestamp) -> Timestamp {
        finishes_at.checked_add(DAY).unwrap_or(Timestamp::MAX)
    }
}

impl Aggregate for TeamSettings {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.team))
    }
}

impl Aggregate for TeamAreas {
    fn place(&self) -> (String, String) {
        (NO_DAY.into(), format!("{}#{}", self.project, self.team))
    }
}

impl Aggregate for SprintCapacity {
    fn place(&self) -> (String, String) {
        let sort = format!("{}#{}/{}", self.project, self.team, self.iteration);
        (NO_DAY.into(), sort)
    }

    /// The end of the sprint, also of one that is still to come: what was planned for it is of no use later.
    fn last_event(&self) -> Option<Timestamp> {
        Some(Self::end(self.finishes_at))
    }

    fn happened_at(&self) -> Option<Timestamp> {
        Some(self.starts_at)
    }
}
