//! Runs of YAML and classic build pipelines.

use std::time::Duration;

use ado::{Host, Paging};
use jiff::Timestamp;
use model::{
    Kind, ProjectId, Record, Service,
    record::run::{Pipeline, Run, RunRepository, RunResult, RunStatus},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, OVERLAP, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// Completed runs in the order of their end: a run that is retried ends again, later, and comes again.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>
pub(crate) static BUILDS: Resource = Resource {
    name: "builds",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::Project,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/build/builds",
        query: &[
            API_VERSION,
            ("statusFilter", "completed"),
            ("queryOrder", "finishTimeAscending"),
            ("$top", "1000"),
        ],
        body: None,
        items: "value",
        paging: Paging::HeaderToken,
        cursor: CursorRule::Time {
            from: "minTime",
            until: None,
            overlap: OVERLAP,
            reach: Duration::ZERO,
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: u64,
    #[serde(borrow, default)]
    build_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    result: Option<Text<'a>>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
    #[serde(default)]
    queue_time: Time,
    #[serde(default)]
    start_time: Time,
    #[serde(default)]
    finish_time: Time,
    #[serde(default)]
    last_changed_date: Time,
    #[serde(borrow)]
    definition: WireDefinition<'a>,
    #[serde(default)]
    project: Option<WireId>,
    #[serde(borrow, default)]
    source_branch: Option<Text<'a>>,
    #[serde(borrow, default)]
    source_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    repository: Option<WireRepository<'a>>,
    #[serde(borrow, default)]
    requested_for: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    trigger_info: Option<WireTrigger<'a>>,
    #[serde(default)]
    triggered_by_build: Option<WireBuildId>,
    #[serde(borrow, default)]
    tags: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
struct WireDefinition<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    revision: Option<u32>,
}

#[derive(Deserialize)]
struct WireId {
    id: ProjectId,
}

#[derive(Deserialize)]
struct WireBuildId {
    id: u64,
}

#[derive(Deserialize)]
struct WireRepository<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    host: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireTrigger<'a> {
    #[serde(borrow, default, rename = "pr.number")]
    pull_request: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let status = wire
        .status
        .as_ref()
        .map_or(RunStatus::Unknown(String::new()), status);
    let branch = some(wire.source_branch);
    let number = wire.trigger_info.and_then(|trigger| trigger.pull_request);
    let number = number.and_then(|number| number.0.parse().ok());
    Ok(Record::Run(Box::new(Run {
        id: wire.id,
        project: match wire.project {
            Some(project) => project.id,
            None => target.project()?,
        },
        number: wire.build_number.map(Text::owned).unwrap_or_default(),
        pipeline: Pipeline {
            id: wire.definition.id,
            name: wire.definition.name.map(Text::owned).unwrap_or_default(),
            folder: some(wire.definition.path),
            revision: wire.definition.revision,
        },
        status,
        result: wire.result.as_ref().map(result),
        reason: some(wire.reason),
        queued_at: queued_at(wire.queue_time, wire.start_time, wire.finish_time)?,
        started_at: wire.start_time.0,
        finished_at: wire.finish_time.0,
        last_changed_at: wire.last_changed_date.0,
        pull_request: number.or_else(|| pull_request_in(branch.as_deref()?)),
        source_branch: branch,
        source_version: some(wire.source_version),
        repository: wire.repository.and_then(repository),
        requested_for: wire.requested_for.and_then(IdentityRef::identity),
        triggered_by: wire.triggered_by_build.map(|build| build.id),
        tags: wire
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(Text::owned)
            .collect(),
    })))
}

/// Old runs have no queue time; then the first time that they have stands for it.
fn queued_at(queue: Time, start: Time, finish: Time) -> Result<Timestamp, MapError> {
    let first = queue.0.or(start.0).or(finish.0);
    Time(first).required("queueTime")
}

fn repository(wire: WireRepository<'_>) -> Option<RunRepository> {
    Some(RunRepository {
        id: some(wire.id)?,
        host: some(wire.host).unwrap_or_default(),
        name: some(wire.name),
    })
}

/// The number in `refs/pull/17/merge`.
fn pull_request_in(branch: &str) -> Option<u64> {
    branch
        .strip_prefix("refs/pull/")?
        .split('/')
        .next()?
        .parse()
        .ok()
}

fn status(text: &Text<'_>) -> RunStatus {
    match text.0.as_ref() {
        text if is(text, "completed") => RunStatus::Completed,
        text if is(text, "inProgress") => RunStatus::InProgress,
        text if is(text, "notStarted") => RunStatus::NotStarted,
        text if is(text, "cancelling") => RunStatus::Cancelling,
        text if is(text, "postponed") => RunStatus::Postponed,
        text => RunStatus::Unknown(text.to_owned()),
    }
}

fn result(text: &Text<'_>) -> RunResult {
    match text.0.as_ref() {
        text if is(text, "succeeded") => RunResult::Succeeded,
        text if is(text, "partiallySucceeded") => RunResult::PartiallySucceeded,
        text if is(text, "failed") => RunResult::Failed,
        text if is(text, "canceled") => RunResult::Canceled,
        text if is(text, "none") => RunResult::None,
        text => RunResult::Unknown(text.to_owned()),
    }
}
