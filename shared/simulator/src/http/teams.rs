//! Teams.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/core/teams/get-all-teams>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::teams::{self, Team};

/// `GET teams`: those of all projects that the caller sees; `$top` and `$skip`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let top = call.query.number(&["$top"])?;
    let page = call.config().pages.teams.of(top);
    let skip: usize = call.query.number(&["$skip"])?.unwrap_or(0);
    let teams = teams::all(&call.world.projects);
    let visible = teams.iter().filter(|team| call.sees(team.project));
    let page = visible.skip(skip).take(page);
    Ok(Reply::list(page.map(|team| body(call, team))))
}

fn body(call: &Call<'_>, team: &Team) -> Value {
    let base = call.base();
    let project = &call.world.projects[usize::from(team.project)];
    json!({
        "id": team.id,
        "name": team.name,
        "url": format!("{base}/_apis/projects/{}/teams/{}", project.id, team.id),
        "description": team.description,
        "identityUrl": format!("https://spsprodweu5.vssps.visualstudio.com/_apis/Identities/{}", team.id),
        "projectName": project.name,
        "projectId": project.id,
    })
}
