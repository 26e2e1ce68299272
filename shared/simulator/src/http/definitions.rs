//! Definitions of pipelines, and how long their runs are kept.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/definitions/list>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{identity, projects};
use crate::world::builds::{Definition, Shape};

/// `GET build/definitions`: a header token that is the place of the next one in the order.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let all_properties = query.flag("includeAllProperties")?;
    let mut found: Vec<&Definition> = call.world.definitions.iter().collect();
    found.retain(|own| call.covers(own.project));
    match query.text(&["queryOrder"]) {
        None | Some("none") => {}
        Some("definitionNameAscending") => found.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("definitionNameDescending") => found.sort_by(|a, b| b.name.cmp(&a.name)),
        Some("lastModifiedAscending") => found.sort_by_key(|own| own.revised(call.world).0),
        Some("lastModifiedDescending") => {
            found.sort_by_key(|own| std::cmp::Reverse(own.revised(call.world).0));
        }
        Some(other) => return Err(Refusal::bad_value("queryOrder", other)),
    }
    let start = query.number(&["continuationToken"])?.unwrap_or(0);
    let start = found.len().min(start);
    let page = call.config().pages.definitions;
    let page = page.of(query.number(&["$top"])?).max(1);
    let end = found.len().min(start + page);
    let items = found[start..end].iter();
    let reply = Reply::list(items.map(|own| body(call, own, all_properties)));
    if end < found.len() {
        return Ok(reply.header("x-ms-continuationtoken", end.to_string()));
    }
    Ok(reply)
}

/// `GET build/retention`.
///
/// <https://learn.microsoft.com/rest/api/azure/devops/build/retention/get>
pub(crate) fn retention(call: &Call<'_>) -> Result<Reply, Refusal> {
    let days = call.config().run_retention_days;
    let setting =
        |min: u32, max: u32, value: u32| json!({ "min": min, "max": max, "value": value });
    Ok(Reply::json(&json!({
        "purgeArtifacts": setting(1, 60, 30),
        "purgeRuns": setting(30, 731, days),
        "purgePullRequestRuns": setting(1, 365, days),
        "retainRunsPerProtectedBranch": setting(0, 50, 3),
    })))
}

fn body(call: &Call<'_>, own: &Definition, all_properties: bool) -> Value {
    let project = &call.world.projects[usize::from(own.project)];
    let base = format!("{}/{}", call.base(), project.id);
    let url = format!(
        "{base}/_apis/build/Definitions/{}?revision={}",
        own.id, own.revision
    );
    let (at, by) = own.revised(call.world);
    let mut body = json!({
        "_links": {
            "self": { "href": url },
            "web": { "href": format!("{base}/_build/definition?definitionId={}", own.id) },
            "editor": { "href": format!("{base}/_build/designer?id={}&_a=edit-build-definition", own.id) },
            "badge": { "href": format!("{base}/_apis/build/status/{}", own.id) },
        },
        "quality": "definition",
        "authoredBy": identity::reference(call.world, by),
        "drafts": [],
        "queue": { "_links": { "self": { "href": format!("{}/_apis/build/Queues/9", call.base()) } }, "id": 9, "name": "Azure Pipelines", "url": format!("{}/_apis/build/Queues/9", call.base()), "pool": { "id": 9, "name": "Azure Pipelines", "isHosted": true } },
        "id": own.id,
        "name": own.name,
        "url": url,
        "uri": format!("vstfs:///Build/Definition/{}", own.id),
        "path": own.path,
        "type": "build",
        "queueStatus": "enabled",
        "revision": own.revision,
        "createdDate": at,
        "project": projects::reference(call, project),
    });
    if all_properties {
        let repository = &call.world.repositories[own.repository];
        body["process"] = process(own.shape);
        body["triggers"] = triggers(own.shape);
        body["repository"] = json!({
            "properties": { "cleanOptions": "0", "reportBuildStatus": "true", "fetchDepth": "1" },
            "id": repository.id,
            "type": "TfsGit",
            "name": repository.name,
            "url": format!("{base}/_git/{}", repository.id),
            "defaultBranch": "refs/heads/main",
            "clean": "false",
            "checkoutSubmodules": false,
        });
    }
    body
}

fn process(shape: Shape) -> Value {
    match shape {
        Shape::Classic => json!({ "phases": [], "type": 1 }),
        Shape::Ci => json!({ "yamlFilename": "/azure-pipelines.yml", "type": 2 }),
        Shape::Release => json!({ "yamlFilename": "/pipelines/release.yml", "type": 2 }),
    }
}

fn triggers(shape: Shape) -> Value {
    match shape {
        Shape::Classic => json!([{ "triggerType": "schedule" }]),
        Shape::Ci | Shape::Release => json!([{
            "branchFilters": [],
            "pathFilters": [],
            "settingsSourceType": 2,
            "batchChanges": false,
            "maxConcurrentBuildsPerBranch": 1,
            "triggerType": "continuousIntegration",
        }]),
    }
}
