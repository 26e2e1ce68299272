//! Work items that are stored and cannot be found any more.

use std::collections::{BTreeSet, HashSet};

use ado::{Request, parse_page};
use model::{Kind, Record, RowKey, record::WorkItem};
use resources::{
    gone_work_items::{Missing, Trace, ids_request, judge},
    open_work_items::{self, BATCH, id, items_request},
    plan::{Cursor, Since},
};
use storage::Counts;

use crate::{
    Error, ends,
    pass::{End, Held},
    people::Upstream,
    query, workflows,
};

/// Compares all ids at once; a pass takes a few requests and begins again if its time ends. The first pass runs beside
/// those that bring the items, and leaves them alone.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let before = match held.cursor().since {
        Since::Missing(before) => before,
        _ => {
            let nothing = Since::Missing(Missing::default());
            return conclude(held, nothing, Counts::default()).await;
        }
    };
    let stored = stored(held).await?;
    let mut there = listed(held, upstream).await?;
    let is_doubtful = |item: &&Trace| item.is_looked_for && !there.contains(&item.id);
    let doubtful: Vec<u64> = stored
        .iter()
        .filter(is_doubtful)
        .map(|item| item.id)
        .collect();
    for ids in doubtful.chunks(BATCH) {
        there.extend(found(held, upstream, ids).await?);
    }
    let verdict = judge(&stored, |id| there.contains(&id), &before);
    tracing::info!(
        gone = verdict.gone.len(),
        missing = verdict.missing.0.len(),
        "looked for work items that were destroyed"
    );
    let counts = Counts {
        records: mark(held, verdict.gone).await?,
        ..Counts::default()
    };
    conclude(held, Since::Missing(verdict.missing), counts).await
}

async fn conclude(held: &mut Held<'_>, since: Since, counts: Counts) -> Result<End, Error> {
    held.advance(&Cursor { since, pass: None }, counts).await?;
    Ok(End::Dry)
}

/// Marks items as gone, and says how many were not before. They expire as if that had been their last event.
async fn mark(held: &Held<'_>, gone: BTreeSet<u64>) -> Result<u64, Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let key = |id| WorkItem::row_key(job.organization.id, id);
    let keys: Vec<RowKey> = gone.into_iter().map(key).collect();
    let stored = context.records.read(job.integration, &keys).await?;
    let now = context.now();
    let marked = stored
        .into_values()
        .filter_map(|stored| match stored.record {
            Record::WorkItem(item) => Some(WorkItem {
                gone_at: Some(now),
                ..*item
            }),
            _ => None,
        });
    let when = (context.retention, now);
    let written = context
        .records
        .merge(job.integration, marked.collect::<Vec<WorkItem>>(), when);
    Ok(written.await?.changed)
}

/// What must be known of the organization's items.
async fn stored(held: &Held<'_>) -> Result<Vec<Trace>, Error> {
    let mut items = Vec::new();
    for bucket in WorkItem::buckets() {
        let stored = ends::read(held, Kind::WorkItem, &bucket).await?;
        items.extend(stored.into_iter().filter_map(|stored| match stored.record {
            Record::WorkItem(item) => Trace::of(&item),
            _ => None,
        }));
    }
    Ok(items)
}

/// The ids of what has changed in the window, and of what is open and older.
async fn listed(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<HashSet<u64>, Error> {
    let organization = held.delivery.message.organization.clone();
    let window_start = held.context.retention.window_start(held.context.now());
    let workflows = workflows::known(held).await?.workflows;
    let changed = |last| ids_request(&organization, window_start, last);
    let open = |last| open_work_items::ids_request(&organization, window_start, last, &workflows);
    let mut ids = all(held, upstream, changed).await?;
    ids.extend(all(held, upstream, open).await?);
    Ok(ids)
}

async fn all(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    request: impl Fn(u64) -> Request,
) -> Result<HashSet<u64>, Error> {
    let (mut ids, mut last) = (HashSet::new(), 0);
    loop {
        let answer = query::ids(held, upstream, (&request(last), last)).await?;
        last = answer.ids.last().copied().unwrap_or(last);
        ids.extend(answer.ids);
        if answer.is_last {
            return Ok(ids);
        }
    }
}

/// Those of these items that can be read by their id.
async fn found(held: &Held<'_>, upstream: &Upstream<'_>, ids: &[u64]) -> Result<Vec<u64>, Error> {
    let organization = &held.delivery.message.organization;
    let reply = upstream.send(&items_request(organization, ids)).await?;
    let page = parse_page(&reply.body.bytes, "value")?;
    let items = page.items.iter().filter(|item| item.get() != "null");
    // What is there and unreadable is there.
    Ok(items.filter_map(|item| id(item).ok()).collect())
}
