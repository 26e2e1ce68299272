//! Teams and the sprints that they plan in.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/core/teams/get-all-teams>

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::classification::Node;
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

/// `GET {team}/_apis/work/teamsettings/iterations`: all at once; without a team those of the project's own team.
/// `$timeframe` knows the present only.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/iterations/list>
pub(crate) fn iterations(call: &Call<'_>) -> Result<Reply, Refusal> {
    let team = named(call)?;
    let position = usize::from(team.project);
    let project = &call.world.projects[position];
    let is_asked_for = match call.query.text(&["$timeframe"]) {
        None => |_: &str| true,
        Some(text) if text.eq_ignore_ascii_case("current") => |frame: &str| frame == "current",
        Some(text) => return Err(Refusal::bad_value("timeframe", text)),
    };
    let [_, iterations] = &call.world.classification[position];
    let sprints = team.sprints(project, iterations).into_iter();
    let framed = sprints.map(|(sprint, path)| (sprint, path, time_frame(sprint, call.now)));
    let asked = framed.filter(|(_, _, frame)| is_asked_for(frame));
    let base = format!("{}/{}/{}", call.base(), project.id, team.id);
    Ok(Reply::list(asked.map(|(sprint, path, frame)| {
        let dates = sprint.dates.unzip();
        json!({
            "id": sprint.identifier,
            "name": sprint.name,
            "path": path,
            "attributes": { "startDate": dates.0, "finishDate": dates.1, "timeFrame": frame },
            "url": format!("{base}/_apis/work/teamsettings/iterations/{}", sprint.identifier),
        })
    })))
}

/// The team in the path, by its id or name; without one the project's own team.
pub(crate) fn named(call: &Call<'_>) -> Result<Team, Refusal> {
    let position = call.project.ok_or_else(|| Refusal::no_such_project(""))?;
    let project = &call.world.projects[usize::from(position)];
    let is_meant = |team: &Team| match call.team {
        None => team.id == teams::default_team(project),
        Some(name) => team.id.to_string().eq_ignore_ascii_case(name) || team.name == name,
    };
    let mut all = teams::all(&call.world.projects).into_iter();
    let found = all.find(|team| team.project == position && is_meant(team));
    found.ok_or_else(|| missing(call.team))
}

/// The last day of a sprint is a part of it.
fn time_frame(sprint: &Node, now: Timestamp) -> &'static str {
    match sprint.dates {
        Some((start, _)) if now < start => "future",
        Some((_, finish)) if now >= finish + 24.hours() => "past",
        _ => "current",
    }
}

fn missing(team: Option<&str>) -> Refusal {
    let name = team.unwrap_or_default();
    Refusal::not_found(
        "TeamNotFoundException",
        format!("The team with id '{name}' does not exist."),
    )
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
