//! The iterations that each team plans in.

use ado::{Host, Paging};
use model::{Kind, Record, Service, record::Sprint};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    API_VERSION, Each, Every, Extent, FanOut, Fetch, MapError, Resource, Target,
    wire::{Text, Time, some},
};

/// The sprints of each team, one request per team. Their dates come with the iterations of the project every day; here
/// is only which of them a team has chosen, so once a week is often enough.
/// <https://learn.microsoft.com/rest/api/azure/devops/work/iterations/list>
pub(crate) static SPRINTS: Resource = Resource {
    name: "sprints",
    service: Service::Boards,
    kind: Kind::Sprint,
    fan_out: FanOut::OrganizationAfter("teams"),
    every: Every::Week,
    fetch: Fetch::Each(Each {
        host: Host::Core,
        of: Kind::Team,
        path: "{project}/{id}/_apis/work/teamsettings/iterations",
        query: &[API_VERSION],
        items: "value",
        paging: Paging::None,
        extent: Extent::Whole,
        map,
    }),
};

#[derive(Deserialize)]
struct Wire<'a> {
    id: Uuid,
    #[serde(borrow)]
    name: Text<'a>,
    /// Microsoft's older examples have none.
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    attributes: Option<WireDates>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDates {
    #[serde(default)]
    start_date: Time,
    #[serde(default)]
    finish_date: Time,
}

/// The time frame is left out: it follows from the dates and the day.
fn map(_: &Target<'_>, parent: &Record, item: &RawValue) -> Result<Record, MapError> {
    let Record::Team(team) = parent else {
        return Err(MapError::new("its list is not that of a team"));
    };
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::Sprint(Sprint {
        project: team.project,
        team: team.id,
        iteration: wire.id,
        name: wire.name.owned(),
        path: some(wire.path),
        starts_at: wire.attributes.and_then(|dates| dates.start_date.0),
        finishes_at: wire.attributes.and_then(|dates| dates.finish_date.0),
    }))
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, ProjectId, Scope, record::Team};

    use super::*;
    use crate::list_scope;

    #[test]
    fn a_team_is_asked_in_its_project_and_only_by_its_own_organization() {
        let project = ProjectId(Uuid::from_u128(2));
        let team = Record::Team(Team {
            organization: OrganizationId(Uuid::from_u128(1)),
            project,
            id: Uuid::from_u128(3),
            name: "Web".into(),
            description: None,
        });
        let asked_by = |organization| {
            let organization = Organization {
                id: OrganizationId(Uuid::from_u128(organization)),
                name: "fabrikam".parse().unwrap(),
            };
            let target = Target {
                organization: &organization,
                scope: &Scope::Organization,
            };
            list_scope(&target, &team)
        };
        assert_eq!(asked_by(1), Some(Scope::Project(project)));
        assert_eq!(asked_by(9), None);
    }
}
