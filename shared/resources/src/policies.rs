//! Branch policies.

use ado::{Host, Paging};
use model::{
    Kind, Record, RepositoryId, Service,
    record::{Policy, repository::PolicyBranch},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// The policies of a project, of all its repositories and branches.
/// <https://learn.microsoft.com/rest/api/azure/devops/policy/configurations/list>
pub(crate) static POLICIES: Resource = Resource {
    name: "policies",
    service: Service::Repos,
    kind: Kind::Policy,
    fan_out: FanOut::Project,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/policy/configurations",
        query: &[API_VERSION],
        body: None,
        items: "value",
        paging: Paging::HeaderToken,
        cursor: CursorRule::Whole,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: u64,
    #[serde(default)]
    revision: Option<u64>,
    #[serde(default)]
    is_enabled: Option<bool>,
    #[serde(default)]
    is_blocking: Option<bool>,
    #[serde(default)]
    is_deleted: Option<bool>,
    #[serde(default)]
    created_date: Time,
    #[serde(borrow, default)]
    created_by: Option<IdentityRef<'a>>,
    #[serde(borrow, rename = "type")]
    kind: WireType<'a>,
    #[serde(borrow, default)]
    settings: Option<WireSettings<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireType<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    display_name: Option<Text<'a>>,
}

/// Each type has settings of its own; these are those that many teams ask about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSettings<'a> {
    #[serde(borrow, default)]
    scope: Option<Vec<WireBranch<'a>>>,
    #[serde(default)]
    minimum_approver_count: Option<u64>,
    #[serde(default)]
    creator_vote_counts: Option<bool>,
    #[serde(default)]
    build_definition_id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBranch<'a> {
    #[serde(default)]
    repository_id: Option<RepositoryId>,
    #[serde(borrow, default)]
    ref_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    match_kind: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let settings = wire.settings.unwrap_or_default();
    let branches = settings.scope.unwrap_or_default().into_iter();
    Ok(Record::Policy(Policy {
        project: target.project()?,
        id: wire.id,
        type_id: wire.kind.id.owned(),
        type_name: some(wire.kind.display_name).unwrap_or_default(),
        revision: wire.revision.unwrap_or(1),
        is_enabled: wire.is_enabled.unwrap_or(false),
        is_blocking: wire.is_blocking.unwrap_or(false),
        is_deleted: wire.is_deleted.unwrap_or(false),
        created_at: wire.created_date.0,
        created_by: wire.created_by.and_then(IdentityRef::identity),
        branches: branches.map(branch).collect(),
        minimum_approvers: settings.minimum_approver_count,
        author_vote_counts: settings.creator_vote_counts,
        build_definition: settings.build_definition_id,
    }))
}

fn branch(wire: WireBranch<'_>) -> PolicyBranch {
    PolicyBranch {
        repository: wire.repository_id,
        name: some(wire.ref_name),
        is_prefix: wire.match_kind.is_some_and(|kind| is(&kind.0, "prefix")),
    }
}
