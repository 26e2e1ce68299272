//! When work items and their links expire, where one record alone cannot tell.
//!
//! An item ends with its state, and what a state means is said by its type. A link between two items stands until it is
//! removed, which nobody does when both are forgotten. Both are set right once a day without asking upstream.

use std::collections::HashSet;

use model::{Kind, Record, record::WorkItem};
use resources::plan::{Cursor, Since};
use storage::{Counts, StoredRecord};

use crate::{
    Error,
    pass::{End, Held},
    workflows,
};

/// Sets right when the organization's items and links expire. A first pass runs beside those that bring them, and leaves
/// them alone.
pub(crate) async fn settle(held: &mut Held<'_>) -> Result<End, Error> {
    if held.cursor().is_backfilled() {
        let items = settle_items(held).await?;
        settle_links(held, &items).await?;
    }
    let done = Cursor {
        since: Since::Whole,
        pass: None,
    };
    held.advance(&done, Counts::default()).await?;
    Ok(End::Dry)
}

/// Settles the items, and returns the ids of all that are stored.
async fn settle_items(held: &Held<'_>) -> Result<HashSet<u64>, Error> {
    let known = workflows::known(held).await?;
    let retention = held.context.retention;
    let (mut items, mut changed) = (HashSet::new(), 0);
    for bucket in WorkItem::buckets() {
        for stored in read(held, Kind::WorkItem, &bucket).await? {
            let Record::WorkItem(item) = &stored.record else {
                continue;
            };
            items.insert(item.id);
            let ended = known.workflows.last_event(item);
            changed += set(held, &stored, ended.map(|at| retention.expires_at(at))).await?;
        }
    }
    tracing::info!(
        items = items.len(),
        changed,
        "settled when work items expire"
    );
    Ok(items)
}

/// A link that stands expires like one that was removed when neither of its items is stored any more.
async fn settle_links(held: &Held<'_>, items: &HashSet<u64>) -> Result<(), Error> {
    let retention = held.context.retention;
    let mut changed = 0;
    for bucket in WorkItem::buckets() {
        for stored in read(held, Kind::WorkItemLink, &bucket).await? {
            let Record::WorkItemLink(link) = &stored.record else {
                continue;
            };
            let is_held = items.contains(&link.source) || items.contains(&link.target);
            let ended = !link.active || !is_held;
            let expires_at = ended.then(|| retention.expires_at(link.changed_at));
            changed += set(held, &stored, expires_at).await?;
        }
    }
    tracing::info!(changed, "settled when links expire");
    Ok(())
}

/// The organization's records of one kind in one bucket.
pub(crate) async fn read(
    held: &Held<'_>,
    kind: Kind,
    bucket: &str,
) -> Result<Vec<StoredRecord>, Error> {
    let job = &held.delivery.message;
    let prefix = format!("{}#", job.organization.id);
    let now = held.context.now();
    let records = &held.context.records;
    Ok(records
        .bucket(job.integration, (kind, bucket), &prefix, now)
        .await?)
}

async fn set(
    held: &Held<'_>,
    stored: &StoredRecord,
    expires_at: Option<i64>,
) -> Result<u64, Error> {
    if stored.expires_at == expires_at {
        return Ok(0);
    }
    let is_set = held.context.records.set_expiry(stored, expires_at).await?;
    Ok(u64::from(is_set))
}
