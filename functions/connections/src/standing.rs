//! Pausing and resuming, a connection or one of its integrations.
//!
//! A pause takes effect at once: ticks pass by, jobs that come are put aside, and a worker stops before its next request.
//! Cursors stay where they are, so that the end of a pause is an ordinary visit to what has become due.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{Action, Connection, IntegrationStatus, Reason};

use crate::{
    Context, change, create::start_all, found, found_integration, view_of, view_of_integration,
};

pub(crate) async fn pause(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = change::changeable(&context, &admin.tenant, &id).await?;
    let now = (context.clock)();
    let entry = change::entry(&context, &admin, Action::Paused, &connection);
    let paused = context
        .control
        .change_connection((&admin.tenant, connection.id), Some(&entry), |connection| {
            connection.paused_at.get_or_insert(now);
        })
        .await?;
    answer(&context, paused, StatusCode::OK).await
}

pub(crate) async fn resume(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = change::changeable(&context, &admin.tenant, &id).await?;
    let entry = change::entry(&context, &admin, Action::Resumed, &connection);
    let resumed = context
        .control
        .change_connection((&admin.tenant, connection.id), Some(&entry), |connection| {
            connection.paused_at = None;
        })
        .await?;
    wake(&context, &connection).await?;
    answer(&context, resumed, StatusCode::ACCEPTED).await
}

pub(crate) async fn pause_integration(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    set(&context, &admin, &id, IntegrationStatus::Paused).await?;
    shown(&context, &admin, &id, StatusCode::OK).await
}

pub(crate) async fn resume_integration(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = set(&context, &admin, &id, IntegrationStatus::Active).await?;
    wake(&context, &connection).await?;
    shown(&context, &admin, &id, StatusCode::ACCEPTED).await
}

/// Sets the status of an integration, and returns its connection.
async fn set(
    context: &Context,
    admin: &Admin,
    id: &str,
    status: IntegrationStatus,
) -> Result<Connection, Refusal> {
    let (connection, integration) = found_integration(context, &admin.tenant, id).await?;
    change::refuse_if_deleting(&connection)?;
    let action = match status {
        IntegrationStatus::Active => Action::Resumed,
        IntegrationStatus::Paused => Action::Paused,
    };
    let mut entry = change::entry(context, admin, action, &connection);
    entry.integration = Some(integration.id);
    let whose = (&admin.tenant, connection.id, integration.id);
    let set = context
        .control
        .change_integration(whose, Some(&entry), |integration| {
            integration.status = status;
        });
    set.await?.ok_or_else(Problem::not_found)?;
    Ok(connection)
}

/// Has what has become due visited now instead of at the next tick.
async fn wake(context: &Context, connection: &Connection) -> Result<(), Refusal> {
    start_all(context, connection, Reason::Resumed).await
}

async fn answer(
    context: &Context,
    changed: Option<Connection>,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let connection = changed.ok_or_else(Problem::not_found)?;
    let view = view_of(context, connection).await?;
    Ok((status, Json(view)).into_response())
}

async fn shown(
    context: &Context,
    admin: &Admin,
    id: &str,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let (connection, integration) = found_integration(context, &admin.tenant, id).await?;
    let connection = found(context, &admin.tenant, &connection.id.to_string()).await?;
    let view = view_of_integration(context, &connection, integration).await?;
    Ok((status, Json(view)).into_response())
}
