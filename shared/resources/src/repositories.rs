//! Repositories, those that are there and those that were deleted.

use ado::{Host, Paging};
use model::{Kind, ProjectId, Record, RepositoryId, Service, record::GitRepository};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time, some},
};

/// The repositories of all projects in one answer of any size, disabled and empty ones included.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
pub(crate) static REPOSITORIES: Resource = Resource {
    name: "repositories",
    fan_out: FanOut::Organization,
    every: Every::Day,
    ..list("_apis/git/repositories")
};

/// The repositories of a project that were deleted, while they can still be restored. What is in neither list is kept: a list
/// that leaves something out says nothing about it.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/get-recycle-bin-repositories>
pub(crate) static DELETED_REPOSITORIES: Resource = Resource {
    name: "deleted_repositories",
    fan_out: FanOut::Project,
    every: Every::Week,
    ..list("{project}/_apis/git/recycleBin/repositories")
};

const fn list(path: &'static str) -> Resource {
    Resource {
        name: "",
        service: Service::Repos,
        kind: Kind::GitRepository,
        fan_out: FanOut::Organization,
        every: Every::Day,
        fetch: Fetch::List(List {
            host: Host::Core,
            path,
            query: &[API_VERSION],
            body: None,
            items: "value",
            paging: Paging::None,
            cursor: CursorRule::Whole,
            map: Map::One(map),
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: RepositoryId,
    #[serde(borrow)]
    name: Text<'a>,
    project: WireProject,
    #[serde(borrow, default)]
    default_branch: Option<Text<'a>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    is_disabled: Option<bool>,
    #[serde(default)]
    is_fork: Option<bool>,
    #[serde(default)]
    parent_repository: Option<WireParent>,
    #[serde(borrow, default)]
    remote_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    ssh_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    web_url: Option<Text<'a>>,
    #[serde(default)]
    deleted_date: Time,
    #[serde(borrow, default)]
    deleted_by: Option<IdentityRef<'a>>,
}

#[derive(Deserialize)]
struct WireProject {
    id: ProjectId,
}

#[derive(Deserialize)]
struct WireParent {
    id: RepositoryId,
}

fn map(_: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::GitRepository(GitRepository {
        id: wire.id,
        project: wire.project.id,
        name: wire.name.owned(),
        default_branch: some(wire.default_branch),
        size_bytes: wire.size,
        is_disabled: wire.is_disabled.unwrap_or(false),
        is_fork: wire.is_fork.unwrap_or(false),
        forked_from: wire.parent_repository.map(|parent| parent.id),
        remote_url: some(wire.remote_url),
        ssh_url: some(wire.ssh_url),
        web_url: some(wire.web_url),
        deleted_at: wire.deleted_date.0,
        deleted_by: wire.deleted_by.and_then(IdentityRef::identity),
    }))
}
