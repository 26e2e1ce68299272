//! The stages, jobs and tasks of a run.

use std::collections::{BTreeSet, HashMap, HashSet};

use ado::Host;
use jiff::Timestamp;
use model::{
    Facet, Kind, Service,
    record::run::{StepResult, Timeline, TimelineKind, TimelineRecord, TimelineSource},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, DetailsOf, Every, FanOut, Fetch, MapError, Resource, When,
    wire::{Text, Time, if_shaped, is, some},
};

/// The timeline of each run that has ended, and again when a retry moves its end. A run without a plan has none.
///
/// The newest timeline names those that hold what was retried, which takes a request for each of them: a run that was
/// never retried takes one in all.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>
pub(crate) static TIMELINES: Resource = Resource {
    name: "timelines",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::Children {
        of: &["builds", "open_runs"],
        when: When::StaleInBulk(Facet::Timeline),
    },
    every: Every::Period,
    fetch: Fetch::Details(DetailsOf {
        host: Host::Core,
        facet: Facet::Timeline,
        path: "{project}/_apis/build/builds/{id}/timeline",
        query: &[API_VERSION],
        items: "records",
        more: Some(earlier),
        parent: Some("{project}/_apis/build/builds/{id}"),
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
    #[serde(borrow, default, deserialize_with = "if_shaped")]
    task: Option<WireTask<'a>>,
}

#[derive(Deserialize)]
struct WireTask<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttempt<'a> {
    #[serde(borrow, default)]
    timeline_id: Option<Text<'a>>,
}

/// Only what names the timelines of earlier attempts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttempts<'a> {
    #[serde(borrow, default, deserialize_with = "if_shaped")]
    previous_attempts: Option<Vec<WireAttempt<'a>>>,
}

/// The timelines of earlier attempts, each once. A record that cannot be read is found by [`map`].
/// <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get#timelineattempt>
fn earlier(items: &[&RawValue]) -> Vec<String> {
    let attempts = items.iter().filter_map(|item| {
        let wire: WireAttempts<'_> = serde_json::from_str(item.get()).ok()?;
        wire.previous_attempts
    });
    let ids = attempts.flatten().filter_map(|own| some(own.timeline_id));
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

/// All records, the newest attempt first. A record that an earlier timeline repeats is the same one.
fn map(items: &[&RawValue]) -> Result<String, MapError> {
    let (mut records, mut known) = (Vec::with_capacity(items.len()), HashSet::new());
    for item in items {
        let record = record(item)?;
        if known.insert((record.id.clone(), record.attempt)) {
            records.push(record);
        }
    }
    let begun: HashMap<String, Option<Timestamp>> = records
        .iter()
        .map(|record| (record.id.clone(), record.started_at))
        .collect();
    for job in &mut records {
        if job.kind == TimelineKind::Job && job.started_at.is_some() {
            let parent = job.parent.as_ref().and_then(|parent| begun.get(parent));
            job.waiting_since = parent.copied().flatten();
        }
    }
    let source = TimelineSource::Run;
    Ok(serde_json::to_string(&Timeline { source, records })?)
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
        task: wire.task.and_then(|task| some(task.name)),
        waiting_since: None,
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
        text if is(text, "Checkpoint.Authorization") => TimelineKind::Authorization,
        text if is(text, "Checkpoint.TaskCheck") => TimelineKind::TaskCheck,
        text if is(text, "Checkpoint.ExtendsCheck") => TimelineKind::ExtendsCheck,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    fn timeline(items: &[&str]) -> Timeline {
        let items: Vec<_> = items.iter().map(|item| raw(item)).collect();
        serde_json::from_str(&map(&items).unwrap()).unwrap()
    }

    #[test]
    fn the_timelines_of_earlier_attempts_are_named_once() {
        let items = [
            r#"{"id":"s","previousAttempts":[{"attempt":1,"timelineId":"t1","recordId":"x"},{"attempt":2,"timelineId":"t2"}]}"#,
            r#"{"id":"j","previousAttempts":[{"attempt":1,"timelineId":"t1","recordId":"y"}]}"#,
            r#"{"id":"k","previousAttempts":[]}"#,
            r#"{"id":"l"}"#,
        ];
        assert_eq!(earlier(&items.map(raw)), ["t1", "t2"]);
    }

    #[test]
    fn attempts_lie_side_by_side_and_repetitions_once() {
        let records = timeline(&[
            r#"{"id":"a","type":"Stage","attempt":2,"result":"succeeded"}"#,
            r#"{"id":"b","type":"Stage","attempt":1,"result":"succeeded"}"#,
            r#"{"id":"a","type":"Stage","attempt":1,"result":"failed"}"#,
            r#"{"id":"b","type":"Stage","attempt":1,"result":"succeeded"}"#,
        ])
        .records;
        let seen: Vec<_> = records
            .iter()
            .map(|own| (own.id.as_str(), own.attempt))
            .collect();
        assert_eq!(seen, [("a", 2), ("b", 1), ("a", 1)]);
    }

    #[test]
    fn a_job_waits_from_the_beginning_of_what_it_is_part_of() {
        let records = timeline(&[
            r#"{"id":"p","type":"Phase","startTime":"2026-07-04T10:00:00Z"}"#,
            r#"{"id":"j","parentId":"p","type":"Job","startTime":"2026-07-04T10:00:09Z"}"#,
            r#"{"id":"s","parentId":"p","type":"Job","result":"skipped"}"#,
            r#"{"id":"t","parentId":"j","type":"Task","startTime":"2026-07-04T10:00:09Z","task":{"name":"CmdLine"}}"#,
        ])
        .records;
        let since = records[1].waiting_since.map(|at| at.to_string());
        assert_eq!(since.as_deref(), Some("2026-07-04T10:00:00Z"));
        assert_eq!(
            (records[2].waiting_since, records[3].waiting_since),
            (None, None)
        );
        assert_eq!(records[3].task.as_deref(), Some("CmdLine"));
    }

    #[test]
    fn checks_are_told_from_approvals() {
        let kinds = [
            ("Checkpoint.Approval", TimelineKind::Approval),
            ("Checkpoint.Authorization", TimelineKind::Authorization),
            ("Checkpoint.TaskCheck", TimelineKind::TaskCheck),
            ("Checkpoint.ExtendsCheck", TimelineKind::ExtendsCheck),
            (
                "Checkpoint.New",
                TimelineKind::Unknown("Checkpoint.New".to_owned()),
            ),
        ];
        for (name, wanted) in kinds {
            assert_eq!(kind(name), wanted);
        }
    }
}
