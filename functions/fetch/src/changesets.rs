//! What changesets changed. Most come with one request; a large one is read on, page by page.

use std::collections::VecDeque;

use ado::{Position, parse_page};
use entrypoint::Delivery;
use model::{Child, Facet, Job, record::ChangesetDetails};
use resources::{
    Resource, Target,
    changeset_details::{CHANGES, KEPT, WITH_CHANGESET, changes_request, map, map_change, request},
};
use storage::Counts;

use crate::{Context, Error, is_out_of_time, people::Upstream, store};

/// Fetches the details of changesets. A changeset leaves the list when its details are durable.
pub(crate) async fn details(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    (waiting, counts): (&mut VecDeque<Child>, &mut Counts),
) -> Result<(), Error> {
    let job = &delivery.message;
    let target = Target::from(job);
    while let Some(changeset) = waiting.front() {
        if is_out_of_time(delivery, *counts) {
            return Ok(());
        }
        match of_one((context, job, resource), upstream, &target, changeset).await? {
            Ok(found) => {
                let unwritable = |_| Error::Unwritable {
                    resource: resource.name,
                };
                let body = serde_json::to_string(&found).map_err(unwritable)?;
                let put = store::put_details(context, job, (changeset, Facet::Changes, body));
                counts.records += put.await?;
            }
            Err(error) => {
                tracing::warn!(changeset = changeset.id, error = %error, "set details aside");
                let aside = vec![(Some(changeset.id.clone()), "", error.to_string())];
                counts.quarantined += store::note(context, job, aside).await?;
            }
        }
        counts.pages += 1;
        waiting.pop_front();
    }
    Ok(())
}

/// The details of one changeset; the inner error says that they cannot be read.
async fn of_one(
    of: (&Context, &Job, &'static Resource),
    upstream: &Upstream<'_>,
    target: &Target<'_>,
    changeset: &Child,
) -> Result<Result<ChangesetDetails, resources::MapError>, Error> {
    let reply = match upstream.send(&request(target, changeset)).await {
        Ok(reply) => reply,
        // Its paths are hidden from this credential, or were destroyed: that is an answer, "none".
        Err(upstream::Error::Ado(ado::Error::Missing { .. })) => {
            return Ok(Ok(ChangesetDetails::default()));
        }
        Err(error) => return Err(error.into()),
    };
    let (mut found, has_more) = match map(&reply.body.bytes) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    if has_more && let Err(error) = read_on(of, upstream, target, (changeset, &mut found)).await? {
        return Ok(Err(error));
    }
    Ok(Ok(found))
}

/// Reads the changes that did not come with the changeset, as many as are kept. Nothing says how long a page may be, so
/// one that is shorter than another page of the organization is the last.
async fn read_on(
    (context, job, resource): (&Context, &Job, &'static Resource),
    upstream: &Upstream<'_>,
    target: &Target<'_>,
    (changeset, found): (&Child, &mut ChangesetDetails),
) -> Result<Result<(), resources::MapError>, Error> {
    let came = u32::try_from(found.changes.len()).unwrap_or(WITH_CHANGESET);
    let mut position = Position::Skip {
        items: came,
        longest: 0,
    };
    loop {
        let mut request = changes_request(target, changeset);
        CHANGES.apply(&position, &mut request);
        let reply = upstream.send(&request).await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        for item in &page.items {
            match map_change(item) {
                Ok(change) => found.changes.push(change),
                Err(error) => return Ok(Err(error)),
            }
        }
        let paging = context.paging(job, resource, CHANGES, page.items.len());
        match paging.await.next(&position, &page, &reply.body)? {
            Some(_) if found.changes.len() >= KEPT => {
                found.truncated = true;
                return Ok(Ok(()));
            }
            Some(next) => position = next,
            None => return Ok(Ok(())),
        }
    }
}
