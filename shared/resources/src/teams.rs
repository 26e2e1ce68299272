//! Teams.

use ado::{Host, Paging};
use model::{Kind, ProjectId, Record, Service, record::Team};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{Text, some},
};

/// All teams that the credential can see, of all projects in one list.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/teams/get-all-teams>
pub(crate) static TEAMS: Resource = Resource {
    name: "teams",
    service: Service::Boards,
    kind: Kind::Team,
    fan_out: FanOut::Organization,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "_apis/teams",
        query: &[("api-version", "7.1-preview.3")],
        body: None,
        items: "value",
        paging: Paging::skip_top(1000),
        cursor: CursorRule::Whole,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: Uuid,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(default)]
    project_id: Option<Uuid>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    // The list of one project need not name it.
    let project = match wire.project_id {
        Some(project) => ProjectId(project),
        None => target.project()?,
    };
    Ok(Record::Team(Team {
        organization: target.organization.id,
        project,
        id: wire.id,
        name: wire.name.owned(),
        description: some(wire.description),
    }))
}
