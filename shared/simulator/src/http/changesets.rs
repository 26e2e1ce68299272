//! TFVC changesets.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::TfvcAbsence;
use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::changesets::Changeset;
use crate::world::text;

/// Lists cut comments here unless `maxCommentLength` says otherwise.
const DEFAULT_COMMENT_LENGTH: usize = 80;

/// `GET tfvc/changesets`: newest first unless `$orderby=id asc`; `$top` and `$skip`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let filter = Filter::new(call)?;
    if is_absent(call) && call.config().unverified.tfvc_absence == TfvcAbsence::NotFound404 {
        return Err(Refusal::not_found(
            "ItemNotFoundException",
            "TF14061: There is no Team Foundation Version Control in this scope.",
        ));
    }
    let is_ascending = match query
        .text(&["$orderby"])
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("id desc") => false,
        Some("id asc" | "id") => true,
        Some(other) => return Err(Refusal::bad_value("$orderby", other)),
    };
    let length = query
        .number(&["maxCommentLength"])?
        .unwrap_or(DEFAULT_COMMENT_LENGTH);
    let mut found: Vec<&Changeset> = call
        .world
        .changesets
        .iter()
        .filter(|own| filter.accepts(call, own))
        .collect();
    if !is_ascending {
        found.reverse();
    }
    let top = call.config().pages.changesets.of(query.number(&["$top"])?);
    let skip = query.number(&["$skip"])?.unwrap_or(0);
    Ok(Reply::list(
        found
            .into_iter()
            .skip(skip)
            .take(top)
            .map(|own| body(call, own, length)),
    ))
}

/// Whether the caller sees no project with TFVC here.
fn is_absent(call: &Call<'_>) -> bool {
    (0_u16..)
        .zip(&call.world.projects)
        .all(|(position, project)| !project.has_tfvc || !call.covers(position))
}

struct Filter {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    min_id: Option<u32>,
    max_id: Option<u32>,
    author: Option<String>,
    path: Option<String>,
}

impl Filter {
    fn new(call: &Call<'_>) -> Result<Self, Refusal> {
        let query = &call.query;
        let from_id: Option<u32> = query.number(&["searchCriteria.fromId"])?;
        let exclusive = u32::from(!call.config().unverified.from_id_inclusive);
        Ok(Self {
            from: query.time(&["searchCriteria.fromDate"])?,
            to: query.time(&["searchCriteria.toDate"])?,
            min_id: from_id.map(|id| id.saturating_add(exclusive)),
            max_id: query.number(&["searchCriteria.toId"])?,
            author: query.text(&["searchCriteria.author"]).map(str::to_owned),
            path: query
                .text(&["searchCriteria.itemPath"])
                .map(|path| path.trim_end_matches('/').to_lowercase()),
        })
    }

    fn accepts(&self, call: &Call<'_>, own: &Changeset) -> bool {
        let author = call.world.people.get(own.author);
        let root =
            format!("$/{}", call.world.projects[usize::from(own.project)].name).to_lowercase();
        call.covers(own.project)
            && self.from.is_none_or(|from| own.created >= from)
            && self.to.is_none_or(|to| own.created <= to)
            && self.min_id.is_none_or(|min| own.id >= min)
            && self.max_id.is_none_or(|max| own.id <= max)
            && self.author.as_ref().is_none_or(|wanted| {
                *wanted == author.display_name || wanted.eq_ignore_ascii_case(&author.unique_name)
            })
            && self
                .path
                .as_ref()
                .is_none_or(|path| path == "$" || *path == root)
    }
}

/// `GET tfvc/changesets/{id}`: with at most 100 changes when asked for.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let text = &call.captured[0];
    let id: u32 = text.parse().map_err(|_| Refusal::bad_value("id", text))?;
    let own = find(call, id).ok_or_else(|| missing(id))?;
    let length = call
        .query
        .number(&["maxCommentLength"])?
        .unwrap_or(usize::MAX);
    let mut value = body(call, own, length);
    let asked: usize = call.query.number(&["maxChangeCount"])?.unwrap_or(0);
    let changes: Vec<Value> = (0..own.changes())
        .take(asked.min(100))
        .map(|file| change(call, own, file))
        .collect();
    value["hasMoreChanges"] = (changes.len() < own.changes()).into();
    value["changes"] = changes.into();
    if call.query.flag("includeWorkItems")? {
        let ids = call.world.work_items_of_changeset(own).into_iter();
        value["workItems"] = ids.map(|id| associated(call, id)).collect();
    }
    if call.query.flag("includeDetails")? {
        let note = json!({ "name": "Code Reviewer", "value": "Ada" });
        let failure = json!({ "policyName": "Builds", "message": "The last build failed." });
        let has_note = own.title.is_multiple_of(5);
        value["checkinNotes"] = if has_note { json!([note]) } else { json!([]) };
        value["policyOverride"] = if own.title.is_multiple_of(7) {
            json!({ "comment": "The customer waits.", "policyFailures": [failure] })
        } else {
            json!({ "policyFailures": [] })
        };
    }
    Ok(Reply::json(&value))
}

fn associated(call: &Call<'_>, id: u32) -> Value {
    json!({
        "id": id,
        "title": "Wrong output",
        "workItemType": "Bug",
        "state": "Active",
        "webUrl": format!("{}/_workitems/edit/{id}", call.base()),
        "url": format!("{}/_apis/wit/workItems/{id}", call.base()),
    })
}

/// `GET tfvc/changesets/{id}/changes`: `$top` and `$skip`.
///
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changeset-changes>
pub(crate) fn changes(call: &Call<'_>) -> Result<Reply, Refusal> {
    let text = &call.captured[0];
    let id: u32 = text.parse().map_err(|_| Refusal::bad_value("id", text))?;
    let own = find(call, id).ok_or_else(|| missing(id))?;
    let wish = call.query.number(&["$top"])?;
    let top = call.config().pages.changeset_changes.of(wish);
    let skip = call.query.number(&["$skip"])?.unwrap_or(0);
    let files = (0..own.changes()).skip(skip).take(top);
    Ok(Reply::list(files.map(|file| change(call, own, file))))
}

/// `POST tfvc/changesetsbatch`: headers of the given ids.
pub(crate) fn batch(call: &Call<'_>) -> Result<Reply, Refusal> {
    let request = call.json()?;
    let ids = request
        .get("changesetIds")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::bad_value("changesetIds", ""))?;
    let length = request
        .get("commentLength")
        .and_then(Value::as_u64)
        .map_or(DEFAULT_COMMENT_LENGTH, |length| length as usize);
    let ids = ids
        .iter()
        .filter_map(Value::as_u64)
        .filter_map(|id| u32::try_from(id).ok());
    let found = ids
        .map(|id| find(call, id).ok_or_else(|| missing(id)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::list(
        found.into_iter().map(|own| body(call, own, length)),
    ))
}

fn find<'a>(call: &'a Call<'_>, id: u32) -> Option<&'a Changeset> {
    let position = call
        .world
        .changesets
        .binary_search_by_key(&id, |own| own.id)
        .ok()?;
    Some(&call.world.changesets[position]).filter(|own| call.covers(own.project))
}

fn missing(id: u32) -> Refusal {
    Refusal::not_found(
        "ChangesetNotFoundException",
        format!("TF14019: The changeset {id} does not exist."),
    )
}

fn body(call: &Call<'_>, own: &Changeset, comment_length: usize) -> Value {
    let full = format!(
        "{}. {}",
        text::title(own.title),
        text::prose(own.comment_length)
    );
    let full = if own.comment_length == 0 {
        String::new()
    } else {
        full
    };
    let (comment, is_cut) = text::cut(&full, comment_length);
    let mut value = json!({
        "changesetId": own.id,
        "url": format!("{}/_apis/tfvc/changesets/{}", call.base(), own.id),
        "author": identity::reference(call.world, own.author),
        "checkedInBy": identity::reference(call.world, own.checked_in_by),
        "createdDate": own.created,
    });
    if !comment.is_empty() {
        value["comment"] = comment.into();
    }
    if is_cut {
        value["commentTruncated"] = true.into();
    }
    value
}

fn change(call: &Call<'_>, own: &Changeset, file: usize) -> Value {
    let project = &call.world.projects[usize::from(own.project)].name;
    let path = format!("$/{project}/src/module{}/file{file}.cs", own.title % 7);
    json!({
        "item": { "version": own.id, "path": path, "url": format!("{}/_apis/tfvc/items?path={path}&version={}", call.base(), own.id) },
        "changeType": if file % 4 == 3 { "add, edit, encoding" } else { "edit" },
    })
}
