//! Runs of YAML and classic build pipelines.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::BuildToken;
use crate::http::build_filter::{Filter, Order};
use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{identity, projects};
use crate::world::builds::{self, Build, End, Outcome, Reason};
use crate::world::git::Sha;

/// `GET build/builds`: a header token that is a timestamp in the sort field.
///
/// The token means something else under another `queryOrder`: the service then answers the first page again
/// (<https://github.com/MicrosoftDocs/vsts-rest-api-specs/issues/178>). Runs that share the timestamp may come twice.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let order_name = query
        .text(&["queryOrder"])
        .map_or_else(String::new, str::to_ascii_lowercase);
    let order = Order::parse(query.text(&["queryOrder"]))?;
    let filter = Filter::new(call, order)?;
    let mut found: Vec<&Build> = call
        .world
        .builds
        .iter()
        .filter(|build| filter.accepts(build))
        .collect();
    order.sort(&mut found);
    let start = match query.text(&["continuationToken"]) {
        Some(token)
            if !call
                .simulator
                .is_build_token_of_another_order(token, &order_name) =>
        {
            let at: Timestamp = token
                .parse()
                .map_err(|_| Refusal::bad_value("continuationToken", token))?;
            found
                .iter()
                .position(|build| order.is_from(build, at))
                .unwrap_or(found.len())
        }
        _ => 0,
    };
    let page = call
        .config()
        .pages
        .builds
        .of(query.number(&["$top"])?)
        .max(1);
    let end = match call.config().unverified.build_token {
        _ if call.withholds_page => start,
        BuildToken::NextRun => page_end(order, &found, start, page),
        BuildToken::LastRun => {
            let end = page_end(order, &found, start, page);
            progress(order, &found, start, end)
        }
    };
    let reply = Reply::list(found[start..end].iter().map(|build| body(call, build)));
    let Some(next) = found.get(end) else {
        return Ok(reply);
    };
    let named = match call.config().unverified.build_token {
        BuildToken::LastRun if end > start => found[end - 1],
        BuildToken::NextRun | BuildToken::LastRun => next,
    };
    // Unfinished runs have no time to continue from; they come with the page of the last one that has.
    let Some(token) = order.time(named).map(|time| time.to_string()) else {
        return Ok(reply);
    };
    call.simulator.issue_build_token(&token, &order_name);
    Ok(reply.header("x-ms-continuationtoken", token))
}

/// Where a page ends: after all runs of one timestamp if it would otherwise begin and end within them, and never among
/// runs that have no time.
fn page_end(order: Order, found: &[&Build], start: usize, page: usize) -> usize {
    let mut end = found.len().min(start + page);
    let begins_at = found.get(start).and_then(|build| order.time(build));
    while end < found.len() {
        let next = order.time(found[end]);
        if next.is_some() && next != begins_at {
            break;
        }
        end += 1;
    }
    end
}

/// Where a page ends whose token is its last run: not before that is another instant than the page began with.
fn progress(order: Order, found: &[&Build], start: usize, mut end: usize) -> usize {
    let begins_at = found.get(start).and_then(|build| order.time(build));
    while end < found.len() && order.time(found[end - 1]) == begins_at {
        end = page_end(order, found, start, end - start + 1);
    }
    end
}

/// `GET build/builds/{id}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::json(&body(call, find(call)?)))
}

/// The run named by the first placeholder.
pub(crate) fn find<'a>(call: &'a Call<'_>) -> Result<&'a Build, Refusal> {
    let text = &call.captured[0];
    let id = text
        .parse()
        .map_err(|_| Refusal::bad_value("buildId", text))?;
    let build = call
        .world
        .build(id)
        .filter(|_| !call.simulator.is_deleted_run(id))
        .filter(|build| call.covers(call.world.project_of(build)));
    build.ok_or_else(|| {
        Refusal::not_found(
            "BuildNotFoundException",
            format!("The requested build {id} could not be found."),
        )
    })
}

fn body(call: &Call<'_>, build: &Build) -> Value {
    let definition = &call.world.definitions[build.definition];
    let project = &call.world.projects[usize::from(definition.project)];
    let repository = &call.world.repositories[definition.repository];
    let base = format!("{}/{}", call.base(), project.id);
    let url = format!("{base}/_apis/build/Builds/{}", build.id);
    let plan = json!({ "planId": builds::plan_id(call.world.seed, build) });
    let person = identity::reference(call.world, build.requested_for);
    let system = identity::reference(call.world, call.world.people.system());
    let project_body = projects::reference(call, project);
    let mut body = json!({
        "_links": {
            "self": { "href": url },
            "web": { "href": format!("{base}/_build/results?buildId={}", build.id) },
            "sourceVersionDisplayUri": { "href": format!("{base}/_apis/build/builds/{}/sources", build.id) },
            "timeline": { "href": format!("{base}/_apis/build/builds/{}/Timeline", build.id) },
            "badge": { "href": format!("{base}/_apis/build/status/{}", definition.id) },
        },
        "properties": {},
        "tags": build.tags,
        "validationResults": validation(call, build),
        "plans": [plan],
        "templateParameters": {},
        "triggerInfo": trigger(call, build),
        "id": build.id,
        "buildNumber": build.number,
        "buildNumberRevision": build.id % 40 + 1,
        "status": build.status(),
        "queueTime": build.queued,
        "url": url,
        "definition": {
            "drafts": [],
            "id": definition.id,
            "name": definition.name,
            "url": format!("{base}/_apis/build/Definitions/{}?revision={}", definition.id, definition.revision),
            "uri": format!("vstfs:///Build/Definition/{}", definition.id),
            "path": definition.path,
            "type": "build",
            "queueStatus": "enabled",
            "revision": definition.revision,
            "project": project_body,
        },
        "project": project_body,
        "uri": format!("vstfs:///Build/Build/{}", build.id),
        "sourceBranch": build.branch,
        "sourceVersion": build.version,
        "queue": { "id": 9, "name": "Azure Pipelines", "pool": { "id": 9, "name": "Azure Pipelines", "isHosted": true } },
        "priority": "normal",
        "reason": build.reason.name(),
        "requestedFor": person,
        "requestedBy": system,
        "lastChangedDate": build.changed(),
        "lastChangedBy": system,
        "orchestrationPlan": plan,
        "logs": { "id": 0, "type": "Container", "url": format!("{base}/_apis/build/builds/{}/logs", build.id) },
        "repository": { "id": repository.id, "type": "TfsGit", "name": repository.name, "url": format!("{base}/_git/{}", repository.id), "clean": null, "checkoutSubmodules": false },
        "keepForever": false,
        "retainedByRelease": false,
        "triggeredByBuild": null,
        "appendCommitMessageToRunName": true,
    });
    if let Some(result) = build.result() {
        body["result"] = result.into();
    }
    if let Some(started) = build.started() {
        body["startTime"] = started.to_string().into();
    }
    if let Some(finished) = build.finished() {
        body["finishTime"] = finished.to_string().into();
    }
    body
}

fn validation(call: &Call<'_>, build: &Build) -> Value {
    match build.end {
        End::At(_, Outcome::InvalidYaml) if call.config().unverified.refusals_are_listed => {
            json!([{
                "result": "error",
                "message": "/azure-pipelines.yml (Line: 12, Col: 3): Unexpected value 'setps'",
            }])
        }
        _ => json!([]),
    }
}

fn trigger(call: &Call<'_>, build: &Build) -> Value {
    let Some(own) = build
        .pull_request
        .map(|position| &call.world.pull_requests[position])
    else {
        return pushed(build);
    };
    let tip = own.tips[..own.tips.partition_point(|(at, _)| *at <= build.queued)]
        .last()
        .map_or(Sha::ZERO, |(_, tip)| *tip);
    json!({
        "pr.number": own.id.to_string(),
        "pr.isFork": "False",
        "pr.triggerRepository": call.world.repositories[own.repository].id,
        "pr.triggerRepository.Type": "TfsGit",
        "pr.sourceBranch": own.branch,
        "pr.sourceSha": tip,
        "pr.draft": own.is_draft().to_string(),
    })
}

/// What a push was that started a run.
fn pushed(build: &Build) -> Value {
    match build.reason {
        Reason::IndividualCi => json!({
            "ci.sourceBranch": build.branch,
            "ci.sourceSha": build.version,
            "ci.message": "Merged PR",
            "ci.triggerRepository": "",
        }),
        Reason::PullRequest | Reason::Schedule | Reason::Manual => json!({}),
    }
}
