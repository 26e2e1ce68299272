//! The links of work items to what is built for them: ids by a query, links by id.

use ado::parse_page;
use model::{Details, Facet, Record};
use resources::{
    Target,
    artifact_links::{ids_request, item_with_links},
    open_work_items::{BATCH, items_request},
    plan::{Cursor, Ids, Since},
};
use storage::Counts;

use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    query, store,
};

/// Reads the ids behind the cursor once, then the links batch by batch; each batch moves the cursor.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let job = &held.delivery.message;
    let window_start = held.context.retention.window_start(held.context.now());
    let done = |cursor: &Cursor| cursor.done().and_then(|last| last.parse().ok());
    let mut last = done(&held.cursor()).unwrap_or(0);
    loop {
        let request = ids_request(&job.organization, window_start, last);
        let found = query::ids(held, upstream, (&request, last)).await?;
        for batch in found.ids.chunks(BATCH) {
            if held.is_out_of_time() {
                return Ok(End::OutOfTime);
            }
            read_batch(held, upstream, batch).await?;
            last = batch.last().copied().unwrap_or(last);
        }
        if found.is_last {
            let whole = Cursor {
                since: Since::Whole,
                pass: None,
            };
            held.advance(&whole, Counts::default()).await?;
            return Ok(End::Dry);
        }
    }
}

async fn read_batch(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    ids: &[u64],
) -> Result<(), Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let reply = upstream
        .send(&items_request(&job.organization, ids))
        .await?;
    let page = parse_page(&reply.body.bytes, "value")?;
    let (mut records, mut aside) = (0, Vec::new());
    for (index, raw) in page.items.iter().enumerate() {
        if raw.get() == "null" {
            continue;
        }
        match item_with_links(&target, raw) {
            Ok((record, links)) => records += put(held, &record, links).await?,
            Err(error) => aside.push(store::set_aside(held.resource, index, raw, &error)),
        }
    }
    let last = ids.last().copied().unwrap_or_default().to_string();
    let now = held.context.now();
    let cursor = held.cursor().behind(&last, Ids::default(), now);
    let counts = Counts {
        pages: 1,
        fetched: page.items.len() as u64,
        records,
        quarantined: store::note(held.context, job, aside).await?,
        ..Counts::default()
    };
    held.advance(&cursor, counts).await
}

/// Stores the links of an item that is stored, for the revision that they were read with.
pub(crate) async fn put(held: &Held<'_>, record: &Record, links: String) -> Result<u64, Error> {
    let Some(marker) = record.marker(Facet::Links) else {
        return Ok(0);
    };
    let details = Details {
        key: record.key(),
        facet: Facet::Links,
        marker,
        body: links,
    };
    let (context, job) = (held.context, &held.delivery.message);
    let records = &context.records;
    let is_put = records
        .put_details(job.integration, &details, context.now())
        .await?;
    Ok(u64::from(is_put))
}
