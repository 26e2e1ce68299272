//! A query for activities of runs, understood or refused.

use serde_json::{Map, Value};

use crate::config::AnalyticsAccess;
use crate::http::analytics::row::{Row, date_key};
use crate::http::call::Call;
use crate::http::odata::{self, Condition, Expansion, invalid};
use crate::http::refusal::Refusal;
use crate::world::builds::Build;

/// The longest address; a longer one is not found:
/// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
const LONGEST_ADDRESS: usize = 3_000;
/// The columns of the set:
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>.
pub(super) const COLUMNS: [&str; 18] = [
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
pub(super) const RUN: &str = "PipelineRunId";
pub(super) const RUN_COMPLETED: &str = "PipelineRunCompletedDateSK";

/// A query that was understood.
pub(super) struct Query {
    columns: Vec<String>,
    expansions: Vec<Expansion>,
    conditions: Vec<Condition>,
    order: Order,
    pub(super) skip: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As the rows were written: in the order of the runs' ends.
    Written,
    ByRun,
}

impl Query {
    pub(super) fn new(call: &Call<'_>) -> Result<Self, Refusal> {
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
    pub(super) fn runs<'a>(&self, call: &Call<'a>) -> Vec<&'a Build> {
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

    pub(super) fn body(&self, call: &Call<'_>, row: &Row<'_>) -> Value {
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

/// What a column is called.
pub(super) fn column<'a>(call: &Call<'_>, documented: &'a str) -> &'a str {
    match call.config().analytics.access {
        AnalyticsAccess::Renamed400 if documented == RUN => "RunId",
        _ => documented,
    }
}
