//! Pushes to a Git repository: its reliable change feed.

use std::time::Duration;

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::{Push, git::RefUpdate},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, OVERLAP, Resource, Target,
    wire::{IdentityRef, Text, Time},
};

/// What is served when no number is asked for, so that a shorter page is the last:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pushes/list>.
const DEFAULT_PAGE: u32 = 100;

/// Pushes by the server's own time, newest first.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pushes/list>
pub(crate) static PUSHES: Resource = Resource {
    name: "pushes",
    service: Service::Repos,
    kind: Kind::Push,
    fan_out: FanOut::Repository,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/git/repositories/{repository}/pushes",
        query: &[API_VERSION, ("searchCriteria.includeRefUpdates", "true")],
        body: None,
        items: "value",
        paging: Paging::SkipTop {
            top: 1000,
            top_param: "$top",
            skip_param: "$skip",
            served: Some(DEFAULT_PAGE),
        },
        cursor: CursorRule::Time {
            from: "searchCriteria.fromDate",
            until: None,
            overlap: OVERLAP,
            reach: Duration::ZERO,
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    push_id: u64,
    date: Time,
    #[serde(borrow, default)]
    pushed_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    ref_updates: Option<Vec<WireRefUpdate<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRefUpdate<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    old_object_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    new_object_id: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::Push(Push {
        id: wire.push_id,
        project: target.project()?,
        repository: target.repository()?,
        at: wire.date.required("date")?,
        by: wire.pushed_by.and_then(IdentityRef::identity),
        ref_updates: wire
            .ref_updates
            .unwrap_or_default()
            .into_iter()
            .map(ref_update)
            .collect(),
    }))
}

fn ref_update(wire: WireRefUpdate<'_>) -> RefUpdate {
    RefUpdate {
        name: wire.name.map(Text::owned).unwrap_or_default(),
        old: object(wire.old_object_id),
        new: object(wire.new_object_id),
    }
}

/// An object id; all zeros is no object.
fn object(text: Option<Text<'_>>) -> Option<String> {
    text.filter(|text| text.0.bytes().any(|byte| byte != b'0'))
        .map(Text::owned)
}
