//! The records that a metric needs, and the rows that become of them.

use std::collections::BTreeMap;

use http_api::Refusal;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use metrics::{Fact, Input, Metric, Range, Reach, Row, Rows};
use model::{
    ConnectionId, Facet, Integration, Kind, OrganizationName, ProjectId, Record, TenantId,
};
use storage::Selected;
use tokio::task::JoinSet;

use crate::{Context, Problem, freshness::Freshness, question::Question};

/// Partitions that are read at the same time. Their records are gone as soon as they are rows, so this bounds the memory.
const AT_ONCE: usize = 16;

/// Rows of 200 to 400 bytes are kept for an answer; more would not fit into the function's memory.
const MOST_ROWS: usize = 500_000;

/// What of a tenant is read.
pub(crate) struct Scope {
    integrations: Vec<Integration>,
    projects: BTreeMap<ProjectId, (String, OrganizationName)>,
}

impl Scope {
    /// All connections of a tenant, or one of them. One of somebody else is like one that does not exist.
    pub(crate) async fn of(
        context: &Context,
        tenant: &TenantId,
        wanted: Option<ConnectionId>,
    ) -> Result<Self, Refusal> {
        let mut connections = context.control.connections(tenant).await?;
        if let Some(wanted) = wanted {
            connections.retain(|connection| connection.id == wanted);
            if connections.is_empty() {
                return Err(Problem::not_found().into());
            }
        }
        let mut scope = Self {
            integrations: Vec::new(),
            projects: BTreeMap::new(),
        };
        for connection in connections {
            let integrations = context.control.integrations(tenant, connection.id).await?;
            scope.integrations.extend(integrations);
            for organization in &connection.organizations {
                let found = context
                    .control
                    .discovery(connection.id, organization)
                    .await?;
                let projects = found.into_iter().flat_map(|found| found.projects);
                let named = projects.map(|own| (own.id, (own.name, organization.clone())));
                scope.projects.extend(named);
            }
        }
        Ok(scope)
    }
}

/// Rows, and what they were made of.
pub(crate) struct Data {
    /// The rows that the question is about.
    pub(crate) rows: Vec<Row>,
    /// How many records were read for them.
    pub(crate) records: u64,
    /// How current and complete the records are.
    pub(crate) freshness: Freshness,
    /// In which organization a project is.
    pub(crate) organizations: BTreeMap<ProjectId, OrganizationName>,
}

/// Reads the partitions that can have rows for a question, several at a time, and makes rows of them.
pub(crate) async fn read(
    context: &Context,
    scope: Scope,
    metric: &'static Metric,
    (asked, now): (&Question, Timestamp),
) -> Result<Data, Refusal> {
    let names = scope
        .projects
        .iter()
        .map(|(id, (name, _))| (*id, name.clone()));
    let known = metrics::Context {
        now,
        projects: names.collect(),
    };
    let mut left = partitions(metric, &scope.integrations, asked.query.range).into_iter();
    let mut reading = JoinSet::new();
    let mut data = Data {
        rows: Vec::new(),
        records: 0,
        freshness: Freshness::of(context, metric, &scope.integrations).await?,
        organizations: BTreeMap::new(),
    };
    loop {
        while reading.len() < AT_ONCE
            && let Some((integration, input, bucket)) = left.next()
        {
            let records = context.records.clone();
            reading.spawn(async move {
                let place = (input.kind, bucket.as_str());
                records.select(integration, place, input.facets, now).await
            });
        }
        let Some(partition) = reading.join_next().await else {
            break;
        };
        let Rows::Each(rows) = metric.rows;
        for selected in partition?? {
            data.records += 1;
            let Some(fact) = fact(selected)? else {
                continue;
            };
            let accepted = rows(&fact, &known).into_iter();
            data.rows
                .extend(accepted.filter(|row| asked.query.accepts(row)));
        }
        if data.rows.len() > MOST_ROWS {
            let detail =
                format!("more than {MOST_ROWS} values match; give a shorter range or more filters");
            return Err(Problem::field("from", detail).into());
        }
    }
    let organizations = scope.projects.into_iter();
    data.organizations = organizations.map(|(id, (_, own))| (id, own)).collect();
    Ok(data)
}

/// The partitions of a metric's inputs that can have rows in a range.
fn partitions(
    metric: &'static Metric,
    integrations: &[Integration],
    range: Range,
) -> Vec<(model::IntegrationId, &'static Input, String)> {
    let mut partitions = Vec::new();
    for input in metric.inputs {
        let own = |integration: &&Integration| brings(integration, input.kind);
        for integration in integrations.iter().filter(own) {
            let days = days(range, input.reach).into_iter();
            partitions.extend(days.map(|day| (integration.id, input, day)));
        }
    }
    partitions
}

/// Whether an integration has records of a kind.
pub(crate) fn brings(integration: &Integration, kind: Kind) -> bool {
    let mut resources = resources::CATALOG.iter();
    resources.any(|resource| resource.kind == kind && resource.service == integration.service)
}

/// The UTC days under which things are filed that can count in a range.
fn days(range: Range, reach: Reach) -> Vec<String> {
    let Reach::DaysBefore(before) = reach;
    let date = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let mut day = date(range.from).saturating_sub(i64::from(before).days());
    let last = date(range.to - 1.nanoseconds());
    let mut days = Vec::new();
    while day <= last {
        days.push(day.to_string());
        day = day.saturating_add(1.day());
    }
    days
}

/// A stored record as metrics want it; `None` for kinds that they do not use.
fn fact(selected: Selected) -> Result<Option<Fact>, serde_json::Error> {
    let Selected { record, details } = selected;
    Ok(match record {
        Record::Run(run) => {
            let timeline = details.get(&Facet::Timeline);
            let timeline = timeline
                .map(|text| serde_json::from_str(text))
                .transpose()?;
            Some(Fact::Run(run, timeline))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_days_that_can_have_rows_are_read() {
        let at = |text: &str| text.parse().unwrap();
        let range = Range {
            from: at("2026-11-22T22:00:00Z"),
            to: at("2026-11-24T00:00:00Z"),
        };
        let days = days(range, Reach::DaysBefore(2));
        assert_eq!(
            days,
            ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
        );
    }
}
