//! Connections as the API shows them.

use jiff::{Timestamp, tz::TimeZone};
use model::{
    Connection, ConnectionId, Integration, IntegrationId, Method, OrganizationName, Selection,
    Service, Standing,
};
use resources::{Every, find};
use serde::Serialize;
use storage::{Counts, Stream};

use crate::expiry::{self, Warning};

/// A connection with its integrations.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionView {
    id: ConnectionId,
    name: String,
    description: Option<String>,
    tags: Vec<String>,
    method: Method,
    organizations: Vec<OrganizationName>,
    selection: Selection,
    status: ConnectionState,
    paused_at: Option<Timestamp>,
    created_at: Timestamp,
    /// When it was last given another credential.
    reauthenticated_at: Option<Timestamp>,
    /// What a person should do before something stops.
    warnings: Vec<Warning>,
    integrations: Vec<IntegrationView>,
}

/// Whether a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConnectionState {
    /// Its streams are visited when they are due.
    Active,
    /// A user has paused it.
    Paused,
    /// The credential is dead.
    ReauthorizationNeeded,
    /// A user has deleted it, and what it held is being removed.
    Deleting,
}

/// An integration and what it has done so far.
#[derive(Debug, Serialize)]
pub(crate) struct IntegrationView {
    id: IntegrationId,
    connection: ConnectionId,
    service: Service,
    name: String,
    status: SyncStatus,
    /// When the stream that is furthest behind last saw everything; `None` until each has done so once.
    complete_as_of: Option<Timestamp>,
    /// How long ago that was, in seconds.
    lag_s: Option<i64>,
    /// When a pass last ended with nothing left to fetch.
    last_good_pass: Option<Timestamp>,
    /// When the next stream is due; `None` if none is visited.
    next_run: Option<Timestamp>,
    /// The share of the streams that have seen everything at least once; `None` before the first is known.
    coverage: Option<f64>,
    counts: Counts,
    streams: Progress,
    /// The field that holds the size of a work item, where a user has named one.
    story_points_field: Option<String>,
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
    /// Every stream failed.
    Failing,
    /// A user has paused it.
    Paused,
    /// The credential is dead.
    ReauthorizationNeeded,
    /// What it held is being removed.
    Deleting,
}

/// How many streams have seen everything at least once, and how many failed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Progress {
    total: usize,
    complete: usize,
    failing: usize,
}

/// A stream that failed.
#[derive(Debug, Serialize)]
pub(crate) struct StreamError {
    stream: String,
    error: String,
}

impl ConnectionView {
    pub(crate) fn new(
        connection: Connection,
        integrations: Vec<IntegrationView>,
        now: Timestamp,
    ) -> Self {
        let today = now.to_zoned_datetime(TimeZone::UTC).date();
        Self {
            status: ConnectionState::from(connection.standing()),
            warnings: expiry::warnings(&connection, today),
            id: connection.id,
            name: connection.name,
            description: connection.description,
            tags: connection.tags,
            method: connection.method,
            organizations: connection.organizations,
            selection: connection.selection,
            paused_at: connection.paused_at,
            created_at: connection.created_at,
            reauthenticated_at: connection.reauthenticated_at,
            integrations,
        }
    }
}

impl From<Standing> for ConnectionState {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Visited => Self::Active,
            Standing::Paused => Self::Paused,
            Standing::NeedsPerson => Self::ReauthorizationNeeded,
            Standing::Gone => Self::Deleting,
        }
    }
}

impl IntegrationView {
    pub(crate) fn new(
        connection: &Connection,
        integration: Integration,
        streams: &[Stream],
        now: Timestamp,
    ) -> Self {
        let mut counts = Counts::default();
        for stream in streams {
            counts += stream.counts;
        }
        // Children are not visited as streams: they only count.
        let visited: Vec<&Stream> = streams.iter().filter(|stream| is_visited(stream)).collect();
        let errors: Vec<StreamError> = visited.iter().filter_map(|stream| failed(stream)).collect();
        let is_complete = |stream: &&&Stream| stream.completed_at.is_some();
        let progress = Progress {
            total: visited.len(),
            complete: visited.iter().filter(is_complete).count(),
            failing: errors.len(),
        };
        let standing = integration.standing(connection);
        let has_holes = visited.iter().any(|stream| stream.holes > 0);
        let periodic = visited
            .iter()
            .filter(|stream| every(stream) == Some(Every::Period));
        let complete_as_of = periodic.map(|stream| stream.completed_at).min().flatten();
        Self {
            id: integration.id,
            connection: integration.connection,
            service: integration.service,
            name: integration.name,
            status: status(standing, progress, has_holes),
            complete_as_of,
            lag_s: complete_as_of.map(|at| now.as_second().saturating_sub(at.as_second()).max(0)),
            last_good_pass: visited
                .iter()
                .filter_map(|stream| stream.completed_at)
                .max(),
            next_run: next_run(standing, &visited),
            coverage: coverage(progress),
            counts,
            streams: progress,
            story_points_field: integration.story_points_field,
            errors,
        }
    }

    pub(crate) fn service(&self) -> Service {
        self.service
    }
}

/// How an integration is doing. What a user or the credential says comes first: a paused integration is paused, whatever its
/// streams last met.
fn status(standing: Standing, streams: Progress, has_holes: bool) -> SyncStatus {
    match standing {
        Standing::Gone => SyncStatus::Deleting,
        Standing::Paused => SyncStatus::Paused,
        Standing::NeedsPerson => SyncStatus::ReauthorizationNeeded,
        Standing::Visited if streams.total > 0 && streams.failing == streams.total => {
            SyncStatus::Failing
        }
        Standing::Visited if streams.failing > 0 || has_holes => SyncStatus::NeedsAttention,
        Standing::Visited if streams.total == 0 || streams.complete < streams.total => {
            SyncStatus::Syncing
        }
        Standing::Visited => SyncStatus::Healthy,
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are not 2^52 streams")]
fn coverage(streams: Progress) -> Option<f64> {
    (streams.total > 0).then(|| streams.complete as f64 / streams.total as f64)
}

/// When the next stream is due. What is fetched once has its next time at the end of all time.
fn next_run(standing: Standing, visited: &[&Stream]) -> Option<Timestamp> {
    if standing != Standing::Visited {
        return None;
    }
    let due = visited.iter().filter_map(|stream| stream.due_at);
    due.filter(|at| at.as_second() < Timestamp::MAX.as_second())
        .min()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_what_matters_most() {
        use SyncStatus::{
            Deleting, Failing, Healthy, NeedsAttention, Paused, ReauthorizationNeeded, Syncing,
        };
        let visited = Standing::Visited;
        for (standing, (total, complete, failing), has_holes, expected) in [
            (visited, (0, 0, 0), false, Syncing),
            (visited, (3, 2, 0), false, Syncing),
            (visited, (3, 3, 0), false, Healthy),
            (visited, (3, 3, 0), true, NeedsAttention),
            (visited, (3, 2, 1), false, NeedsAttention),
            (visited, (3, 3, 3), false, Failing),
            (Standing::Paused, (3, 3, 3), false, Paused),
            (
                Standing::NeedsPerson,
                (3, 3, 0),
                false,
                ReauthorizationNeeded,
            ),
            (Standing::Gone, (3, 3, 3), true, Deleting),
        ] {
            let streams = Progress {
                total,
                complete,
                failing,
            };
            assert_eq!(status(standing, streams, has_holes), expected);
        }
    }

    #[test]
    fn the_next_run_is_the_first_that_is_due_and_none_during_a_pause() {
        let due = |second| Stream {
            due_at: Timestamp::from_second(second).ok(),
            ..Stream::default()
        };
        let streams = [due(200), due(100), due(Timestamp::MAX.as_second())];
        let streams: Vec<&Stream> = streams.iter().collect();
        let first = Timestamp::from_second(100).ok();
        assert_eq!(next_run(Standing::Visited, &streams), first);
        assert_eq!(next_run(Standing::Paused, &streams), None);
        assert_eq!(next_run(Standing::Visited, &streams[2..]), None);
    }
}
