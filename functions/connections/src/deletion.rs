//! Deleting a connection: what would go, the order to go, and the receipt.
//!
//! The removal itself is the work of `fan-out`, because it can take longer than a request may.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal, Viewer};
use jiff::Timestamp;
use model::{
    Action, Actor, Connection, ConnectionId, Deletion, Holdings, IntegrationId, Purge, TenantId,
    Trace,
};
use serde::Serialize;
use storage::Records;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Context, change, found};

/// How long counting may take: API Gateway gives up after 30 seconds.
const BUDGET: Duration = Duration::from_secs(15);
/// How many partitions are counted at once.
const AT_ONCE: usize = 16;

/// What a deletion removes, or has removed.
#[derive(Debug, Serialize)]
struct DeletionView {
    connection: ConnectionId,
    name: String,
    status: DeletionStatus,
    requested_at: Option<Timestamp>,
    requested_by: Option<Actor>,
    finished_at: Option<Timestamp>,
    /// Before the deletion what is held now, after it what was removed.
    holdings: Holdings,
    /// Whether everything was counted; else there is more than that.
    complete: bool,
}

/// How far a deletion is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum DeletionStatus {
    /// Nobody has asked for it.
    NotRequested,
    /// It is under way.
    Deleting,
    /// Nothing is left.
    Deleted,
}

/// What would be removed, or how far the removal is, or what it has removed: also when the connection is gone.
pub(crate) async fn show(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection: ConnectionId = id.parse().map_err(|_| Problem::not_found())?;
    if let Some(deletion) = context.control.deletion(&tenant, connection).await? {
        return Ok(Json(DeletionView::from(deletion)).into_response());
    }
    let connection = found(&context, &tenant, &id).await?;
    Ok(Json(preview(&context, &connection).await?).into_response())
}

/// Marks the connection and has the removal start. Asking again does no harm.
pub(crate) async fn delete(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = found(&context, &admin.tenant, &id).await?;
    let entry = change::entry(&context, &admin, Action::DeletionRequested, &connection);
    let whose = (&admin.tenant, connection.id);
    let marked = context.control.begin_deletion(whose, &entry).await?;
    marked.ok_or_else(Problem::not_found)?;
    let purge = Purge {
        tenant: admin.tenant.clone(),
        connection: connection.id,
        trace: Trace::new(Uuid::new_v4()),
    };
    tracing::info!(trace.id = %purge.trace, connection.id = %purge.connection, "a removal was asked for");
    // If this fails the next tick sends for it.
    context.queues.send_purge(&purge, Duration::ZERO).await?;
    let deletion = receipt(&context, &admin.tenant, connection.id).await?;
    Ok((StatusCode::ACCEPTED, Json(DeletionView::from(deletion))).into_response())
}

async fn receipt(
    context: &Context,
    tenant: &TenantId,
    connection: ConnectionId,
) -> Result<Deletion, Refusal> {
    let deletion = context.control.deletion(tenant, connection).await?;
    Ok(deletion.ok_or_else(Problem::not_found)?)
}

async fn preview(context: &Context, connection: &Connection) -> Result<DeletionView, Refusal> {
    let integrations = context
        .control
        .integrations(&connection.tenant, connection.id)
        .await?;
    let mut holdings = context
        .control
        .holdings(connection.id, &integrations)
        .await?;
    let deadline = Instant::now() + BUDGET;
    let mut complete = true;
    for integration in &integrations {
        let (counted, whole) = count(&context.records, integration.id, deadline).await?;
        holdings += counted;
        complete &= whole;
    }
    Ok(DeletionView {
        connection: connection.id,
        name: connection.name.clone(),
        status: DeletionStatus::NotRequested,
        requested_at: None,
        requested_by: None,
        finished_at: None,
        holdings,
        complete,
    })
}

/// Counts the records of an integration, and says whether there was time for all of them.
async fn count(
    records: &Records,
    integration: IntegrationId,
    deadline: Instant,
) -> Result<(Holdings, bool), Refusal> {
    let mut holdings = Holdings::default();
    let mut left = records.partitions(integration).await?.into_iter();
    let mut counting = JoinSet::new();
    loop {
        while counting.len() < AT_ONCE
            && Instant::now() < deadline
            && let Some(partition) = left.next()
        {
            let records = records.clone();
            counting.spawn(async move {
                let keys = records.keys(integration, &partition).await?;
                let count = keys.iter().filter(|key| key.is_record()).count();
                Ok::<_, storage::Error>((partition.kind, count as u64))
            });
        }
        let Some(counted) = counting.join_next().await else {
            return Ok((holdings, left.next().is_none()));
        };
        let (kind, count) = counted??;
        *holdings.records.entry(kind).or_default() += count;
    }
}

impl From<Deletion> for DeletionView {
    fn from(deletion: Deletion) -> Self {
        let status = match deletion.finished_at {
            Some(_) => DeletionStatus::Deleted,
            None => DeletionStatus::Deleting,
        };
        Self {
            connection: deletion.connection,
            name: deletion.name,
            status,
            requested_at: Some(deletion.requested_at),
            requested_by: Some(deletion.requested_by),
            finished_at: deletion.finished_at,
            holdings: deletion.removed,
            complete: true,
        }
    }
}
