//! Definitions of build pipelines.

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::{
        pipeline::{Definition, Process},
        run::RunRepository,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// All definitions of a project in their newest revision, with all properties: without them neither the repository nor
/// the YAML file would be known.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/definitions/list>
pub(crate) static DEFINITIONS: Resource = Resource {
    name: "definitions",
    service: Service::Pipelines,
    kind: Kind::Definition,
    fan_out: FanOut::Project,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/build/definitions",
        query: &[
            API_VERSION,
            ("includeAllProperties", "true"),
            ("queryOrder", "definitionNameAscending"),
            ("$top", "1000"),
        ],
        body: None,
        items: "value",
        paging: Paging::HeaderToken,
        cursor: CursorRule::Whole,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    revision: Option<u32>,
    #[serde(default)]
    created_date: Time,
    #[serde(borrow, default)]
    authored_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    queue_status: Option<Text<'a>>,
    #[serde(borrow, default)]
    quality: Option<Text<'a>>,
    #[serde(borrow, default)]
    process: Option<WireProcess<'a>>,
    #[serde(borrow, default)]
    repository: Option<WireRepository<'a>>,
    #[serde(borrow, default)]
    triggers: Option<Vec<WireTrigger<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProcess<'a> {
    #[serde(default, rename = "type")]
    kind: Option<u32>,
    #[serde(borrow, default)]
    yaml_filename: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRepository<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    host: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    default_branch: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTrigger<'a> {
    #[serde(borrow, default)]
    trigger_type: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let (repository, default_branch) = repository(wire.repository);
    let (process, yaml_path) = process(wire.process);
    let triggers = wire.triggers.unwrap_or_default().into_iter();
    Ok(Record::Definition(Box::new(Definition {
        id: wire.id,
        project: target.project()?,
        name: wire.name.map(Text::owned).unwrap_or_default(),
        folder: some(wire.path),
        revision: wire.revision.unwrap_or(0),
        revised_at: wire.created_date.0,
        revised_by: wire.authored_by.and_then(IdentityRef::identity),
        queue_status: some(wire.queue_status),
        draft: wire.quality.is_some_and(|own| is(&own.0, "draft")),
        process,
        yaml_path,
        repository,
        default_branch,
        triggers: triggers.filter_map(|own| some(own.trigger_type)).collect(),
    })))
}

fn repository(wire: Option<WireRepository<'_>>) -> (Option<RunRepository>, Option<String>) {
    let Some(wire) = wire else {
        return (None, None);
    };
    let repository = some(wire.id).map(|id| RunRepository {
        id,
        host: some(wire.host).unwrap_or_default(),
        name: some(wire.name),
    });
    (repository, some(wire.default_branch))
}

/// The numbers are Microsoft's: 1 for the editor, 2 for YAML.
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelineprocesstype-enumerated-type-members>
fn process(wire: Option<WireProcess<'_>>) -> (Process, Option<String>) {
    let Some(wire) = wire else {
        return (Process::Unknown(String::new()), None);
    };
    let process = match wire.kind {
        Some(1) => Process::Classic,
        Some(2) => Process::Yaml,
        Some(other) => Process::Unknown(other.to_string()),
        None => Process::Unknown(String::new()),
    };
    (process, some(wire.yaml_filename))
}
