//! Environments of YAML pipelines, and what was deployed to them.

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::environment::{Environment, EnvironmentDeployment},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Each, Every, Extent, FanOut, Fetch, List, Map, MapError, Resource,
    Target,
    timelines::step_result,
    wire::{IdentityRef, Text, Time, some},
};

/// The environments of a project.
/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environments/list>
pub(crate) static ENVIRONMENTS: Resource = Resource {
    name: "environments",
    service: Service::Pipelines,
    kind: Kind::Environment,
    fan_out: FanOut::Project,
    every: Every::Day,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/distributedtask/environments",
        query: &[API_VERSION, ("$top", "1000")],
        body: None,
        items: "value",
        paging: Paging::HeaderToken,
        cursor: CursorRule::Whole,
        map: Map::One(environment),
    }),
};

/// What was deployed to each environment. The list takes no time, so it is read only when a run of the project has
/// ended, and back to the oldest deployment that was still under way; `top` has no dollar sign here.
/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environmentdeploymentrecords/list>
pub(crate) static ENVIRONMENT_DEPLOYMENTS: Resource = Resource {
    name: "environment_deployments",
    service: Service::Pipelines,
    kind: Kind::EnvironmentDeployment,
    fan_out: FanOut::ProjectWithBoth("builds", "environments"),
    every: Every::Day,
    fetch: Fetch::Each(Each {
        host: Host::Core,
        of: Kind::Environment,
        path: "{project}/_apis/distributedtask/environments/{id}/environmentdeploymentrecords",
        query: &[API_VERSION, ("top", "1000")],
        items: "value",
        paging: Paging::HeaderToken,
        extent: Extent::New,
        map: deployment,
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEnvironment<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(default)]
    created_on: Time,
    #[serde(borrow, default)]
    created_by: Option<IdentityRef<'a>>,
    #[serde(default)]
    last_modified_on: Time,
}

fn environment(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: WireEnvironment<'_> = serde_json::from_str(item.get())?;
    Ok(Record::Environment(Environment {
        id: wire.id,
        project: target.project()?,
        name: some(wire.name).unwrap_or_default(),
        description: some(wire.description),
        created_at: wire.created_on.0,
        created_by: wire.created_by.and_then(IdentityRef::identity),
        modified_at: wire.last_modified_on.0,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDeployment<'a> {
    id: u64,
    #[serde(default)]
    resource_id: Option<u64>,
    #[serde(borrow, default)]
    definition: Option<WireOwner<'a>>,
    #[serde(borrow, default)]
    owner: Option<WireOwner<'a>>,
    #[serde(borrow, default)]
    stage_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    job_name: Option<Text<'a>>,
    #[serde(default)]
    stage_attempt: Option<u32>,
    #[serde(default)]
    job_attempt: Option<u32>,
    #[serde(default)]
    queue_time: Time,
    #[serde(default)]
    start_time: Time,
    #[serde(default)]
    finish_time: Time,
    #[serde(borrow, default)]
    result: Option<Text<'a>>,
}

/// <https://learn.microsoft.com/rest/api/azure/devops/environments/environmentdeploymentrecords/list#taskorchestrationowner>
#[derive(Deserialize)]
struct WireOwner<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

fn deployment(target: &Target<'_>, parent: &Record, item: &RawValue) -> Result<Record, MapError> {
    let Record::Environment(environment) = parent else {
        return Err(MapError::new("its list is not that of an environment"));
    };
    let wire: WireDeployment<'_> = serde_json::from_str(item.get())?;
    let (run, run_number) = match wire.owner {
        Some(owner) => (Some(owner.id), some(owner.name)),
        None => (None, None),
    };
    let finished_at = wire.finish_time.0;
    // One that never waited has no queue time.
    let queued_at = Time(wire.queue_time.0.or(wire.start_time.0).or(finished_at));
    Ok(Record::EnvironmentDeployment(EnvironmentDeployment {
        id: wire.id,
        project: target.project()?,
        environment: environment.id,
        resource: wire.resource_id,
        pipeline: wire.definition.map(|definition| definition.id),
        run,
        run_number,
        stage: some(wire.stage_name),
        job: some(wire.job_name),
        stage_attempt: wire.stage_attempt.unwrap_or(1),
        job_attempt: wire.job_attempt.unwrap_or(1),
        queued_at: queued_at.required("queueTime")?,
        started_at: wire.start_time.0,
        finished_at,
        // The service may send a result before there is one.
        result: wire
            .result
            .filter(|_| finished_at.is_some())
            .map(|result| step_result(&result.0)),
    }))
}
