//! Storing a page: items into records, records into rows, and word to the children.

use std::collections::{BTreeMap, HashSet};

use ado::Page;
use jiff::Timestamp;
use model::{Child, Facet, Job, Record, Row, RowKey, Work, record::WriteRule};
use resources::{FanOut, Map, Resource, Target, When, child_of};
use serde_json::value::RawValue;
use storage::Counts;

use crate::{Context, Error};

/// The records of a page, and how many of its items could not be read.
pub(crate) fn read_page(
    resource: &Resource,
    map: Map,
    target: &Target<'_>,
    page: &Page<'_>,
) -> (Vec<Record>, u64) {
    let mut records = Vec::with_capacity(page.items.len());
    let mut quarantined = 0;
    for (index, item) in page.items.iter().enumerate() {
        let mapped = match map {
            Map::One(map) => map(target, item).map(|record| records.push(record)),
            Map::Many(map) => map(target, item).map(|more| records.extend(more)),
        };
        if let Err(error) = mapped {
            quarantined += 1;
            warn_of(resource, index, item, &error);
        }
    }
    (records, quarantined)
}

/// Says which item was set aside and why; its content may name people and stays out of the log.
pub(crate) fn warn_of(
    resource: &Resource,
    index: usize,
    item: &RawValue,
    error: &resources::MapError,
) {
    tracing::warn!(
        resource = resource.name,
        item.index = index,
        item.bytes = item.get().len(),
        error = %error,
        "set an item aside"
    );
}

/// Stores records by the rule of their kind and sends for the children that they want.
///
/// Children that are wanted because their parent is new are sent for before the parent is stored: after a crash in
/// between, the parent is still new.
pub(crate) async fn store(
    context: &Context,
    job: &Job,
    resource: &Resource,
    records: &[Record],
    (first_pass, observed_at): (bool, Timestamp),
) -> Result<Counts, Error> {
    let rows = rows(context, resource, records, observed_at)?;
    let keys = || rows.iter().map(|row| &row.key);
    for (child, when) in resource.children() {
        if when == When::New && !first_pass {
            let known = context.records.stored(job.integration, keys()).await?;
            let new = |key: &RowKey| !known.contains_key(key);
            send_children(context, job, child, wanted(records, None, new)).await?;
        }
    }
    let fetched_at = context.now();
    let written = match resource.kind.write_rule() {
        WriteRule::Immutable => {
            context
                .records
                .put_immutable(job.integration, &rows, fetched_at)
                .await?
        }
        WriteRule::Newest => {
            context
                .records
                .put(job.integration, rows, fetched_at)
                .await?
        }
        WriteRule::Merge => {
            let items = records.iter().filter_map(|record| match record {
                Record::WorkItem(item) => Some((**item).clone()),
                _ => None,
            });
            let when = (context.retention, observed_at);
            let organization = job.organization.id;
            context
                .records
                .merge(job.integration, organization, items.collect(), when)
                .await?
        }
    };
    let stale: HashSet<&(RowKey, Facet)> = written.wanted.iter().collect();
    for (child, when) in resource.children() {
        let facet = match when {
            When::Stale(facet) => facet,
            When::StaleLater(facet) if !first_pass => facet,
            When::StaleLater(_) | When::New => continue,
        };
        let is_stale = |key: &RowKey| stale.contains(&(key.clone(), facet));
        let wanted = wanted(records, Some(facet), is_stale);
        send_children(context, job, child, wanted).await?;
    }
    Ok(Counts {
        records: written.changed,
        ..Counts::default()
    })
}

fn rows(
    context: &Context,
    resource: &Resource,
    records: &[Record],
    observed_at: Timestamp,
) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = Vec::with_capacity(records.len());
    for record in records {
        let row = record
            .row(context.retention, observed_at)
            .map_err(|_| Error::Unwritable {
                resource: resource.name,
            })?;
        rows.extend(row);
    }
    // A list that shifts while it is paged can name a thing twice; the later one is the newer.
    rows.reverse();
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(row.key.clone()));
    Ok(rows)
}

/// The children of those records that are wanted, each once.
fn wanted(records: &[Record], facet: Option<Facet>, want: impl Fn(&RowKey) -> bool) -> Vec<Child> {
    let mut newest = BTreeMap::new();
    for record in records {
        let key = record.key();
        if want(&key)
            && let Some(child) = child_of(record, facet)
        {
            newest.insert(key, child);
        }
    }
    newest.into_values().collect()
}

/// Sends for children, some at a time.
pub(crate) async fn send_children(
    context: &Context,
    job: &Job,
    resource: &'static Resource,
    children: Vec<Child>,
) -> Result<(), Error> {
    debug_assert!(matches!(resource.fan_out, FanOut::Children { .. }));
    let jobs: Vec<Job> = children
        .chunks(resource.children_per_job())
        .map(|children| Job {
            resource: resource.name.to_owned(),
            work: Work::Children(children.to_vec()),
            ..job.clone()
        })
        .collect();
    context
        .queues
        .send_jobs(&jobs, std::time::Duration::ZERO)
        .await?;
    Ok(())
}
