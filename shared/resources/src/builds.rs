//! Runs of YAML and classic build pipelines.

use std::time::Duration;

use ado::{Host, Paging};
use jiff::Timestamp;
use model::{
    Kind, ProjectId, Record, Service,
    record::run::{Pipeline, Run, RunQueue, RunRepository, RunResult, RunStatus, Trigger},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, OVERLAP, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// As many runs in a page as the service gives; it may give fewer, and then its header says how to go on.
pub(crate) const TOP: (&str, &str) = ("$top", "5000");
/// How lists of runs continue.
pub const PAGING: Paging = Paging::HeaderToken;

/// Completed runs in the order of their end: a run that is retried ends again, later, and comes again.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>
pub(crate) static BUILDS: Resource = Resource {
    name: "builds",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::Project,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/build/builds",
        query: &[
            API_VERSION,
            ("statusFilter", "completed"),
            ("queryOrder", "finishTimeAscending"),
            TOP,
        ],
        body: None,
        items: "value",
        paging: PAGING,
        cursor: CursorRule::Time {
            from: "minTime",
            until: None,
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
    #[serde(borrow, default)]
    build_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    result: Option<Text<'a>>,
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
    #[serde(default)]
    queue_time: Time,
    #[serde(default)]
    start_time: Time,
    #[serde(default)]
    finish_time: Time,
    #[serde(default)]
    last_changed_date: Time,
    #[serde(borrow)]
    definition: WireDefinition<'a>,
    #[serde(default)]
    project: Option<WireId>,
    #[serde(borrow, default)]
    source_branch: Option<Text<'a>>,
    #[serde(borrow, default)]
    source_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    repository: Option<WireRepository<'a>>,
    #[serde(borrow, default)]
    requested_for: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    requested_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    last_changed_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    priority: Option<Text<'a>>,
    #[serde(borrow, default)]
    queue: Option<WireQueue<'a>>,
    #[serde(borrow, default)]
    orchestration_plan: Option<WirePlan<'a>>,
    #[serde(borrow, default)]
    validation_results: Option<Vec<WireValidation<'a>>>,
    #[serde(default)]
    keep_forever: Option<bool>,
    #[serde(default)]
    retained_by_release: Option<bool>,
    #[serde(borrow, default)]
    trigger_info: Option<WireTrigger<'a>>,
    #[serde(default)]
    triggered_by_build: Option<WireBuildId>,
    #[serde(borrow, default)]
    tags: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
struct WireDefinition<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    revision: Option<u32>,
}

#[derive(Deserialize)]
struct WireId {
    id: ProjectId,
}

#[derive(Deserialize)]
struct WireBuildId {
    id: u64,
}

#[derive(Deserialize)]
struct WireRepository<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    host: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireQueue<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pool: Option<WirePool<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePool<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(default)]
    is_hosted: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlan<'a> {
    #[serde(borrow, default)]
    plan_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireValidation<'a> {
    #[serde(borrow, default)]
    result: Option<Text<'a>>,
    #[serde(borrow, default)]
    message: Option<Text<'a>>,
}

/// What started a run, by the names that the service gives it; a pull request's stand beside a push's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireTrigger<'a> {
    #[serde(borrow, rename = "pr.number")]
    pull_request: Option<Text<'a>>,
    #[serde(borrow, rename = "pr.sourceBranch")]
    pull_request_branch: Option<Text<'a>>,
    #[serde(borrow, rename = "pr.sourceSha")]
    pull_request_commit: Option<Text<'a>>,
    #[serde(borrow, rename = "ci.sourceBranch")]
    branch: Option<Text<'a>>,
    #[serde(borrow, rename = "ci.sourceSha")]
    commit: Option<Text<'a>>,
    #[serde(borrow, rename = "ci.message")]
    message: Option<Text<'a>>,
    #[serde(borrow, rename = "ci.triggerRepository")]
    repository: Option<Text<'a>>,
}

/// The record of a run in any state.
///
/// # Errors
/// It has no id, no definition, or no time at all.
pub fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let status = wire
        .status
        .as_ref()
        .map_or(RunStatus::Unknown(String::new()), status);
    let branch = some(wire.source_branch);
    let info = wire.trigger_info.unwrap_or_default();
    let number = info.pull_request.as_ref();
    let number = number.and_then(|number| number.0.parse().ok());
    let in_branch = branch.as_deref().and_then(pull_request_in);
    Ok(Record::Run(Box::new(Run {
        id: wire.id,
        project: match wire.project {
            Some(project) => project.id,
            None => target.project()?,
        },
        number: wire.build_number.map(Text::owned).unwrap_or_default(),
        pipeline: Pipeline {
            id: wire.definition.id,
            name: wire.definition.name.map(Text::owned).unwrap_or_default(),
            folder: some(wire.definition.path),
            revision: wire.definition.revision,
        },
        status,
        result: wire.result.as_ref().map(result),
        reason: some(wire.reason),
        queued_at: queued_at(wire.queue_time, wire.start_time, wire.finish_time)?,
        started_at: wire.start_time.0,
        finished_at: wire.finish_time.0,
        last_changed_at: wire.last_changed_date.0,
        pull_request: number.or(in_branch),
        source_branch: branch,
        source_version: some(wire.source_version),
        repository: wire.repository.and_then(repository),
        requested_for: wire.requested_for.and_then(IdentityRef::identity),
        requested_by: wire.requested_by.and_then(IdentityRef::identity),
        last_changed_by: wire.last_changed_by.and_then(IdentityRef::identity),
        priority: some(wire.priority),
        queue: wire.queue.and_then(queue),
        plan: wire.orchestration_plan.and_then(|plan| some(plan.plan_id)),
        trigger: trigger(info),
        problems: problems(wire.validation_results.unwrap_or_default()),
        kept: wire.keep_forever == Some(true) || wire.retained_by_release == Some(true),
        gone_at: None,
        triggered_by: wire.triggered_by_build.map(|build| build.id),
        tags: wire
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(Text::owned)
            .collect(),
    })))
}

/// Old runs have no queue time; then the first time that they have stands for it.
fn queued_at(queue: Time, start: Time, finish: Time) -> Result<Timestamp, MapError> {
    let first = queue.0.or(start.0).or(finish.0);
    Time(first).required("queueTime")
}

fn repository(wire: WireRepository<'_>) -> Option<RunRepository> {
    Some(RunRepository {
        id: some(wire.id)?,
        host: some(wire.host).unwrap_or_default(),
        name: some(wire.name),
    })
}

fn queue(wire: WireQueue<'_>) -> Option<RunQueue> {
    let hosted = wire.pool.as_ref().and_then(|pool| pool.is_hosted);
    Some(RunQueue {
        name: some(wire.name)?,
        pool: wire.pool.and_then(|pool| some(pool.name)),
        hosted,
    })
}

fn trigger(wire: WireTrigger<'_>) -> Option<Trigger> {
    let trigger = Trigger {
        branch: some(wire.branch.or(wire.pull_request_branch)),
        commit: some(wire.commit.or(wire.pull_request_commit)),
        message: some(wire.message),
        repository: some(wire.repository),
    };
    (trigger != Trigger::default()).then_some(trigger)
}

/// The errors among the results of validation: a definition with one has no plan.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#buildrequestvalidationresult>
fn problems(results: Vec<WireValidation<'_>>) -> Vec<String> {
    let is_error = |own: &WireValidation<'_>| {
        let result = own.result.as_ref();
        result.is_some_and(|result| is(&result.0, "error"))
    };
    let errors = results.into_iter().filter(is_error);
    errors.filter_map(|own| some(own.message)).collect()
}

/// The number in `refs/pull/17/merge`.
fn pull_request_in(branch: &str) -> Option<u64> {
    branch
        .strip_prefix("refs/pull/")?
        .split('/')
        .next()?
        .parse()
        .ok()
}

fn status(text: &Text<'_>) -> RunStatus {
    match text.0.as_ref() {
        text if is(text, "completed") => RunStatus::Completed,
        text if is(text, "inProgress") => RunStatus::InProgress,
        text if is(text, "notStarted") => RunStatus::NotStarted,
        text if is(text, "cancelling") => RunStatus::Cancelling,
        text if is(text, "postponed") => RunStatus::Postponed,
        text => RunStatus::Unknown(text.to_owned()),
    }
}

fn result(text: &Text<'_>) -> RunResult {
    match text.0.as_ref() {
        text if is(text, "succeeded") => RunResult::Succeeded,
        text if is(text, "partiallySucceeded") => RunResult::PartiallySucceeded,
        text if is(text, "failed") => RunResult::Failed,
        text if is(text, "canceled") => RunResult::Canceled,
        text if is(text, "none") => RunResult::None,
        text => RunResult::Unknown(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use model::{Facet, Organization, OrganizationId, Scope, record::Aggregate};

    use super::*;

    fn run(json: &str) -> Run {
        let organization = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let scope = Scope::Project(ProjectId(uuid::Uuid::nil()));
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        match map(&target, raw).unwrap() {
            Record::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_started_a_run_is_kept_for_finding_its_commits() {
        let pushed = run(
            r#"{"id":4,"definition":{"id":7},"queueTime":"2026-07-04T10:00:00Z","sourceBranch":"refs/heads/main",
                "triggerInfo":{"ci.sourceBranch":"refs/heads/main","ci.sourceSha":"33b5","ci.message":"Fix"}}"#,
        );
        let trigger = pushed.trigger.unwrap();
        assert_eq!(trigger.commit.as_deref(), Some("33b5"));
        assert_eq!(trigger.message.as_deref(), Some("Fix"));
        let validated = run(
            r#"{"id":5,"definition":{"id":7},"queueTime":"2026-07-04T10:00:00Z","sourceBranch":"refs/pull/17/merge",
                "triggerInfo":{"pr.number":"17","pr.sourceBranch":"refs/heads/x","pr.sourceSha":"44c6"}}"#,
        );
        assert_eq!(validated.pull_request, Some(17));
        assert_eq!(
            validated.trigger.unwrap().branch.as_deref(),
            Some("refs/heads/x")
        );
    }

    #[test]
    fn a_run_whose_definition_was_refused_has_no_timeline_to_ask_for() {
        let ended = |validation: &str| {
            run(&format!(
                r#"{{"id":4,"definition":{{"id":7}},"status":"completed","result":"failed",
                    "queueTime":"2026-07-04T10:00:00Z","startTime":"2026-07-04T10:00:01Z",
                    "finishTime":"2026-07-04T10:00:02Z","validationResults":[{validation}]}}"#
            ))
        };
        let refused = ended(r#"{"result":"error","message":"Unexpected value 'setps'"}"#);
        assert_eq!(refused.problems, ["Unexpected value 'setps'"]);
        assert_eq!(refused.marker(Facet::Timeline), None);
        let warned = ended(r#"{"result":"warning","message":"Old syntax"}"#);
        assert!(warned.problems.is_empty());
        assert!(warned.marker(Facet::Timeline).is_some());
    }
}
