//! Work items that are open and have not been touched within the window: the stream of revisions never names them.

use ado::Request;
use jiff::Timestamp;
use model::{Kind, Organization, Record, Service};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{API_VERSION, Every, FanOut, Fetch, MapError, Resource, Target, work_item_revisions};

/// Read once: whatever becomes of these items later comes by the stream of revisions.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/wiql/query-by-wiql>
pub(crate) static OPEN_WORK_ITEMS: Resource = Resource {
    name: "open_work_items",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::Organization,
    every: Every::Once,
    fetch: Fetch::OpenWorkItems,
};

/// How many ids a query may give. More than 20,000 matches of a query without a limit are refused (`VS402337`).
pub const IDS: usize = 19_999;

/// How many work items are read at once.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch>
pub const BATCH: usize = 200;

/// The request for the ids behind `last` of work items that were last changed before `window_start` and are not in a
/// state by which a process of Microsoft ends an item; of the rest, those with a closed date are left out later.
pub fn ids_request(organization: &Organization, window_start: Timestamp, last: u64) -> Request {
    let query = format!(
        "SELECT [System.Id] FROM WorkItems WHERE [System.Id] > {last} \
         AND [System.ChangedDate] < '{window_start}' \
         AND [System.State] NOT IN ('Closed', 'Done', 'Completed', 'Removed', 'Cut') \
         ORDER BY [System.Id]"
    );
    let body = format!(r#"{{"query":"{query}"}}"#);
    Request::post(&organization.name, "_apis/wit/wiql", body)
        .query("timePrecision", "true")
        .query("$top", IDS.to_string())
        .query(API_VERSION.0, API_VERSION.1)
}

/// An id of the query's answer, whose list is called `workItems`.
///
/// # Errors
/// It has none.
pub fn id(item: &RawValue) -> Result<u64, MapError> {
    #[derive(Deserialize)]
    struct WireId {
        id: u64,
    }
    let wire: WireId = serde_json::from_str(item.get())?;
    Ok(wire.id)
}

/// The request for up to [`BATCH`] work items by id. Those that are gone or hidden come as `null`.
pub fn items_request(organization: &Organization, ids: &[u64]) -> Request {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let body = format!(r#"{{"ids":[{}],"errorPolicy":"omit"}}"#, ids.join(","));
    Request::post(&organization.name, "_apis/wit/workitemsbatch", body)
        .query(API_VERSION.0, API_VERSION.1)
}

/// A work item of the answer; `None` if it is gone, hidden, or not open after all.
///
/// # Errors
/// It is not a work item.
pub fn item(target: &Target<'_>, item: &RawValue) -> Result<Option<Record>, MapError> {
    if item.get() == "null" {
        return Ok(None);
    }
    let record = work_item_revisions::map(target, item)?;
    Ok(record.last_event().is_none().then_some(record))
}
