//! What a synchronization did, stream by stream: what came, what is stored, what is not and why, and when it goes on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{IntegrationId, Service};
use resources::{FanOut, find};
use serde::Serialize;
use storage::{Counts, Quarantined, Stream, Throttle};

/// The report on an integration.
#[derive(Debug, Serialize)]
pub(crate) struct IntegrationReport {
    integration: IntegrationId,
    service: Service,
    streams: Vec<StreamReport>,
}

/// The report on one stream: a resource in one scope, or what was fetched one by one for records of that scope.
#[derive(Debug, Serialize)]
pub(crate) struct StreamReport {
    resource: String,
    /// `-` for the organization, else the ids of the project and the repository.
    scope: String,
    status: StreamStatus,
    /// The last time that a pass saw everything there was.
    complete_as_of: Option<Timestamp>,
    /// When it is visited next; `null` for what is fetched once, or when a record wants it.
    next_try: Option<Timestamp>,
    /// All that was ever done. Azure DevOps does not say how many items a list has, so there is no "expected".
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What is good to know although nothing is wrong, such as a permission that would save requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quarantined: Vec<Quarantined>,
}

/// How a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamStatus {
    /// No pass has seen everything yet.
    Syncing,
    /// The last pass stored everything that it saw.
    Complete,
    /// The last pass saw items that could not be stored.
    Incomplete,
    /// The last visit failed; what is stored is from before.
    Failing,
    /// Fetched when a record wants it.
    OnDemand,
}

/// How patient an organization is at the moment.
#[derive(Debug, Serialize)]
pub(crate) struct RequestBudget {
    organization: String,
    /// Nothing is sent before this; `null` if it is not paused.
    paused_until: Option<Timestamp>,
    /// Whether the pause that was asked for was so long that it is kept shorter.
    capped: bool,
    /// Whether the organization says what is left of its limit, so that one request is sent at a time.
    metered: bool,
}

impl IntegrationReport {
    /// The report on these streams.
    pub(crate) fn new(
        (integration, service): (IntegrationId, Service),
        streams: Vec<Stream>,
        quarantined: Vec<Quarantined>,
    ) -> Self {
        let mut by_stream: BTreeMap<String, Vec<Quarantined>> = BTreeMap::new();
        for item in quarantined {
            by_stream.entry(item.stream.clone()).or_default().push(item);
        }
        let mut report = |stream: Stream| {
            let quarantined = by_stream.remove(&stream.name).unwrap_or_default();
            StreamReport::new(stream, quarantined)
        };
        Self {
            integration,
            service,
            streams: streams.into_iter().map(&mut report).collect(),
        }
    }
}

impl StreamReport {
    fn new(stream: Stream, quarantined: Vec<Quarantined>) -> Self {
        let (resource, scope) = stream.parts();
        Self {
            resource: resource.to_owned(),
            scope: scope.to_owned(),
            status: status(resource, &stream),
            complete_as_of: stream.completed_at,
            next_try: stream
                .due_at
                .filter(|at| at.as_second() < Timestamp::MAX.as_second()),
            counts: stream.counts,
            last_error: stream.last_error,
            hint: stream.hint,
            quarantined,
        }
    }
}

fn status(resource: &str, stream: &Stream) -> StreamStatus {
    let on_demand = |found: &resources::Resource| matches!(found.fan_out, FanOut::Children { .. });
    if stream.last_error.is_some() {
        StreamStatus::Failing
    } else if find(resource).is_some_and(on_demand) {
        StreamStatus::OnDemand
    } else if stream.completed_at.is_none() {
        StreamStatus::Syncing
    } else if stream.holes > 0 {
        StreamStatus::Incomplete
    } else {
        StreamStatus::Complete
    }
}

impl RequestBudget {
    /// What is known of an organization at `now`.
    pub(crate) fn new(organization: String, known: &Throttle, now: Timestamp) -> Self {
        let ahead = |at: Option<Timestamp>| at.filter(|at| *at > now);
        Self {
            organization,
            paused_until: ahead(known.paused_until),
            capped: known.capped && ahead(known.paused_until).is_some(),
            metered: ahead(known.metered_until).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(resource: &str) -> Stream {
        Stream {
            name: format!("2ad38d1e-3eaf-4769-931c-3a2da67bbb01#{resource}#-"),
            completed_at: Some(Timestamp::UNIX_EPOCH),
            ..Stream::default()
        }
    }

    fn status_of(stream: Stream) -> StreamStatus {
        StreamReport::new(stream, Vec::new()).status
    }

    #[test]
    fn a_pass_with_a_hole_is_never_called_complete() {
        let whole = stream("work_item_revisions");
        assert_eq!(status_of(whole.clone()), StreamStatus::Complete);
        assert_eq!(
            status_of(Stream { holes: 1, ..whole }),
            StreamStatus::Incomplete
        );
    }

    #[test]
    fn a_stream_that_fails_says_so_even_if_it_was_complete_once() {
        let failing = Stream {
            last_error: Some("forbidden".into()),
            ..stream("builds")
        };
        assert_eq!(status_of(failing), StreamStatus::Failing);
    }

    #[test]
    fn what_is_fetched_for_records_waits_for_no_pass() {
        let children = Stream {
            completed_at: None,
            ..stream("timelines")
        };
        assert_eq!(status_of(children), StreamStatus::OnDemand);
    }

    #[test]
    fn items_set_aside_are_listed_with_their_stream() {
        let builds = stream("builds");
        let item = Quarantined {
            stream: builds.name.clone(),
            item: "17".into(),
            reason: "a field is missing".into(),
            seen_at: String::new(),
        };
        let integration = IntegrationId(uuid::Uuid::nil());
        let report = IntegrationReport::new(
            (integration, Service::Pipelines),
            vec![stream("timelines"), builds],
            vec![item],
        );
        let counts: Vec<usize> = report.streams.iter().map(|s| s.quarantined.len()).collect();
        assert_eq!(counts, [0, 1]);
    }
}
