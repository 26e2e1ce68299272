//! The records that a metric needs, and the rows that become of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{Arc, OnceLock},
};

use http_api::Refusal;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use metrics::{Input, Known, Link, Metric, Owner, Project, Range, Reach, Row, Rows};
use model::{
    Admission, ConnectionId, ConnectionStatus, Integration, IntegrationId, Kind, Organization,
    OrganizationId, OrganizationName, ProjectId, Record, Service, TenantId,
    record::{NO_DAY, WorkItem},
};
use storage::Selected;
use tokio::task::JoinSet;

use crate::{Context, Problem, fact::fact, freshness::Freshness, question::Question};

/// Partitions that are read at the same time. Records of which rows are made one by one are gone as soon as they are rows, so
/// this bounds the memory.
const AT_ONCE: usize = 16;

/// Records that can be in memory together. With 1 to 3 KB each, more would not fit into the function's memory.
const MOST_FACTS: usize = 200_000;

/// Rows of 200 to 400 bytes are kept for an answer; more would not fit into the function's memory.
const MOST_ROWS: usize = 500_000;

/// What of a tenant is read.
pub(crate) struct Scope {
    integrations: Vec<Integration>,
    places: Places,
    wanted: Wanted,
}

/// What is counted of the integrations of connections that leave something out.
type Wanted = HashMap<IntegrationId, Arc<Admission>>;

/// Which organizations there are, and what is in them.
#[derive(Default)]
pub(crate) struct Places {
    projects: BTreeMap<ProjectId, Project>,
    organizations: BTreeMap<OrganizationId, OrganizationName>,
}

impl Places {
    /// The address of a page below that of Azure DevOps; `None` if its organization is gone.
    pub(crate) fn address(&self, link: &Link, azure_devops: &str) -> Option<String> {
        let organization = match link.owner() {
            Owner::Project(project) => self.projects.get(&project)?.organization,
            Owner::Organization(organization) => organization,
        };
        let organization = self.organizations.get(&organization)?;
        Some(format!("{azure_devops}/{organization}/{}", link.path()))
    }
}

impl Scope {
    /// Whose records are read.
    pub(crate) fn integrations(&self) -> &[Integration] {
        &self.integrations
    }

    /// All connections of a tenant, or one of them. One of somebody else is like one that does not exist.
    pub(crate) async fn of(
        context: &Context,
        tenant: &TenantId,
        wanted: Option<ConnectionId>,
    ) -> Result<Self, Refusal> {
        let mut connections = context.control.connections(tenant).await?;
        connections.retain(|connection| connection.status != ConnectionStatus::Deleting);
        if let Some(wanted) = wanted {
            connections.retain(|connection| connection.id == wanted);
            if connections.is_empty() {
                return Err(Problem::not_found().into());
            }
        }
        let mut scope = Self {
            integrations: Vec::new(),
            places: Places::default(),
            wanted: Wanted::new(),
        };
        for connection in connections {
            let integrations = context.control.integrations(tenant, connection.id).await?;
            let mut admission = Admission::new(connection.selection.clone());
            for organization in &connection.organizations {
                let found = context
                    .control
                    .discovery(connection.id, organization)
                    .await?;
                let Some(found) = found else {
                    continue;
                };
                admission.learn(&found);
                let Organization { id, .. } = found.organization;
                let projects = found.projects.into_iter().map(|project| {
                    let organization = id;
                    let name = project.name;
                    (project.id, Project { name, organization })
                });
                scope.places.projects.extend(projects);
                scope.places.organizations.insert(id, organization.clone());
            }
            if !admission.is_everything() {
                name_pipelines(context, &integrations, &mut admission).await?;
                let admission = Arc::new(admission);
                let own = integrations.iter();
                scope
                    .wanted
                    .extend(own.map(|own| (own.id, admission.clone())));
            }
            scope.integrations.extend(integrations);
        }
        Ok(scope)
    }

    /// What a question gets to see of the records of an integration: those that are wanted, with sizes from the field that was
    /// named for them.
    fn seen(&self, integration: IntegrationId, selected: &mut Vec<Selected>) {
        if let Some(admission) = self.wanted.get(&integration) {
            selected.retain(|own| admission.admits(&own.record));
        }
        let mut integrations = self.integrations.iter();
        let own = integrations.find(|own| own.id == integration);
        let Some(field) = own.and_then(|own| own.story_points_field.as_deref()) else {
            return;
        };
        for own in selected {
            if let Record::WorkItem(item) = &mut own.record {
                **item = item.as_ref().clone().sized_by(field);
            }
        }
    }
}

/// Tells an admission the names of pipelines, if it goes by them.
async fn name_pipelines(
    context: &Context,
    integrations: &[Integration],
    admission: &mut Admission,
) -> Result<(), Refusal> {
    if !admission.needs_pipelines() {
        return Ok(());
    }
    let now = (context.clock)();
    let own = integrations.iter();
    for integration in own.filter(|own| own.service == Service::Pipelines) {
        let definitions = (Kind::Definition, NO_DAY);
        let stored = context
            .records
            .select(integration.id, definitions, &[], now)
            .await?;
        for own in stored {
            if let Record::Definition(definition) = &own.record {
                admission.learn_pipeline(definition);
            }
        }
    }
    Ok(())
}

/// Rows, and what they were made of.
pub(crate) struct Data {
    /// The rows that the question is about.
    pub(crate) rows: Vec<Row>,
    /// How many records were read for them.
    pub(crate) records: u64,
    /// How current and complete the records are.
    pub(crate) freshness: Freshness,
    /// Where things are.
    pub(crate) places: Places,
}

/// Reads the partitions that can have rows for a question, several at a time, and makes rows of them.
pub(crate) async fn read(
    context: &Context,
    mut scope: Scope,
    metric: &'static Metric,
    (asked, now): (&Question, Timestamp),
) -> Result<Data, Refusal> {
    let inputs = metric.inputs.iter();
    let needed = inputs.filter(|input| (input.is_needed)(&asked.settings));
    let inputs: Vec<&Input> = needed.collect();
    let mut data = Data {
        rows: Vec::new(),
        records: 0,
        freshness: context
            .reads
            .time(Freshness::of(context, &inputs, &scope.integrations))
            .await?,
        places: mem::take(&mut scope.places),
    };
    let (known, moving): (Vec<&Input>, Vec<&Input>) = inputs
        .into_iter()
        .partition(|input| input.reach == Reach::Known);
    let mut records = Vec::new();
    let left = partitions(&known, &scope.integrations, asked.query.range);
    each_partition(context, left, now, |integration, mut selected| {
        scope.seen(integration, &mut selected);
        records.extend(selected.into_iter().map(|own| own.record));
        Ok(())
    })
    .await?;
    data.records += records.len() as u64;
    let known = metrics::Context {
        now,
        range: asked.query.range,
        zone: asked.query.zone.clone(),
        settings: asked.settings.clone(),
        projects: data.places.projects.clone(),
        known: Known::new(records),
        fields: asked.query.fields(),
        samples: asked.query.samples(),
        planning: OnceLock::new(),
    };
    let left = partitions(&moving, &scope.integrations, asked.query.range);
    let mut facts = Vec::new();
    each_partition(context, left, now, |integration, mut selected| {
        scope.seen(integration, &mut selected);
        data.records += selected.len() as u64;
        let found = selected.into_iter().map(fact);
        match metric.rows {
            Rows::Each(rows) => {
                for fact in found {
                    let own = fact?.into_iter().flat_map(|fact| rows(&fact, &known));
                    data.rows.extend(own.filter(|row| asked.query.accepts(row)));
                }
            }
            Rows::Joined { keep, .. } => {
                for fact in found {
                    facts.extend(fact?.and_then(|fact| keep(fact, &known)));
                }
            }
        }
        bounded(data.rows.len(), MOST_ROWS, "values")?;
        bounded(facts.len(), MOST_FACTS, "records")
    })
    .await?;
    if let Rows::Joined { rows, .. } = metric.rows {
        let rows = rows(&facts, &known).into_iter();
        data.rows = rows.filter(|row| asked.query.accepts(row)).collect();
    }
    Ok(data)
}

/// The reference names of the fields that a tenant's work items have, each once.
pub(crate) async fn fields(
    context: &Context,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    let Scope { integrations, .. } = Scope::of(context, tenant, None).await?;
    let input = Input::new(Kind::WorkItemField, Reach::Known);
    let left = integrations
        .iter()
        .filter(|integration| brings(integration, input.kind))
        .map(|integration| (integration.id, &input, NO_DAY.to_owned()))
        .collect();
    let mut names = BTreeSet::new();
    each_partition(context, left, now, |_, selected| {
        names.extend(selected.into_iter().filter_map(|own| match own.record {
            Record::WorkItemField(field) => Some(field.reference_name),
            _ => None,
        }));
        Ok(())
    })
    .await?;
    Ok(names.into_iter().collect())
}

fn bounded(count: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    let detail = format!("more than {most} {what} match; give a shorter range or more filters");
    Err(Problem::field("from", detail).into())
}

/// A partition: whose, what is read of it, and its bucket.
type Partition<'a> = (IntegrationId, &'a Input, String);

/// Hands out the records of partitions, several of which are read at a time, in whatever order they come.
async fn each_partition(
    context: &Context,
    partitions: Vec<Partition<'_>>,
    now: Timestamp,
    mut take: impl FnMut(IntegrationId, Vec<Selected>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut left = partitions.into_iter();
    let mut reading = JoinSet::new();
    loop {
        while reading.len() < AT_ONCE
            && let Some((integration, input, bucket)) = left.next()
        {
            let records = context.records.clone();
            let (kind, facets) = (input.kind, input.facets);
            reading.spawn(async move {
                let place = (kind, bucket.as_str());
                let selected = records.select(integration, place, facets, now).await;
                selected.map(|selected| (integration, selected))
            });
        }
        let Some(partition) = reading.join_next().await else {
            return Ok(());
        };
        let (integration, selected) = partition??;
        take(integration, selected)?;
    }
}

/// The partitions of inputs that can have rows in a range.
fn partitions<'a>(
    inputs: &[&'a Input],
    integrations: &[Integration],
    range: Range,
) -> Vec<Partition<'a>> {
    let mut partitions = Vec::new();
    for input in inputs {
        let own = |integration: &&Integration| brings(integration, input.kind);
        for integration in integrations.iter().filter(own) {
            let buckets = buckets(range, input.reach).into_iter();
            partitions.extend(buckets.map(|bucket| (integration.id, *input, bucket)));
        }
    }
    partitions
}

/// Whether an integration has records of a kind. Whom answers name is kept with every integration.
pub(crate) fn brings(integration: &Integration, kind: Kind) -> bool {
    let mut resources = resources::CATALOG.iter();
    kind == Kind::Person
        || resources
            .any(|resource| resource.kind == kind && resource.service == integration.service)
}

/// The buckets in which things are filed that can count in a range.
fn buckets(range: Range, reach: Reach) -> Vec<String> {
    match reach {
        Reach::DaysBefore(before) => days(range, (before, 0)),
        Reach::DaysAround(before, after) => days(range, (before, after)),
        Reach::Hashed => WorkItem::buckets().collect(),
        Reach::Known => vec![NO_DAY.to_owned()],
    }
}

/// The UTC days of a range, and so many days before and after.
fn days(range: Range, (before, after): (u32, u32)) -> Vec<String> {
    let date = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let mut day = date(range.from).saturating_sub(i64::from(before).days());
    let last = date(range.to - 1.nanoseconds()).saturating_add(i64::from(after).days());
    let mut days = Vec::new();
    while day <= last {
        days.push(day.to_string());
        day = day.saturating_add(1.day());
    }
    days
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
        let days = buckets(range, Reach::DaysBefore(2));
        assert_eq!(
            days,
            ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
        );
        assert_eq!(buckets(range, Reach::DaysAround(0, 3)).len(), 5);
        assert_eq!(buckets(range, Reach::Hashed).len(), 16);
        assert_eq!(buckets(range, Reach::Known), ["-"]);
    }
}
