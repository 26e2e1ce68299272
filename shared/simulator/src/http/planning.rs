//! How teams plan: their settings, their areas, and who has how much time in a sprint.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/work/>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::teams::named;
use crate::world::classification::{Node, area_path};
use crate::world::planning::{DaysOff, Plan};
use crate::world::teams::{self, Team};

/// `GET {team}/_apis/work/teamsettings`.
pub(crate) fn settings(call: &Call<'_>) -> Result<Reply, Refusal> {
    let team = named(call)?;
    let [_, iterations] = &call.world.classification[usize::from(team.project)];
    let is_shown = |name: &&str| (team.backlogs().contains(name)).into();
    let backlogs = [
        "Microsoft.EpicCategory",
        "Microsoft.FeatureCategory",
        "Microsoft.RequirementCategory",
    ];
    let visibilities: Map<String, Value> = backlogs
        .iter()
        .map(|name| ((*name).to_owned(), is_shown(name)))
        .collect();
    Ok(Reply::json(&json!({
        "backlogIteration": { "id": iterations.identifier, "name": iterations.name, "path": "" },
        "bugsBehavior": "asRequirements",
        "workingDays": team.working_days(),
        "backlogVisibilities": visibilities,
        "defaultIteration": null,
        "defaultIterationMacro": "@currentIteration",
        "url": format!("{}/_apis/work/teamsettings", base(call, &team)),
    })))
}

/// `GET {team}/_apis/work/teamsettings/teamfieldvalues`.
pub(crate) fn areas(call: &Call<'_>) -> Result<Reply, Refusal> {
    let team = named(call)?;
    let project = &call.world.projects[usize::from(team.project)];
    let areas = team.areas(project).into_iter();
    let values: Vec<Value> = areas
        .map(|(path, below)| json!({ "value": path, "includeChildren": below }))
        .collect();
    Ok(Reply::json(&json!({
        "field": {
            "referenceName": "System.AreaPath",
            "url": format!("{}/_apis/wit/fields/System.AreaPath", call.base()),
        },
        "defaultValue": area_path(project, None),
        "values": values,
        "url": format!("{}/_apis/work/teamsettings/teamfieldvalues", base(call, &team)),
    })))
}

/// `GET work/iterations/{iteration}/iterationcapacities`: of all teams that plan in the iteration.
pub(crate) fn totals(call: &Call<'_>) -> Result<Reply, Refusal> {
    let position = call.project.ok_or_else(|| Refusal::no_such_project(""))?;
    let all = teams::all(&call.world.projects).into_iter();
    let own = all.filter(|team| team.project == position);
    let planning = own.filter_map(|team| Some((team.id, sprint(call, &team).ok()?.1)));
    let planning: Vec<_> = planning.collect();
    if planning.is_empty() {
        return Err(missing(call));
    }
    let with_team = call.config().unverified.team_days_off_are_totalled;
    let per_day = |plan: &Option<Plan>| plan.as_ref().map_or(0.0, Plan::per_day);
    let off = |plan: &Option<Plan>| {
        plan.as_ref()
            .map_or(0, |plan| plan.total_days_off(with_team))
    };
    let teams = planning.iter().map(|(team, plan)| {
        json!({
            "teamId": team,
            "teamCapacityPerDay": per_day(plan),
            "teamTotalDaysOff": off(plan),
        })
    });
    Ok(Reply::json(&json!({
        "teams": teams.collect::<Vec<_>>(),
        "totalIterationCapacityPerDay": planning.iter().map(|(_, plan)| per_day(plan)).sum::<f64>(),
        "totalIterationDaysOff": planning.iter().map(|(_, plan)| off(plan)).sum::<i64>(),
    })))
}

/// `GET {team}/_apis/work/teamsettings/iterations/{iteration}/capacities`.
pub(crate) fn capacities(call: &Call<'_>) -> Result<Reply, Refusal> {
    let team = named(call)?;
    let (sprint, plan) = sprint(call, &team)?;
    let base = format!(
        "{}/_apis/work/teamsettings/iterations/{}/capacities",
        base(call, &team),
        sprint.identifier
    );
    let members = plan.iter().flat_map(|plan| &plan.members).map(|member| {
        let person = identity::reference(call.world, member.person);
        let activities = member.activities.iter();
        let activities =
            activities.map(|(name, hours)| json!({ "capacityPerDay": hours, "name": name }));
        json!({
            "teamMember": person,
            "activities": activities.collect::<Vec<_>>(),
            "daysOff": spans(&member.days_off),
            "url": format!("{base}/{}", call.world.people.get(member.person).id),
        })
    });
    let with_team = call.config().unverified.team_days_off_are_totalled;
    Ok(Reply::json(&json!({
        "teamMembers": members.collect::<Vec<_>>(),
        "totalCapacityPerDay": plan.as_ref().map_or(0.0, Plan::per_day),
        "totalDaysOff": plan.as_ref().map_or(0, |plan| plan.total_days_off(with_team)),
    })))
}

/// `GET {team}/_apis/work/teamsettings/iterations/{iteration}/teamdaysoff`.
pub(crate) fn days_off(call: &Call<'_>) -> Result<Reply, Refusal> {
    let team = named(call)?;
    let (sprint, plan) = sprint(call, &team)?;
    let days_off = plan.map(|plan| plan.days_off).unwrap_or_default();
    Ok(Reply::json(&json!({
        "daysOff": spans(&days_off),
        "url": format!(
            "{}/_apis/work/teamsettings/iterations/{}/teamdaysoff",
            base(call, &team),
            sprint.identifier
        ),
    })))
}

/// The sprint in the path, if the team plans in it, and what it has planned.
fn sprint<'a>(call: &Call<'a>, team: &Team) -> Result<(&'a Node, Option<Plan>), Refusal> {
    let wanted = call.captured.first().ok_or_else(|| missing(call))?;
    let position = usize::from(team.project);
    let world = call.world;
    let [_, iterations] = &world.classification[position];
    let mut sprints = team
        .sprints(&world.projects[position], iterations)
        .into_iter();
    let found = sprints.find(|(own, _)| own.identifier.to_string().eq_ignore_ascii_case(wanted));
    let (sprint, _) = found.ok_or_else(|| missing(call))?;
    Ok((sprint, world.plan(team, sprint)))
}

fn missing(call: &Call<'_>) -> Refusal {
    let id = call.captured.first().map_or("", String::as_str);
    Refusal::not_found(
        "InvalidTeamSettingsIterationException",
        format!("The iteration with id '{id}' is not an iteration of the team."),
    )
}

fn base(call: &Call<'_>, team: &Team) -> String {
    let project = &call.world.projects[usize::from(team.project)];
    format!("{}/{}/{}", call.base(), project.id, team.id)
}

fn spans(days_off: &[DaysOff]) -> Vec<Value> {
    let span = |(start, end): &(Timestamp, Timestamp)| json!({ "start": start, "end": end });
    days_off.iter().map(span).collect()
}
