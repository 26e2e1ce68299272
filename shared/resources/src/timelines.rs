//! The stages, jobs and tasks of a run.

use ado::Host;
use model::{
    Facet, Kind, Service,
    record::run::{StepResult, Timeline, TimelineKind, TimelineRecord},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, DetailsOf, Every, FanOut, Fetch, MapError, Resource, When,
    wire::{Text, Time, is, some},
};

/// The timeline of each run that has ended, and again when a retry moves its end. A run without a plan has none.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>
pub(crate) static TIMELINES: Resource = Resource {
    name: "timelines",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::Children {
        of: &["builds", "open_runs"],
        when: When::Stale(Facet::Timeline),
    },
    every: Every::Period,
    fetch: Fetch::Details(DetailsOf {
        host: Host::Core,
        facet: Facet::Timeline,
        path: "{project}/_apis/build/builds/{id}/timeline",
        query: &[API_VERSION],
        items: "records",
        map,
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    parent_id: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    identifier: Option<Text<'a>>,
    #[serde(default)]
    order: Option<i32>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(borrow, default)]
    state: Option<Text<'a>>,
    #[serde(borrow, default)]
    result: Option<Text<'a>>,
    #[serde(default)]
    start_time: Time,
    #[serde(default)]
    finish_time: Time,
    #[serde(borrow, default)]
    worker_name: Option<Text<'a>>,
    #[serde(default)]
    queue_id: Option<u64>,
    #[serde(default)]
    error_count: Option<u32>,
    #[serde(default)]
    warning_count: Option<u32>,
}

fn map(items: &[&RawValue]) -> Result<String, MapError> {
    let records = items
        .iter()
        .map(|item| record(item))
        .collect::<Result<_, _>>()?;
    Ok(serde_json::to_string(&Timeline { records })?)
}

fn record(item: &RawValue) -> Result<TimelineRecord, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(TimelineRecord {
        id: wire.id.owned(),
        parent: some(wire.parent_id),
        kind: kind(wire.kind.as_ref().map_or("", |kind| kind.0.as_ref())),
        name: some(wire.name),
        identifier: some(wire.identifier),
        order: wire.order,
        attempt: wire.attempt.unwrap_or(1),
        state: some(wire.state),
        result: wire.result.as_ref().map(|result| step_result(&result.0)),
        started_at: wire.start_time.0,
        finished_at: wire.finish_time.0,
        worker: some(wire.worker_name),
        queue: wire.queue_id,
        errors: wire.error_count.unwrap_or(0),
        warnings: wire.warning_count.unwrap_or(0),
    })
}

fn kind(text: &str) -> TimelineKind {
    match text {
        text if is(text, "Stage") => TimelineKind::Stage,
        text if is(text, "Phase") => TimelineKind::Phase,
        text if is(text, "Job") => TimelineKind::Job,
        text if is(text, "Task") => TimelineKind::Task,
        text if is(text, "Checkpoint") => TimelineKind::Checkpoint,
        text if is(text, "Checkpoint.Approval") => TimelineKind::Approval,
        text => TimelineKind::Unknown(text.to_owned()),
    }
}

pub(crate) fn step_result(text: &str) -> StepResult {
    match text {
        text if is(text, "succeeded") => StepResult::Succeeded,
        text if is(text, "succeededWithIssues") => StepResult::SucceededWithIssues,
        text if is(text, "failed") => StepResult::Failed,
        text if is(text, "canceled") => StepResult::Canceled,
        text if is(text, "skipped") => StepResult::Skipped,
        text if is(text, "abandoned") => StepResult::Abandoned,
        text => StepResult::Unknown(text.to_owned()),
    }
}
