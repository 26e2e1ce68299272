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

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::WorkItemLink(WorkItemLink {
        organization: target.organization.id,
        source: wire.source_id,
        rel: wire.rel.owned(),
        target: wire.target_id,
        changed_at: wire.changed_date.required("changedDate")?,
        active: wire.is_active,
    }))
}
