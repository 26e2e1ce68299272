//! What is stored: one aggregate per thing that a user would name.
//!
//! A [`Record`] knows its key, its version and its last event; [`Record::row`] turns it into what DynamoDB keeps.

pub mod artifact;
pub mod changeset;
pub mod coverage;
pub mod deployment;
pub mod environment;
pub mod git;
pub mod identity;
pub mod metadata;
mod person;
pub mod pipeline;
pub mod planning;
pub mod pull_request;
pub mod repository;
pub mod run;
pub mod team;
pub mod test_run;
pub mod work_item;
mod work_item_link;
mod workflow;

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use changeset::{Changeset, ChangesetDetails, Shelveset, TfvcBranch, TfvcLabel};
pub use coverage::RunCoverage;
pub use deployment::Deployment;
pub use environment::{Environment, EnvironmentDeployment};
pub use git::{Commit, Push};
pub use identity::Identity;
pub use metadata::{ClassificationNode, WorkItemType};
pub use person::Person;
pub use pipeline::{Definition, RunRetention};
pub use planning::{SprintCapacity, TeamAreas, TeamSettings};
pub use pull_request::{PullRequest, PullRequestActivity, PullRequestLinks};
pub use repository::{GitRepository, Policy, Ref, RefList};
pub use run::{Run, Timeline};
pub use team::{Sprint, Team, WorkItemField};
pub use test_run::TestRun;
pub use work_item::WorkItem;
pub use work_item_link::WorkItemLink;
pub use workflow::Workflows;

use crate::{IntegrationId, Retention};

/// How a record may replace one that is already stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRule {
    /// It never changes upstream: writing it again is the same, so no condition is needed and writes go in batches.
    Immutable,
    /// It replaces what is stored unless that is newer.
    Newest,
    /// It is merged with what is stored, because each page brings only a part of it.
    Merge,
}

/// What the store must know of a kind of record. A new kind is one line in the table below and one of these.
pub trait Aggregate: Serialize + DeserializeOwned {
    /// The bucket and the sort key; see [`RowKey`].
    fn place(&self) -> (String, String);

    /// The upstream version as a number that grows; `None` where upstream gives none, and then the moment of
    /// observation serves.
    fn version(&self) -> Option<i64> {
        None
    }

    /// The last event from which the retention counts; `None` while the thing is open or has no life of its own.
    fn last_event(&self) -> Option<Timestamp> {
        None
    }

    /// When it happened, for people; `None` for a thing without a moment.
    fn happened_at(&self) -> Option<Timestamp> {
        self.last_event()
    }

    /// The state for which this facet is wanted, or `None` if this kind does not have it (now).
    fn marker(&self, facet: Facet) -> Option<String> {
        let _ = facet;
        None
    }
}

/// A kind of record of which each answer brings a part: what is stored is all parts joined.
pub trait Joins: Aggregate + Clone + PartialEq {
    /// The kind.
    const KIND: Kind;

    /// Both put together. Neither order nor repetition matters.
    #[must_use]
    fn join(self, other: Self) -> Self;

    /// The record, if it is of this kind.
    fn of(record: &Record) -> Option<&Self>;

    /// The record.
    fn into_record(self) -> Record;

    /// Where it is stored.
    fn row_key(&self) -> RowKey {
        let (bucket, sort) = self.place();
        RowKey {
            kind: Self::KIND,
            bucket,
            sort,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident($record:ty) = $name:literal, $rule:ident;)+) => {
        /// One thing that a user would name, as it was last seen.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $($(#[$doc])+ $variant($record),)+
        }

        /// The kinds of record. The name is part of every key, so it never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])+ $variant,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in keys, in logs and in the API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// How a record of this kind replaces an older one.
            pub const fn write_rule(self) -> WriteRule {
                match self {
                    $(Self::$variant => WriteRule::$rule,)+
                }
            }
        }

        impl Record {
            /// The kind.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$variant,)+
                }
            }

            fn place(&self) -> (String, String) {
                match self {
                    $(Self::$variant(record) => record.place(),)+
                }
            }

            /// See [`Aggregate::version`].
            pub fn version(&self) -> Option<i64> {
                match self {
                    $(Self::$variant(record) => record.version(),)+
                }
            }

            /// See [`Aggregate::last_event`].
            pub fn last_event(&self) -> Option<Timestamp> {
                match self {
                    $(Self::$variant(record) => record.last_event(),)+
                }
            }

            /// See [`Aggregate::happened_at`].
            pub fn happened_at(&self) -> Option<Timestamp> {
                match self {
                    $(Self::$variant(record) => record.happened_at(),)+
                }
            }

            /// See [`Aggregate::marker`].
            pub fn marker(&self, facet: Facet) -> Option<String> {
                match self {
                    $(Self::$variant(record) => record.marker(facet),)+
                }
            }

            /// The record as JSON, as it is stored.
            ///
            /// # Errors
            /// It cannot be written as JSON, which would be a defect of its type.
            pub fn body(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$variant(record) => serde_json::to_string(record),)+
                }
            }

            /// Reads a stored body back.
            ///
            /// # Errors
            /// The body is not one of this kind.
            pub fn from_body(kind: Kind, body: &str) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(Kind::$variant => Self::$variant(serde_json::from_str(body)?),)+
                })
            }
        }
    };
}

kinds! {
    /// A work item with its history.
    WorkItem(Box<WorkItem>) = "work_item", Merge;
    /// A link between two work items.
    WorkItemLink(WorkItemLink) = "work_item_link", Newest;
    /// A type of work item with its states.
    WorkItemType(WorkItemType) = "work_item_type", Newest;
    /// An area or iteration.
    ClassificationNode(ClassificationNode) = "classification_node", Newest;
    /// A field that work items can have.
    WorkItemField(WorkItemField) = "work_item_field", Newest;
    /// A team.
    Team(Team) = "team", Newest;
    /// An iteration that a team plans in.
    Sprint(Sprint) = "sprint", Newest;
    /// How a team works.
    TeamSettings(TeamSettings) = "team_settings", Newest;
    /// The areas of a team.
    TeamAreas(TeamAreas) = "team_areas", Newest;
    /// What a team can do in a sprint.
    SprintCapacity(SprintCapacity) = "sprint_capacity", Newest;
    /// A run of a build pipeline; its stages, jobs and tasks are its details.
    Run(Box<Run>) = "run", Newest;
    /// A build pipeline.
    Definition(Box<Definition>) = "definition", Newest;
    /// How long a project keeps its runs.
    RunRetention(RunRetention) = "run_retention", Newest;
    /// A pull request; its votes and comments are its details.
    PullRequest(Box<PullRequest>) = "pull_request", Newest;
    /// A Git repository.
    GitRepository(GitRepository) = "repository", Newest;
    /// The branches or the tags of a repository.
    RefList(RefList) = "ref_list", Newest;
    /// A policy on branches.
    Policy(Policy) = "policy", Newest;
    /// A push to a Git repository.
    Push(Push) = "push", Immutable;
    /// A commit, filed under the push that brought it.
    Commit(Commit) = "commit", Immutable;
    /// A TFVC changeset.
    Changeset(Changeset) = "changeset", Newest;
    /// A TFVC branch.
    TfvcBranch(TfvcBranch) = "tfvc_branch", Newest;
    /// A TFVC label.
    TfvcLabel(TfvcLabel) = "tfvc_label", Newest;
    /// A TFVC shelveset.
    Shelveset(Shelveset) = "shelveset", Newest;
    /// An attempt to bring a classic release to a stage, with who let it pass.
    Deployment(Box<Deployment>) = "deployment", Newest;
    /// A place that YAML pipelines deploy to.
    Environment(Environment) = "environment", Newest;
    /// A job of a run that deployed to an environment.
    EnvironmentDeployment(EnvironmentDeployment) = "environment_deployment", Newest;
    /// How the tests of a run, or of a person, ended.
    TestRun(Box<TestRun>) = "test_run", Newest;
    /// How much of the code the tests of a run touched.
    RunCoverage(RunCoverage) = "run_coverage", Newest;
    /// Somebody who acts in the organization, or a group or service account.
    Person(Person) = "person", Merge;
}

impl Kind {
    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// By what records of a kind are put into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filing {
    /// By the UTC day of an instant that never changes.
    Day,
    /// By their ids, because their useful instant moves.
    Id,
    /// All in one, because they are few and have no moment.
    Together,
}

impl Kind {
    /// By what records of this kind are put into buckets.
    pub const fn filing(self) -> Filing {
        match self {
            Self::Run
            | Self::PullRequest
            | Self::Push
            | Self::Commit
            | Self::Changeset
            | Self::Deployment
            | Self::EnvironmentDeployment
            | Self::TestRun => Filing::Day,
            Self::WorkItem | Self::WorkItemLink | Self::RunCoverage => Filing::Id,
            Self::WorkItemType
            | Self::ClassificationNode
            | Self::WorkItemField
            | Self::Team
            | Self::TeamSettings
            | Self::TeamAreas
            | Self::SprintCapacity
            | Self::Sprint
            | Self::Definition
            | Self::RunRetention
            | Self::GitRepository
            | Self::RefList
            | Self::Policy
            | Self::TfvcBranch
            | Self::TfvcLabel
            | Self::Shelveset
            | Self::Environment
            | Self::Person => Filing::Together,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Where a record is: `{kind}#{bucket}` is the partition (after the integration), `{scope}#{id}` the sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// The kind of the record.
    pub kind: Kind,
    /// The UTC day of an instant that never changes for this thing, or one of 16 hash buckets, or `-`.
    pub bucket: String,
    /// The widest thing in which the natural id is unique, then the natural id.
    pub sort: String,
}

impl RowKey {
    /// The partition key within the records table.
    pub fn partition(&self, integration: IntegrationId) -> String {
        format!("{integration}#{}#{}", self.kind.name(), self.bucket)
    }
}

/// A record as DynamoDB keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it goes.
    pub key: RowKey,
    /// Orders the versions of the same thing: a smaller one never replaces a larger one.
    pub version: i64,
    /// When it expires, in seconds of the Unix epoch; `None` while the thing is open.
    pub expires_at: Option<i64>,
    /// The record as JSON.
    pub body: String,
    /// The facets that are wanted, each with the state of the record that it is wanted for.
    pub markers: Vec<(Facet, String)>,
}

/// What is fetched for a record by requests of its own and kept in the same item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// The stages, jobs and tasks of a run.
    Timeline,
    /// The votes, comments and events of a pull request.
    Threads,
    /// What a record is linked to, by the links of work items.
    Links,
    /// The comments of a work item.
    Comments,
    /// The files of a changeset.
    Changes,
    /// The code coverage of a run.
    Coverage,
}

impl Facet {
    /// Every facet.
    pub const ALL: [Self; 6] = [
        Self::Timeline,
        Self::Threads,
        Self::Links,
        Self::Comments,
        Self::Changes,
        Self::Coverage,
    ];

    /// The name in attributes, so it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Threads => "threads",
            Self::Links => "links",
            Self::Comments => "comments",
            Self::Changes => "changes",
            Self::Coverage => "coverage",
        }
    }
}

/// A facet of a record that was fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The record that they complete.
    pub key: RowKey,
    /// Which facet it is.
    pub facet: Facet,
    /// The state of the record that they were fetched for.
    pub marker: String,
    /// The details as JSON.
    pub body: String,
}

/// The UTC day of an instant, as keys name it.
pub fn day(instant: Timestamp) -> String {
    instant.to_zoned_datetime(TimeZone::UTC).date().to_string()
}

/// The bucket of things that are few and have no moment.
pub const NO_DAY: &str = "-";

/// How many buckets there are for things whose useful instant moves.
pub(crate) const BUCKETS: u64 = 16;

/// One of the buckets for things whose useful instant moves.
pub(crate) fn hash_bucket(id: u64) -> String {
    format!("{:x}", id % BUCKETS)
}

/// 100-nanosecond ticks since the Unix epoch: the resolution of Azure DevOps' own times.
pub(crate) fn ticks(instant: Timestamp) -> i64 {
    i64::try_from(instant.as_nanosecond() / 100).unwrap_or(i64::MAX)
}

impl Record {
    /// Where the record is stored.
    pub fn key(&self) -> RowKey {
        let (bucket, sort) = self.place();
        RowKey {
            kind: self.kind(),
            bucket,
            sort,
        }
    }

    /// The facets that are wanted, each with the state of the record that it is wanted for.
    fn markers(&self) -> Vec<(Facet, String)> {
        let wanted = |facet| Some((facet, self.marker(facet)?));
        Facet::ALL.into_iter().filter_map(wanted).collect()
    }

    /// The record as DynamoDB keeps it, seen at `observed_at`; `None` if it has left the window already.
    ///
    /// # Errors
    /// The record cannot be written as JSON, which would be a defect of its type.
    pub fn row(
        &self,
        retention: Retention,
        observed_at: Timestamp,
    ) -> Result<Option<Row>, serde_json::Error> {
        let expires_at = self.last_event().map(|event| retention.expires_at(event));
        if expires_at.is_some_and(|at| at <= observed_at.as_second()) {
            return Ok(None);
        }
        Ok(Some(Row {
            key: self.key(),
            version: self.version().unwrap_or_else(|| ticks(observed_at)),
            expires_at,
            body: self.body()?,
            markers: self.markers(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProjectId, RepositoryId};

    fn push(at: &str) -> Record {
        Record::Push(Push {
            id: 14,
            project: ProjectId(uuid::Uuid::nil()),
            repository: RepositoryId(uuid::Uuid::nil()),
            at: at.parse().unwrap(),
            by: None,
            ref_updates: Vec::new(),
        })
    }

    #[test]
    fn a_record_outside_the_window_makes_no_row() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let retention = Retention::days(90);
        assert!(
            push("2026-08-25T12:00:00Z")
                .row(retention, now)
                .unwrap()
                .is_none()
        );
        assert!(
            push("2026-08-25T12:00:01Z")
                .row(retention, now)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn the_bucket_is_the_utc_day() {
        let key = push("2026-11-22T23:30:00-02:00").key();
        assert_eq!(key.bucket, "2026-11-23");
    }

    #[test]
    fn a_stored_body_reads_back() {
        let record = push("2026-11-22T23:30:00Z");
        let row = record.row(
            Retention::default(),
            "2026-11-23T00:00:00Z".parse().unwrap(),
        );
        let row = row.unwrap().unwrap();
        assert_eq!(Record::from_body(Kind::Push, &row.body).unwrap(), record);
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
