//! Connections over HTTP: create, list, get, edit, synchronize now, pause, resume, delete, and what was done to them.
//!
//! The tenant comes from the verified token alone, and what belongs to another tenant answers exactly like what does
//! not exist. A token is read from the request, checked, put away by `auth`, and never shown again. Start reading at
//! [`router`]; saving is in `create.rs`.

mod audit;
mod change;
mod create;
mod deletion;
mod edit;
mod expiry;
mod export;
mod reauthenticate;
mod report;
pub mod signed_in;
mod standing;
mod view;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State, rejection::BytesRejection},
    http::StatusCode,
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use entrypoint::{Config, problem::Problem};
use http_api::{Admin, Refusal, Viewer, in_problems, refuse};
use jiff::Timestamp;
use model::{Connection, ConnectionId, Integration, IntegrationId, Reason, Standing, TenantId};
use queue::{Addresses, Queues};
use serde_json::json;
use storage::{Control, Records, ThrottleKey};

use self::{
    report::{IntegrationReport, RequestBudget},
    view::{ConnectionView, IntegrationView},
};

/// More than any form has.
const LONGEST_BODY_BYTES: usize = 64 * 1024;

/// The handles that this function needs, built once per cold start.
#[derive(Clone, Debug)]
pub struct Context {
    client: ado::Client,
    entra: auth::Entra,
    control: Control,
    records: Records,
    secrets: auth::Secrets,
    queues: Queues,
    clock: fn() -> Timestamp,
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    let context = Context::from_env().await?;
    lambda_http::run(router(context)).await
}

impl Context {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing, or the address of Azure DevOps is not allowed.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        let config = Config::from_env().await;
        let hosts = ado::Hosts::from_base(&config.text("AZURE_DEVOPS_URL")?)?;
        let dynamodb = aws_sdk_dynamodb::Client::new(config.sdk());
        let sqs = config.later(aws_sdk_sqs::Client::new);
        let secrets = config.later(aws_sdk_secretsmanager::Client::new);
        Ok(Self {
            entra: auth::Entra::new(&hosts)?,
            client: ado::Client::new(hosts, ado::Options::default()),
            control: Control::new(dynamodb.clone(), config.text("CONTROL_TABLE")?),
            records: Records::new(dynamodb, config.text("RECORDS_TABLE")?),
            secrets: auth::Secrets::new(secrets, config.text("SECRET_PREFIX")?)
                .encrypted_with(config.text("SECRET_KEY_ARN")?),
            queues: Queues::new(sqs, Addresses::from_env(|name| config.text(name))?),
            clock: entrypoint::now,
        })
    }
}

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/api/v1/connections", post(create).get(list))
        .route(
            "/api/v1/connections/{connection}",
            get(show).patch(edit::edit).delete(deletion::delete),
        )
        .route(
            "/api/v1/connections/{connection}/deletion",
            get(deletion::show),
        )
        .route(
            "/api/v1/connections/{connection}/export",
            get(export::connection),
        )
        .route(
            "/api/v1/connections/{connection}/pause",
            post(standing::pause),
        )
        .route(
            "/api/v1/connections/{connection}/resume",
            post(standing::resume),
        )
        .route(
            "/api/v1/connections/{connection}/preview",
            post(edit::preview),
        )
        .route("/api/v1/connections/{connection}/report", get(report))
        .route("/api/v1/connections/{connection}/sync", post(sync))
        .route(
            "/api/v1/connections/{connection}/reauthenticate",
            post(reauthenticate),
        )
        .route("/api/v1/integrations/{integration}", get(show_integration))
        .route(
            "/api/v1/integrations/{integration}/export",
            get(export::integration),
        )
        .route(
            "/api/v1/integrations/{integration}/pause",
            post(standing::pause_integration),
        )
        .route(
            "/api/v1/integrations/{integration}/resume",
            post(standing::resume_integration),
        )
        .route("/api/v1/integrations/{integration}/runs", get(audit::runs))
        .route("/api/v1/audit", get(audit::list))
        .fallback(async || refuse(Problem::not_found()))
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .layer(map_response(in_problems))
        .with_state(context)
}

async fn create(
    State(context): State<Context>,
    admin: Admin,
    body: Bytes,
) -> Result<Response, Refusal> {
    let created = create::create(&context, &admin, &body).await?;
    let (connection, now) = (created.connection, (context.clock)());
    let integrations = created.integrations.into_iter();
    let integrations = integrations
        .map(|integration| IntegrationView::new(&connection, integration, &[], now))
        .collect();
    let view = ConnectionView::new(connection, integrations, now);
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn list(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
) -> Result<Response, Refusal> {
    let mut connections = Vec::new();
    for connection in context.control.connections(&tenant).await? {
        connections.push(view_of(&context, connection).await?);
    }
    Ok(Json(json!({ "connections": connections })).into_response())
}

async fn show(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = found(&context, &tenant, &id).await?;
    Ok(Json(view_of(&context, connection).await?).into_response())
}

async fn report(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = found(&context, &tenant, &id).await?;
    let control = &context.control;
    let mut integrations = Vec::new();
    for integration in control.integrations(&tenant, connection.id).await? {
        let streams = control.streams(integration.id).await?;
        let quarantined = control.quarantined(integration.id).await?;
        let which = (integration.id, integration.service);
        integrations.push(IntegrationReport::new(which, streams, quarantined));
    }
    let mut budgets = Vec::new();
    for organization in &connection.organizations {
        let key = ThrottleKey {
            connection: connection.id,
            organization,
        };
        let known = control.throttle(key).await?;
        let now = entrypoint::now();
        budgets.push(RequestBudget::new(organization.to_string(), &known, now));
    }
    let report = json!({ "integrations": integrations, "request_budgets": budgets });
    Ok(Json(report).into_response())
}

async fn sync(
    State(context): State<Context>,
    Admin { tenant, .. }: Admin,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let reason = match query.as_deref() {
        None | Some("") => Reason::Requested,
        Some("only=news") => Reason::News,
        Some(_) => {
            let detail = "the only value that it has is `news`; without it everything is looked at";
            return Err(Problem::field("only", detail).into());
        }
    };
    let connection = change::changeable(&context, &tenant, &id).await?;
    if connection.standing() == Standing::Paused {
        let detail = "this connection is paused; resume it, then everything that is due is visited";
        return Err(Problem::conflict(detail).into());
    }
    create::start_all(&context, &connection, reason).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

async fn reauthenticate(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let connection = change::changeable(&context, &admin.tenant, &id).await?;
    let body =
        body.map_err(|_| validate_pat::form::unreadable("it is too large or was cut off"))?;
    let connection = reauthenticate::reauthenticate(&context, &admin, connection, &body).await?;
    Ok(Json(view_of(&context, connection).await?).into_response())
}

/// A connection of the tenant. An id that is none, one of nobody and one of somebody else are the same: not there.
async fn found(context: &Context, tenant: &TenantId, id: &str) -> Result<Connection, Refusal> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::not_found())?;
    let connection = context.control.connection(tenant, id).await?;
    Ok(connection.ok_or_else(Problem::not_found)?)
}

/// An integration of the tenant, with its connection; not there means the same as for a connection.
async fn found_integration(
    context: &Context,
    tenant: &TenantId,
    id: &str,
) -> Result<(Connection, Integration), Refusal> {
    let id: IntegrationId = id.parse().map_err(|_| Problem::not_found())?;
    let found = context.control.integration(tenant, id).await?;
    let integration = found.ok_or_else(Problem::not_found)?;
    let connection = context
        .control
        .connection(tenant, integration.connection)
        .await?;
    Ok((connection.ok_or_else(Problem::not_found)?, integration))
}

async fn show_integration(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let (connection, integration) = found_integration(&context, &tenant, &id).await?;
    let view = view_of_integration(&context, &connection, integration).await?;
    Ok(Json(view).into_response())
}

async fn view_of(context: &Context, connection: Connection) -> Result<ConnectionView, Refusal> {
    let mut integrations = Vec::new();
    for integration in context
        .control
        .integrations(&connection.tenant, connection.id)
        .await?
    {
        integrations.push(view_of_integration(context, &connection, integration).await?);
    }
    integrations.sort_by_key(IntegrationView::service);
    Ok(ConnectionView::new(
        connection,
        integrations,
        (context.clock)(),
    ))
}

async fn view_of_integration(
    context: &Context,
    connection: &Connection,
    integration: Integration,
) -> Result<IntegrationView, Refusal> {
    let streams = context.control.streams(integration.id).await?;
    let now = (context.clock)();
    Ok(IntegrationView::new(connection, integration, &streams, now))
}
