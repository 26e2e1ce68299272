//! Work items that are open and have not been touched within the window: the stream of revisions never names them.

use ado::Request;
use jiff::Timestamp;
use model::{Kind, Organization, Record, Service, record::Workflows};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, Every, FanOut, Fetch, MapError, Resource, Target, artifact_links::item_with_links,
};

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

/// The request for the ids behind `last` of work items that were last changed before `window_start` and are in none of the
/// states that always end an item; those whose own type says that they are over are left out later.
pub fn ids_request(
    organization: &Organization,
    window_start: Timestamp,
    last: u64,
    workflows: &Workflows,
) -> Request {
    let ends = workflows.end_states();
    let ends: Vec<String> = ends.iter().map(|state| quoted(state)).collect();
    let is_open = match ends.is_empty() {
        true => String::new(),
        false => format!("AND [System.State] NOT IN ({}) ", ends.join(", ")),
    };
    wiql(
        organization,
        &format!("[System.Id] > {last} AND [System.ChangedDate] < '{window_start}' {is_open}"),
    )
}

/// The request for at most [`IDS`] ids of work items for which `condition` holds, in ascending order.
pub(crate) fn wiql(organization: &Organization, condition: &str) -> Request {
    let query = format!("SELECT [System.Id] FROM WorkItems WHERE {condition} ORDER BY [System.Id]");
    let body = format!(r#"{{"query":{}}}"#, json_text(&query));
    Request::post(&organization.name, "_apis/wit/wiql", body)
        .query("timePrecision", "true")
        .query("$top", IDS.to_string())
        .query(API_VERSION.0, API_VERSION.1)
}

/// A text as WIQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text as JSON writes it.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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

/// The request for up to [`BATCH`] work items by id, with their links. Those that are gone or hidden come as `null`.
pub fn items_request(organization: &Organization, ids: &[u64]) -> Request {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let body = items_body(&ids.join(","));
    Request::post(&organization.name, "_apis/wit/workitemsbatch", body)
        .query(API_VERSION.0, API_VERSION.1)
}

/// Asks for work items with their links; those that are gone or hidden do not spoil the others.
pub(crate) fn items_body(ids: &str) -> String {
    format!(r#"{{"ids":[{ids}],"$expand":"relations","errorPolicy":"omit"}}"#)
}

/// A work item of the answer with its links; `None` if it is gone, hidden, or not open after all.
///
/// # Errors
/// It is not a work item.
pub fn item(
    target: &Target<'_>,
    workflows: &Workflows,
    item: &RawValue,
) -> Result<Option<(Record, String)>, MapError> {
    if item.get() == "null" {
        return Ok(None);
    }
    let (record, links) = item_with_links(target, item)?;
    let is_over = match &record {
        Record::WorkItem(item) => workflows.last_event(item).is_some(),
        _ => false,
    };
    Ok((!is_over).then_some((record, links)))
}

#[cfg(test)]
mod tests {
    use model::{
        OrganizationId, ProjectId,
        record::{
            WorkItemType,
            metadata::{State, StateCategory},
        },
    };

    use super::*;

    fn organization() -> Organization {
        Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        }
    }

    fn query(workflows: &Workflows) -> String {
        let request = ids_request(&organization(), Timestamp::UNIX_EPOCH, 300, workflows);
        let body: serde_json::Value = serde_json::from_str(&request.body.unwrap()).unwrap();
        body["query"].as_str().unwrap().to_owned()
    }

    #[test]
    fn names_of_states_are_quoted_for_the_query_and_for_json() {
        let kind = WorkItemType {
            project: ProjectId(uuid::Uuid::nil()),
            name: "Bug".to_owned(),
            reference_name: None,
            color: None,
            is_disabled: false,
            states: vec![State {
                name: r#"Won't "fix""#.to_owned(),
                category: StateCategory::Removed,
                color: None,
            }],
        };
        let query = query(&Workflows::new(&[], [&kind]));
        assert!(query.contains(r#"NOT IN ('won''t "fix"')"#), "{query}");
        assert!(query.contains("[System.Id] > 300 "), "{query}");
    }

    #[test]
    fn without_types_the_processes_of_microsoft_decide() {
        assert!(query(&Workflows::default()).contains("NOT IN ('Closed', 'Done',"));
    }
}
