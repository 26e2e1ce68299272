//! Environments of YAML pipelines and what was deployed to them.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/environments/environments/list>

use serde_json::{Value, json};

use crate::config::PageCap;
use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::builds;
use crate::world::environments::{DeploymentRecord, Environment};

/// `GET distributedtask/environments`: by id; the header token is the id of the next one.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = call.query.text(&["name"]);
    let is_wanted = |own: &&Environment| {
        call.covers(own.project) && name.is_none_or(|name| name.eq_ignore_ascii_case(own.name))
    };
    let found: Vec<&Environment> = call.world.environments.iter().filter(is_wanted).collect();
    let from: Option<u32> = call.query.number(&["continuationToken"])?;
    let start = from.map_or(0, |from| found.partition_point(|own| own.id < from));
    let (end, next) = page(
        call,
        call.config().pages.environments,
        "$top",
        start,
        found.len(),
    )?;
    let reply = Reply::list(found[start..end].iter().map(|own| body(call, own)));
    Ok(continued(reply, next.map(|next| found[next].id)))
}

/// `GET distributedtask/environments/{id}/environmentdeploymentrecords`; `top` has no dollar sign here:
/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environmentdeploymentrecords/list>.
///
/// In which order they come is not documented, see [`crate::Unverified::deployments_newest_first`].
pub(crate) fn records(call: &Call<'_>) -> Result<Reply, Refusal> {
    let text = &call.captured[0];
    let id: u32 = text
        .parse()
        .map_err(|_| Refusal::bad_value("environmentId", text))?;
    let is_it = |own: &Environment| own.id == id && call.covers(own.project);
    let environment = call.world.environments.iter().position(is_it);
    let environment = environment.ok_or_else(|| {
        Refusal::not_found(
            "EnvironmentNotFoundException",
            format!("Environment with id {id} was not found."),
        )
    })?;
    let newest_first = call.config().unverified.deployments_newest_first;
    let all = call.world.deployment_records.iter();
    let mut found: Vec<&DeploymentRecord> =
        all.filter(|own| own.environment == environment).collect();
    if newest_first {
        found.reverse();
    }
    let from: Option<u32> = call.query.number(&["continuationToken"])?;
    let is_before = |own: &&DeploymentRecord, from: u32| match newest_first {
        true => own.id > from,
        false => own.id < from,
    };
    let start = from.map_or(0, |from| found.partition_point(|own| is_before(own, from)));
    let cap = call.config().pages.deployment_records;
    let (end, next) = page(call, cap, "top", start, found.len())?;
    let reply = Reply::list(found[start..end].iter().map(|own| record(call, own)));
    Ok(continued(reply, next.map(|next| found[next].id)))
}

/// Where the page ends that begins at `start`, and where the next one begins.
fn page(
    call: &Call<'_>,
    cap: PageCap,
    top: &str,
    start: usize,
    length: usize,
) -> Result<(usize, Option<usize>), Refusal> {
    let size = cap.of(call.query.number(&[top])?).max(1);
    let end = length.min(start + size);
    Ok((end, Some(end).filter(|end| *end < length)))
}

fn continued(reply: Reply, next: Option<u32>) -> Reply {
    match next {
        Some(next) => reply.header("x-ms-continuationtoken", next.to_string()),
        None => reply,
    }
}

fn body(call: &Call<'_>, own: &Environment) -> Value {
    let person = identity::reference(call.world, own.by);
    let project = &call.world.projects[usize::from(own.project)];
    json!({
        "id": own.id,
        "name": own.name,
        "description": own.description.unwrap_or_default(),
        "createdBy": person,
        "createdOn": own.created,
        "lastModifiedBy": person,
        "lastModifiedOn": own.created,
        "project": { "id": project.id, "name": null },
    })
}

fn record(call: &Call<'_>, own: &DeploymentRecord) -> Value {
    let world = call.world;
    let build = &world.builds[own.build];
    let definition = &world.definitions[build.definition];
    let project = &world.projects[usize::from(definition.project)];
    let base = format!("{}/{}/_apis/build", call.base(), project.id);
    let owner = |kind: &str, id: u32, name: &str| {
        let link = json!({ "self": { "href": format!("{base}/{kind}/{id}") } });
        json!({ "id": id, "name": name, "_links": link })
    };
    let mut body = json!({
        "id": own.id,
        "environmentId": world.environments[own.environment].id,
        "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
        "scopeId": project.id,
        "planType": "Build",
        "planId": builds::plan_id(world.seed, build),
        "requestIdentifier": format!("{}.{}.{}", own.stage, own.job, own.attempt),
        "stageName": own.stage,
        "jobName": own.job,
        "stageAttempt": own.attempt,
        "jobAttempt": 1,
        "definition": owner("Definitions", definition.id, &definition.name),
        "owner": owner("Builds", build.id, &build.number),
        "queueTime": own.queued,
    });
    if let Some(started) = own.started {
        body["startTime"] = started.to_string().into();
    }
    if let Some((finished, result)) = own.finished {
        body["finishTime"] = finished.to_string().into();
        body["result"] = result.name().into();
    }
    body
}
