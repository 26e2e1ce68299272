//! What metrics are made of.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::{Timestamp, tz::TimeZone};
use model::{
    OrganizationId, ProjectId,
    record::{
        Changeset, ChangesetDetails, Commit, Deployment, EnvironmentDeployment, PullRequest,
        PullRequestActivity, PullRequestLinks, Push, Run, TestRun, Timeline, WorkItem,
        WorkItemLink, artifact::ArtifactLinks,
    },
};

use crate::{FieldName, Known, Planning, Range, Settings};

/// A record with those of its details that a metric asked for and that were fetched.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A run with its timeline.
    Run(Box<Run>, Option<Timeline>),
    /// A pull request with what happened in it and the work items that it is linked to.
    PullRequest(
        Box<PullRequest>,
        Option<PullRequestActivity>,
        Option<PullRequestLinks>,
    ),
    /// A push.
    Push(Push),
    /// A commit.
    Commit(Commit),
    /// A TFVC changeset with what it changed.
    Changeset(Changeset, Option<ChangesetDetails>),
    /// An attempt to bring a classic release to a stage.
    Deployment(Box<Deployment>),
    /// A job of a run that deployed to an environment.
    EnvironmentDeployment(EnvironmentDeployment),
    /// How the tests of a run ended.
    TestRun(Box<TestRun>),
    /// A work item with its links to what was built for it.
    WorkItem(Box<WorkItem>, Option<ArtifactLinks>),
    /// A link between two work items.
    WorkItemLink(WorkItemLink),
}

/// What is known besides the records.
#[derive(Clone, Debug)]
pub struct Context {
    /// Now: ages are counted up to it.
    pub now: Timestamp,
    /// What is asked about.
    pub range: Range,
    /// Where days begin.
    pub zone: TimeZone,
    /// What was chosen.
    pub settings: Settings,
    /// The projects.
    pub projects: BTreeMap<ProjectId, Project>,
    /// Things without a moment, as far as the metric asked for them.
    pub known: Known,
    /// The fields of work items that rows are asked for.
    pub fields: Vec<FieldName>,
    /// The instants at which what there is at a time is looked at, oldest first; see [`Query::samples`](crate::Query::samples).
    pub samples: Vec<Timestamp>,
    /// What states and iterations mean, once somebody has asked.
    pub planning: OnceLock<Planning>,
}

/// What is known of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// In which organization it is: ids of runs, pull requests and work items are unique there.
    pub organization: OrganizationId,
}

impl Context {
    /// The name of a project, or its id if the project is gone.
    pub fn project(&self, id: ProjectId) -> String {
        let name = self.projects.get(&id).map(|own| own.name.clone());
        name.unwrap_or_else(|| id.to_string())
    }

    /// The organization of a project; `None` if the project is gone.
    pub fn organization(&self, id: ProjectId) -> Option<OrganizationId> {
        self.projects.get(&id).map(|own| own.organization)
    }
}
