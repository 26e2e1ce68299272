//! Test runs.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/test/runs/query>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::tests::TestRun;

/// The widest range of `lastUpdatedDate` that is answered.
const WIDEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// `GET test/runs`: by the time of the last change with a header token, which is the id of the next one; without the times
/// it is another operation, which skips (<https://learn.microsoft.com/rest/api/azure/devops/test/runs/list>).
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let all = call
        .world
        .test_runs
        .iter()
        .filter(|own| call.covers(own.project));
    let size = call
        .config()
        .pages
        .test_runs
        .of(query.number(&["$top"])?)
        .max(1);
    let from = query.time(&["minLastUpdatedDate"])?;
    let until = query.time(&["maxLastUpdatedDate"])?;
    let (Some(from), Some(until)) = (from, until) else {
        let skip: usize = query.number(&["$skip"])?.unwrap_or(0);
        return Ok(Reply::list(
            all.skip(skip).take(size).map(|own| body(call, own)),
        ));
    };
    check(from, until)?;
    let is_wanted = |own: &&TestRun| own.updated >= from && own.updated <= until;
    let found: Vec<&TestRun> = all.filter(is_wanted).collect();
    let token: Option<u32> = query.number(&["continuationToken"])?;
    let start = token.map_or(0, |token| found.partition_point(|own| own.id < token));
    let end = found.len().min(start + size);
    let reply = Reply::list(found[start..end].iter().map(|own| body(call, own)));
    Ok(match found.get(end) {
        Some(next) => reply.header("x-ms-continuationtoken", next.id.to_string()),
        None => reply,
    })
}

fn check(from: Timestamp, until: Timestamp) -> Result<(), Refusal> {
    if until < from || until.duration_since(from) > WIDEST {
        return Err(Refusal::bad_request(
            "The difference between minLastUpdatedDate and maxLastUpdatedDate should not be more than 7 days.",
        ));
    }
    Ok(())
}

fn body(call: &Call<'_>, own: &TestRun) -> Value {
    let world = call.world;
    let project = &world.projects[usize::from(own.project)];
    let url = format!(
        "{}/{}/_apis/test/Runs/{}",
        call.base(),
        project.name,
        own.id
    );
    let person = identity::reference(world, world.people.system());
    let counts = own.counts;
    let statistics = [
        ("Passed", counts.passed),
        ("Failed", counts.failed),
        ("NotExecuted", counts.skipped),
    ];
    let statistics = statistics.iter().filter(|(_, count)| *count > 0);
    let statistics: Vec<Value> = statistics
        .map(|(outcome, count)| json!({ "state": "Completed", "outcome": outcome, "count": count }))
        .collect();
    let mut body = json!({
        "id": own.id,
        "name": if own.build.is_some() { "VSTest" } else { "Release 1 (Manual)" },
        "url": url,
        "isAutomated": own.build.is_some(),
        "owner": person,
        "project": { "id": project.id, "name": project.name },
        "startedDate": own.started,
        "state": if own.completed.is_some() { "Completed" } else { "InProgress" },
        "totalTests": counts.total(),
        "incompleteTests": 0,
        "notApplicableTests": counts.skipped,
        "passedTests": counts.passed,
        "unanalyzedTests": counts.unanalyzed,
        "createdDate": own.started,
        "lastUpdatedDate": own.updated,
        "lastUpdatedBy": person,
        "revision": 3,
        "runStatistics": statistics,
        "webAccessUrl": format!("{}/{}/_TestManagement/Runs?runId={}", call.base(), project.id, own.id),
    });
    if let Some(completed) = own.completed {
        body["completedDate"] = completed.to_string().into();
    }
    if let Some(position) = own.build {
        let build = &world.builds[position];
        let definition = &world.definitions[build.definition];
        body["build"] = json!({ "id": build.id.to_string(), "name": build.number });
        body["buildConfiguration"] = json!({
            "id": build.id,
            "number": build.number,
            "uri": format!("vstfs:///Build/Build/{}", build.id),
            "buildDefinitionId": definition.id,
            "branchName": build.branch,
            "project": { "id": project.id, "name": project.name },
        });
        body["pipelineReference"] = json!({
            "pipelineId": build.id,
            "stageReference": { "stageName": "Test", "attempt": own.attempt },
            "phaseReference": { "phaseName": "test", "attempt": own.attempt },
            "jobReference": { "jobName": "1", "attempt": own.attempt },
        });
    }
    body
}
