//! A list by time that is read window by window.

use ado::parse_page;
use resources::{
    Target, Windows,
    windows::{Next, probe_request, window_request},
};
use storage::Counts;

use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    store,
};

/// Reads every window up to the present; each page moves the cursor.
pub(crate) async fn read(
    held: &mut Held<'_>,
    windows: &Windows,
    upstream: &Upstream<'_>,
) -> Result<End, Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let window_start = held.context.retention.window_start(held.context.now());
    let mut cursor = held.cursor();
    let mut clock = None;
    loop {
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let now = held.context.now();
        let pass = match cursor.next_window(window_start, now) {
            Next::Rest => return Ok(End::Dry),
            Next::Probe => {
                let reply = upstream.send(&probe_request(windows, &target)).await?;
                let page = parse_page(&reply.body.bytes, windows.items)?;
                let is_empty = page.items.is_empty();
                let at = reply.server_time.unwrap_or(now).min(now);
                cursor = cursor.probed(is_empty, window_start, at);
                let counts = Counts {
                    pages: 1,
                    ..Counts::default()
                };
                held.advance(&cursor, counts).await?;
                if is_empty {
                    return Ok(End::Dry);
                }
                continue;
            }
            Next::Read(pass) => pass,
        };
        let first_pass = !cursor.is_backfilled();
        let reply = upstream
            .send(&window_request(windows, &target, &pass))
            .await?;
        let observed_at = reply.server_time.unwrap_or(now);
        // A pass that another invocation began has no better clock than its own window.
        let began = *clock.get_or_insert(observed_at);
        let page = parse_page(&reply.body.bytes, windows.items)?;
        let when = (first_pass, observed_at);
        let of = (windows.map, &page);
        let stored =
            store::store_page((held.context, job), held.resource, of, when, |_| {}).await?;
        let newest = (!page.items.is_empty()).then_some(observed_at);
        let next = windows.paging.next(&pass.position, &page, &reply.body)?;
        let (behind, is_last) = cursor.behind_window(pass, next, newest, began);
        held.advance(&behind, stored).await?;
        cursor = behind;
        if is_last {
            return Ok(End::Dry);
        }
    }
}
