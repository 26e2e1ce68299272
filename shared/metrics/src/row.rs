//! A row: one value with all that it can be asked by.

use std::fmt;

use jiff::Timestamp;
use model::{OrganizationId, ProjectId, RepositoryId};
use serde::{Serialize, Serializer};

use crate::FieldName;

/// One value of a metric, before anything is counted together.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The instant by which it falls into a range and into a day, week or month.
    pub at: Timestamp,
    /// The value, in the unit of the metric.
    pub value: f64,
    /// What it can be grouped and filtered by, each at most once.
    pub dimensions: Vec<(Dimension, String)>,
    /// What in Azure DevOps it is about.
    pub link: Link,
    /// What else it was made of, and why that belongs to it.
    pub evidence: Vec<Evidence>,
}

/// Something that a value was made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// What part it plays, such as `pull request`.
    pub role: &'static str,
    /// Why it belongs to the row, such as `development link`.
    pub reason: &'static str,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Where it is.
    pub link: Option<Link>,
}

impl Row {
    /// The value of a dimension; `None` if this row has none.
    pub fn dimension(&self, wanted: Dimension) -> Option<&str> {
        let found = self.dimensions.iter().find(|(own, _)| *own == wanted);
        found.map(|(_, value)| value.as_str())
    }
}

/// The page in Azure DevOps that shows where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// The results of a run.
    Run {
        /// Its project.
        project: ProjectId,
        /// Its id.
        id: u64,
    },
    /// A pull request.
    PullRequest {
        /// The project of its repository.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// Its id.
        id: u64,
    },
    /// A commit.
    Commit {
        /// The project of its repository.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// Its hash.
        sha: String,
    },
    /// A branch.
    Branch {
        /// The project of its repository.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// Its name without `refs/heads/`.
        name: String,
    },
    /// A push.
    Push {
        /// The project of its repository.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
        /// Its id.
        id: u64,
    },
    /// A classic release.
    Release {
        /// Its project.
        project: ProjectId,
        /// Its id.
        id: u64,
    },
    /// An environment.
    Environment {
        /// Its project.
        project: ProjectId,
        /// Its id.
        id: u64,
    },
    /// A build pipeline.
    Pipeline {
        /// Its project.
        project: ProjectId,
        /// Its id.
        id: u64,
    },
    /// A work item.
    WorkItem {
        /// Its organization.
        organization: OrganizationId,
        /// Its id.
        id: u64,
    },
    /// The capacity of a team in a sprint.
    Sprint {
        /// The project of the team.
        project: ProjectId,
        /// The name of the team.
        team: String,
        /// The path of the iteration, the project's name first.
        path: String,
    },
    /// A TFVC changeset.
    Changeset {
        /// Its organization.
        organization: OrganizationId,
        /// Its id.
        id: u64,
    },
}

/// What says in which organization something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A project, which is in one.
    Project(ProjectId),
    /// The organization itself.
    Organization(OrganizationId),
}

impl Link {
    /// Whose it is.
    pub const fn owner(&self) -> Owner {
        match self {
            Self::Run { project, .. }
            | Self::PullRequest { project, .. }
            | Self::Commit { project, .. }
            | Self::Branch { project, .. }
            | Self::Push { project, .. }
            | Self::Release { project, .. }
            | Self::Environment { project, .. }
            | Self::Sprint { project, .. }
            | Self::Pipeline { project, .. } => Owner::Project(*project),
            Self::WorkItem { organization, .. } | Self::Changeset { organization, .. } => {
                Owner::Organization(*organization)
            }
        }
    }

    /// The address below the organization's own, such as `https://dev.azure.com/fabrikam`.
    pub fn path(&self) -> String {
        match self {
            Self::Run { project, id } => format!("{project}/_build/results?buildId={id}"),
            Self::PullRequest {
                project,
                repository,
                id,
            } => format!("{project}/_git/{repository}/pullrequest/{id}"),
            Self::Commit {
                project,
                repository,
                sha,
            } => format!("{project}/_git/{repository}/commit/{sha}"),
            Self::Branch {
                project,
                repository,
                name,
            } => format!("{project}/_git/{repository}?version=GB{}", escaped(name)),
            Self::Push {
                project,
                repository,
                id,
            } => format!("{project}/_git/{repository}/pushes/{id}"),
            Self::Release { project, id } => {
                format!("{project}/_releaseProgress?_a=release-pipeline-progress&releaseId={id}")
            }
            Self::Environment { project, id } => format!("{project}/_environments/{id}"),
            Self::Pipeline { project, id } => format!("{project}/_build?definitionId={id}"),
            Self::Sprint {
                project,
                team,
                path,
            } => {
                let parts = path.split('\\').map(escaped);
                let parts = parts.collect::<Vec<_>>().join("/");
                format!("{project}/_sprints/capacity/{}/{parts}", escaped(team))
            }
            Self::WorkItem { id, .. } => format!("_workitems/edit/{id}"),
            Self::Changeset { id, .. } => format!("_versionControl/changeset/{id}"),
        }
    }
}

/// A text as a part of an address: all but what needs no escape is a percent sign and two digits.
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

macro_rules! dimensions {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// What rows can be grouped and filtered by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Dimension {
            $($(#[$doc])+ $variant,)+
            /// The value of a field of a work item.
            Field(FieldName),
        }

        impl Dimension {
            /// Every dimension but single fields.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in the API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Field(field) => field.name(),
                }
            }
        }
    };
}

dimensions! {
    /// The name of the project.
    Project = "project";
    /// The name of the repository.
    Repository = "repository";
    /// The name of the pipeline.
    Pipeline = "pipeline";
    /// The folder of the pipeline.
    Folder = "folder";
    /// The branch, without `refs/heads/`.
    Branch = "branch";
    /// What started a run.
    Reason = "reason";
    /// How a run, stage, job or step ended.
    Result = "result";
    /// For whom a run ran.
    Person = "person";
    /// The queue that a run waited in.
    Queue = "queue";
    /// The name of the stage.
    Stage = "stage";
    /// The name of the job.
    Job = "job";
    /// The name of the step.
    Step = "step";
    /// The agent that did the job.
    Agent = "agent";
    /// Which attempt it was, from 1.
    Attempt = "attempt";
    /// The type of a work item.
    Type = "type";
    /// The state of a work item.
    State = "state";
    /// What the state means: `proposed`, `in_progress`, `resolved`, `completed` or `removed`.
    StateCategory = "state_category";
    /// The area path of a work item.
    Area = "area";
    /// The iteration path of a work item.
    Iteration = "iteration";
    /// To whom a work item is assigned.
    Assignee = "assignee";
    /// Who made a work item.
    Creator = "creator";
    /// The priority of a work item.
    Priority = "priority";
    /// The tags of a work item, with semicolons between.
    Tags = "tags";
    /// The column of the board that a work item is in.
    BoardColumn = "board_column";
    /// The lane of the board that a work item is in.
    BoardLane = "board_lane";
    /// The iteration path of a sprint.
    Sprint = "sprint";
    /// The name of the team.
    Team = "team";
    /// The kind of work that somebody has time for.
    Activity = "activity";
    /// Whether a sprint is `past` or `current`.
    SprintState = "sprint_state";
    /// What became of a piece of work in a sprint.
    Outcome = "outcome";
    /// Whether a work item had been in another sprint before, `true` or `false`.
    CarriedOver = "carried_over";
    /// The rule of hygiene.
    Miss = "miss";
    /// What the rule of hygiene weighs.
    Weight = "weight";
    /// The category of business alignment.
    Category = "category";
    /// The value of any field of work items, by its reference name.
    AnyField = "field:REFERENCE_NAME";
    /// Who wrote a commit or opened a pull request.
    Author = "author";
    /// Who was asked to review, or did.
    Reviewer = "reviewer";
    /// Who approved.
    Approver = "approver";
    /// What part somebody plays: a required, optional or group reviewer, or whoever answers.
    Role = "role";
    /// The branch that a pull request wants to change, without `refs/heads/`.
    TargetBranch = "target_branch";
    /// The branch with the changes, without `refs/heads/`.
    SourceBranch = "source_branch";
    /// Where a pull request stands.
    Status = "status";
    /// The labels of a pull request in order, with commas between.
    Labels = "labels";
    /// How a pull request was approved.
    Approval = "approval";
    /// How large a change is, by limits that can be chosen.
    Size = "size";
    /// How much was said about a change, by limits that can be chosen.
    Density = "density";
    /// Where something was deployed to: an environment, or a stage.
    Environment = "environment";
    /// A part of the way that something takes.
    Phase = "phase";
}

impl Dimension {
    /// The dimension of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|own| own.name() == name)
    }

    /// The field whose value it is; `None` if it is something else.
    pub fn field(self) -> Option<FieldName> {
        match self {
            Self::Field(field) => Some(field),
            _ => None,
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_is_found_by_its_name() {
        for dimension in Dimension::ALL.iter().copied() {
            assert_eq!(Dimension::from_name(dimension.name()), Some(dimension));
        }
        assert_eq!(Dimension::from_name("colour"), None);
    }

    #[test]
    fn the_name_of_a_branch_cannot_leave_its_place() {
        let nil = uuid::Uuid::nil();
        let link = Link::Branch {
            project: ProjectId(nil),
            repository: RepositoryId(nil),
            name: "a/b&c?é".into(),
        };
        assert!(link.path().ends_with("?version=GBa%2Fb%26c%3F%C3%A9"));
    }
}
