//! The reporting streams: work item revisions and links, continued by a token in the body that never goes stale.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions/read-reporting-revisions-get>,
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-links/get>

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::PageCap;
use crate::http::call::Call;
use crate::http::item_fields::{self, Manner};
use crate::http::refusal::Refusal;
use crate::http::reply::{Reply, write_items};
use crate::world::work_items::{LinkChange, WorkItem};

/// What is wanted of the revisions stream.
struct Wish {
    fields: Option<Vec<String>>,
    types: Option<Vec<String>>,
    manner: Manner,
    has_deleted: bool,
    latest_only: bool,
    discussion_only: bool,
    page: usize,
}

/// `GET wit/reporting/workitemrevisions`.
pub(crate) fn revisions(call: &Call<'_>) -> Result<Reply, Refusal> {
    let flag = |name: &str| call.query.flag(name);
    let list = |name: &str| {
        call.query
            .list(&[name])
            .map(|list| list.into_iter().map(str::to_owned).collect())
    };
    let is_expanded = is_expanded(call)?;
    let wish = Wish {
        fields: list("fields"),
        types: list("types"),
        manner: manner(
            is_expanded,
            flag("includeIdentityRef")?,
            flag("includeTagRef")?,
        ),
        has_deleted: flag("includeDeleted")?,
        latest_only: flag("includeLatestOnly")?,
        discussion_only: flag("includeDiscussionChangesOnly")?,
        page: cap(call, is_expanded)
            .of(call.query.number(&["$maxPageSize"])?)
            .max(1),
    };
    stream_revisions(call, &wish)
}

/// `POST wit/reporting/workitemrevisions`: the filters in the body, the token in the query.
pub(crate) fn revisions_by_post(call: &Call<'_>) -> Result<Reply, Refusal> {
    let request = call.json()?;
    let flag = |name: &str| request.get(name).and_then(Value::as_bool).unwrap_or(false);
    let strings = |value: &Value| -> Option<Vec<String>> {
        value
            .as_array()?
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let list = |name: &str| {
        request
            .get(name)
            .and_then(strings)
            .filter(|list| !list.is_empty())
    };
    let is_expanded = is_expanded(call)?;
    let wish = Wish {
        fields: list("fields"),
        types: list("types"),
        manner: manner(
            is_expanded,
            flag("includeIdentityRef"),
            flag("includeTagRef"),
        ),
        has_deleted: flag("includeDeleted"),
        latest_only: flag("includeLatestOnly"),
        discussion_only: flag("includeDiscussionChangesOnly"),
        page: cap(call, is_expanded)
            .of(call.query.number(&["$maxPageSize"])?)
            .max(1),
    };
    stream_revisions(call, &wish)
}

fn is_expanded(call: &Call<'_>) -> Result<bool, Refusal> {
    match call
        .query
        .text(&["$expand"])
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("none") => Ok(false),
        Some("fields") => Ok(true),
        Some(other) => Err(Refusal::bad_value("$expand", other)),
    }
}

fn manner(is_expanded: bool, is_object: bool, tag_objects: bool) -> Manner {
    Manner {
        is_object,
        has_long_text: is_expanded,
        tag_objects,
        is_reporting: true,
    }
}

fn cap(call: &Call<'_>, is_expanded: bool) -> PageCap {
    let pages = &call.config().pages;
    if is_expanded {
        pages.revisions_expanded
    } else {
        pages.revisions
    }
}

fn stream_revisions(call: &Call<'_>, wish: &Wish) -> Result<Reply, Refusal> {
    let revisions = &call.world.revisions;
    let at =
        |&(item, rev): &(u32, u32)| call.world.work_items[item as usize].revisions[rev as usize].at;
    let start = match position(call)? {
        Position::After(token) => token.min(revisions.len()),
        Position::Since(since) => revisions.partition_point(|entry| at(entry) < since),
    };
    let mut entries = Vec::new();
    let mut next = start;
    let page = if call.withholds_page { 0 } else { wish.page };
    while next < revisions.len() && entries.len() < page {
        let (item, rev) = revisions[next];
        next += 1;
        let item = &call.world.work_items[item as usize];
        if is_wanted(call, wish, item, rev as usize) {
            entries.push((item, rev as usize + 1));
        }
    }
    let token = token_after(call, next);
    let values = entries
        .into_iter()
        .map(|(item, rev)| revision(call, wish, item, rev));
    Ok(batch(
        call,
        "workItemRevisions",
        values,
        &token,
        next == revisions.len(),
    ))
}

fn is_wanted(call: &Call<'_>, wish: &Wish, item: &WorkItem, rev: usize) -> bool {
    let fields = &item.revisions[rev].fields;
    let has_type = |types: &Vec<String>| {
        types
            .iter()
            .any(|name| name.eq_ignore_ascii_case(fields.kind.name()))
    };
    call.sees(item.project())
        && !item.is_destroyed
        // The project is that of the revision: what an item did elsewhere is not in a project's stream.
        && call.project.is_none_or(|project| project == fields.project)
        && (wish.has_deleted || !item.is_deleted())
        && (!wish.latest_only || rev + 1 == item.revisions.len())
        && (!wish.discussion_only || item.revisions[rev].comment.is_some())
        && wish.types.as_ref().is_none_or(has_type)
}

fn revision(call: &Call<'_>, wish: &Wish, item: &WorkItem, rev: usize) -> Value {
    let mut fields = item_fields::of(call, item, rev, wish.manner);
    if let Some(wanted) = &wish.fields {
        fields.retain(|name, _| wanted.iter().any(|own| own.eq_ignore_ascii_case(name)));
    }
    json!({ "id": item.id, "rev": rev, "fields": fields })
}

/// The watermark token `watermark;id;rev`.
fn token_after(call: &Call<'_>, watermark: usize) -> String {
    let last = watermark
        .checked_sub(1)
        .map(|last| call.world.revisions[last]);
    let (id, rev) = last.map_or((0, 0), |(item, rev)| {
        (call.world.work_items[item as usize].id, rev + 1)
    });
    format!("{watermark};{id};{rev}")
}

/// `GET wit/reporting/workitemlinks`.
pub(crate) fn links(call: &Call<'_>) -> Result<Reply, Refusal> {
    let links = &call.world.links;
    let start = match position(call)? {
        Position::After(token) => token.min(links.len()),
        Position::Since(since) => links.partition_point(|link| link.at < since),
    };
    let types = call.query.list(&["types"]);
    let link_types = call.query.list(&["linkTypes"]);
    let page = if call.withholds_page {
        0
    } else {
        call.config().pages.links.of(None)
    };
    let mut entries = Vec::new();
    let mut next = start;
    while next < links.len() && entries.len() < page {
        let link = &links[next];
        next += 1;
        let has_type = link_types.as_ref().is_none_or(|types| {
            types
                .iter()
                .any(|name| link.kind.reporting_name().eq_ignore_ascii_case(name))
        });
        if has_type && is_visible(call, link, types.as_deref()) {
            entries.push(link);
        }
    }
    let values = entries.into_iter().map(|link| link_body(call, link));
    Ok(batch(
        call,
        "workItemLinks",
        values,
        &next.to_string(),
        next == links.len(),
    ))
}

fn is_visible(call: &Call<'_>, link: &LinkChange, types: Option<&[&str]>) -> bool {
    let (source, target) = (
        &call.world.work_items[link.source],
        &call.world.work_items[link.target],
    );
    let kind = source.latest().fields.kind.name();
    call.sees(source.project())
        && call.sees(target.project())
        && !source.is_destroyed
        && !target.is_destroyed
        && call
            .project
            .is_none_or(|project| project == source.project())
        && types.is_none_or(|types| types.iter().any(|name| name.eq_ignore_ascii_case(kind)))
}

fn link_body(call: &Call<'_>, link: &LinkChange) -> Value {
    let world = call.world;
    let (source, target) = (
        &world.work_items[link.source],
        &world.work_items[link.target],
    );
    let by = world.people.get(link.by);
    let project = |item: &WorkItem| world.projects[usize::from(item.project())].id;
    json!({
        "rel": link.kind.reporting_name(),
        "sourceId": source.id,
        "targetId": target.id,
        "changedDate": link.at,
        "changedBy": { "id": by.id, "displayName": by.display_name, "uniqueName": by.unique_name },
        "isActive": link.is_active,
        "changedOperation": if link.is_active { "create" } else { "remove" },
        "sourceProjectId": project(source),
        "targetProjectId": project(target),
    })
}

enum Position {
    After(usize),
    Since(Timestamp),
}

fn position(call: &Call<'_>) -> Result<Position, Refusal> {
    let since = call.query.time(&["startDateTime"])?;
    match (call.query.text(&["continuationToken", "watermark"]), since) {
        (Some(_), Some(_)) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "ConflictingParametersException",
            "The continuationToken parameter can not be used with the startDateTime parameter.",
        )),
        (None, since) => Ok(Position::Since(since.unwrap_or(Timestamp::MIN))),
        (Some(token), None) => {
            if call.simulator.is_stale_token(token) {
                return Err(Refusal::bad_request(
                    "The continuation token is no longer valid. Start over without one.",
                ));
            }
            let watermark = token.split(';').next().and_then(|first| first.parse().ok());
            watermark
                .map(Position::After)
                .ok_or_else(|| Refusal::bad_value("continuationToken", token))
        }
    }
}

fn batch<T: Serialize>(
    call: &Call<'_>,
    resource: &str,
    values: impl Iterator<Item = T>,
    token: &str,
    is_last: bool,
) -> Reply {
    call.simulator.issue_stream_token(token);
    let mut reply = Reply::json(&());
    reply.body = b"{\"values\":[".to_vec();
    reply.items = write_items(&mut reply.body, values);
    let next = format!(
        "{}/_apis/wit/reporting/{resource}?continuationToken={token}&api-version=7.1",
        call.base()
    );
    let tail =
        json!({ "nextLink": next, "continuationToken": token, "isLastBatch": is_last }).to_string();
    reply.body.extend_from_slice(b"],");
    reply.body.extend_from_slice(&tail.as_bytes()[1..]);
    reply
}
