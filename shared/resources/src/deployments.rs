//! Deployments of classic releases.

use std::time::Duration;

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::deployment::{
        ApprovalPlace, ApprovalStatus, Artifact, Deployment, DeploymentStatus, Operation, Release,
        ReleaseApproval, ReleaseDefinition, Stage,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, OVERLAP, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// Deployments of every status by the time of their last change: an approval that comes late changes them again.
///
/// The list is in the order of ids and its token is one, so a change while it is paged moves nothing; what changes
/// behind the first page is left to the next pass.
/// <https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list>
pub(crate) static DEPLOYMENTS: Resource = Resource {
    name: "deployments",
    service: Service::Pipelines,
    kind: Kind::Deployment,
    fan_out: FanOut::Project,
    every: Every::PeriodWhereUsed,
    fetch: Fetch::List(List {
        host: Host::Release,
        path: "{project}/_apis/release/deployments",
        query: &[
            API_VERSION,
            ("queryOrder", "ascending"),
            ("deploymentStatus", "all"),
            ("operationStatus", "all"),
            ("latestAttemptsOnly", "false"),
            ("$top", "100"),
        ],
        body: None,
        items: "value",
        paging: Paging::HeaderToken,
        cursor: CursorRule::Time {
            from: "minModifiedTime",
            until: Some("maxModifiedTime"),
            overlap: OVERLAP,
            reach: Duration::ZERO,
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: u64,
    #[serde(borrow)]
    release: WireRelease<'a>,
    #[serde(borrow)]
    release_definition: WireDefinition<'a>,
    #[serde(borrow)]
    release_environment: WireNamed<'a>,
    #[serde(default)]
    definition_environment_id: Option<u64>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    deployment_status: Option<Text<'a>>,
    #[serde(borrow, default)]
    operation_status: Option<Text<'a>>,
    #[serde(default)]
    queued_on: Time,
    #[serde(default)]
    started_on: Time,
    #[serde(default)]
    completed_on: Time,
    #[serde(default)]
    scheduled_deployment_time: Time,
    #[serde(default)]
    last_modified_on: Time,
    #[serde(borrow, default)]
    requested_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    requested_for: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    pre_deploy_approvals: Option<Vec<WireApproval<'a>>>,
    #[serde(borrow, default)]
    post_deploy_approvals: Option<Vec<WireApproval<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRelease<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
    #[serde(default)]
    created_on: Time,
    #[serde(borrow, default)]
    created_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    artifacts: Option<Vec<WireArtifact<'a>>>,
}

#[derive(Deserialize)]
struct WireDefinition<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireNamed<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireArtifact<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    alias: Option<Text<'a>>,
    #[serde(default)]
    is_primary: Option<bool>,
    #[serde(borrow, default)]
    definition_reference: Option<WireSources<'a>>,
}

/// What a release says of where an artifact comes from; every source fills the members that it has.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct WireSources<'a> {
    #[serde(borrow, default)]
    definition: Option<WireSource<'a>>,
    #[serde(borrow, default)]
    version: Option<WireSource<'a>>,
    #[serde(borrow, default)]
    branch: Option<WireSource<'a>>,
    #[serde(borrow, default)]
    source_version: Option<WireSource<'a>>,
    #[serde(borrow, default)]
    repository: Option<WireSource<'a>>,
}

#[derive(Deserialize)]
struct WireSource<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireApproval<'a> {
    id: u64,
    #[serde(borrow, default)]
    approval_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(default)]
    is_automated: Option<bool>,
    #[serde(borrow, default)]
    approver: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    approved_by: Option<IdentityRef<'a>>,
    #[serde(default)]
    rank: Option<u32>,
    #[serde(default)]
    created_on: Time,
    #[serde(default)]
    modified_on: Time,
    #[serde(borrow, default)]
    comments: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let modified_at = wire.last_modified_on.required("lastModifiedOn")?;
    // Old deployments have no queue time; then the first time that they have stands for it.
    let queued_at = wire.queued_on.0.or(wire.started_on.0);
    let before = wire.pre_deploy_approvals.unwrap_or_default();
    let after = wire.post_deploy_approvals.unwrap_or_default();
    Ok(Record::Deployment(Box::new(Deployment {
        id: wire.id,
        project: target.project()?,
        release: release(wire.release),
        definition: ReleaseDefinition {
            id: wire.release_definition.id,
            name: some(wire.release_definition.name).unwrap_or_default(),
            folder: some(wire.release_definition.path),
        },
        stage: Stage {
            id: wire.release_environment.id,
            name: some(wire.release_environment.name).unwrap_or_default(),
            definition: wire.definition_environment_id,
        },
        attempt: wire.attempt.unwrap_or(1),
        reason: some(wire.reason),
        status: status(wire.deployment_status.as_ref().map_or("", |text| &text.0)),
        operation: operation(wire.operation_status.as_ref().map_or("", |text| &text.0)),
        queued_at: queued_at.unwrap_or(modified_at),
        started_at: wire.started_on.0,
        completed_at: wire.completed_on.0,
        scheduled_for: wire.scheduled_deployment_time.0,
        modified_at,
        requested_by: wire.requested_by.and_then(IdentityRef::identity),
        requested_for: wire.requested_for.and_then(IdentityRef::identity),
        approvals: before.into_iter().chain(after).map(approval).collect(),
    })))
}

fn release(wire: WireRelease<'_>) -> Release {
    Release {
        id: wire.id,
        name: some(wire.name).unwrap_or_default(),
        description: some(wire.description),
        reason: some(wire.reason).filter(|reason| !is(reason, "none")),
        created_at: wire.created_on.0,
        created_by: wire.created_by.and_then(IdentityRef::identity),
        artifacts: wire
            .artifacts
            .unwrap_or_default()
            .into_iter()
            .map(artifact)
            .collect(),
    }
}

/// For the output of a run, `version` has the run's id and number and `sourceVersion` the commit; for a repository,
/// `version` has the commit itself: <https://learn.microsoft.com/azure/devops/release/artifacts>.
fn artifact(wire: WireArtifact<'_>) -> Artifact {
    let kind = some(wire.kind).unwrap_or_default();
    let sources = wire.definition_reference.unwrap_or_default();
    let parts = |source: Option<WireSource<'_>>| {
        let source = source.map(|source| (some(source.id), some(source.name)));
        source.unwrap_or_default()
    };
    let (source_id, source) = parts(sources.definition);
    let (version_id, version) = parts(sources.version);
    let (branch_id, branch) = parts(sources.branch);
    let (commit, _) = parts(sources.source_version);
    let (_, repository) = parts(sources.repository);
    let is_run = is(&kind, "Build");
    let run = version_id.as_deref().filter(|_| is_run);
    Artifact {
        alias: some(wire.alias),
        is_primary: wire.is_primary.unwrap_or(false),
        source,
        source_id,
        run: run.and_then(|id| id.parse().ok()),
        commit: commit.or_else(|| version_id.filter(|_| !is_run)),
        version,
        branch: branch_id.or(branch),
        repository,
        kind,
    }
}

fn approval(wire: WireApproval<'_>) -> ReleaseApproval {
    ReleaseApproval {
        id: wire.id,
        place: match wire.approval_type.as_ref().map_or("", |text| &text.0) {
            text if is(text, "preDeploy") => ApprovalPlace::Before,
            text if is(text, "postDeploy") => ApprovalPlace::After,
            text => ApprovalPlace::Unknown(text.to_owned()),
        },
        status: approval_status(wire.status.as_ref().map_or("", |text| &text.0)),
        is_automated: wire.is_automated.unwrap_or(false),
        approver: wire.approver.and_then(IdentityRef::identity),
        approved_by: wire.approved_by.and_then(IdentityRef::identity),
        rank: wire.rank,
        created_at: wire.created_on.0,
        modified_at: wire.modified_on.0,
        comment: some(wire.comments),
    }
}

fn approval_status(text: &str) -> ApprovalStatus {
    match text {
        text if is(text, "pending") => ApprovalStatus::Pending,
        text if is(text, "approved") => ApprovalStatus::Approved,
        text if is(text, "rejected") => ApprovalStatus::Rejected,
        text if is(text, "reassigned") => ApprovalStatus::Reassigned,
        text if is(text, "canceled") => ApprovalStatus::Canceled,
        text if is(text, "skipped") => ApprovalStatus::Skipped,
        text => ApprovalStatus::Unknown(text.to_owned()),
    }
}

fn status(text: &str) -> DeploymentStatus {
    match text {
        text if is(text, "notDeployed") => DeploymentStatus::NotDeployed,
        text if is(text, "inProgress") => DeploymentStatus::InProgress,
        text if is(text, "succeeded") => DeploymentStatus::Succeeded,
        text if is(text, "partiallySucceeded") => DeploymentStatus::PartiallySucceeded,
        text if is(text, "failed") => DeploymentStatus::Failed,
        text => DeploymentStatus::Unknown(text.to_owned()),
    }
}

fn operation(text: &str) -> Operation {
    match text {
        text if is(text, "queued") => Operation::Queued,
        text if is(text, "scheduled") => Operation::Scheduled,
        text if is(text, "pending") => Operation::Pending,
        text if is(text, "approved") => Operation::Approved,
        text if is(text, "rejected") => Operation::Rejected,
        text if is(text, "deferred") => Operation::Deferred,
        text if is(text, "queuedForAgent") => Operation::QueuedForAgent,
        text if is(text, "queuedForPipeline") => Operation::QueuedForPipeline,
        text if is(text, "phaseInProgress") => Operation::PhaseInProgress,
        text if is(text, "phaseSucceeded") => Operation::PhaseSucceeded,
        text if is(text, "phasePartiallySucceeded") => Operation::PhasePartiallySucceeded,
        text if is(text, "phaseFailed") => Operation::PhaseFailed,
        text if is(text, "phaseCanceled") => Operation::PhaseCanceled,
        text if is(text, "canceled") => Operation::Canceled,
        text if is(text, "cancelling") => Operation::Cancelling,
        text if is(text, "manualInterventionPending") => Operation::ManualInterventionPending,
        text if is(text, "evaluatingGates") => Operation::EvaluatingGates,
        text if is(text, "gateFailed") => Operation::GateFailed,
        text => Operation::Unknown(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact_of(json: &str) -> Artifact {
        artifact(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn the_output_of_a_run_names_the_run_and_its_commit() {
        let found = artifact_of(
            r#"{"type":"Build","alias":"_web","isPrimary":true,"definitionReference":{
                "definition":{"id":"7","name":"web-ci"},"version":{"id":"4021","name":"20261123.4"},
                "branch":{"id":"refs/heads/main","name":"refs/heads/main"},
                "sourceVersion":{"id":"a1b2","name":""},"repository":{"id":"x","name":"web"}}}"#,
        );
        assert_eq!(
            (found.run, found.version.as_deref()),
            (Some(4021), Some("20261123.4"))
        );
        assert_eq!(found.commit.as_deref(), Some("a1b2"));
        assert_eq!(found.branch.as_deref(), Some("refs/heads/main"));
        assert_eq!(found.source_id.as_deref(), Some("7"));
    }

    #[test]
    fn a_repository_has_no_run_and_its_version_is_the_commit() {
        let found = artifact_of(
            r#"{"type":"Git","definitionReference":{"definition":{"id":"x","name":"web"},
                "version":{"id":"1234","name":"1234"},"branch":{"name":"main"}}}"#,
        );
        assert_eq!((found.run, found.commit.as_deref()), (None, Some("1234")));
        assert_eq!(found.branch.as_deref(), Some("main"));
    }

    #[test]
    fn the_upper_case_that_the_service_sends_is_understood() {
        assert_eq!(operation("Approved"), Operation::Approved);
        assert_eq!(status("NotDeployed"), DeploymentStatus::NotDeployed);
    }
}
