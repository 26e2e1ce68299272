//! One row: an activity with the run that it belongs to.

use jiff::{Timestamp, tz::Offset};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::analytics::query::RUN_COMPLETED;
use crate::http::call::Call;
use crate::world::activities::{Activity, Kind};
use crate::world::builds::Build;
use crate::world::timeline::RecordResult;

/// Instants are given in the organization's time zone:
/// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
const ZONE: Offset = Offset::constant(2);
/// The day of a run's end as Analytics counts days, such as `20260704`.
pub(super) fn date_key(build: &Build) -> i64 {
    let Some(finished) = build.finished() else {
        return 0;
    };
    let day = ZONE.to_datetime(finished).date();
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

/// A row with the run that it belongs to.
pub(super) struct Row<'a> {
    build: &'a Build,
    pub(super) key: u32,
    activity: Activity,
}

impl<'a> Row<'a> {
    pub(super) fn new(build: &'a Build, n: u32, activity: Activity) -> Self {
        Self {
            build,
            key: key(&format!("{}/{n}", build.id)),
            activity,
        }
    }

    pub(super) fn value(&self, column: &str) -> Value {
        let Activity {
            kind,
            span,
            result,
            task,
            ..
        } = &self.activity;
        let is_task = *kind != Kind::AgentWait;
        let count = |wanted| json!(u32::from(is_task && *result == wanted));
        match column {
            "ActivityType" => json!(kind.name()),
            "ActivityStartedDate" => span.map_or(Value::Null, |(start, _)| local(start)),
            "ActivityCompletedDate" => span.map_or(Value::Null, |(_, finish)| local(finish)),
            "ActivityDurationSeconds" => span.map_or(Value::Null, |(start, finish)| {
                json!(finish.duration_since(start).as_secs_f64())
            }),
            "AbandonedCount" => json!(0),
            "CanceledCount" => count(RecordResult::Canceled),
            "FailedCount" => count(RecordResult::Failed),
            "SkippedCount" => count(RecordResult::Skipped),
            "SucceededCount" => count(RecordResult::Succeeded),
            "SucceededWithIssuesCount" => count(RecordResult::SucceededWithIssues),
            "PipelineJobSK" => json!(self.job_key()),
            "PipelineRunActivityResultSK" => json!(self.key),
            "PipelineSK" => json!(self.build.definition),
            "PipelineRunOutcome" => json!(outcome(self.build)),
            "TaskDisplayName" => json!(task.as_ref().map(|(name, _)| name)),
            "TaskOutcome" if is_task => json!(task_outcome(*result)),
            "TaskOutcome" => Value::Null,
            RUN_COMPLETED => json!(date_key(self.build)),
            _ => json!(self.build.id),
        }
    }

    /// Names the job among all jobs of all pipelines, whatever the run.
    fn job_key(&self) -> u32 {
        let job = self.activity.job.as_ref().map_or("", |(path, _)| path);
        let stage = self.activity.stage.as_deref().unwrap_or_default();
        key(&format!("{}/{stage}/{job}", self.build.definition))
    }

    pub(super) fn expanded(&self, call: &Call<'_>, navigation: &str, column: &str) -> Value {
        let definition = &call.world.definitions[self.build.definition];
        let job = self.activity.job.as_ref();
        match (navigation, column) {
            ("Pipeline", "PipelineId") => json!(definition.id),
            ("Pipeline", _) => json!(definition.name),
            (_, "StageName") => json!(self.activity.stage),
            (_, "JobName") => json!(job.map(|(_, name)| name)),
            (_, "FullJobName") => json!(job.and_then(|(path, _)| path.split('/').nth(1))),
            _ => json!(self.job_key()),
        }
    }
}

fn key(text: &str) -> u32 {
    let bits = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_u128();
    // Keys are positive 32-bit numbers.
    (bits as u32) >> 1
}

fn local(at: Timestamp) -> Value {
    json!(at.display_with_offset(ZONE).to_string())
}

/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunoutcome-enumerated-type-members>
fn outcome(build: &Build) -> &'static str {
    match build.result() {
        Some("succeeded") => "Succeed",
        Some("partiallySucceeded") => "PartiallySucceeded",
        Some("canceled") => "Canceled",
        Some(_) => "Failed",
        None => "None",
    }
}

fn task_outcome(result: RecordResult) -> &'static str {
    match result {
        RecordResult::Succeeded => "Succeeded",
        RecordResult::SucceededWithIssues => "SucceededWithIssues",
        RecordResult::Failed => "Failed",
        RecordResult::Canceled => "Canceled",
        RecordResult::Skipped => "Skipped",
    }
}
