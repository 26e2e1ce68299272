//! Work items that are open and untouched: ids by a query, items by id.

use ado::{Position, parse_page};
use jiff::SignedDuration;
use model::record::Workflows;
use resources::{
    Target,
    open_work_items::{BATCH, ids_request, item, items_request},
    plan::{Cursor, Pass, Places, Since},
};
use storage::Counts;

use crate::{
    Error, linked_work_items,
    pass::{End, Held},
    people::Upstream,
    query, store, workflows,
};

/// For how long the types of the projects are waited for; without them an item's state may be misjudged until
/// [`crate::ends`] sets it right.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Reads the ids behind the cursor once, then the items batch by batch; each batch moves the cursor.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let known = workflows::known(held).await?;
    if !known.is_whole && !is_waited_for(held).await? {
        return Ok(End::TooEarly);
    }
    let job = &held.delivery.message;
    let target = Target::from(job);
    let window_start = held.context.retention.window_start(held.context.now());
    let mut last = match held.cursor().since {
        Since::Id(last) => last,
        _ => 0,
    };
    loop {
        let request = ids_request(&job.organization, window_start, last, &known.workflows);
        let found = query::ids(held, upstream, (&request, last)).await?;
        for batch in found.ids.chunks(BATCH) {
            if held.is_out_of_time() {
                return Ok(End::OutOfTime);
            }
            last = batch.last().copied().unwrap_or(last);
            read_batch(held, upstream, (&target, &known.workflows), batch).await?;
        }
        if found.is_last {
            return Ok(End::Dry);
        }
    }
}

/// Whether patience is at an end; the cursor remembers since when.
async fn is_waited_for(held: &mut Held<'_>) -> Result<bool, Error> {
    let now = held.context.now();
    let cursor = held.cursor();
    if let Some(pass) = &cursor.pass {
        return Ok(now.duration_since(pass.from) > PATIENCE);
    }
    let waiting = Cursor {
        pass: Some(Pass {
            position: Position::Start,
            from: now,
            until: None,
            newest: None,
            ids: None,
            listed: Places::default(),
        }),
        ..cursor
    };
    held.advance(&waiting, Counts::default()).await?;
    Ok(false)
}

async fn read_batch(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    (target, workflows): (&Target<'_>, &Workflows),
    ids: &[u64],
) -> Result<(), Error> {
    let job = &held.delivery.message;
    let reply = upstream
        .send(&items_request(&job.organization, ids))
        .await?;
    let page = parse_page(&reply.body.bytes, "value")?;
    let (mut records, mut links, mut aside) = (Vec::new(), Vec::new(), Vec::new());
    for (index, raw) in page.items.iter().enumerate() {
        match item(target, workflows, raw) {
            Ok(Some((record, own_links))) => {
                records.push(record);
                links.push(own_links);
            }
            Ok(None) => {}
            Err(error) => {
                aside.push(store::set_aside(held.resource, index, raw, &error));
            }
        }
    }
    let observed_at = held.context.observed_at(&reply);
    let stored = store::store(
        held.context,
        job,
        held.resource,
        &records,
        (true, observed_at),
    )
    .await?;
    for (record, links) in records.iter().zip(links) {
        linked_work_items::put(held, record, links).await?;
    }
    let last = ids.last().copied().unwrap_or_default();
    let cursor = Cursor {
        since: Since::Id(last),
        pass: None,
    };
    held.advance(
        &cursor,
        Counts {
            pages: 1,
            fetched: page.items.len() as u64,
            quarantined: store::note(held.context, job, aside).await?,
            ..stored
        },
    )
    .await
}
