//! The branches and tags of a repository.
//!
//! These lists tell the ones that no push of the window has touched, and what stands now; so they are read when a push has
//! come, and once a week besides. A tag's date is that of the push which brought it.

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::{Ref, RefList},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, some},
};

/// The branches, in one answer: without `$top` and token all come at once.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/refs/list>
pub(crate) static BRANCHES: Resource = Resource {
    name: "branches",
    ..list(
        &[API_VERSION, ("filter", "heads/")],
        Map::Page(|target, items| refs(target, items, "heads")),
    )
};

/// The tags, likewise, with the commits of annotated ones.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/refs/list>
pub(crate) static TAGS: Resource = Resource {
    name: "tags",
    ..list(
        &[API_VERSION, ("filter", "tags/"), ("peelTags", "true")],
        Map::Page(|target, items| refs(target, items, "tags")),
    )
};

const fn list(query: &'static [(&'static str, &'static str)], map: Map) -> Resource {
    Resource {
        name: "",
        service: Service::Repos,
        kind: Kind::RefList,
        fan_out: FanOut::RepositoryWith("pushes"),
        every: Every::Week,
        fetch: Fetch::List(List {
            host: Host::Core,
            path: "{project}/_apis/git/repositories/{repository}/refs",
            query,
            body: None,
            items: "value",
            paging: Paging::None,
            cursor: CursorRule::Whole,
            map,
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    object_id: Text<'a>,
    #[serde(borrow, default)]
    peeled_object_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    creator: Option<IdentityRef<'a>>,
    #[serde(default)]
    is_locked: Option<bool>,
}

/// All refs of an answer. The filter is a prefix, so what it should not have let through is left out.
fn refs(target: &Target<'_>, items: &[&RawValue], namespace: &str) -> Result<Record, MapError> {
    let prefix = format!("refs/{namespace}/");
    let mut refs = Vec::with_capacity(items.len());
    for item in items {
        let wire: Wire<'_> = serde_json::from_str(item.get())?;
        let Some(name) = wire.name.0.strip_prefix(&prefix).map(str::to_owned) else {
            continue;
        };
        refs.push(Ref {
            name,
            object: wire.object_id.owned(),
            peeled: some(wire.peeled_object_id),
            creator: wire
                .creator
                .and_then(IdentityRef::identity)
                .and_then(|who| who.id),
            is_locked: wire.is_locked.unwrap_or(false),
        });
    }
    refs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Record::RefList(RefList {
        project: target.project()?,
        repository: target.repository()?,
        namespace: namespace.to_owned(),
        refs,
    }))
}
