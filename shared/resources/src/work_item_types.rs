//! Types of work items with their states.

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::metadata::{State, StateCategory, WorkItemType},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{Text, is, some},
};

/// Every type of a project with all its states, in one answer.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/work-item-types/list>
pub(crate) static WORK_ITEM_TYPES: Resource = Resource {
    name: "work_item_types",
    service: Service::Boards,
    kind: Kind::WorkItemType,
    fan_out: FanOut::Project,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/wit/workitemtypes",
        query: &[API_VERSION],
        body: None,
        items: "value",
        paging: Paging::None,
        cursor: CursorRule::Whole,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    reference_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    color: Option<Text<'a>>,
    #[serde(default)]
    is_disabled: Option<bool>,
    #[serde(borrow, default)]
    states: Option<Vec<WireState<'a>>>,
}

#[derive(Deserialize)]
struct WireState<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    color: Option<Text<'a>>,
    #[serde(borrow, default)]
    category: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::WorkItemType(WorkItemType {
        project: target.project()?,
        name: wire.name.owned(),
        reference_name: some(wire.reference_name),
        color: some(wire.color),
        is_disabled: wire.is_disabled.unwrap_or(false),
        states: wire
            .states
            .unwrap_or_default()
            .into_iter()
            .map(state)
            .collect(),
    }))
}

fn state(wire: WireState<'_>) -> State {
    let category = match wire
        .category
        .as_ref()
        .map_or("", |category| category.0.as_ref())
    {
        text if is(text, "Proposed") => StateCategory::Proposed,
        text if is(text, "InProgress") => StateCategory::InProgress,
        text if is(text, "Resolved") => StateCategory::Resolved,
        text if is(text, "Completed") => StateCategory::Completed,
        text if is(text, "Removed") => StateCategory::Removed,
        text => StateCategory::Unknown(text.to_owned()),
    };
    State {
        name: wire.name.owned(),
        category,
        color: some(wire.color),
    }
}
