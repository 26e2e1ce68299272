//! Shows one stored thing beside what Azure DevOps says of it now.
//!
//! `GET /api/v1/connections/{connection}/spot-check?kind=run&id=17&project=Fiber` asks Azure DevOps once, in the way in which
//! ingestion asks, maps the answer with ingestion's own code, and compares it with what is stored, field by field. The verdict
//! says what kind of difference there is, and when it goes by itself.
//!
//! It stores nothing, and a refused credential is only told: what that means for the connection is for `fetch` to find out.
//! Finding both sides is in `find.rs`; comparing them (`compare.rs`) and judging (`verdict.rs`) are pure. Start reading at
//! [`router`].

mod compare;
mod find;
mod question;
mod verdict;

use std::{sync::Arc, time::Duration};

use auth::{Entra, Secrets, Tokens};
use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use entrypoint::{Config, problem::Problem};
use http_api::{Refusal, Viewer, in_problems, refuse};
use jiff::Timestamp;
use model::{
    Connection, ConnectionId, Facet, IntegrationId, OrganizationName, Retention, Service, TenantId,
};
use resources::single::Single;
use serde::Serialize;
use storage::{Control, Records, StoredRecord};

use self::{
    compare::{Field, compare},
    find::{Live, Place},
    question::Question,
    verdict::{Situation, Stored, Verdict, judge},
};

/// Longest wait for one answer of Azure DevOps.
const ANSWER: Duration = Duration::from_secs(12);
/// Longest wait for Azure DevOps altogether: people wait for it, and API Gateway gives up after 30 seconds.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const BUDGET: Duration = Duration::from_secs(18);

/// The handles that this function needs, built once per cold start.
#[derive(Debug)]
pub struct Context {
    client: ado::Client,
    control: Control,
    records: Records,
    tokens: Tokens,
    retention: Retention,
    clock: fn() -> Timestamp,
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    lambda_http::run(router(Context::from_env().await?)).await
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
        let secrets = config.later(aws_sdk_secretsmanager::Client::new);
        let control = Control::new(dynamodb.clone(), config.text("CONTROL_TABLE")?);
        let options = ado::Options {
            timeout: ANSWER,
            ..ado::Options::default()
        };
        Ok(Self {
            tokens: Tokens::new(
                Secrets::new(secrets, config.text("SECRET_PREFIX")?),
                control.clone(),
                Entra::new(&hosts)?,
                entrypoint::now,
            ),
            client: ado::Client::new(hosts, options),
            control,
            records: Records::new(dynamodb, config.text("RECORDS_TABLE")?),
            retention: config.retention()?,
            clock: entrypoint::now,
        })
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/api/v1/connections/{connection}/spot-check", get(check))
        .fallback(async || refuse(Problem::not_found()))
        .layer(map_response(in_problems))
        .with_state(Arc::new(context))
}

/// The answer.
#[derive(Debug, Serialize)]
struct SpotCheck {
    kind: &'static str,
    id: String,
    organization: OrganizationName,
    service: Service,
    integration: IntegrationId,
    checked_at: Timestamp,
    #[serde(flatten)]
    verdict: Verdict,
    /// Whether there is a stored record.
    stored: bool,
    /// Whether Azure DevOps shows it.
    live: bool,
    /// When the stored record expires; `null` while the thing is open, or if there is none.
    expires_at: Option<Timestamp>,
    fields: Vec<Field>,
    /// What is fetched for it by requests of its own, which are not repeated for a look.
    details: Vec<Detail>,
}

/// Whether a facet is stored.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Detail {
    name: &'static str,
    state: DetailState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum DetailState {
    /// It was fetched for the state that the thing is in.
    Current,
    /// It was fetched for an earlier state.
    Older,
    /// It was not fetched.
    Missing,
}

async fn check(
    State(context): State<Arc<Context>>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let connection = found(&context, &tenant, &id).await?;
    let question = Question::parse(&query.unwrap_or_default(), &connection)?;
    let place = find::place(&context, &connection, &question).await?;
    let live = find::live(&context, &connection, &place, &question).await;
    let now = context.now();
    let stored = find::stored(&context, &place, &question, &live, now).await?;
    let known = find::known(
        &context,
        &connection,
        (&place, &question),
        (stored.as_ref(), &live),
    )
    .await?;
    let both = stored.as_ref().map(|stored| &stored.record);
    let fields = compare(both, live.record())?;
    let situation = Situation {
        stored: stored.as_ref().map(|own| Stored {
            record: &own.record,
            expires_at: expires_at(own),
        }),
        live: &live,
        fields: &fields,
        known: &known,
        retention: context.retention,
        now,
    };
    let answer = SpotCheck {
        kind: question.which.kind().name(),
        id: question.id.to_string(),
        verdict: judge(&situation),
        organization: place.organization.name.clone(),
        service: question.which.service(),
        integration: place.integration.id,
        checked_at: now,
        stored: stored.is_some(),
        live: live.record().is_some(),
        expires_at: stored.as_ref().and_then(expires_at),
        details: details(stored.as_ref(), &live),
        fields,
    };
    Ok(Json(answer).into_response())
}

/// A connection of the tenant. An id that is none, one of nobody and one of somebody else are the same: not there.
async fn found(context: &Context, tenant: &TenantId, id: &str) -> Result<Connection, Refusal> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::not_found())?;
    let connection = context.control.connection(tenant, id).await?;
    Ok(connection.ok_or_else(Problem::not_found)?)
}

fn expires_at(stored: &StoredRecord) -> Option<Timestamp> {
    Timestamp::from_second(stored.expires_at?).ok()
}

/// The facets that the thing has now, and whether those that are stored are of its present state.
fn details(stored: Option<&StoredRecord>, live: &Live) -> Vec<Detail> {
    let Some(stored) = stored else {
        return Vec::new();
    };
    let record = live.record().unwrap_or(&stored.record);
    let detail = |facet: Facet| {
        let (wanted, has) = (record.marker(facet), stored.markers.get(&facet));
        if wanted.is_none() && has.is_none() {
            return None;
        }
        let state = match has {
            None => DetailState::Missing,
            Some(has) if wanted.as_ref().is_none_or(|wanted| wanted == has) => DetailState::Current,
            Some(_) => DetailState::Older,
        };
        let name = facet.name();
        Some(Detail { name, state })
    };
    Facet::ALL.into_iter().filter_map(detail).collect()
}

impl Place {
    /// Where Azure DevOps is asked.
    fn target(&self) -> resources::Target<'_> {
        resources::Target {
            organization: &self.organization,
            scope: &self.scope,
        }
    }
}

/// The names by which kinds are asked for.
fn kind_names() -> String {
    Single::ALL
        .map(|which| format!("`{}`", which.kind()))
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_is_a_request_of_this_function() {
        use lambda_http::RequestExt as _;
        let event = include_str!("../../../events/spot-check.json");
        let request = lambda_http::request::from_str(event).unwrap();
        let path = "/api/v1/connections/c0ffee00-1d2e-4f3a-8b4c-5d6e7f809a1b/spot-check";
        assert_eq!(request.raw_http_path(), path);
        let connection = question::tests::connection(&["fabrikam"]);
        let question = Question::parse(request.uri().query().unwrap(), &connection).unwrap();
        assert_eq!(question.which, Single::Run);
    }
}
