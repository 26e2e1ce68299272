//! The activities of many runs at once, from Analytics: what the first pass takes instead of a timeline for each run.

mod rows;
mod timeline;

use ado::{Host, Paging, Request};
use jiff::Timestamp;
use model::{
    Kind, Service,
    record::run::{Run, RunResult, StepResult},
};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use self::{
    rows::Rows,
    timeline::{Untold, timeline},
};
use crate::{
    Every, FanOut, Fetch, MapError, Resource, Target,
    plan::address,
    timelines::step_result,
    wire::{Text, Time, is, some},
};

/// The activities of the runs that the first pass over a project's runs brought. What they do not tell truly is asked of
/// the run itself, like everything that ends later.
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>
pub(crate) static RUN_ACTIVITIES: Resource = Resource {
    name: "run_activities",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::ProjectAfter("builds"),
    every: Every::Once,
    fetch: Fetch::RunActivities,
};

/// How its list continues.
pub const PAGING: Paging = Paging::NextLink;
/// The key of the rows in an answer.
pub const ITEMS: &str = "value";

/// The set and the version that has it: a preview, because no released version has pipelines.
/// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-api-version>
const PATH: &str = "{project}/_odata/v4.0-preview/PipelineRunActivityResults";
const SELECT: &str = "PipelineRunId,PipelineJobSK,ActivityType,ActivityStartedDate,ActivityCompletedDate,\
                      TaskDisplayName,TaskOutcome,PipelineRunOutcome";
const EXPAND: &str = "PipelineJob($select=StageName,JobName)";

/// Rows of a full answer: <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
const PAGE: usize = 10_000;
/// Rows of a run, as far as one can say before they are read.
const ROWS_OF_RUN: usize = 20;

/// Whether asking for the rows of so many runs takes fewer requests than asking each of them.
pub fn pays(runs: usize) -> bool {
    (runs * ROWS_OF_RUN).div_ceil(PAGE) < runs
}

/// The request for the rows of the runs from this id on, in the order of the ids: so the rows of a run lie together.
///
/// Ids bound the list better than dates, whose columns count days in the time zone of the organization.
pub fn request(target: &Target<'_>, first: u64) -> Request {
    address((Host::Analytics, PATH), target, None)
        .query("$select", SELECT)
        .query("$expand", EXPAND)
        .query("$filter", format!("PipelineRunId ge {first}"))
        .query("$orderby", "PipelineRunId")
}

/// How a run ended, as the list of runs says it: rows that tell otherwise are of another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its result.
    pub result: Option<RunResult>,
    /// When.
    pub at: Timestamp,
}

impl Ended {
    /// How this run ended; `None` while it runs.
    pub fn of(run: &Run) -> Option<Self> {
        Some(Self {
            result: run.result.clone(),
            at: run.finished_at?,
        })
    }
}

/// One task, approval or wait for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The run that it is part of.
    pub run: u64,
    kind: ActivityKind,
    job: Job,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    task: Option<String>,
    outcome: Option<StepResult>,
    run_result: Option<RunResult>,
}

/// The job that an activity is part of; without a name, the stage alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Job {
    stage: Option<String>,
    name: Option<String>,
    /// Tells jobs of one name apart, such as those of a matrix.
    key: Option<i64>,
}

/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelineactivitytype-enumerated-type-members>
#[derive(Clone, Debug, PartialEq, Eq)]
enum ActivityKind {
    Task,
    Approval,
    AgentWait,
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a> {
    pipeline_run_id: u64,
    #[serde(default, rename = "PipelineJobSK")]
    job_key: Option<i64>,
    #[serde(borrow, default)]
    activity_type: Option<Text<'a>>,
    #[serde(default)]
    activity_started_date: Time,
    #[serde(default)]
    activity_completed_date: Time,
    #[serde(borrow, default)]
    task_display_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    task_outcome: Option<Text<'a>>,
    #[serde(borrow, default)]
    pipeline_run_outcome: Option<Text<'a>>,
    #[serde(borrow, default)]
    pipeline_job: Option<WireJob<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireJob<'a> {
    #[serde(borrow, default)]
    stage_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    job_name: Option<Text<'a>>,
}

/// The activity in a row.
///
/// # Errors
/// It names no run.
pub fn activity(item: &RawValue) -> Result<Activity, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let (stage, name) = match wire.pipeline_job {
        Some(job) => (some(job.stage_name), some(job.job_name)),
        None => (None, None),
    };
    Ok(Activity {
        run: wire.pipeline_run_id,
        kind: kind(wire.activity_type.as_ref().map_or("", |kind| &kind.0)),
        job: Job {
            stage,
            name,
            key: wire.job_key,
        },
        started_at: wire.activity_started_date.0,
        finished_at: wire.activity_completed_date.0,
        task: some(wire.task_display_name),
        outcome: wire.task_outcome.as_ref().map(|own| outcome(&own.0)),
        run_result: wire
            .pipeline_run_outcome
            .as_ref()
            .map(|own| run_result(&own.0)),
    })
}

fn kind(text: &str) -> ActivityKind {
    match text {
        text if is(text, "Task") => ActivityKind::Task,
        text if is(text, "Approval") => ActivityKind::Approval,
        text if is(text, "AgentWait") => ActivityKind::AgentWait,
        _ => ActivityKind::Unknown,
    }
}

/// The outcome of a task. Runs of Analytics `Succeed`, and its tasks may do so, too.
fn outcome(text: &str) -> StepResult {
    match text {
        text if is(text, "Succeed") => StepResult::Succeeded,
        text => step_result(text),
    }
}

/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunoutcome-enumerated-type-members>
fn run_result(text: &str) -> RunResult {
    match text {
        text if is(text, "Succeed") || is(text, "Succeeded") => RunResult::Succeeded,
        text if is(text, "PartiallySucceeded") => RunResult::PartiallySucceeded,
        text if is(text, "Failed") => RunResult::Failed,
        text if is(text, "Canceled") => RunResult::Canceled,
        text if is(text, "None") => RunResult::None,
        text => RunResult::Unknown(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, ProjectId, Scope};

    use super::*;

    #[test]
    fn the_address_is_far_shorter_than_the_longest_that_is_found() {
        let organization = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let scope = Scope::Project(ProjectId(uuid::Uuid::max()));
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        let request = request(&target, u64::MAX);
        // A character takes three at most, as `%24`.
        let query = request
            .query
            .iter()
            .map(|(name, value)| name.len() + value.len() + 2);
        assert!(3 * query.sum::<usize>() < 2_500);
        let filter = &request
            .query
            .iter()
            .find(|(name, _)| name == "$filter")
            .unwrap()
            .1;
        assert!(filter.ends_with("PipelineRunId ge 18446744073709551615"));
    }

    #[test]
    fn a_row_is_read_in_the_zone_and_the_words_of_analytics() {
        let row = r#"{"PipelineRunId":1234,"PipelineJobSK":7,"ActivityType":"AgentWait","ActivityStartedDate":"2026-07-04T12:00:01+02:00",
            "ActivityCompletedDate":"2026-07-04T12:00:09.5+02:00","TaskDisplayName":null,"TaskOutcome":null,"PipelineRunOutcome":"Succeed",
            "PipelineJob":{"StageName":"Build","JobName":"Linux"}}"#;
        let found = activity(serde_json::from_str(row).unwrap()).unwrap();
        assert_eq!((found.run, found.kind), (1234, ActivityKind::AgentWait));
        assert_eq!(
            found.started_at.unwrap().to_string(),
            "2026-07-04T10:00:01Z"
        );
        assert_eq!(found.run_result, Some(RunResult::Succeeded));
        assert_eq!(found.job.stage.as_deref(), Some("Build"));
        let approval = r#"{"PipelineRunId":5,"ActivityType":"Approval","TaskOutcome":"Succeed","PipelineJob":null}"#;
        let found = activity(serde_json::from_str(approval).unwrap()).unwrap();
        assert_eq!(
            (found.outcome, found.job.name),
            (Some(StepResult::Succeeded), None)
        );
        assert!(activity(serde_json::from_str(r#"{"ActivityType":"Task"}"#).unwrap()).is_err());
    }

    #[test]
    fn one_run_is_asked_itself_and_many_together() {
        assert_eq!(
            [0, 1, 2, 500, 501].map(pays),
            [false, false, true, true, true]
        );
    }
}
