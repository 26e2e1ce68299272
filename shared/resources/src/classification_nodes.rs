//! Areas and iterations.

use ado::{Host, Paging};
use model::{
    Kind, ProjectId, Record, Service,
    record::metadata::{ClassificationNode, Structure},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{Text, Time, is},
};

/// Both trees of a project with all their nodes, in one answer.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/classification-nodes/get-root-nodes>
pub(crate) static CLASSIFICATION_NODES: Resource = Resource {
    name: "classification_nodes",
    service: Service::Boards,
    kind: Kind::ClassificationNode,
    fan_out: FanOut::Project,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/wit/classificationnodes",
        query: &[API_VERSION, ("$depth", "20")],
        body: None,
        items: "value",
        paging: Paging::None,
        cursor: CursorRule::Whole,
        map: Map::Many(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    identifier: Uuid,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    structure_type: Option<Text<'a>>,
    #[serde(default)]
    attributes: Option<WireDates>,
    #[serde(borrow, default)]
    children: Option<Vec<Wire<'a>>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDates {
    #[serde(default)]
    start_date: Time,
    #[serde(default)]
    finish_date: Time,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Vec<Record>, MapError> {
    let root: Wire<'_> = serde_json::from_str(item.get())?;
    let mut records = Vec::new();
    collect(target.project()?, None, root, &mut records);
    Ok(records)
}

/// The path is built from the names on the way down, because the service's own `path` has the tree's name inserted,
/// which `System.AreaPath` and `System.IterationPath` have not.
fn collect(project: ProjectId, parent: Option<&str>, wire: Wire<'_>, records: &mut Vec<Record>) {
    let name = wire.name.owned();
    let path = parent.map_or_else(|| name.clone(), |parent| format!("{parent}\\{name}"));
    let structure = match wire
        .structure_type
        .as_ref()
        .map_or("", |kind| kind.0.as_ref())
    {
        text if is(text, "area") => Structure::Area,
        text if is(text, "iteration") => Structure::Iteration,
        text => Structure::Unknown(text.to_owned()),
    };
    for child in wire.children.unwrap_or_default() {
        collect(project, Some(&path), child, records);
    }
    records.push(Record::ClassificationNode(ClassificationNode {
        project,
        identifier: wire.identifier,
        structure,
        name,
        path,
        starts_at: wire.attributes.and_then(|dates| dates.start_date.0),
        finishes_at: wire.attributes.and_then(|dates| dates.finish_date.0),
    }));
}
