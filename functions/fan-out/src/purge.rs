//! Removing everything that is held for a connection that a user has deleted.
//!
//! The connection was marked before, so nobody can begin to store anything of it. Those who had begun are waited for, until
//! the moment at which Lambda has killed the last of them. What is there then is all there will ever be: it is counted,
//! deleted, and looked for again. Every step can be repeated, so a message that comes twice, or is broken off and comes
//! again, ends with the same receipt.

use std::{
    panic::resume_unwind,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use model::{
    Action, Actor, Connection, ConnectionStatus, Entry, Integration, IntegrationId, Purge,
};
use storage::Partition;
use tokio::task::JoinSet;

use crate::{Context, Error};

/// How often it is looked whether those who are still at work are done.
const POLL: Duration = Duration::from_secs(2);
/// What is kept free at the end of an invocation: a partition under way can still be emptied, and the rest be sent on.
const RESERVE: Duration = Duration::from_secs(20);
/// How many partitions are emptied at once, and taken off the list together: a transaction takes 100 items.
const AT_ONCE: usize = 8;
/// How many rows of the control table are deleted between two looks at the clock.
const ROWS: usize = 500;

/// Removes what is held for a connection, or a part of it and sends for the rest. A connection that nobody has deleted is
/// left alone, and so is one that is gone.
///
/// # Errors
/// See [`Error`]; the message comes again and goes on.
#[tracing::instrument(skip_all, fields(trace.id = %message.trace, connection.id = %message.connection))]
pub async fn purge(context: &Context, message: &Purge, deadline: Instant) -> Result<(), Error> {
    let (tenant, id) = (&message.tenant, message.connection);
    let found = context.control.connection(tenant, id).await?;
    let is_deleted = |found: &Connection| found.status == ConnectionStatus::Deleting;
    let Some(connection) = found.filter(is_deleted) else {
        tracing::info!("nothing to remove");
        return Ok(());
    };
    // First of all the way in: a worker that has read the secret stops before its next request.
    context.secrets.delete(tenant, id).await?;
    let now = (context.clock)();
    if let Some(until) = context.control.last_worker((tenant, id), now).await? {
        tracing::info!(until = %until, "waiting for those who are at work");
        context.queues.send_purge(message, wait(now, until)).await?;
        return Ok(());
    }
    let integrations = context.control.integrations(tenant, id).await?;
    let held = context.control.holdings(id, &integrations).await?;
    let control = &context.control;
    control.note_removed((tenant, id), &held).await?;
    if remove(context, &connection, &integrations, deadline).await? {
        let entry = Entry {
            at: (context.clock)(),
            by: Actor::system(),
            action: Action::Deleted,
            connection: id,
            name: connection.name.clone(),
            integration: None,
            fields: Vec::new(),
        };
        control
            .finish_deletion(&connection, &integrations, &entry)
            .await?;
        tracing::info!("nothing is left");
    } else {
        context.queues.send_purge(message, Duration::ZERO).await?;
        tracing::info!("removal goes on");
    }
    Ok(())
}

/// Long enough to be worth a message, short enough for a user who waits.
fn wait(now: Timestamp, until: Timestamp) -> Duration {
    let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    left.clamp(Duration::from_secs(1), POLL)
}

/// Empties every place, and says whether a second look found nothing in any of them; `false` also if the time is spent
/// before. Something is always removed, so that even a timeout that is far too short makes progress.
async fn remove(
    context: &Context,
    connection: &Connection,
    integrations: &[Integration],
    deadline: Instant,
) -> Result<bool, Error> {
    let whose = (&connection.tenant, connection.id);
    let has_time = || deadline.saturating_duration_since(Instant::now()) > RESERVE;
    for integration in integrations {
        let partitions = context.records.partitions(integration.id).await?;
        for some in partitions.chunks(AT_ONCE) {
            let emptied = empty(context, integration.id, some).await?;
            let is_whole = emptied.len() == some.len();
            let list = (&context.records, integration.id);
            let forgotten = context.control.forget_partitions(whose, list, &emptied);
            if !forgotten.await? || !is_whole || !has_time() {
                return Ok(false);
            }
        }
    }
    let ids: Vec<IntegrationId> = integrations.iter().map(|own| own.id).collect();
    while !context.control.empty(connection.id, &ids, ROWS).await? {
        if !has_time() {
            return Ok(false);
        }
    }
    for integration in integrations {
        if !context.records.partitions(integration.id).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Empties some partitions at once, and returns those that are empty with the number of records they had.
async fn empty(
    context: &Context,
    integration: IntegrationId,
    partitions: &[Partition],
) -> Result<Vec<(Partition, u64)>, Error> {
    let mut emptying = JoinSet::new();
    for partition in partitions {
        let (records, partition) = (context.records.clone(), partition.clone());
        emptying.spawn(async move {
            let count = records.empty(integration, &partition).await?;
            Ok::<_, storage::Error>(count.map(|count| (partition, count)))
        });
    }
    let mut emptied = Vec::new();
    while let Some(done) = emptying.join_next().await {
        let done = done.unwrap_or_else(|failed| resume_unwind(failed.into_panic()));
        emptied.extend(done?);
    }
    Ok(emptied)
}
