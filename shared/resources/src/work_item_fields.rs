//! The fields that work items can have.

use ado::{Host, Paging};
use model::{Kind, Record, Service, record::WorkItemField};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{Text, some},
};

/// Every field of the organization, those of its own included, in one answer.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/fields/list>
pub(crate) static WORK_ITEM_FIELDS: Resource = Resource {
    name: "work_item_fields",
    service: Service::Boards,
    kind: Kind::WorkItemField,
    fan_out: FanOut::Organization,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "_apis/wit/fields",
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
    reference_name: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    value_type: Option<Text<'a>>,
    #[serde(default)]
    is_identity: bool,
    #[serde(default)]
    is_picklist: bool,
    #[serde(default)]
    read_only: bool,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::WorkItemField(WorkItemField {
        organization: target.organization.id,
        reference_name: wire.reference_name.owned(),
        name: wire.name.owned(),
        value_type: some(wire.value_type),
        is_identity: wire.is_identity,
        is_picklist: wire.is_picklist,
        is_read_only: wire.read_only,
    }))
}
