//! Which work items link to a pull request or commit.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/artifact-uri-query/query>

use serde_json::{Map, Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;

/// `POST wit/artifacturiquery`: the work items of each address; one that nothing links to is left out.
pub(crate) fn query(call: &Call<'_>) -> Result<Reply, Refusal> {
    let request = call.json()?;
    let uris = request
        .get("artifactUris")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::bad_value("artifactUris", ""))?;
    let mut found = Map::new();
    for uri in uris.iter().filter_map(Value::as_str) {
        let ids = work_items(call, uri).unwrap_or_default();
        if !ids.is_empty() {
            let url = |id: u32| format!("{}/_apis/wit/workItems/{id}", call.base());
            let items = ids
                .into_iter()
                .map(|id| json!({ "id": id, "url": url(id) }));
            found.insert(uri.to_owned(), items.collect());
        }
    }
    Ok(Reply::json(&json!({ "artifactUrisQueryResult": found })))
}

/// The work items that link to a pull request; other kinds of address have none here.
fn work_items(call: &Call<'_>, uri: &str) -> Option<Vec<u32>> {
    let path = uri.strip_prefix("vstfs:///Git/PullRequestId/")?;
    let path = path.replace("%2F", "/").replace("%2f", "/");
    let mut parts = path.split('/');
    let (project, repository) = (parts.next()?, parts.next()?);
    let own = call.world.pull_request(parts.next()?.parse().ok()?)?;
    let home = &call.world.repositories[own.repository];
    let is_it = home.id.to_string() == repository
        && call.world.projects[usize::from(home.project)]
            .id
            .to_string()
            == project;
    (is_it && call.sees(home.project)).then(|| call.world.work_items_of(own))
}
