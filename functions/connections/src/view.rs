//! Connections as the API shows them.

use jiff::Timestamp;
use model::{
    Connection, ConnectionId, ConnectionStatus, Integration, IntegrationId, Method,
    OrganizationName, Service,
};
use resources::{Every, find};
use serde::Serialize;
use storage::{Counts, Stream};

/// A connection with its integrations.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionView {
    id: ConnectionId,
    name: String,
    method: Method,
    organizations: Vec<OrganizationName>,
    status: ConnectionStatus,
    created_at: Timestamp,
    integrations: Vec<IntegrationView>,
}

/// An integration and what it has done so far.
#[derive(Debug, Serialize)]
pub(crate) struct IntegrationView {
    id: IntegrationId,
    service: Service,
    name: String,
    status: SyncStatus,
    /// When the stream that is furthest behind last saw everything; `None` until each has done so once.
    complete_as_of: Option<Timestamp>,
    counts: Counts,
    streams: Progress,
    /// What went wrong last in the streams that failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<StreamError>,
}

/// How an integration is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SyncStatus {
    /// Some stream has not seen everything yet.
    Syncing,
    /// Every stream has seen everything, and none has failed since.
    Healthy,
    /// Some stream failed.
    NeedsAttention,
    /// The credential is dead.
    ReauthorizationNeeded,
}

/// How many streams have seen everything at least once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    total: usize,
    complete: usize,
}

/// A stream that failed.
#[derive(Debug, Serialize)]
pub(crate) struct StreamError {
    stream: String,
    error: String,
}

impl ConnectionView {
    pub(crate) fn new(connection: Connection, integrations: Vec<IntegrationView>) -> Self {
        Self {
            id: connection.id,
            name: connection.name,
            method: connection.method,
            organizations: connection.organizations,
            status: connection.status,
            created_at: connection.created_at,
            integrations,
        }
    }
}

impl IntegrationView {
    pub(crate) fn new(
        integration: Integration,
        streams: &[Stream],
        connection: ConnectionStatus,
    ) -> Self {
        let mut counts = Counts::default();
        for stream in streams {
            counts += stream.counts;
        }
        // Children are not visited as streams: they only count.
        let visited: Vec<&Stream> = streams.iter().filter(|stream| is_visited(stream)).collect();
        let complete = visited
            .iter()
            .filter(|stream| stream.completed_at.is_some())
            .count();
        let errors: Vec<StreamError> = visited.iter().filter_map(|stream| failed(stream)).collect();
        let has_holes = visited.iter().any(|stream| stream.holes > 0);
        let status = match connection {
            ConnectionStatus::ReauthorizationNeeded => SyncStatus::ReauthorizationNeeded,
            ConnectionStatus::Active if !errors.is_empty() || has_holes => {
                SyncStatus::NeedsAttention
            }
            ConnectionStatus::Active if visited.is_empty() || complete < visited.len() => {
                SyncStatus::Syncing
            }
            ConnectionStatus::Active => SyncStatus::Healthy,
        };
        let periodic = visited
            .iter()
            .filter(|stream| every(stream) == Some(Every::Period));
        let complete_as_of = periodic.map(|stream| stream.completed_at).min().flatten();
        Self {
            id: integration.id,
            service: integration.service,
            name: integration.name,
            status,
            complete_as_of,
            counts,
            streams: Progress {
                total: visited.len(),
                complete,
            },
            errors,
        }
    }
}

impl IntegrationView {
    pub(crate) fn service(&self) -> Service {
        self.service
    }
}

/// The resource that a stream's name holds between the organization and the scope.
fn every(stream: &Stream) -> Option<Every> {
    let resource = find(stream.parts().0)?;
    Some(resource.every)
}

fn is_visited(stream: &Stream) -> bool {
    let resource = find(stream.parts().0);
    resource.is_some_and(|resource| !matches!(resource.fan_out, resources::FanOut::Children { .. }))
}

fn failed(stream: &Stream) -> Option<StreamError> {
    let error = stream.last_error.clone()?;
    Some(StreamError {
        stream: stream.name.clone(),
        error,
    })
}
