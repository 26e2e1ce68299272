//! How long a project keeps its runs.

use ado::{Host, Paging};
use model::{Kind, Record, Service, record::pipeline::RunRetention};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target};

/// The retention settings of a project. They bound what a first synchronization can find.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/retention/get>
pub(crate) static RUN_RETENTION: Resource = Resource {
    name: "run_retention",
    service: Service::Pipelines,
    kind: Kind::RunRetention,
    fan_out: FanOut::Project,
    every: Every::Week,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/build/retention",
        query: &[API_VERSION],
        body: None,
        items: "",
        paging: Paging::None,
        cursor: CursorRule::Whole,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    purge_runs: Option<WireSetting>,
    #[serde(default)]
    purge_pull_request_runs: Option<WireSetting>,
    #[serde(default)]
    purge_artifacts: Option<WireSetting>,
    #[serde(default)]
    retain_runs_per_protected_branch: Option<WireSetting>,
}

#[derive(Deserialize)]
struct WireSetting {
    #[serde(default)]
    value: Option<u32>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire = serde_json::from_str(item.get())?;
    let value = |setting: Option<WireSetting>| setting.and_then(|setting| setting.value);
    Ok(Record::RunRetention(RunRetention {
        project: target.project()?,
        run_days: value(wire.purge_runs),
        pull_request_run_days: value(wire.purge_pull_request_runs),
        artifact_days: value(wire.purge_artifacts),
        runs_per_protected_branch: value(wire.retain_runs_per_protected_branch),
    }))
}
