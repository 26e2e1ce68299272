//! What is stored: one aggregate per thing that a user would name.
//!
//! A [`Record`] knows its key, its version and its last event; [`Record::row`] turns it into what DynamoDB keeps.

pub mod changeset;
pub mod git;
pub mod identity;
pub mod metadata;
pub mod pull_request;
pub mod run;
pub mod work_item;

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use changeset::Changeset;
pub use git::{Commit, Push};
pub use identity::Identity;
pub use metadata::{ClassificationNode, WorkItemType};
pub use pull_request::{PullRequest, PullRequestActivity};
pub use run::{Run, Timeline};
pub use work_item::{WorkItem, WorkItemLink};

use crate::{IntegrationId, OrganizationId, Retention};

/// One thing that a user would name, as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A work item with its history.
    WorkItem(Box<WorkItem>),
    /// A link between two work items.
    WorkItemLink(WorkItemLink),
    /// A type of work item with its states.
    WorkItemType(WorkItemType),
    /// An area or iteration.
    ClassificationNode(ClassificationNode),
    /// A run of a build pipeline; its stages, jobs and tasks are its details.
    Run(Box<Run>),
    /// A pull request; its votes and comments are its details.
    PullRequest(Box<PullRequest>),
    /// A push to a Git repository.
    Push(Push),
    /// A commit, filed under the push that brought it.
    Commit(Commit),
    /// A TFVC changeset.
    Changeset(Changeset),
}

/// The kinds of record. The name is part of every key, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// See [`Record::WorkItem`].
    WorkItem,
    /// See [`Record::WorkItemLink`].
    WorkItemLink,
    /// See [`Record::WorkItemType`].
    WorkItemType,
    /// See [`Record::ClassificationNode`].
    ClassificationNode,
    /// See [`Record::Run`].
    Run,
    /// See [`Record::PullRequest`].
    PullRequest,
    /// See [`Record::Push`].
    Push,
    /// See [`Record::Commit`].
    Commit,
    /// See [`Record::Changeset`].
    Changeset,
}

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

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::WorkItem,
        Self::WorkItemLink,
        Self::WorkItemType,
        Self::ClassificationNode,
        Self::Run,
        Self::PullRequest,
        Self::Push,
        Self::Commit,
        Self::Changeset,
    ];

    /// The name in keys, in logs and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkItem => "work_item",
            Self::WorkItemLink => "work_item_link",
            Self::WorkItemType => "work_item_type",
            Self::ClassificationNode => "classification_node",
            Self::Run => "run",
            Self::PullRequest => "pull_request",
            Self::Push => "push",
            Self::Commit => "commit",
            Self::Changeset => "changeset",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How a record of this kind replaces an older one.
    pub const fn write_rule(self) -> WriteRule {
        match self {
            Self::Push | Self::Commit | Self::Changeset => WriteRule::Immutable,
            Self::WorkItemLink
            | Self::WorkItemType
            | Self::ClassificationNode
            | Self::Run
            | Self::PullRequest => WriteRule::Newest,
            Self::WorkItem => WriteRule::Merge,
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
    /// The state for which details are wanted; `None` for kinds without details.
    pub marker: Option<String>,
}

/// What is fetched one by one for a record and kept in the same item, such as a run's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The record that they complete.
    pub key: RowKey,
    /// The state of the record that they were fetched for.
    pub marker: String,
    /// The details as JSON.
    pub body: String,
}

/// The UTC day of an instant, as keys name it.
pub fn day(instant: Timestamp) -> String {
    instant.to_zoned_datetime(TimeZone::UTC).date().to_string()
}

/// One of 16 buckets, for things whose useful instant moves.
fn hash_bucket(id: u64) -> String {
    format!("{:x}", id % 16)
}

/// 100-nanosecond ticks since the Unix epoch: the resolution of Azure DevOps' own times.
fn ticks(instant: Timestamp) -> i64 {
    i64::try_from(instant.as_nanosecond() / 100).unwrap_or(i64::MAX)
}

impl Record {
    /// The kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::WorkItem(_) => Kind::WorkItem,
            Self::WorkItemLink(_) => Kind::WorkItemLink,
            Self::WorkItemType(_) => Kind::WorkItemType,
            Self::ClassificationNode(_) => Kind::ClassificationNode,
            Self::Run(_) => Kind::Run,
            Self::PullRequest(_) => Kind::PullRequest,
            Self::Push(_) => Kind::Push,
            Self::Commit(_) => Kind::Commit,
            Self::Changeset(_) => Kind::Changeset,
        }
    }

    /// Where the record is stored.
    pub fn key(&self) -> RowKey {
        let (bucket, sort) = match self {
            Self::WorkItem(item) => return WorkItem::row_key(item.organization, item.id),
            Self::WorkItemLink(link) => (
                hash_bucket(link.source),
                format!(
                    "{}#{}/{}/{}",
                    link.organization, link.source, link.rel, link.target
                ),
            ),
            Self::WorkItemType(kind) => ("-".into(), format!("{}#{}", kind.project, kind.name)),
            Self::ClassificationNode(node) => {
                ("-".into(), format!("{}#{}", node.project, node.identifier))
            }
            Self::Run(run) => (day(run.queued_at), format!("{}#{}", run.project, run.id)),
            Self::PullRequest(pull_request) => (
                day(pull_request.created_at),
                format!("{}#{}", pull_request.project, pull_request.id),
            ),
            Self::Push(push) => (
                day(push.at),
                format!("{}#{}/{}", push.project, push.repository, push.id),
            ),
            Self::Commit(commit) => (
                day(commit.pushed_at),
                format!("{}#{}/{}", commit.project, commit.repository, commit.sha),
            ),
            Self::Changeset(changeset) => (
                day(changeset.created_at),
                format!("{}#{}", changeset.organization, changeset.id),
            ),
        };
        RowKey {
            kind: self.kind(),
            bucket,
            sort,
        }
    }

    /// The upstream version as a number that grows; `None` where upstream gives none, and then the moment of
    /// observation serves.
    pub fn version(&self) -> Option<i64> {
        match self {
            Self::WorkItem(item) => Some(i64::from(item.rev)),
            Self::WorkItemLink(link) => Some(ticks(link.changed_at)),
            Self::Run(run) => Some(ticks(run.changed_at())),
            Self::WorkItemType(_) | Self::ClassificationNode(_) | Self::PullRequest(_) => None,
            Self::Push(_) | Self::Commit(_) | Self::Changeset(_) => Some(1),
        }
    }

    /// The last event from which the retention counts; `None` while the thing is open or has no life of its own.
    pub fn last_event(&self) -> Option<Timestamp> {
        match self {
            Self::WorkItem(item) => item.last_event(),
            Self::WorkItemLink(link) => (!link.active).then_some(link.changed_at),
            Self::WorkItemType(_) | Self::ClassificationNode(_) => None,
            Self::Run(run) => run.finished_at,
            Self::PullRequest(pull_request) => pull_request.closed_at,
            Self::Push(push) => Some(push.at),
            Self::Commit(commit) => Some(commit.pushed_at),
            Self::Changeset(changeset) => Some(changeset.created_at),
        }
    }

    /// The state for which details are wanted, or `None` if this kind has no details (now).
    pub fn marker(&self) -> Option<String> {
        match self {
            Self::Run(run) => run.marker(),
            Self::PullRequest(pull_request) => Some(pull_request.marker()),
            _ => None,
        }
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
            marker: self.marker(),
        }))
    }

    fn body(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::WorkItem(record) => serde_json::to_string(record),
            Self::WorkItemLink(record) => serde_json::to_string(record),
            Self::WorkItemType(record) => serde_json::to_string(record),
            Self::ClassificationNode(record) => serde_json::to_string(record),
            Self::Run(record) => serde_json::to_string(record),
            Self::PullRequest(record) => serde_json::to_string(record),
            Self::Push(record) => serde_json::to_string(record),
            Self::Commit(record) => serde_json::to_string(record),
            Self::Changeset(record) => serde_json::to_string(record),
        }
    }

    /// Reads a stored body back.
    ///
    /// # Errors
    /// The body is not one of this kind.
    pub fn from_body(kind: Kind, body: &str) -> Result<Self, serde_json::Error> {
        fn read<T: DeserializeOwned>(body: &str) -> Result<T, serde_json::Error> {
            serde_json::from_str(body)
        }
        Ok(match kind {
            Kind::WorkItem => Self::WorkItem(read(body)?),
            Kind::WorkItemLink => Self::WorkItemLink(read(body)?),
            Kind::WorkItemType => Self::WorkItemType(read(body)?),
            Kind::ClassificationNode => Self::ClassificationNode(read(body)?),
            Kind::Run => Self::Run(read(body)?),
            Kind::PullRequest => Self::PullRequest(read(body)?),
            Kind::Push => Self::Push(read(body)?),
            Kind::Commit => Self::Commit(read(body)?),
            Kind::Changeset => Self::Changeset(read(body)?),
        })
    }
}

impl WorkItem {
    /// Where a work item is stored; its id is unique in the organization, and it may move between projects.
    pub fn row_key(organization: OrganizationId, id: u64) -> RowKey {
        RowKey {
            kind: Kind::WorkItem,
            bucket: hash_bucket(id),
            sort: format!("{organization}#{id}"),
        }
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
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
    }
}
