//! Work items that are open and untouched: ids by a query, items by id.

use ado::parse_page;
use resources::{
    Target,
    open_work_items::{BATCH, id, ids_request, item, items_request},
    plan::{Cursor, Since},
};
use storage::Counts;
use upstream::Upstream;

use crate::{
    Error,
    pass::{End, Held},
    store,
};

/// Reads the ids behind the cursor once, then the items batch by batch; each batch moves the cursor.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let job = &held.delivery.message;
    let target = Target {
        organization: &job.organization,
        scope: &job.scope,
    };
    let window_start = held.context.retention.window_start(held.context.now());
    let mut last = match held.cursor().since {
        Since::Id(last) => last,
        _ => 0,
    };
    loop {
        let reply = upstream
            .send(&ids_request(&job.organization, window_start, last))
            .await?;
        let page = parse_page(&reply.body.bytes, "workItems")?;
        let ids: Vec<u64> = page.items.iter().filter_map(|item| id(item).ok()).collect();
        for batch in ids.chunks(BATCH) {
            if held.is_out_of_time() {
                return Ok(End::OutOfTime);
            }
            last = batch.last().copied().unwrap_or(last);
            read_batch(held, upstream, &target, batch).await?;
        }
        if ids.len() < resources::open_work_items::IDS {
            return Ok(End::Dry);
        }
    }
}

async fn read_batch(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    target: &Target<'_>,
    ids: &[u64],
) -> Result<(), Error> {
    let job = &held.delivery.message;
    let reply = upstream
        .send(&items_request(&job.organization, ids))
        .await?;
    let page = parse_page(&reply.body.bytes, "value")?;
    let (mut records, mut quarantined) = (Vec::new(), 0);
    for (index, raw) in page.items.iter().enumerate() {
        match item(target, raw) {
            Ok(record) => records.extend(record),
            Err(error) => {
                quarantined += 1;
                store::warn_of(held.resource, index, raw, &error);
            }
        }
    }
    let observed_at = reply.server_time.unwrap_or_else(|| held.context.now());
    let stored = store::store(
        held.context,
        job,
        held.resource,
        &records,
        (true, observed_at),
    )
    .await?;
    let last = ids.last().copied().unwrap_or_default();
    let cursor = Cursor {
        since: Since::Id(last),
        pass: None,
    };
    held.advance(
        &cursor,
        Counts {
            pages: 1,
            quarantined,
            ..stored
        },
    )
    .await
}
