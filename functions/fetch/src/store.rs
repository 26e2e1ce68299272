//! Storing a page: items into records, records into rows, and word to the children.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ado::Page;
use jiff::Timestamp;
use model::{
    Child, Details, Facet, Job, Record, Row, RowKey, Work,
    record::{WorkItem, WriteRule},
};
use resources::{FanOut, Map, Resource, Target, When, child_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use storage::Counts;

use crate::{Context, Error, run_coverage, stream_key};

/// The items of a page that could not be read, each with its id if it has one, its content, and the reason.
pub(crate) type Aside<'a> = Vec<(Option<String>, &'a str, String)>;

/// How many items of a page are records at the same time: as many as children of one request, so that cutting a page
/// into parts costs no request.
const AT_ONCE: usize = 200;
/// The same where records are joined with what is stored: several states of one thing are then mostly written at once.
const JOINED_AT_ONCE: usize = 1000;

/// Stores the items of a page, some at a time, so that a long page takes little more memory than its body. `see` is shown
/// the records.
pub(crate) async fn store_page(
    (context, job): (&Context, &Job),
    resource: &'static Resource,
    (map, page): (Map, &Page<'_>),
    when: (bool, Timestamp),
    mut see: impl FnMut(&[Record]),
) -> Result<Counts, Error> {
    let target = Target::from(job);
    let mut counts = Counts {
        pages: 1,
        fetched: page.items.len() as u64,
        ..Counts::default()
    };
    let at_once = match (map, resource.kind.write_rule()) {
        (Map::Page(_), _) => page.items.len().max(1),
        (_, WriteRule::Merge) => JOINED_AT_ONCE,
        (_, WriteRule::Immutable | WriteRule::Newest) => AT_ONCE,
    };
    let mut wanted = Wanted::default();
    // The record of a whole list is made of an empty one, too.
    let nothing: &[&RawValue] = &[];
    let whole = matches!(map, Map::Page(_)) && page.items.is_empty();
    let parts = page.items.chunks(at_once).chain(whole.then_some(nothing));
    for (part, items) in parts.enumerate() {
        let (records, aside) = read_items(resource, map, &target, (part * at_once, items));
        see(&records);
        counts += store_records((context, job), resource, &records, when, &mut wanted).await?;
        counts.quarantined += note(context, job, aside).await?;
    }
    wanted.send(context, job).await?;
    Ok(counts)
}

/// The records of some items, of which the first is the `first` of its page, and the items that could not be read.
fn read_items<'a>(
    resource: &Resource,
    map: Map,
    target: &Target<'_>,
    (first, items): (usize, &[&'a RawValue]),
) -> (Vec<Record>, Aside<'a>) {
    let mut records = Vec::with_capacity(items.len());
    let mut aside = Vec::new();
    if let Map::Page(map) = map {
        match map(target, items) {
            Ok(record) => records.push(record),
            Err(error) => {
                let items = items.iter().enumerate();
                aside.extend(items.map(|(index, item)| set_aside(resource, index, item, &error)));
            }
        }
        return (records, aside);
    }
    for (index, item) in (first..).zip(items) {
        let mapped = match map {
            Map::One(map) => map(target, item).map(|record| records.push(record)),
            Map::Many(map) => map(target, item).map(|more| records.extend(more)),
            Map::Page(_) => Ok(()),
        };
        if let Err(error) = mapped {
            aside.push(set_aside(resource, index, item, &error));
        }
    }
    (records, aside)
}

/// Notes where people look what could not be stored, and says how much it was.
pub(crate) async fn note(context: &Context, job: &Job, aside: Aside<'_>) -> Result<u64, Error> {
    if !aside.is_empty() {
        let (key, now) = (stream_key(job), context.now());
        context.control.quarantine(&key, &aside, now).await?;
    }
    Ok(aside.len() as u64)
}

/// What names an item, whatever its kind calls it.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(
        borrow,
        alias = "pullRequestId",
        alias = "pushId",
        alias = "changesetId",
        alias = "commitId",
        alias = "identifier"
    )]
    id: &'a RawValue,
}

/// The longest text that is believed to be an id.
const LONGEST_ID: usize = 64;

fn id_of(item: &RawValue) -> Option<String> {
    let named: Named<'_> = serde_json::from_str(item.get()).ok()?;
    let id = named.id.get().trim_matches('"');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (id.len() <= LONGEST_ID && id.chars().all(is_plain)).then(|| id.to_owned())
}

/// Says which item was set aside and why; its content may name people and stays out of the log.
pub(crate) fn set_aside<'a>(
    resource: &Resource,
    index: usize,
    item: &'a RawValue,
    error: &resources::MapError,
) -> (Option<String>, &'a str, String) {
    tracing::warn!(
        resource = resource.name,
        item.index = index,
        item.bytes = item.get().len(),
        error = %error,
        "set an item aside"
    );
    (id_of(item), item.get(), error.to_string())
}

/// Says what an administrator should know of a record.
fn tell(context: &Context, record: &Record) {
    if let Record::RunRetention(found) = record
        && let Some(days) = found.shorter_than(context.retention)
    {
        tracing::warn!(
            project.id = %found.project,
            upstream_days = days,
            kept_days = context.retention.as_days(),
            "the project deletes runs before their time: what it has deleted cannot be fetched"
        );
    }
}

/// Stores the details of a child, and says how many records are other than before.
pub(crate) async fn put_details(
    context: &Context,
    job: &Job,
    (child, facet, body): (&Child, Facet, String),
) -> Result<u64, Error> {
    let details = Details {
        key: child.row.clone(),
        facet,
        marker: child.marker.clone(),
        body,
    };
    let records = &context.records;
    let put = records.put_details(job.integration, &details, context.now());
    Ok(u64::from(put.await?))
}

/// Stores records by the rule of their kind and sends for the children that they want.
pub(crate) async fn store(
    context: &Context,
    job: &Job,
    resource: &'static Resource,
    records: &[Record],
    when: (bool, Timestamp),
) -> Result<Counts, Error> {
    let mut wanted = Wanted::default();
    let counts = store_records((context, job), resource, records, when, &mut wanted).await?;
    wanted.send(context, job).await?;
    Ok(counts)
}

/// Children that stored records want, to be sent for together.
#[derive(Debug, Default)]
struct Wanted(Vec<(&'static Resource, BTreeMap<RowKey, Child>)>);

impl Wanted {
    fn extend(&mut self, resource: &'static Resource, children: BTreeMap<RowKey, Child>) {
        let known = self.0.iter_mut().find(|(own, _)| own.name == resource.name);
        match known {
            Some((_, own)) => own.extend(children),
            None => self.0.push((resource, children)),
        }
    }

    async fn send(self, context: &Context, job: &Job) -> Result<(), Error> {
        for (resource, children) in self.0 {
            send_children(context, job, resource, children.into_values().collect()).await?;
        }
        Ok(())
    }
}

/// Stores records, and notes the children that they want because of their state.
///
/// Children that are wanted because their parent is new are sent for before the parent is stored: after a crash in
/// between, the parent is still new.
async fn store_records(
    (context, job): (&Context, &Job),
    resource: &'static Resource,
    records: &[Record],
    (first_pass, observed_at): (bool, Timestamp),
    later: &mut Wanted,
) -> Result<Counts, Error> {
    let wanted_of = context.wanted.of(job);
    let admitted: Vec<Record>;
    let records = match &wanted_of {
        None => records,
        Some(admission) => {
            let own = records.iter().filter(|record| admission.admits(record));
            admitted = own.cloned().collect();
            &admitted
        }
    };
    records.iter().for_each(|record| tell(context, record));
    for (child, when) in resource.children() {
        if when == When::New && !first_pass {
            let keys: BTreeSet<RowKey> = records.iter().map(Record::key).collect();
            let known = context.records.stored(job.integration, keys.iter()).await?;
            let new = |key: &RowKey| !known.contains_key(key);
            let children = wanted(records, None, new).into_values().collect();
            send_children(context, job, child, children).await?;
        }
    }
    let fetched_at = context.now();
    let written = match resource.kind.write_rule() {
        WriteRule::Immutable => {
            let rows = rows(context, resource, records, observed_at)?;
            let records = &context.records;
            records
                .put_immutable(job.integration, &rows, fetched_at)
                .await?
        }
        WriteRule::Newest => {
            let rows = rows(context, resource, records, observed_at)?;
            let records = &context.records;
            records.put(job.integration, rows, fetched_at).await?
        }
        WriteRule::Merge => {
            let items = records.iter().filter_map(|record| match record {
                Record::WorkItem(item) => Some((**item).clone()),
                _ => None,
            });
            let when = (context.retention, observed_at);
            let items: Vec<WorkItem> = items.collect();
            context.records.merge(job.integration, items, when).await?
        }
    };
    let stale: HashSet<&(RowKey, Facet)> = written.wanted.iter().collect();
    for (child, when) in resource.children() {
        let facet = match when {
            When::Stale(facet) | When::StaleInBulk(facet) => facet,
            When::StaleLater(facet) if !first_pass => facet,
            When::Tested => {
                let tested = run_coverage::wanted(context, job, records).await?;
                send_children(context, job, child, tested).await?;
                continue;
            }
            When::StaleLater(_) | When::New => continue,
        };
        let is_stale = |key: &RowKey| stale.contains(&(key.clone(), facet));
        let mut wanted = wanted(records, Some(facet), is_stale);
        if first_pass && matches!(when, When::StaleInBulk(_)) {
            let window_start = context.retention.window_start(context.now());
            let left_out = began_since(window_start, records);
            wanted.retain(|key, _| !left_out.contains(key));
        }
        later.extend(child, wanted);
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

/// The records that began in the window: only there are they looked for when they are seen to in bulk.
fn began_since(window_start: Timestamp, records: &[Record]) -> HashSet<RowKey> {
    let is_within = |record: &&Record| record.happened_at().is_some_and(|at| at >= window_start);
    records.iter().filter(is_within).map(Record::key).collect()
}

/// The children of those records that are wanted, each once.
fn wanted(
    records: &[Record],
    facet: Option<Facet>,
    want: impl Fn(&RowKey) -> bool,
) -> BTreeMap<RowKey, Child> {
    let mut newest = BTreeMap::new();
    for record in records {
        let key = record.key();
        if want(&key)
            && let Some(child) = child_of(record, facet)
        {
            newest.insert(key, child);
        }
    }
    newest
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

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, ProjectId, Scope};
    use resources::{Fetch, find};

    use super::*;

    /// A run that was queued then.
    fn run(id: u64, queued: &str) -> Record {
        let organization = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let scope = Scope::Project(ProjectId(uuid::Uuid::nil()));
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        let item = format!(
            r#"{{"id":{id},"definition":{{"id":7}},"status":"completed","result":"succeeded",
                "queueTime":"{queued}","startTime":"{queued}","finishTime":"2026-09-01T10:00:00Z"}}"#
        );
        let Some(Fetch::List(list)) = find("builds").map(|builds| builds.fetch) else {
            panic!("runs are a list");
        };
        let Map::One(map) = list.map else {
            panic!("one record for each item");
        };
        map(&target, serde_json::from_str(&item).unwrap()).unwrap()
    }

    #[test]
    fn a_run_that_was_queued_before_the_window_is_not_left_to_the_search_in_the_window() {
        let window_start = "2026-08-25T00:00:00Z".parse().unwrap();
        let (long, short) = (
            run(1, "2026-08-24T23:59:59Z"),
            run(2, "2026-08-25T00:00:00Z"),
        );
        let left_out = began_since(window_start, &[long.clone(), short.clone()]);
        assert_eq!(left_out, HashSet::from([short.key()]));
    }
}
