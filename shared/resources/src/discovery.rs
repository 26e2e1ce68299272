//! The projects and repositories of an organization: what streams are made for.

use ado::{Paging, Request};
use model::{OrganizationName, Project, ProjectId, Repository, RepositoryId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, MapError,
    wire::{Text, is, some},
};

/// How the list of projects continues.
pub const PROJECTS: Paging = Paging::HeaderToken;

/// The projects that the credential can see.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/projects/list>
pub fn projects_request(organization: &OrganizationName) -> Request {
    Request::get(organization, "_apis/projects")
        .query("stateFilter", "wellFormed")
        .query("$top", "500")
        .query(API_VERSION.0, API_VERSION.1)
}

/// The repositories of all projects, in one answer of any size.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
pub fn repositories_request(organization: &OrganizationName) -> Request {
    Request::get(organization, "_apis/git/repositories").query(API_VERSION.0, API_VERSION.1)
}

#[derive(Deserialize)]
struct WireProject<'a> {
    id: ProjectId,
    #[serde(borrow)]
    name: Text<'a>,
}

/// A project of the list.
///
/// # Errors
/// It has no id or no name.
pub fn project(item: &RawValue) -> Result<Project, MapError> {
    let wire: WireProject<'_> = serde_json::from_str(item.get())?;
    Ok(Project {
        id: wire.id,
        name: wire.name.owned(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRepository<'a> {
    id: RepositoryId,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    project: WireRepositoryProject<'a>,
    #[serde(borrow, default)]
    default_branch: Option<Text<'a>>,
    #[serde(default)]
    is_disabled: Option<bool>,
}

#[derive(Deserialize)]
struct WireRepositoryProject<'a> {
    id: ProjectId,
    #[serde(borrow, default)]
    state: Option<Text<'a>>,
}

/// A repository of the list; `None` if its project is going away.
///
/// # Errors
/// It has no id, no name or no project.
pub fn repository(item: &RawValue) -> Result<Option<Repository>, MapError> {
    let wire: WireRepository<'_> = serde_json::from_str(item.get())?;
    if wire
        .project
        .state
        .as_ref()
        .is_some_and(|state| is(&state.0, "deleting"))
    {
        return Ok(None);
    }
    Ok(Some(Repository {
        id: wire.id,
        project: wire.project.id,
        name: wire.name.owned(),
        default_branch: some(wire.default_branch),
        is_disabled: wire.is_disabled.unwrap_or(false),
    }))
}
