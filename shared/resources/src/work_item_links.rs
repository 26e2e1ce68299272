//! Links between work items, of the whole organization in one stream.

use ado::{Host, Paging};
use model::{Kind, Record, Service, record::WorkItemLink};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{Text, Time},
};

/// Links as they are made and removed. They bump no revision, so this stream alone knows the hierarchy.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-links/get>
pub(crate) static WORK_ITEM_LINKS: Resource = Resource {
    name: "work_item_links",
    service: Service::Boards,
    kind: Kind::WorkItemLink,
    fan_out: FanOut::Organization,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "_apis/wit/reporting/workitemlinks",
        query: &[API_VERSION],
        body: None,
        items: "values",
        paging: Paging::BodyToken,
        cursor: CursorRule::Token {
            start: "startDateTime",
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    rel: Text<'a>,
    source_id: u64,
    target_id: u64,
    changed_date: Time,
    is_active: bool,
}

/// The attributes of a link, where an answer nests them.
#[derive(Deserialize)]
struct WireNested<'a> {
    #[serde(borrow)]
    rel: Text<'a>,
    #[serde(borrow)]
    attributes: WireAttributes<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttributes<'a> {
    source_id: u64,
    target_id: u64,
    changed_date: Time,
    is_active: bool,
    #[serde(borrow, default, rename = "linkType")]
    _link_type: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = match serde_json::from_str::<Wire<'_>>(item.get()) {
        Ok(wire) => wire,
        Err(error) => match serde_json::from_str::<WireNested<'_>>(item.get()) {
            Ok(nested) => Wire {
                rel: nested.rel,
                source_id: nested.attributes.source_id,
                target_id: nested.attributes.target_id,
                changed_date: nested.attributes.changed_date,
                is_active: nested.attributes.is_active,
            },
            Err(_) => return Err(error.into()),
        },
    };
    Ok(Record::WorkItemLink(WorkItemLink {
        organization: target.organization.id,
        source: wire.source_id,
        rel: wire.rel.owned(),
        target: wire.target_id,
        changed_at: wire.changed_date.required("changedDate")?,
        active: wire.is_active,
    }))
}
