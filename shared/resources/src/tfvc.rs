//! TFVC beside its changesets: branches, labels, shelvesets. They are few and slow, so they are looked at once a week, which is
//! also what a project without TFVC costs.

use ado::{Host, Paging};
use model::{
    Kind, ProjectId, Record, Service,
    record::{Shelveset, TfvcBranch, TfvcLabel},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time, some},
};

/// The branches of a project: a forest, with those that were deleted.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/branches/get-branches>
pub(crate) static TFVC_BRANCHES: Resource = Resource {
    name: "tfvc_branches",
    kind: Kind::TfvcBranch,
    ..list(
        "{project}/_apis/tfvc/branches",
        &[
            API_VERSION,
            ("includeChildren", "true"),
            ("includeDeleted", "true"),
        ],
        (Paging::None, Map::Many(branches)),
    )
};

/// The labels of a project.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/labels/list>
pub(crate) static TFVC_LABELS: Resource = Resource {
    name: "tfvc_labels",
    kind: Kind::TfvcLabel,
    ..list(
        "{project}/_apis/tfvc/labels",
        &[API_VERSION],
        (LABELS, Map::One(label)),
    )
};

/// The shelvesets of everybody, as many as the service gives at once. They are nobody's history: who overwrites one leaves
/// nothing of what it was.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/shelvesets/list>
pub(crate) static SHELVESETS: Resource = Resource {
    name: "shelvesets",
    kind: Kind::Shelveset,
    fan_out: FanOut::Organization,
    ..list(
        "_apis/tfvc/shelvesets",
        &[API_VERSION],
        (Paging::None, Map::One(shelveset)),
    )
};

/// 100 labels are served when no number is asked for:
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/labels/list#uri-parameters>.
const LABELS: Paging = Paging::SkipTop {
    top: 1000,
    top_param: "$top",
    skip_param: "$skip",
    served: Some(100),
};

const fn list(
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    (paging, map): (Paging, Map),
) -> Resource {
    Resource {
        name: "",
        service: Service::Tfvc,
        kind: Kind::TfvcBranch,
        fan_out: FanOut::Project,
        every: Every::Week,
        fetch: Fetch::List(List {
            host: Host::Core,
            path,
            query,
            body: None,
            items: "value",
            paging,
            cursor: CursorRule::Whole,
            map,
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBranch<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    owner: Option<IdentityRef<'a>>,
    #[serde(default)]
    created_date: Time,
    #[serde(default)]
    is_deleted: Option<bool>,
    #[serde(borrow, default)]
    parent: Option<WirePath<'a>>,
    #[serde(borrow, default)]
    children: Option<Vec<WireBranch<'a>>>,
}

#[derive(Deserialize)]
struct WirePath<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

/// A branch and everything that was branched from it.
fn branches(target: &Target<'_>, item: &RawValue) -> Result<Vec<Record>, MapError> {
    let wire: WireBranch<'_> = serde_json::from_str(item.get())?;
    let mut records = Vec::new();
    branch(target.project()?, wire, None, &mut records);
    Ok(records)
}

fn branch(
    project: ProjectId,
    wire: WireBranch<'_>,
    parent: Option<&str>,
    records: &mut Vec<Record>,
) {
    let path = wire.path.owned();
    let told = wire.parent.map(|parent| parent.path.owned());
    for child in wire.children.unwrap_or_default() {
        branch(project, child, Some(&path), records);
    }
    records.push(Record::TfvcBranch(TfvcBranch {
        project,
        path,
        parent: told.or_else(|| parent.map(str::to_owned)),
        description: some(wire.description),
        owner: wire.owner.and_then(IdentityRef::identity),
        created_at: wire.created_date.0,
        is_deleted: wire.is_deleted.unwrap_or(false),
    }));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLabel<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    label_scope: Option<Text<'a>>,
    #[serde(borrow, default)]
    owner: Option<IdentityRef<'a>>,
    #[serde(default)]
    modified_date: Time,
}

fn label(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: WireLabel<'_> = serde_json::from_str(item.get())?;
    Ok(Record::TfvcLabel(TfvcLabel {
        project: target.project()?,
        id: wire.id,
        name: some(wire.name).unwrap_or_default(),
        description: some(wire.description),
        scope: some(wire.label_scope),
        owner: wire.owner.and_then(IdentityRef::identity),
        modified_at: wire.modified_date.required("modifiedDate")?,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireShelveset<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    owner: Option<IdentityRef<'a>>,
    #[serde(default)]
    created_date: Time,
    #[serde(borrow, default)]
    comment: Option<Text<'a>>,
}

fn shelveset(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: WireShelveset<'_> = serde_json::from_str(item.get())?;
    Ok(Record::Shelveset(Shelveset {
        organization: target.organization.id,
        id: wire.id.owned(),
        name: some(wire.name).unwrap_or_default(),
        owner: wire.owner.and_then(IdentityRef::identity),
        created_at: wire.created_date.required("createdDate")?,
        comment: some(wire.comment),
    }))
}
