//! Timelines of runs.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::TimelineAbsence;
use crate::http::builds;
use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::builds::Build;
use crate::world::timeline::{self, Record, RecordResult};

/// `GET build/builds/{id}/timeline` and `.../timeline/{timelineId}`; the latter also reads what a retry replaced.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let build = builds::find(call)?;
    if !build.has_timeline() {
        return absent(call, build);
    }
    let newest = timeline::newest_id(call.world.seed, build);
    let earlier = timeline::earlier_id(call.world.seed, build);
    let wanted = match call.captured.get(1).filter(|text| !text.is_empty()) {
        None => newest,
        Some(text) => Uuid::parse_str(text).map_err(|_| Refusal::bad_value("timelineId", text))?,
    };
    let records = match wanted {
        id if id == newest => Some(timeline::newest(call.world, build)),
        id if id == earlier => timeline::earlier(call.world, build),
        _ => None,
    };
    match records {
        Some(records) => Ok(body(call, build, wanted, &records)),
        None => absent(call, build),
    }
}

const NO_TIMELINE: &str =
    "<!DOCTYPE html><html><head><title>Azure DevOps</title></head><body>404</body></html>";

fn absent(call: &Call<'_>, build: &Build) -> Result<Reply, Refusal> {
    match call.config().unverified.timeline_absence {
        TimelineAbsence::NoContent204 => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        TimelineAbsence::Html200 => Ok(Reply::html(StatusCode::OK, NO_TIMELINE)),
        TimelineAbsence::NotFound404 => Err(Refusal::not_found(
            "TimelineNotFoundException",
            format!("No timeline found for build {}.", build.id),
        )),
    }
}

fn body(call: &Call<'_>, build: &Build, id: Uuid, records: &[Record]) -> Reply {
    let project = call.world.projects[usize::from(call.world.project_of(build))].id;
    let url = format!(
        "{}/{project}/_apis/build/builds/{}/Timeline/{id}",
        call.base(),
        build.id
    );
    let values: Vec<Value> = (1..)
        .zip(records)
        .map(|(log, own)| record(call, build, log, own))
        .collect();
    let mut reply = Reply::json(&json!({
        "records": values,
        "lastChangedBy": call.world.people.get(call.world.people.system()).id,
        "lastChangedOn": build.changed(),
        "id": id,
        "changeId": 20 + records.len(),
        "url": url,
    }));
    reply.items = records.len();
    reply
}

fn record(call: &Call<'_>, build: &Build, log: u32, own: &Record) -> Value {
    let state = timeline::state_of(call.world, own);
    let span = own.span.filter(|_| state != "pending");
    let is_done = state == "completed";
    let project = call.world.projects[usize::from(call.world.project_of(build))].id;
    let log_url = format!(
        "{}/{project}/_apis/build/builds/{}/logs/{log}",
        call.base(),
        build.id
    );
    let has_log = matches!(own.kind, "Job" | "Task") && is_done && span.is_some();
    let errors = u32::from(is_done && own.result == RecordResult::Failed);
    let warnings = u32::from(is_done && own.result == RecordResult::SucceededWithIssues);
    json!({
        "previousAttempts": own.previous.iter().map(|(attempt, timeline, record)| json!({ "attempt": attempt, "timelineId": timeline, "recordId": record })).collect::<Value>(),
        "id": own.id,
        "parentId": own.parent,
        "type": own.kind,
        "name": own.name,
        "refName": own.identifier.as_deref().and_then(|path| path.rsplit('.').next()),
        "startTime": span.map(|(start, _)| start),
        "finishTime": span.filter(|_| is_done).map(|(_, finish)| finish),
        "currentOperation": null,
        "percentComplete": null,
        "state": state,
        "result": is_done.then(|| own.result.name()),
        "resultCode": (is_done && own.result == RecordResult::Skipped).then_some("Evaluating: succeeded()\r\nResult: False\r\n"),
        "changeId": log,
        "lastModified": "0001-01-01T00:00:00",
        "workerName": (own.kind == "Job").then(|| format!("Azure Pipelines {}", build.id % 9 + 1)),
        "queueId": (own.kind == "Job").then_some(9),
        "order": own.order,
        "details": null,
        "errorCount": errors,
        "warningCount": warnings,
        "url": null,
        "log": has_log.then(|| json!({ "id": log, "type": "Container", "url": log_url })),
        "task": own.task.map(|name| json!({ "id": Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()), "name": name, "version": "2.231.1" })),
        "attempt": own.attempt,
        "identifier": own.identifier,
        "issues": issues(own, errors, warnings),
    })
}

fn issues(own: &Record, errors: u32, warnings: u32) -> Value {
    let kind = match (errors, warnings) {
        (0, 0) => return Value::Null,
        (0, _) => "warning",
        _ => "error",
    };
    json!([{ "type": kind, "category": "General", "message": format!("{} ended with code 1.", own.name), "data": { "type": kind } }])
}
