//! Who has how much time in the sprints that matter.

use std::{collections::BTreeMap, time::Duration};

use ado::Request;
use jiff::Timestamp;
use model::{
    Kind, Organization, ProjectId, Record, Service,
    record::{
        Sprint, SprintCapacity,
        planning::{ActivityCapacity, DaysOff, MemberCapacity},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    API_VERSION, Every, FanOut, Fetch, MapError, Resource,
    wire::{IdentityRef, Text, Time, some},
};

/// What teams have planned, once a week and after the first pass over their sprints. One request says of all teams of a
/// sprint whether they have planned anything; two more for each team that has bring what. A sprint is asked for the last
/// time after its last day.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/iterationcapacities/get>
pub(crate) static SPRINT_CAPACITIES: Resource = Resource {
    name: "sprint_capacities",
    service: Service::Boards,
    kind: Kind::SprintCapacity,
    fan_out: FanOut::OrganizationAfter("sprints"),
    every: Every::Week,
    fetch: Fetch::SprintCapacities,
};

/// How far ahead a sprint begins that is planned already: the next one, of the length that Scrum allows at most.
const AHEAD: Duration = Duration::from_secs(31 * 24 * 3600);

/// The sprints of an organization, each with the teams that plan in it.
pub type Sprints<'a> = BTreeMap<(ProjectId, Uuid), BTreeMap<Uuid, &'a Sprint>>;

/// The sprints that matter: they end after `since`, and begin at most a month after `now`. Those without dates are no
/// sprints yet.
pub fn that_matter<'a>(
    sprints: impl IntoIterator<Item = &'a Sprint>,
    since: Timestamp,
    now: Timestamp,
) -> Sprints<'a> {
    let horizon = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let mut found = Sprints::new();
    for sprint in sprints {
        let (Some(starts_at), Some(finishes_at)) = (sprint.starts_at, sprint.finishes_at) else {
            continue;
        };
        if SprintCapacity::end(finishes_at) > since && starts_at <= horizon {
            let teams = found.entry((sprint.project, sprint.iteration)).or_default();
            teams.insert(sprint.team, sprint);
        }
    }
    found
}

/// The request for how much all teams together have planned for a sprint.
pub fn totals_request(organization: &Organization, project: ProjectId, iteration: Uuid) -> Request {
    let path = format!("{project}/_apis/work/iterations/{iteration}/iterationcapacities");
    Request::get(&organization.name, &path).query(API_VERSION.0, API_VERSION.1)
}

/// The requests for who of a team has how much time in a sprint, and for when nobody of it works.
pub fn capacity_requests(organization: &Organization, sprint: &Sprint) -> [Request; 2] {
    let Sprint {
        project,
        team,
        iteration,
        ..
    } = sprint;
    ["capacities", "teamdaysoff"].map(|part| {
        let path =
            format!("{project}/{team}/_apis/work/teamsettings/iterations/{iteration}/{part}");
        Request::get(&organization.name, &path).query(API_VERSION.0, API_VERSION.1)
    })
}

#[derive(Deserialize)]
struct WireTotals {
    teams: Vec<WireTotal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTotal {
    team_id: Uuid,
    #[serde(default)]
    team_capacity_per_day: f64,
    #[serde(default)]
    team_total_days_off: i64,
}

/// The teams that have planned anything for a sprint.
///
/// # Errors
/// The answer tells no totals.
pub fn planning_teams(item: &RawValue) -> Result<Vec<Uuid>, MapError> {
    let wire: WireTotals = serde_json::from_str(item.get())?;
    let has_planned =
        |team: &WireTotal| team.team_capacity_per_day != 0.0 || team.team_total_days_off != 0;
    let planning = wire.teams.into_iter().filter(has_planned);
    Ok(planning.map(|team| team.team_id).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCapacity<'a> {
    #[serde(borrow)]
    team_members: Vec<WireMember<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMember<'a> {
    #[serde(borrow, default)]
    team_member: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    activities: Vec<WireActivity<'a>>,
    #[serde(default)]
    days_off: Vec<WireDaysOff>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireActivity<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(default)]
    capacity_per_day: f64,
}

#[derive(Clone, Copy, Deserialize)]
struct WireDaysOff {
    start: Time,
    end: Time,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTeamDaysOff {
    days_off: Vec<WireDaysOff>,
}

/// What a team has planned for a sprint, from the answers to [`capacity_requests`].
///
/// # Errors
/// An answer is not what was asked for, or the sprint has no dates.
pub fn capacity(
    sprint: &Sprint,
    capacities: &RawValue,
    days_off: &RawValue,
) -> Result<Record, MapError> {
    let members: WireCapacity<'_> = serde_json::from_str(capacities.get())?;
    let days_off = team_days_off(days_off)?;
    let members = members.team_members.into_iter().map(member);
    planned(sprint, members.collect::<Result<_, _>>()?, days_off)
}

/// A plan that was taken back.
///
/// # Errors
/// The sprint has no dates.
pub fn nothing_planned(sprint: &Sprint) -> Result<Record, MapError> {
    planned(sprint, Vec::new(), Vec::new())
}

/// The days on which nobody of a team works.
///
/// # Errors
/// It is not the answer, or days have no date.
pub fn team_days_off(item: &RawValue) -> Result<Vec<DaysOff>, MapError> {
    let wire: WireTeamDaysOff = serde_json::from_str(item.get())?;
    all_days_off(&wire.days_off)
}

fn planned(
    sprint: &Sprint,
    members: Vec<MemberCapacity>,
    days_off: Vec<DaysOff>,
) -> Result<Record, MapError> {
    let (Some(starts_at), Some(finishes_at)) = (sprint.starts_at, sprint.finishes_at) else {
        return Err(MapError::new("its sprint has no dates"));
    };
    Ok(Record::SprintCapacity(SprintCapacity {
        project: sprint.project,
        team: sprint.team,
        iteration: sprint.iteration,
        starts_at,
        finishes_at,
        members,
        days_off,
    }))
}

fn member(wire: WireMember<'_>) -> Result<MemberCapacity, MapError> {
    let activity = |activity: WireActivity<'_>| ActivityCapacity {
        name: some(activity.name),
        per_day: activity.capacity_per_day,
    };
    Ok(MemberCapacity {
        person: wire.team_member.and_then(IdentityRef::identity),
        activities: wire.activities.into_iter().map(activity).collect(),
        days_off: all_days_off(&wire.days_off)?,
    })
}

fn all_days_off(wire: &[WireDaysOff]) -> Result<Vec<DaysOff>, MapError> {
    let one = |days: &WireDaysOff| {
        Ok(DaysOff {
            first: days.start.required("start")?,
            last: days.end.required("end")?,
        })
    };
    wire.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sprint(dates: Option<(&str, &str)>) -> Sprint {
        Sprint {
            project: ProjectId(Uuid::from_u128(1)),
            team: Uuid::from_u128(2),
            iteration: Uuid::from_u128(3),
            name: "Sprint 7".into(),
            path: None,
            starts_at: dates.map(|(first, _)| at(first)),
            finishes_at: dates.map(|(_, last)| at(last)),
        }
    }

    #[test]
    fn a_sprint_matters_until_its_last_day_is_over_and_from_a_month_before_its_first() {
        let since = at("2026-11-21T00:00:00Z");
        let matters = |first: &str, last: &str| {
            let sprint = sprint(Some((first, last)));
            !that_matter([&sprint], since, at("2026-11-28T00:00:00Z")).is_empty()
        };
        assert!(!matters("2026-11-07T00:00:00Z", "2026-11-20T00:00:00Z"));
        assert!(matters("2026-11-08T00:00:00Z", "2026-11-21T00:00:00Z"));
        assert!(matters("2026-12-29T00:00:00Z", "2027-01-12T00:00:00Z"));
        assert!(!matters("2026-12-30T00:00:00Z", "2027-01-13T00:00:00Z"));
        assert!(that_matter([&sprint(None)], since, since).is_empty());
    }

    #[test]
    fn only_teams_with_time_or_days_off_have_planned_anything() {
        let item = format!(
            r#"{{"teams":[{{"teamId":"{}","teamCapacityPerDay":0.0,"teamTotalDaysOff":0}},
                {{"teamId":"{}","teamCapacityPerDay":12.5,"teamTotalDaysOff":0}},
                {{"teamId":"{}","teamCapacityPerDay":0.0,"teamTotalDaysOff":2}}],"totalIterationCapacityPerDay":12.5}}"#,
            Uuid::from_u128(1),
            Uuid::from_u128(2),
            Uuid::from_u128(3)
        );
        let teams = planning_teams(serde_json::from_str(&item).unwrap()).unwrap();
        assert_eq!(teams, [2, 3].map(Uuid::from_u128));
    }

    #[test]
    fn a_plan_tells_hours_by_kind_of_work_and_days_off_of_each_and_of_all() {
        let capacities = r#"{"teamMembers":[{"teamMember":{"id":"7","displayName":"Ada","uniqueName":"ada@x.example"},
            "activities":[{"capacityPerDay":4.5,"name":"Development"},{"capacityPerDay":1.0,"name":""}],
            "daysOff":[{"start":"2026-11-09T00:00:00Z","end":"2026-11-10T00:00:00Z"}]}],
            "totalCapacityPerDay":5.5,"totalDaysOff":2}"#;
        let days_off =
            r#"{"daysOff":[{"start":"2026-11-16T00:00:00Z","end":"2026-11-16T00:00:00Z"}]}"#;
        let sprint = sprint(Some(("2026-11-08T00:00:00Z", "2026-11-21T00:00:00Z")));
        let raw = |text| serde_json::from_str(text).unwrap();
        let record = capacity(&sprint, raw(capacities), raw(days_off)).unwrap();
        assert_eq!(record.last_event(), Some(at("2026-11-22T00:00:00Z")));
        let Record::SprintCapacity(found) = record else {
            panic!("a plan");
        };
        let [member] = found.members.as_slice() else {
            panic!("one member");
        };
        let activities = member.activities.iter();
        let activities = activities.map(|own| (own.name.as_deref(), own.per_day));
        assert_eq!(
            activities.collect::<Vec<_>>(),
            [(Some("Development"), 4.5), (None, 1.0)]
        );
        assert_eq!(member.days_off[0].last, at("2026-11-10T00:00:00Z"));
        assert_eq!(found.days_off[0].first, at("2026-11-16T00:00:00Z"));
    }
}
