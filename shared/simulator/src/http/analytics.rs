//! What Analytics tells of runs.
//!
//! <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>

use http::StatusCode;
use jiff::{Timestamp, tz::Offset};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::config::AnalyticsAccess;
use crate::http::call::Call;
use crate::http::odata::{self, Condition, Expansion, invalid};
use crate::http::refusal::Refusal;
use crate::http::reply::{Reply, write_items};
use crate::world::activities::{self, Activity, Kind};
use crate::world::builds::Build;
use crate::world::timeline::RecordResult;

/// Instants are given in the organization's time zone:
/// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
const ZONE: Offset = Offset::constant(2);
/// The longest address; a longer one is not found:
/// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
const LONGEST_ADDRESS: usize = 3_000;
/// Versions that have the set: <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-api-version>.
const VERSIONS: [&str; 2] = ["v3.0-preview", "v4.0-preview"];
/// The columns of the set:
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>.
const COLUMNS: [&str; 18] = [
    "AbandonedCount",
    "ActivityCompletedDate",
    "ActivityDurationSeconds",
    "ActivityStartedDate",
    "ActivityType",
    "CanceledCount",
    "FailedCount",
    "PipelineJobSK",
    "PipelineRunActivityResultSK",
    RUN_COMPLETED,
    RUN,
    "PipelineRunOutcome",
    "PipelineSK",
    "SkippedCount",
    "SucceededCount",
    "SucceededWithIssuesCount",
    "TaskDisplayName",
    "TaskOutcome",
];
const RUN: &str = "PipelineRunId";
const RUN_COMPLETED: &str = "PipelineRunCompletedDateSK";

/// `GET _odata/{version}/PipelineRunActivityResults`: pages with a link to the next one.
pub(crate) fn run_activities(call: &Call<'_>) -> Result<Reply, Refusal> {
    admit(call)?;
    let query = Query::new(call)?;
    let runs = query.runs(call);
    let (lag, keeps) = (
        call.config().analytics.lag,
        call.config().unverified.analytics_keeps_retries,
    );
    let is_there = |at: Timestamp| at + lag <= call.now;
    let rows = runs.iter().flat_map(|build| {
        let rows = activities::of_run(call.world, build, keeps);
        let end = build.finished().unwrap_or(Timestamp::MAX);
        let there = rows
            .into_iter()
            .filter(move |row| is_there(row.span.map_or(end, |(_, end)| end)));
        let mut rows: Vec<Row<'_>> = (0_u32..)
            .zip(there)
            .map(|(n, activity)| Row::new(build, n, activity))
            .collect();
        // The order within a run is nobody's promise.
        rows.sort_by_key(|row| row.key);
        rows
    });
    let page = call.config().pages.activities.max.max(1);
    let mut rows = rows.skip(query.skip);
    let values: Vec<Value> = rows
        .by_ref()
        .take(page)
        .map(|row| query.body(call, &row))
        .collect();
    let next = rows.next().map(|_| next_link(call, query.skip + page));
    Ok(reply(call, &values, next))
}

/// `GET _odata/{version}/$metadata`: the columns.
pub(crate) fn metadata(call: &Call<'_>) -> Result<Reply, Refusal> {
    admit(call)?;
    let property = |name: &&str| format!("<Property Name=\"{name}\" Type=\"{}\"/>", type_of(name));
    let columns: String = COLUMNS
        .iter()
        .map(|name| property(&column(call, name)))
        .collect();
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><edmx:Edmx Version=\"4.0\" \
         xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices>\
         <Schema Namespace=\"Microsoft.VisualStudio.Services.Analytics.Model\" \
         xmlns=\"http://docs.oasis-open.org/odata/ns/edm\"><EntityType Name=\"PipelineRunActivityResult\">\
         <Key><PropertyRef Name=\"PipelineRunActivityResultSK\"/></Key>{columns}</EntityType></Schema>\
         </edmx:DataServices></edmx:Edmx>"
    );
    let mut reply = Reply::html(StatusCode::OK, &document);
    reply.content_type = Some("application/xml");
    Ok(reply)
}

fn type_of(column: &str) -> &'static str {
    match column {
        name if name.ends_with("Date") => "Edm.DateTimeOffset",
        name if name.ends_with("Count") || name.ends_with("SK") || name == RUN => "Edm.Int32",
        "ActivityDurationSeconds" => "Edm.Decimal",
        _ => "Edm.String",
    }
}

/// What a column is called.
fn column<'a>(call: &Call<'_>, documented: &'a str) -> &'a str {
    match call.config().analytics.access {
        AnalyticsAccess::Renamed400 if documented == RUN => "RunId",
        _ => documented,
    }
}

/// Whether Analytics answers this caller at all.
fn admit(call: &Call<'_>) -> Result<(), Refusal> {
    let refusal = |status, kind, message| Err(Refusal::new(status, kind, message));
    match call.config().analytics.access {
        AnalyticsAccess::Served | AnalyticsAccess::Renamed400 => {}
        AnalyticsAccess::NoPermission403 => {
            return refusal(
                StatusCode::FORBIDDEN,
                "AccessCheckException",
                "Project access denied: the View analytics permission is needed.",
            );
        }
        AnalyticsAccess::NotEnabled404 => {
            return refusal(
                StatusCode::NOT_FOUND,
                "AnalyticsNotEnabledException",
                "Analytics is not enabled for this organization.",
            );
        }
        AnalyticsAccess::Removed410 => {
            return refusal(
                StatusCode::GONE,
                "ODataVersionRemovedException",
                "The specified version of the OData endpoint is no longer supported.",
            );
        }
    }
    let version = call.captured.first().map_or("", String::as_str);
    if !VERSIONS.contains(&version) {
        return refusal(
            StatusCode::NOT_FOUND,
            "ODataVersionNotFoundException",
            "There is no such version of the OData endpoint, or the set is not in it.",
        );
    }
    Ok(())
}

/// A query that was understood.
struct Query {
    columns: Vec<String>,
    expansions: Vec<Expansion>,
    conditions: Vec<Condition>,
    order: Order,
    skip: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As the rows were written: in the order of the runs' ends.
    Written,
    ByRun,
}

impl Query {
    fn new(call: &Call<'_>) -> Result<Self, Refusal> {
        if call.address_length > LONGEST_ADDRESS {
            return Err(Refusal::no_such_route("_odata"));
        }
        let query = &call.query;
        let select = query
            .text(&["$select"])
            .ok_or_else(|| invalid("The query does not specify a $select or $apply clause."))?;
        let expand = query.text(&["$expand"]).unwrap_or_default();
        let filter = query
            .text(&["$filter"])
            .map(odata::conditions)
            .transpose()?;
        let order = match query.text(&["$orderby"]) {
            None => Order::Written,
            Some(text) if [RUN, "PipelineRunId asc"].contains(&text) => Order::ByRun,
            Some(other) => return Err(invalid(format!("Cannot order by '{other}'."))),
        };
        let found = Self {
            columns: odata::columns(select),
            expansions: odata::expansions(expand)?,
            conditions: filter.unwrap_or_default(),
            order,
            skip: query.number(&["$skiptoken"])?.unwrap_or(0),
        };
        found.check(call)?;
        Ok(found)
    }

    fn check(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let known: Vec<&str> = COLUMNS.iter().map(|name| column(call, name)).collect();
        let unknown = |name: &str| {
            invalid(format!(
                "Could not find a property named '{name}' on type \
                 'Microsoft.VisualStudio.Services.Analytics.Model.PipelineRunActivityResult'."
            ))
        };
        let compared = self.conditions.iter().map(|condition| &condition.column);
        if let Some(name) = self
            .columns
            .iter()
            .chain(compared)
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(unknown(name));
        }
        if self.order == Order::ByRun && column(call, RUN) != RUN {
            return Err(unknown(RUN));
        }
        for condition in &self.conditions {
            if ![RUN, RUN_COMPLETED].contains(&condition.column.as_str()) {
                return Err(invalid(format!(
                    "Cannot compare '{}' with a number.",
                    condition.column
                )));
            }
        }
        for expansion in &self.expansions {
            let known = properties_of(&expansion.name);
            let mut wanted = expansion.columns.iter();
            if let Some(name) = wanted.find(|name| !known.contains(&name.as_str())) {
                return Err(unknown(&format!("{}/{name}", expansion.name)));
            }
        }
        Ok(())
    }

    /// The runs whose rows are wanted.
    fn runs<'a>(&self, call: &Call<'a>) -> Vec<&'a Build> {
        let is_wanted = |build: &&Build| {
            let holds = |condition: &Condition| {
                condition.holds(match condition.column.as_str() {
                    RUN => build.id.into(),
                    _ => date_key(build),
                })
            };
            call.covers(call.world.project_of(build))
                && build.finished().is_some()
                && !call.simulator.is_deleted_run(build.id)
                && self.conditions.iter().all(holds)
        };
        let mut runs: Vec<&Build> = call.world.builds.iter().filter(is_wanted).collect();
        match self.order {
            Order::Written => runs.sort_by_key(|build| (build.finished(), build.id)),
            Order::ByRun => runs.sort_by_key(|build| build.id),
        }
        runs
    }

    fn body(&self, call: &Call<'_>, row: &Row<'_>) -> Value {
        let columns = self.columns.iter();
        let mut body: Map<String, Value> = columns
            .map(|name| (name.clone(), row.value(name)))
            .collect();
        for expansion in &self.expansions {
            let columns = expansion.columns.iter();
            let value =
                columns.map(|name| (name.clone(), row.expanded(call, &expansion.name, name)));
            body.insert(expansion.name.clone(), Value::Object(value.collect()));
        }
        Value::Object(body)
    }
}

/// The columns behind a navigation property:
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#navigation-properties-1>.
fn properties_of(navigation: &str) -> &'static [&'static str] {
    match navigation {
        "PipelineJob" => &["FullJobName", "JobName", "PipelineJobSK", "StageName"],
        "Pipeline" => &["PipelineId", "PipelineName"],
        _ => &[],
    }
}

/// The day of a run's end as Analytics counts days, such as `20260704`.
fn date_key(build: &Build) -> i64 {
    let Some(finished) = build.finished() else {
        return 0;
    };
    let day = ZONE.to_datetime(finished).date();
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

/// A row with the run that it belongs to.
struct Row<'a> {
    build: &'a Build,
    key: u32,
    activity: Activity,
}

impl<'a> Row<'a> {
    fn new(build: &'a Build, n: u32, activity: Activity) -> Self {
        Self {
            build,
            key: key(&format!("{}/{n}", build.id)),
            activity,
        }
    }

    fn value(&self, column: &str) -> Value {
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

    fn expanded(&self, call: &Call<'_>, navigation: &str, column: &str) -> Value {
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

/// The address of what was asked, on the host that was asked.
fn address(call: &Call<'_>) -> String {
    let host = match call.origin.as_str() {
        "https://dev.azure.com" => "https://analytics.dev.azure.com".to_owned(),
        origin => format!("{origin}/_host/analytics.dev.azure.com"),
    };
    let project = call
        .project
        .map(|own| call.world.projects[usize::from(own)].id);
    let project = project.map(|id| format!("/{id}")).unwrap_or_default();
    let version = call.captured.first().map_or("", String::as_str);
    format!(
        "{host}/{}{project}/_odata/{version}",
        call.world.organization
    )
}

fn next_link(call: &Call<'_>, skip: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in ["$select", "$expand", "$filter", "$orderby"] {
        if let Some(value) = call.query.text(&[name]) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("$skiptoken", &skip.to_string());
    format!(
        "{}/PipelineRunActivityResults?{}",
        address(call),
        query.finish()
    )
}

fn reply(call: &Call<'_>, values: &[Value], next: Option<String>) -> Reply {
    let context = format!("{}/$metadata#PipelineRunActivityResults", address(call));
    let mut body = format!(
        "{{\"@odata.context\":{},\"@vsts.warnings\":[],\"value\":[",
        json!(context)
    )
    .into_bytes();
    let items = write_items(&mut body, values);
    body.push(b']');
    if let Some(next) = next {
        body.extend_from_slice(format!(",\"@odata.nextLink\":{}", json!(next)).as_bytes());
    }
    body.push(b'}');
    Reply {
        content_type: Some("application/json; odata.metadata=minimal; odata.streaming=true"),
        body,
        items,
        ..Reply::empty(StatusCode::OK)
    }
}
