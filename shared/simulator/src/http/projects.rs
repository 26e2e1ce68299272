//! Projects.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/core/projects/list>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::projects::Project;
use crate::world::teams;

/// `GET projects`: header token (an offset), also `$skip`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let page = call
        .config()
        .pages
        .projects
        .of(call.query.number(&["$top"])?);
    let skip: usize = call
        .query
        .number(&["continuationToken", "$skip"])?
        .unwrap_or(0);
    let state = call.query.text(&["stateFilter"]).unwrap_or("wellFormed");
    let has_any = matches!(
        state.to_ascii_lowercase().as_str(),
        "wellformed" | "all" | "unchanged"
    );
    let visible = (0_u16..)
        .zip(&call.world.projects)
        .filter(|(position, _)| has_any && call.sees(*position));
    let projects: Vec<&Project> = visible.map(|(_, project)| project).collect();
    let end = projects.len().min(skip.saturating_add(page));
    let reply = Reply::list(
        projects[skip.min(end)..end]
            .iter()
            .map(|project| reference(call, project)),
    );
    Ok(if end < projects.len() && page > 0 {
        reply.header("x-ms-continuationtoken", end.to_string())
    } else {
        reply
    })
}

/// `GET projects/{project}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let position = call.find_project(&call.captured[0])?;
    let project = &call.world.projects[usize::from(position)];
    let mut value = reference(call, project);
    let base = call.base();
    let team = teams::default_team(project);
    value["_links"] = json!({
        "self": { "href": format!("{base}/_apis/projects/{}", project.id) },
        "collection": { "href": format!("{base}/_apis/projectCollections/{}", call.world.instance_id) },
        "web": { "href": format!("{base}/{}", project.name) },
    });
    value["defaultTeam"] = json!({
        "id": team,
        "name": format!("{} Team", project.name),
        "url": format!("{base}/_apis/projects/{}/teams/{team}", project.id),
    });
    if call.query.flag("includeCapabilities")? {
        value["capabilities"] = capabilities(project);
    }
    Ok(Reply::json(&value))
}

fn capabilities(project: &Project) -> Value {
    let (kind, tfvc) = if project.has_tfvc {
        ("Tfvc", "True")
    } else {
        ("Git", "False")
    };
    json!({
        "processTemplate": { "templateName": "Agile", "templateTypeId": "adcc42ab-9882-485e-a3ed-7678f01f66bc" },
        "versioncontrol": { "sourceControlType": kind, "gitEnabled": "True", "tfvcEnabled": tfvc },
    })
}

/// A `TeamProjectReference`, as lists and other bodies carry it.
pub(crate) fn reference(call: &Call<'_>, project: &Project) -> Value {
    let mut value = json!({
        "id": project.id,
        "name": project.name,
        "url": format!("{}/_apis/projects/{}", call.base(), project.id),
        "state": "wellFormed",
        "revision": project.revision,
        "visibility": "private",
        "lastUpdateTime": project.last_update,
    });
    if let Some(description) = project.description {
        value["description"] = description.into();
    }
    value
}
