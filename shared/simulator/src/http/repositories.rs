//! Git repositories.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{identity, projects};
use crate::world::projects::{Repository, RepositoryState};

/// `GET git/repositories`: everything in one answer, for the organization or one project.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let covered = call
        .world
        .repositories
        .iter()
        .filter(|repository| call.covers(repository.project));
    Ok(Reply::list(
        covered.map(|repository| body(call, repository)),
    ))
}

/// `GET git/recycleBin/repositories`: what was deleted and can be restored.
///
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/get-recycle-bin-repositories>
pub(crate) fn deleted(call: &Call<'_>) -> Result<Reply, Refusal> {
    let all = call.world.deleted_repositories();
    let covered = all.iter().filter(|own| call.covers(own.project));
    Ok(Reply::list(covered.map(|own| {
        let project = &call.world.projects[usize::from(own.project)];
        json!({
            "id": own.id,
            "name": own.name,
            "project": projects::reference(call, project),
            "deletedBy": identity::reference(call.world, own.by),
            "createdDate": own.created,
            "deletedDate": own.deleted,
        })
    })))
}

/// `GET git/repositories/{repository}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (_, repository) = call.repository()?;
    Ok(Reply::json(&body(call, repository)))
}

/// A `GitRepository`.
pub(crate) fn body(call: &Call<'_>, repository: &Repository) -> Value {
    let project = &call.world.projects[usize::from(repository.project)];
    let organization = &call.world.organization;
    let (project_name, name) = (path_segment(&project.name), path_segment(&repository.name));
    let mut value = json!({
        "id": repository.id,
        "name": repository.name,
        "url": url(call, repository),
        "project": projects::reference(call, project),
        "size": if repository.state == RepositoryState::Empty { 0 } else { repository.size },
        "remoteUrl": format!("https://{organization}@dev.azure.com/{organization}/{project_name}/_git/{name}"),
        "sshUrl": format!("git@ssh.dev.azure.com:v3/{organization}/{project_name}/{name}"),
        "webUrl": web_url(call, repository),
        "isDisabled": repository.state == RepositoryState::Disabled,
        "isInMaintenance": false,
    });
    let position = call
        .world
        .repositories
        .iter()
        .position(|own| own.id == repository.id);
    if let Some(first) = position.and_then(|own| call.world.forked_from(own)) {
        let first = &call.world.repositories[first];
        value["isFork"] = true.into();
        value["parentRepository"] = json!({
            "id": first.id,
            "name": first.name,
            "isFork": false,
            "url": url(call, first),
            "project": projects::reference(call, project),
        });
    }
    if repository.state == RepositoryState::Live {
        value["defaultBranch"] = "refs/heads/main".into();
    }
    value
}

/// The address of the repository's page.
pub(crate) fn web_url(call: &Call<'_>, repository: &Repository) -> String {
    let project = &call.world.projects[usize::from(repository.project)].name;
    format!(
        "{}/{}/_git/{}",
        call.base(),
        path_segment(project),
        path_segment(&repository.name)
    )
}

/// The repository's own address.
pub(crate) fn url(call: &Call<'_>, repository: &Repository) -> String {
    let project = call.world.projects[usize::from(repository.project)].id;
    format!(
        "{}/{project}/_apis/git/repositories/{}",
        call.base(),
        repository.id
    )
}

fn path_segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
