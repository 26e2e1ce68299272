//! What exists only one by one: a run's timeline, a pull request's threads, a push's commits.

use std::{collections::VecDeque, time::Duration};

use ado::{Request, parse_page};
use bytes::Bytes;
use entrypoint::Delivery;
use model::{Child, Facet, Job, Standing, Work};
use resources::{
    BatchOf, DetailsOf, Fetch, Resource, Target,
    plan::{batch_request, details_request, parent_request},
};
use storage::Counts;

use crate::{
    Context, Error, PARKED, changesets, commits, is_out_of_time, measure::measure,
    people::Upstream, run_coverage, store, stream_key,
};

/// Fetches children; what is left when time or patience ends goes into a message of its own.
pub(crate) async fn visit(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    children: &[Child],
) -> Result<(), Error> {
    let job = &delivery.message;
    let mut waiting = pending(context, resource, job, children).await?;
    let mut counts = Counts::default();
    let result = match resource.fetch {
        Fetch::Details(details) => {
            each(
                context,
                resource,
                upstream,
                delivery,
                (&details, &mut waiting, &mut counts),
            )
            .await
        }
        Fetch::Batch(batch) => {
            let progress = (&batch, &mut waiting, &mut counts);
            together(context, resource, upstream, delivery, progress).await
        }
        Fetch::PushCommits => {
            let progress = (&mut waiting, &mut counts);
            commits::of_pushes(context, resource, upstream, delivery, progress).await
        }
        Fetch::List(_)
        | Fetch::Each(_)
        | Fetch::Windows(_)
        | Fetch::OpenWorkItems
        | Fetch::LinkedWorkItems
        | Fetch::OpenRuns
        | Fetch::RunActivities
        | Fetch::SprintCapacities
        | Fetch::GoneWorkItems
        | Fetch::Again { .. }
        | Fetch::Ends => Err(Error::WrongWork {
            resource: resource.name,
        }),
        Fetch::RunCoverage => {
            let progress = (&mut waiting, &mut counts);
            run_coverage::of_runs(context, resource, upstream, delivery, progress).await
        }
        Fetch::ChangesetDetails => {
            let progress = (&mut waiting, &mut counts);
            changesets::details(context, resource, upstream, delivery, progress).await
        }
    };
    let (requests, retries) = upstream.sent();
    counts += Counts {
        requests,
        retries,
        ..Counts::default()
    };
    context.control.count(&stream_key(job), counts).await?;
    measure(context.now(), counts, upstream.waited());
    let pause = match result {
        Ok(()) => Duration::ZERO,
        Err(Error::Upstream(upstream::Error::Paused { pause, .. })) => pause,
        Err(Error::Upstream(upstream::Error::Halted(Standing::Gone))) => return Ok(()),
        Err(Error::Upstream(upstream::Error::Halted(_))) => PARKED,
        Err(error) => return Err(error),
    };
    let left = waiting.len();
    if !waiting.is_empty() {
        let rest = Job {
            work: Work::Children(waiting.into()),
            ..job.clone()
        };
        context.queues.send_jobs(&[rest], pause).await?;
    }
    tracing::info!(
        records = counts.records,
        requests = counts.requests,
        quarantined = counts.quarantined,
        left,
        "children visited"
    );
    Ok(())
}

/// The children that are not done yet: a job that comes twice costs one read.
async fn pending(
    context: &Context,
    resource: &Resource,
    job: &Job,
    children: &[Child],
) -> Result<VecDeque<Child>, Error> {
    let facet = match resource.fetch {
        Fetch::Details(details) => details.facet,
        Fetch::Batch(batch) => batch.facet,
        Fetch::ChangesetDetails => Facet::Changes,
        Fetch::RunCoverage => {
            return Ok(run_coverage::left(context, job, children.to_vec())
                .await?
                .into());
        }
        _ => return Ok(children.iter().cloned().collect()),
    };
    let keys = children.iter().map(|child| &child.row);
    let stored = context.records.stored(job.integration, keys).await?;
    let wants = |child: &&Child| {
        let record = stored.get(&child.row);
        record.is_some_and(|record| record.markers.get(&facet) != Some(&child.marker))
    };
    Ok(children.iter().filter(wants).cloned().collect())
}

/// One request for each child. A child leaves the list when its details are durable.
async fn each(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    (details, waiting, counts): (&DetailsOf, &mut VecDeque<Child>, &mut Counts),
) -> Result<(), Error> {
    let job = &delivery.message;
    let target = Target::from(job);
    while let Some(child) = waiting.front() {
        if is_out_of_time(delivery, *counts) {
            return Ok(());
        }
        let body = body_of(resource, upstream, details, &target, child).await?;
        match body {
            Ok(body) => {
                let facet = details.facet;
                counts.records += store::put_details(context, job, (child, facet, body)).await?;
            }
            Err(reason) => {
                let aside = vec![(Some(child.id.clone()), "", reason)];
                counts.quarantined += store::note(context, job, aside).await?;
            }
        }
        counts.pages += 1;
        waiting.pop_front();
    }
    Ok(())
}

/// A facet that this credential may not read, as JSON.
const UNKNOWN: &str = "null";

/// One request for many children. They leave the list together, when what the answer says of them is durable; one that
/// it does not name has nothing, and that is stored too.
async fn together(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    (batch, waiting, counts): (&BatchOf, &mut VecDeque<Child>, &mut Counts),
) -> Result<(), Error> {
    let job = &delivery.message;
    let target = Target::from(job);
    while !waiting.is_empty() {
        if is_out_of_time(delivery, *counts) {
            return Ok(());
        }
        let some: Vec<Child> = waiting.iter().take(batch.size).cloned().collect();
        let sent = upstream.send(&batch_request(batch, &target, &some)).await;
        let mapped = match sent {
            Ok(reply) => (batch.map)(&some, &reply.body.bytes),
            // The facet may need a permission of its own. Nothing is known then, and the record is asked for again when it
            // changes, not with every page.
            Err(upstream::Error::Ado(
                error @ (ado::Error::Missing { .. } | ado::Error::Forbidden { .. }),
            )) => {
                tracing::warn!(resource = resource.name, error = %error, "a facet is not readable");
                Ok((0..some.len())
                    .map(|index| (index, UNKNOWN.to_owned()))
                    .collect())
            }
            Err(error) => return Err(error.into()),
        };
        match mapped {
            Ok(found) => {
                for (index, body) in found {
                    let Some(child) = some.get(index) else {
                        continue;
                    };
                    let put = store::put_details(context, job, (child, batch.facet, body));
                    counts.records += put.await?;
                }
            }
            Err(error) => {
                tracing::warn!(resource = resource.name, error = %error, "set a batch aside");
                let reason = error.to_string();
                let one = |child: &Child| (Some(child.id.clone()), "", reason.clone());
                let aside = some.iter().map(one).collect();
                counts.quarantined += store::note(context, job, aside).await?;
            }
        }
        counts.pages += 1;
        waiting.drain(..some.len());
    }
    Ok(())
}

/// The details of a child, or why they cannot be read.
///
/// A run that was rejected before it had a plan answers 204 or 404, and so does anything whose upstream copy is gone:
/// that is an answer, "none", and the child is done.
pub(crate) async fn body_of(
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    details: &DetailsOf,
    target: &Target<'_>,
    child: &Child,
) -> Result<Result<String, String>, Error> {
    let request = details_request(details, target, child);
    let mut bodies = vec![answer(upstream, details, &request, (target, child)).await?];
    if let Some(more) = details.more {
        let first = parse_page(&bodies[0], details.items)?;
        for part in more(&first.items) {
            let request = request.clone().segment(part);
            bodies.push(answer(upstream, details, &request, (target, child)).await?);
        }
    }
    let mut items = Vec::new();
    for body in &bodies {
        items.extend(parse_page(body, details.items)?.items);
    }
    match (details.map)(&items) {
        Ok(body) => Ok(Ok(body)),
        Err(error) => {
            tracing::warn!(
                resource = resource.name,
                child.id = child.id,
                error = %error,
                "set details aside"
            );
            Ok(Err(error.to_string()))
        }
    }
}

/// The body of an answer; empty if there is nothing.
///
/// A sign-in page is nothing, too, if the credential can read the parent and the page comes again: the service gives one
/// for timelines that are not there any more, and a single dead credential is found out by every other request.
async fn answer(
    upstream: &Upstream<'_>,
    details: &DetailsOf,
    request: &Request,
    (target, child): (&Target<'_>, &Child),
) -> Result<Bytes, Error> {
    let error = match upstream.send(request).await {
        Ok(reply) => return Ok(reply.body.bytes),
        Err(upstream::Error::Ado(ado::Error::Missing { .. })) => return Ok(Bytes::new()),
        Err(error) => error,
    };
    let is_page =
        |error: &upstream::Error| matches!(error, upstream::Error::Ado(ado::Error::SignIn { .. }));
    let Some(parent) = parent_request(details, target, child).filter(|_| is_page(&error)) else {
        return Err(error.into());
    };
    if upstream.send(&parent).await.is_err() {
        return Err(error.into());
    }
    // One odd page is no proof: the credential is good, so the answer is asked for again.
    match upstream.send(request).await {
        Ok(reply) => Ok(reply.body.bytes),
        Err(upstream::Error::Ado(ado::Error::Missing { .. })) => Ok(Bytes::new()),
        Err(again) if is_page(&again) => {
            tracing::info!(child.id = child.id, "a page again: there are no details");
            Ok(Bytes::new())
        }
        Err(again) => Err(again.into()),
    }
}
