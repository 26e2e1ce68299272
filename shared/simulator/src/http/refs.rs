//! Branches and tags.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/refs/list>

use serde_json::json;

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::repositories;
use crate::world::repository_facts::Ref;

/// Most refs of a page, and how many there are in one that is asked for by its token alone.
const MOST: usize = 1_000;
const DEFAULT: usize = 100;

/// `GET git/repositories/{repository}/refs`: all at once, unless a number or a token is sent.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    let query = &call.query;
    let prefix = format!("refs/{}", query.text(&["filter"]).unwrap_or_default());
    let part = query.text(&["filterContains"]).unwrap_or_default();
    query.flag("peelTags")?;
    let refs = call.world.refs(position);
    let found: Vec<&Ref> = refs
        .iter()
        .filter(|own| own.name.starts_with(&prefix) && own.name.contains(part))
        .collect();
    let url = repositories::url(call, repository);
    let body = |own: &&Ref| {
        json!({
            "name": own.name,
            "objectId": own.object,
            "creator": identity::reference(call.world, own.creator),
            "url": format!("{url}/refs?filter={}", own.name.trim_start_matches("refs/")),
        })
    };
    let (top, token) = (query.number(&["$top"])?, query.text(&["continuationToken"]));
    if top.is_none() && token.is_none() {
        return Ok(Reply::list(found.iter().map(body)));
    }
    let start = match token {
        None => 0,
        Some(name) => found.partition_point(|own| own.name.as_str() < name),
    };
    let end = found.len().min(start + top.unwrap_or(DEFAULT).min(MOST));
    let reply = Reply::list(found[start..end].iter().map(body));
    Ok(match found.get(end) {
        Some(next) => reply.header("x-ms-continuationtoken", next.name.as_str()),
        None => reply,
    })
}
