//! The code coverage of runs whose tests have ended.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use entrypoint::Delivery;
use model::{Child, Job, Record, Work};
use resources::{
    Resource, Target,
    run_coverage::{is_newer, is_under_way, map, request, tested},
};
use storage::Counts;

use crate::{Context, Error, is_out_of_time, people::Upstream, store};

/// How long the service is left alone with a coverage that is under way: the longest that a message can wait.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html>
const LATER: Duration = Duration::from_secs(900);

/// The runs that these test runs belong to whose coverage is not stored as of the newest of them.
pub(crate) async fn wanted(
    context: &Context,
    job: &Job,
    records: &[Record],
) -> Result<Vec<Child>, Error> {
    left(context, job, tested(records)).await
}

/// Those whose coverage is not stored yet.
pub(crate) async fn left(
    context: &Context,
    job: &Job,
    mut runs: Vec<Child>,
) -> Result<Vec<Child>, Error> {
    let keys = runs.iter().map(|child| &child.row);
    let stored = context.records.stored(job.integration, keys).await?;
    runs.retain(|child| match stored.get(&child.row) {
        Some(known) => is_newer(child, known.version),
        None => true,
    });
    Ok(runs)
}

/// Asks for one run after the other. A run leaves the list when its coverage is durable; one whose coverage is under way
/// goes into a message that waits.
pub(crate) async fn of_runs(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    (waiting, counts): (&mut VecDeque<Child>, &mut Counts),
) -> Result<(), Error> {
    let job = &delivery.message;
    let target = Target::from(job);
    let mut unfinished = Vec::new();
    while let Some(run) = waiting.front() {
        if is_out_of_time(delivery, *counts) {
            break;
        }
        let body = match upstream.send(&request(&target, run)).await {
            Ok(reply) => reply.body.bytes,
            // The run was deleted upstream since, or has no coverage: that is an answer, "none".
            Err(upstream::Error::Ado(ado::Error::Missing { .. })) => Bytes::new(),
            Err(error) => {
                send_later(context, job, unfinished).await?;
                return Err(error.into());
            }
        };
        let now = context.now();
        match map(&target, run, &body) {
            Ok(coverage) if is_under_way(&coverage, now) => unfinished.push(run.clone()),
            Ok(coverage) => {
                let record = [Record::RunCoverage(coverage)];
                *counts += store::store(context, job, resource, &record, (false, now)).await?;
            }
            Err(error) => {
                tracing::warn!(run.id = run.id, error = %error, "set coverage aside");
                let aside = vec![(Some(run.id.clone()), "", error.to_string())];
                counts.quarantined += store::note(context, job, aside).await?;
            }
        }
        counts.pages += 1;
        waiting.pop_front();
    }
    send_later(context, job, unfinished).await
}

async fn send_later(context: &Context, job: &Job, runs: Vec<Child>) -> Result<(), Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let later = Job {
        work: Work::Children(runs),
        ..job.clone()
    };
    context.queues.send_jobs(&[later], LATER).await?;
    Ok(())
}
