//! Work items by id.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch>

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::artifact_links;
use crate::http::call::Call;
use crate::http::item_fields::{self, Manner};
use crate::http::query::parse_time;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::work_items::{LinkKind, WorkItem};

const MAX_IDS: usize = 200;

/// What is wanted of each item.
#[derive(Clone, Debug, Default)]
struct Wish {
    fields: Option<Vec<String>>,
    has_relations: bool,
    has_links: bool,
    as_of: Option<Timestamp>,
    /// Missing items become `null` instead of failing the request.
    omits: bool,
}

/// `GET wit/workitems?ids=`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let ids = call
        .query
        .list(&["ids"])
        .ok_or_else(|| Refusal::bad_value("ids", ""))?;
    let ids: Vec<u32> = ids
        .iter()
        .map(|id| id.parse().map_err(|_| Refusal::bad_value("ids", id)))
        .collect::<Result<_, _>>()?;
    many(call, &ids, &wish_of_query(call)?)
}

/// `GET wit/workitems/{id}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wish = wish_of_query(call)?;
    let text = &call.captured[0];
    let id = text.parse().map_err(|_| Refusal::bad_value("id", text))?;
    let item = find(call, id, wish.as_of).ok_or_else(|| no_such_item(id))?;
    Ok(Reply::json(&body(call, item, &wish, true)))
}

/// `POST wit/workitemsbatch`: at most 200 ids, `fields` or `$expand` but not both.
pub(crate) fn batch(call: &Call<'_>) -> Result<Reply, Refusal> {
    let request = call.json()?;
    let strings = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let number = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    let ids: Option<Vec<u32>> = request
        .get("ids")
        .and_then(Value::as_array)
        .and_then(|ids| ids.iter().map(number).collect());
    let ids = ids.ok_or_else(|| Refusal::bad_value("ids", ""))?;
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let fields = request
        .get("fields")
        .map(strings)
        .filter(|fields| !fields.is_empty());
    let wish = wish(
        fields,
        text("$expand"),
        text("asOf").and_then(parse_time),
        text("errorPolicy"),
    )?;
    many(call, &ids, &wish)
}

fn wish_of_query(call: &Call<'_>) -> Result<Wish, Refusal> {
    let query = &call.query;
    let fields = query
        .list(&["fields"])
        .map(|fields| fields.into_iter().map(str::to_owned).collect());
    wish(
        fields,
        query.text(&["$expand"]),
        query.time(&["asOf"])?,
        query.text(&["errorPolicy"]),
    )
}

fn wish(
    fields: Option<Vec<String>>,
    expand: Option<&str>,
    as_of: Option<Timestamp>,
    error_policy: Option<&str>,
) -> Result<Wish, Refusal> {
    let expand = expand.map_or_else(|| "none".to_owned(), str::to_ascii_lowercase);
    if !matches!(
        expand.as_str(),
        "none" | "relations" | "fields" | "links" | "all"
    ) {
        return Err(Refusal::bad_value("$expand", &expand));
    }
    if fields.is_some() && expand != "none" {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "ConflictingParametersException",
            "The expand parameter can not be used with the fields parameter.",
        ));
    }
    Ok(Wish {
        fields,
        has_relations: matches!(expand.as_str(), "relations" | "all"),
        has_links: matches!(expand.as_str(), "links" | "all"),
        as_of,
        omits: error_policy.is_some_and(|policy| policy.eq_ignore_ascii_case("omit")),
    })
}

fn many(call: &Call<'_>, ids: &[u32], wish: &Wish) -> Result<Reply, Refusal> {
    if ids.len() > MAX_IDS {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "VssPropertyValidationException",
            format!(
                "VS403474: You requested {} work items which exceeds the limit of {MAX_IDS}",
                ids.len()
            ),
        ));
    }
    let found = ids.iter().map(|&id| match find(call, id, wish.as_of) {
        Some(item) => Ok(body(call, item, wish, false)),
        None if wish.omits => Ok(Value::Null),
        None => Err(no_such_item(id)),
    });
    Ok(Reply::list(found.collect::<Result<Vec<_>, _>>()?))
}

/// The item, if the caller may see it, it is not deleted and it existed at that time.
fn find<'a>(call: &'a Call<'_>, id: u32, as_of: Option<Timestamp>) -> Option<&'a WorkItem> {
    let item = call
        .world
        .work_item(id)
        .filter(|item| call.covers(item.project()) && !item.is_deleted() && !item.is_destroyed)?;
    as_of.is_none_or(|at| item.rev_at(at) > 0).then_some(item)
}

fn no_such_item(id: u32) -> Refusal {
    Refusal::not_found(
        "WorkItemUnauthorizedAccessException",
        format!(
            "TF401232: Work item {id} does not exist, or you do not have permissions to read it."
        ),
    )
}

fn body(call: &Call<'_>, item: &WorkItem, wish: &Wish, is_single: bool) -> Value {
    let rev = wish
        .as_of
        .map_or(item.revisions.len(), |at| item.rev_at(at));
    let manner = Manner {
        is_object: true,
        has_long_text: wish.fields.is_none(),
        tag_objects: false,
        is_reporting: false,
    };
    let mut fields = item_fields::of(call, item, rev, manner);
    if let Some(wanted) = &wish.fields {
        let is_wanted = |name: &str| wanted.iter().any(|own| own.eq_ignore_ascii_case(name));
        fields = fields
            .into_iter()
            .filter(|(name, _)| is_wanted(name))
            .collect();
    } else {
        fields.remove("System.Id");
        fields.remove("System.Rev");
    }
    let url = url(call, item);
    let mut body = json!({ "id": item.id, "rev": rev, "fields": fields, "url": url });
    if wish.has_relations {
        body["relations"] = relations(call, item);
    }
    if wish.has_links || is_single {
        body["_links"] = links(call, item);
    }
    body
}

/// The item's own address.
pub(crate) fn url(call: &Call<'_>, item: &WorkItem) -> String {
    let project = call.world.projects[usize::from(item.project())].id;
    format!("{}/{project}/_apis/wit/workItems/{}", call.base(), item.id)
}

fn links(call: &Call<'_>, item: &WorkItem) -> Value {
    let url = url(call, item);
    let project = call.world.projects[usize::from(item.project())].id;
    let base = format!("{}/{project}", call.base());
    let kind = item.latest().fields.kind.name().replace(' ', "%20");
    json!({
        "self": { "href": url },
        "workItemUpdates": { "href": format!("{url}/updates") },
        "workItemRevisions": { "href": format!("{url}/revisions") },
        "workItemComments": { "href": format!("{url}/comments") },
        "html": { "href": format!("{base}/_workitems/edit/{}", item.id) },
        "workItemType": { "href": format!("{base}/_apis/wit/workItemTypes/{kind}") },
        "fields": { "href": format!("{base}/_apis/wit/fields") },
    })
}

fn relations(call: &Call<'_>, item: &WorkItem) -> Value {
    let position = |own: &WorkItem| (own.id - call.world.work_items[0].id) as usize;
    let own = position(item);
    let mut relations = Vec::new();
    let touching = call
        .world
        .links
        .iter()
        .filter(|link| link.source == own || link.target == own);
    for link in touching {
        let is_source = link.source == own;
        let other = if is_source { link.target } else { link.source };
        let (rel, name) = match (link.kind, is_source) {
            (LinkKind::Hierarchy, true) => ("System.LinkTypes.Hierarchy-Forward", "Child"),
            (LinkKind::Hierarchy, false) => ("System.LinkTypes.Hierarchy-Reverse", "Parent"),
            (LinkKind::Related, _) => ("System.LinkTypes.Related", "Related"),
        };
        relations.retain(|(own_rel, own_other, _)| (*own_rel, *own_other) != (rel, other));
        if link.is_active && call.sees(call.world.work_items[other].project()) {
            relations.push((rel, other, name));
        }
    }
    let value = |(rel, other, name): (&str, usize, &str)| {
        let url = url(call, &call.world.work_items[other]);
        json!({ "rel": rel, "url": url, "attributes": { "isLocked": false, "name": name } })
    };
    let links = relations.into_iter().map(value);
    links.chain(artifact_links::relations(call, item)).collect()
}
