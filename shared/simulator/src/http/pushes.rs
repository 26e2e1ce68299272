//! Pushes.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/pushes/list>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{commits, identity, repositories};
use crate::world::git::{History, Push};
use crate::world::projects::Repository;

/// `GET git/repositories/{repository}/pushes`: newest first, `$top` and `$skip`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    let query = &call.query;
    let from = query.time(&["searchCriteria.fromDate"])?;
    let to = query.time(&["searchCriteria.toDate"])?;
    let pusher = query
        .text(&["searchCriteria.pusherId"])
        .map(str::to_ascii_lowercase);
    let reference = query.text(&["searchCriteria.refName"]);
    let has_refs = query.flag("searchCriteria.includeRefUpdates")?;
    let top = call.config().pages.pushes.of(query.number(&["$top"])?);
    let skip = query.number(&["$skip"])?.unwrap_or(0);
    let is_match = |push: &&Push| {
        from.is_none_or(|from| push.at >= from)
            && to.is_none_or(|to| push.at <= to)
            && pusher
                .as_ref()
                .is_none_or(|wanted| *wanted == call.world.people.get(push.by).id.to_string())
            && reference.is_none_or(|wanted| push.refs.iter().any(|update| update.name == wanted))
    };
    let newest_first = call.world.histories[position]
        .pushes
        .iter()
        .rev()
        .filter(is_match);
    Ok(Reply::list(
        newest_first
            .skip(skip)
            .take(top)
            .map(|push| body(call, repository, push, has_refs)),
    ))
}

/// `GET git/repositories/{repository}/pushes/{pushId}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    let history = &call.world.histories[position];
    let (place, push) = find(history, &call.captured[1])?;
    let has_refs = call
        .query
        .text(&["includeRefUpdates"])
        .is_none_or(|value| value.eq_ignore_ascii_case("true"));
    let mut value = body(call, repository, push, has_refs);
    let limit = call.query.number(&["includeCommits"])?.unwrap_or(100);
    let own = history.commits.iter().filter(|commit| commit.push == place);
    let mut brought: Vec<Value> = own
        .map(|commit| commits::short(call, repository, commit))
        .collect();
    brought.reverse();
    brought.truncate(limit);
    value["commits"] = brought.into();
    Ok(Reply::json(&value))
}

/// A push by its id, with its position in the history.
pub(crate) fn find<'a>(history: &'a History, text: &str) -> Result<(usize, &'a Push), Refusal> {
    let id: u32 = text
        .parse()
        .map_err(|_| Refusal::bad_value("pushId", text))?;
    let missing = || {
        Refusal::not_found(
            "GitPushNotFoundException",
            format!("TF401175: The push {id} could not be resolved."),
        )
    };
    let place = history
        .pushes
        .binary_search_by_key(&id, |push| push.id)
        .map_err(|_| missing())?;
    Ok((place, &history.pushes[place]))
}

fn body(call: &Call<'_>, repository: &Repository, push: &Push, has_refs: bool) -> Value {
    let url = repositories::url(call, repository);
    let mut value = json!({
        "repository": repositories::body(call, repository),
        "pushedBy": identity::reference(call.world, push.by),
        "pushId": push.id,
        "date": push.at,
        "url": format!("{url}/pushes/{}", push.id),
    });
    if has_refs {
        let update = |own: &crate::world::git::RefUpdate| json!({ "repositoryId": repository.id, "name": own.name, "oldObjectId": own.old, "newObjectId": own.new });
        value["refUpdates"] = push.refs.iter().map(update).collect();
    }
    value
}
