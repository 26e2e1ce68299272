//! What travels through the queues.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ConnectionId, IntegrationId, Organization, OrganizationName, ProjectId, RepositoryId, RowKey,
    Service, TenantId, Trace,
};

/// A message on the fan-out queue: look at one organization of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// Whose connection it is.
    pub tenant: TenantId,
    /// Whose credential to use.
    pub connection: ConnectionId,
    /// Where to look.
    pub organization: OrganizationName,
    /// Why now.
    pub reason: Reason,
    /// What set it going.
    #[serde(default, skip_serializing_if = "Trace::is_none")]
    pub trace: Trace,
}

/// Why an organization is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The schedule came by: only streams that are due are visited.
    Scheduled,
    /// A user installed the connection or asked for a synchronization: every stream is visited.
    Requested,
    /// A user asked for what is new: the streams that are visited every period are visited now, others when they are due.
    News,
    /// A user ended a pause: what is due is visited, also where a job was sent before the pause, which has dropped it.
    Resumed,
}

/// A message on a service's queue: visit one stream, or some of its children.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Whose data it is.
    pub tenant: TenantId,
    /// Whose credential to use.
    pub connection: ConnectionId,
    /// Where the records go.
    pub integration: IntegrationId,
    /// The integration's service: which queue carries the job.
    pub service: Service,
    /// Where to ask.
    pub organization: Organization,
    /// The resource's name in the catalog.
    pub resource: String,
    /// Which part of the organization.
    pub scope: Scope,
    /// What to do there.
    pub work: Work,
    /// What set it going.
    #[serde(default, skip_serializing_if = "Trace::is_none")]
    pub trace: Trace,
}

/// What a job asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// One visit to the stream: from its cursor to "nothing newer".
    Pass,
    /// The named children, each one request.
    Children(Vec<Child>),
}

/// A thing whose details are asked for one by one, such as a run's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The natural id that the address needs.
    pub id: String,
    /// Its repository, where the address needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryId>,
    /// The record to complete.
    pub row: RowKey,
    /// The state of the parent that these details belong to; stored as the done marker.
    pub marker: String,
}

/// The part of an organization that a stream covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of it.
    Organization,
    /// One project.
    Project(ProjectId),
    /// One repository.
    Repository {
        /// The project that the repository is in.
        project: ProjectId,
        /// The repository.
        repository: RepositoryId,
    },
}

impl Scope {
    /// The project, where the scope is not the whole organization.
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Organization => None,
            Self::Project(project) | Self::Repository { project, .. } => Some(*project),
        }
    }

    /// The repository, where the scope is one.
    pub fn repository(&self) -> Option<RepositoryId> {
        match self {
            Self::Organization | Self::Project(_) => None,
            Self::Repository { repository, .. } => Some(*repository),
        }
    }
}

/// Reads what [`Display`](fmt::Display) wrote.
impl FromStr for Scope {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('/') {
            None if text == "-" => Self::Organization,
            None => Self::Project(text.parse()?),
            Some((project, repository)) => Self::Repository {
                project: project.parse()?,
                repository: repository.parse()?,
            },
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => formatter.write_str("-"),
            Self::Project(project) => write!(formatter, "{project}"),
            Self::Repository {
                project,
                repository,
            } => {
                write!(formatter, "{project}/{repository}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_from_before_there_were_traces_are_read() {
        let message = r#"{"tenant":"contoso","connection":"00000000-0000-4000-8000-000000000000",
            "organization":"fabrikam","reason":"scheduled"}"#;
        let message: FanOut = serde_json::from_str(message).unwrap();
        assert!(message.trace.is_none());
        let job = r#"{"tenant":"contoso","connection":"00000000-0000-4000-8000-000000000000",
            "integration":"00000000-0000-4000-8000-000000000001","service":"boards",
            "organization":{"id":"00000000-0000-4000-8000-000000000002","name":"fabrikam"},
            "resource":"builds","scope":"organization","work":"pass"}"#;
        let old: Job = serde_json::from_str(job).unwrap();
        assert_eq!(old.trace.to_string(), "-");
        let id = uuid::Uuid::from_u128(7);
        let new = Job {
            trace: Trace::new(id),
            ..old
        };
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), new);
        assert!(text.contains(&id.to_string()), "{text}");
    }
}
