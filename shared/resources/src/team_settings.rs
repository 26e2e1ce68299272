//! How each team works, and which areas are its own.

use std::collections::BTreeMap;

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::{
        Team, TeamAreas, TeamSettings,
        planning::{BugsBehavior, TeamArea, Weekday},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    API_VERSION, Each, Every, Extent, FanOut, Fetch, MapError, Resource, Target,
    wire::{Text, is, some},
};

/// The settings of each team, one request per team. People change them when they found a team and hardly ever after.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/teamsettings/get>
pub(crate) static TEAM_SETTINGS: Resource = Resource {
    name: "team_settings",
    service: Service::Boards,
    kind: Kind::TeamSettings,
    fan_out: FanOut::OrganizationAfter("teams"),
    every: Every::Week,
    fetch: Fetch::Each(of_team("{project}/{id}/_apis/work/teamsettings", settings)),
};

/// The areas of each team, one request per team.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/teamfieldvalues/get>
pub(crate) static TEAM_AREAS: Resource = Resource {
    name: "team_areas",
    service: Service::Boards,
    kind: Kind::TeamAreas,
    fan_out: FanOut::OrganizationAfter("teams"),
    every: Every::Week,
    fetch: Fetch::Each(of_team(
        "{project}/{id}/_apis/work/teamsettings/teamfieldvalues",
        areas,
    )),
};

const fn of_team(
    path: &'static str,
    map: fn(&Target<'_>, &Record, &RawValue) -> Result<Record, MapError>,
) -> Each {
    Each {
        host: Host::Core,
        of: Kind::Team,
        path,
        query: &[API_VERSION],
        items: "",
        paging: Paging::None,
        extent: Extent::Whole,
        map,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSettings<'a> {
    #[serde(borrow, default)]
    working_days: Vec<Text<'a>>,
    #[serde(borrow)]
    bugs_behavior: Text<'a>,
    #[serde(borrow, default)]
    backlog_visibilities: Option<BTreeMap<Text<'a>, bool>>,
    #[serde(default)]
    backlog_iteration: Option<WireIteration>,
    #[serde(default)]
    default_iteration: Option<WireIteration>,
    #[serde(borrow, default)]
    default_iteration_macro: Option<Text<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
struct WireIteration {
    #[serde(default)]
    id: Option<Uuid>,
}

fn settings(_: &Target<'_>, parent: &Record, item: &RawValue) -> Result<Record, MapError> {
    let (team, wire): (_, WireSettings<'_>) = (team(parent)?, serde_json::from_str(item.get())?);
    // A team that nobody has set up has the iteration whose id is zero.
    let set = |iteration: Option<WireIteration>| iteration?.id.filter(|id| !id.is_nil());
    let backlogs = wire.backlog_visibilities.unwrap_or_default().into_iter();
    let shown = backlogs.filter(|(_, is_shown)| *is_shown);
    Ok(Record::TeamSettings(TeamSettings {
        project: team.project,
        team: team.id,
        working_days: wire.working_days.into_iter().map(weekday).collect(),
        bugs: bugs(wire.bugs_behavior),
        backlogs: shown.map(|(name, _)| name.owned()).collect(),
        backlog_iteration: set(wire.backlog_iteration),
        default_iteration: set(wire.default_iteration),
        default_iteration_macro: some(wire.default_iteration_macro),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAreas<'a> {
    #[serde(borrow, default)]
    field: Option<WireField<'a>>,
    #[serde(borrow, default)]
    default_value: Option<Text<'a>>,
    #[serde(borrow)]
    values: Vec<WireArea<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireField<'a> {
    #[serde(borrow)]
    reference_name: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireArea<'a> {
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(default)]
    include_children: bool,
}

fn areas(_: &Target<'_>, parent: &Record, item: &RawValue) -> Result<Record, MapError> {
    let (team, wire): (_, WireAreas<'_>) = (team(parent)?, serde_json::from_str(item.get())?);
    let area = |area: WireArea<'_>| TeamArea {
        path: area.value.owned(),
        with_children: area.include_children,
    };
    Ok(Record::TeamAreas(TeamAreas {
        project: team.project,
        team: team.id,
        field: some(wire.field.map(|field| field.reference_name)),
        default: some(wire.default_value),
        areas: wire.values.into_iter().map(area).collect(),
    }))
}

fn team(parent: &Record) -> Result<&Team, MapError> {
    match parent {
        Record::Team(team) => Ok(team),
        _ => Err(MapError::new("it does not belong to a team")),
    }
}

fn weekday(text: Text<'_>) -> Weekday {
    match text.0.as_ref() {
        day if is(day, "monday") => Weekday::Monday,
        day if is(day, "tuesday") => Weekday::Tuesday,
        day if is(day, "wednesday") => Weekday::Wednesday,
        day if is(day, "thursday") => Weekday::Thursday,
        day if is(day, "friday") => Weekday::Friday,
        day if is(day, "saturday") => Weekday::Saturday,
        day if is(day, "sunday") => Weekday::Sunday,
        _ => Weekday::Unknown(text.owned()),
    }
}

fn bugs(text: Text<'_>) -> BugsBehavior {
    match text.0.as_ref() {
        behavior if is(behavior, "off") => BugsBehavior::Off,
        behavior if is(behavior, "asRequirements") => BugsBehavior::AsRequirements,
        behavior if is(behavior, "asTasks") => BugsBehavior::AsTasks,
        _ => BugsBehavior::Unknown(text.owned()),
    }
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, ProjectId, Scope};

    use super::*;

    fn map(each: &Resource, item: &str) -> Record {
        let organization = Organization {
            id: OrganizationId(Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let target = Target {
            organization: &organization,
            scope: &Scope::Organization,
        };
        let team = Record::Team(Team {
            organization: organization.id,
            project: ProjectId(Uuid::from_u128(2)),
            id: Uuid::from_u128(3),
            name: "Web".into(),
            description: None,
        });
        let Fetch::Each(each) = each.fetch else {
            panic!("one for each team");
        };
        (each.map)(&target, &team, serde_json::from_str(item).unwrap()).unwrap()
    }

    #[test]
    fn a_team_shows_the_backlogs_that_are_switched_on_and_no_iteration_that_nobody_chose() {
        let item = r#"{"backlogIteration":{"id":"00000000-0000-0000-0000-000000000000"},"bugsBehavior":"asRequirements",
            "workingDays":["Monday","friday","eighthday"],"defaultIteration":null,"defaultIterationMacro":"@currentIteration",
            "backlogVisibilities":{"Microsoft.EpicCategory":false,"Microsoft.RequirementCategory":true}}"#;
        let Record::TeamSettings(settings) = map(&TEAM_SETTINGS, item) else {
            panic!("settings");
        };
        assert_eq!(settings.team, Uuid::from_u128(3));
        let unknown = Weekday::Unknown("eighthday".into());
        assert_eq!(
            settings.working_days,
            [Weekday::Monday, Weekday::Friday, unknown]
        );
        assert_eq!(settings.bugs, BugsBehavior::AsRequirements);
        assert_eq!(settings.backlogs, ["Microsoft.RequirementCategory"]);
        assert_eq!(
            (settings.backlog_iteration, settings.default_iteration),
            (None, None)
        );
    }

    #[test]
    fn an_area_says_whether_those_below_it_belong_to_the_team() {
        let item = r#"{"field":{"referenceName":"System.AreaPath","url":"x"},"defaultValue":"F\\Auto","values":[
            {"value":"F\\Auto","includeChildren":true},{"value":"F\\Fiber","includeChildren":false}]}"#;
        let Record::TeamAreas(areas) = map(&TEAM_AREAS, item) else {
            panic!("areas");
        };
        let paths = areas
            .areas
            .iter()
            .map(|area| (area.path.as_str(), area.with_children));
        assert_eq!(
            paths.collect::<Vec<_>>(),
            [("F\\Auto", true), ("F\\Fiber", false)]
        );
        assert_eq!(areas.default.as_deref(), Some("F\\Auto"));
    }
}
