//! Says what a personal access token can read, before anything is saved.
//!
//! `POST /api/v1/connections/validate` takes `{ "organizations": ["fabrikam"], "pat": "...", "services": [...] }` and
//! answers with one report for each organization: who the token is there, and for each service and a sample of projects
//! whether it is readable, forbidden and for want of what, or unreachable and why; how much a first synchronization will
//! find, what a `selection` takes and leaves out of it, and where upstream deletes before we would; when the token ends. A
//! request that makes no sense is answered with `application/problem+json` that names the field.
//!
//! It stores nothing, logs nothing of the request, and keeps the token no longer than the answer takes. The gateway has
//! checked who is asking before it is called; it has to be an administrator. Finding out is [`ado::probe`]'s work; this crate
//! is the form around it. Start reading at [`router`].

pub mod form;

use std::{env, time::Duration};

use ado::{
    Client, Hosts, Options,
    probe::{OrganizationReport, Wanted, Window, compare, probe},
};
use auth::Entra;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::post,
};
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal, in_problems, refuse};
use model::{Expiry, Fault, OrganizationName, Retention, Selection, Service};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use self::form::{Form, Given};

/// How long finding out may take altogether: people wait for it, and API Gateway gives up after 30 seconds.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BUDGET: Duration = Duration::from_secs(10);

/// More than any form has.
const LONGEST_BODY_BYTES: usize = 64 * 1024;

/// What this function needs, made once for each cold start.
#[derive(Clone, Debug)]
pub struct Context {
    client: Client,
    entra: Entra,
    retention: Retention,
}

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ColdStart {
    /// `AZURE_DEVOPS_URL` is not set.
    #[error("environment variable AZURE_DEVOPS_URL is missing")]
    MissingUrl,
    /// `RETENTION_DAYS` is not set, or no number.
    #[error("environment variable RETENTION_DAYS is missing or unusable")]
    MissingRetention,
    /// `AZURE_DEVOPS_URL` is no place for a credential, or no client can be made.
    #[error("cannot talk to AZURE_DEVOPS_URL")]
    Client(#[from] ado::Error),
}

impl Context {
    /// Reads `AZURE_DEVOPS_URL`, the address of Azure DevOps: `https://dev.azure.com`, or whatever stands in for it; and
    /// `RETENTION_DAYS`, how far back a first synchronization looks.
    ///
    /// # Errors
    /// One of them is missing, or no credential may be sent there.
    pub fn from_env() -> Result<Self, ColdStart> {
        let base = env::var("AZURE_DEVOPS_URL").map_err(|_| ColdStart::MissingUrl)?;
        let days = env::var("RETENTION_DAYS").ok();
        let days = days.and_then(|days| days.parse().ok());
        Ok(Self {
            retention: days
                .map(Retention::days)
                .ok_or(ColdStart::MissingRetention)?,
            ..Self::new(Hosts::from_base(&base)?)?
        })
    }

    /// A context that asks these hosts, for as many days as records are kept without a wish.
    ///
    /// # Errors
    /// Entra ID has no address.
    pub fn new(hosts: Hosts) -> Result<Self, ado::Error> {
        Ok(Self {
            entra: Entra::new(&hosts)?,
            client: Client::new(hosts, Options::default()),
            retention: Retention::default(),
        })
    }
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    lambda_http::run(router(Context::from_env()?)).await
}

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/api/v1/connections/validate", post(validate))
        .fallback(async || refuse(Problem::not_found()))
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .layer(map_response(in_problems))
        .with_state(context)
}

/// The answer: one report for each organization, in the order of the request.
#[derive(Serialize)]
struct Matrix {
    organizations: Vec<OrganizationReport>,
    /// When parts of the credential end, as the request says or Microsoft has announced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expiries: Vec<Expiry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A token is sent to Azure DevOps for whoever may save it.
async fn validate(
    State(context): State<Context>,
    _: Admin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|_| Problem::unreadable("it is too large or was cut off"))?;
    let mut fields = form::fields(&body)?;
    let selection = fields
        .remove("selection")
        .map(form::selection)
        .transpose()?;
    look(&context, Form::from_fields(fields)?, selection).await
}

async fn look(
    context: &Context,
    form: Form,
    selection: Option<Selection>,
) -> Result<Response, Refusal> {
    let now = entrypoint::now();
    let warnings = form.given.warnings(now);
    let expiries = form.given.expiries.clone();
    let ways = (&context.client, &context.entra);
    let wanted = Wanted {
        services: form.services,
        window: Some(Window {
            retention: context.retention,
            now,
        }),
        selection,
    };
    let (_, organizations) = look_at(ways, form.given, &form.organizations, wanted).await?;
    let matrix = Matrix {
        organizations,
        expiries,
        warnings,
    };
    Ok(Json(matrix).into_response())
}

/// Probes every organization at once, all within one budget, with what is given, which is given back with the access
/// token that it may have needed; getting that one counts.
///
/// # Errors
/// An organization has no credential, or a probe broke down.
pub async fn reports(
    ways: (&Client, &Entra),
    given: Given,
    organizations: &[OrganizationName],
    services: &[Service],
) -> Result<(Option<Given>, Vec<OrganizationReport>), Problem> {
    let wanted = Wanted {
        services: services.to_vec(),
        window: None,
        selection: None,
    };
    look_at(ways, given, organizations, wanted).await
}

async fn look_at(
    (client, entra): (&Client, &Entra),
    given: Given,
    organizations: &[OrganizationName],
    wanted: Wanted,
) -> Result<(Option<Given>, Vec<OrganizationReport>), Problem> {
    let deadline = Instant::now() + BUDGET;
    let signed_in = timeout_at(deadline, given.signed_in(entra, entrypoint::now())).await;
    let late = |_| {
        Err(auth::Error::Unavailable {
            reason: "it did not answer in time".to_owned(),
            after: None,
        })
    };
    let given = match signed_in.unwrap_or_else(late) {
        Ok(given) => given,
        Err(error) => {
            let (reason, next_step) = error.explanation();
            let refused = |organization: &OrganizationName| {
                let is_refused = error.fault() == Fault::Reauthorize;
                let why = (reason.clone(), next_step.clone());
                OrganizationReport::no_credential(organization.clone(), is_refused, why)
            };
            return Ok((None, organizations.iter().map(refused).collect()));
        }
    };
    let mut probes = Vec::with_capacity(organizations.len());
    for organization in organizations {
        let credential = given
            .credential(organization)
            .ok_or_else(Problem::unavailable)?;
        let (client, organization) = (client.clone(), organization.clone());
        let wanted = wanted.clone();
        let left = deadline.saturating_duration_since(Instant::now());
        probes.push(tokio::spawn(async move {
            probe(&client, &credential, &organization, &wanted, left).await
        }));
    }
    let mut reports = Vec::with_capacity(probes.len());
    for probe in probes {
        reports.push(probe.await.map_err(|_| Problem::unavailable())?);
    }
    compare(&mut reports);
    Ok((Some(given), reports))
}

#[cfg(test)]
mod tests;
