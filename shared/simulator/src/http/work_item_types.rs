//! Work item types and fields.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/work-item-types/list>

use serde_json::{Map, Value, json};

use crate::http::call::Call;
use crate::http::item_fields::FIELDS;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::process::ItemType;

/// `GET wit/workitemtypes`: every type with its states in one answer.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::list(
        ItemType::ALL.iter().map(|kind| body(call, *kind)),
    ))
}

/// `GET wit/workitemtypes/{type}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = &call.captured[0];
    let kind = ItemType::ALL
        .iter()
        .find(|kind| kind.name().eq_ignore_ascii_case(name));
    let missing = || {
        Refusal::not_found(
            "WorkItemTypeNotFoundException",
            format!("VS402323: Work item type {name} does not exist."),
        )
    };
    Ok(Reply::json(&body(call, *kind.ok_or_else(missing)?)))
}

fn body(call: &Call<'_>, kind: ItemType) -> Value {
    let base = call.base();
    let project = call.project.map_or(String::new(), |project| {
        format!("/{}", call.world.projects[usize::from(project)].id)
    });
    let states: Vec<Value> = kind
        .states()
        .iter()
        .map(|state| json!({ "name": state.name(), "color": state.color(), "category": state.category() }))
        .collect();
    json!({
        "name": kind.name(),
        "referenceName": kind.reference_name(),
        "description": "",
        "color": kind.color(),
        "icon": { "id": kind.icon(), "url": format!("{base}/_apis/wit/workItemIcons/{}?color={}&v=2", kind.icon(), kind.color()) },
        "isDisabled": false,
        "states": states,
        "transitions": transitions(kind),
        "fieldInstances": [{ "referenceName": "System.Title", "name": "Title", "alwaysRequired": true }],
        "fields": [{ "referenceName": "System.Title", "name": "Title", "alwaysRequired": true }],
        "url": format!("{base}{project}/_apis/wit/workItemTypes/{}", kind.name().replace(' ', "%20")),
    })
}

/// From every state to every other, and from nothing to the first.
fn transitions(kind: ItemType) -> Value {
    let states = kind.states();
    let mut all = Map::new();
    all.insert(
        String::new(),
        json!([{ "to": states[0].name(), "actions": null }]),
    );
    for from in states {
        let to = states
            .iter()
            .filter(|to| *to != from)
            .map(|to| json!({ "to": to.name(), "actions": null }));
        all.insert(from.name().to_owned(), to.collect());
    }
    Value::Object(all)
}

/// `GET wit/fields`.
pub(crate) fn fields(call: &Call<'_>) -> Result<Reply, Refusal> {
    let base = call.base();
    Ok(Reply::list(FIELDS.iter().map(|(reference, name, kind)| {
        json!({
            "name": name,
            "referenceName": reference,
            "type": kind,
            "usage": "workItem",
            "readOnly": matches!(*reference, "System.Id" | "System.Rev"),
            "canSortBy": true,
            "isQueryable": true,
            "isIdentity": is_person(reference),
            "isPicklist": false,
            "supportedOperations": [{ "referenceName": "SupportedOperations.Equals", "name": "=" }],
            "url": format!("{base}/_apis/wit/fields/{reference}"),
        })
    })))
}

fn is_person(reference: &str) -> bool {
    reference.ends_with("By") || matches!(reference, "System.AssignedTo" | "Custom.Approver")
}
