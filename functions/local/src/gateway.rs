//! The HTTP API: routes and authorizer as API Gateway has them, payload format 2.0 to the functions.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod answer;
mod authorizer;
mod event;
pub(crate) mod issuer;
mod routes;
pub(crate) mod sign_in;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value};

use self::authorizer::Verifier;
use self::issuer::Issuer;
use self::routes::Found;
use self::sign_in::SignIn;
use crate::lambda::{InvokeError, Lambda};
use crate::template::{Authorizer, Route};

/// The longest that API Gateway waits for a function.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest request that Lambda takes.
const LARGEST_REQUEST: usize = 6 << 20;

/// What the gateway needs.
#[derive(Debug)]
pub(crate) struct Gateway {
    routes: Vec<Route>,
    verifiers: BTreeMap<String, Verifier>,
    lambda: Lambda,
}

impl Gateway {
    pub(crate) fn new(
        routes: Vec<Route>,
        authorizers: BTreeMap<String, Authorizer>,
        lambda: Lambda,
    ) -> Self {
        let verifiers = authorizers
            .into_iter()
            .map(|(name, authorizer)| (name, Verifier::new(authorizer)))
            .collect();
        Self {
            routes,
            verifiers,
            lambda,
        }
    }

    /// Returns the router: the template's routes, and beside them the local issuer's public documents and its sign-in.
    pub(crate) fn router(self, issuer: Arc<Issuer>, sign_in: Arc<SignIn>) -> Router {
        let local = Router::new()
            .route(
                "/.local-issuer/.well-known/openid-configuration",
                get(issuer::configuration),
            )
            .route("/.local-issuer/.well-known/jwks.json", get(issuer::keys))
            .with_state(issuer);
        Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
            .with_state(Arc::new(self))
            .merge(local)
            .merge(sign_in.router())
    }
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(found) = routes::find(&gateway.routes, &parts.method, parts.uri.path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let claims = match authorize(&gateway, &found, &parts.headers).await {
        Ok(claims) => claims,
        Err(response) => return response,
    };
    let Ok(body) = axum::body::to_bytes(body, LARGEST_REQUEST).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let event = event::build(&found, &parts, &body, claims);
    integrate(
        &gateway.lambda,
        &found.route.function,
        event,
        &parts.method,
        &parts.uri,
    )
    .await
}

async fn authorize(
    gateway: &Gateway,
    found: &Found<'_>,
    headers: &header::HeaderMap,
) -> Result<Option<Map<String, Value>>, Response> {
    let Some(name) = &found.route.authorizer else {
        return Ok(None);
    };
    let unauthorized = || {
        let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Bearer"),
        );
        response
    };
    let verifier = gateway.verifiers.get(name).ok_or_else(unauthorized)?;
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    verifier.verify(token).await.map(Some).map_err(|error| {
        tracing::info!(%error, "a request was not authorized");
        unauthorized()
    })
}

async fn integrate(
    lambda: &Lambda,
    function: &str,
    event: Bytes,
    method: &Method,
    uri: &Uri,
) -> Response {
    match tokio::time::timeout(INTEGRATION_TIMEOUT, lambda.invoke(function, event)).await {
        Ok(Ok(payload)) => answer::read(&payload).unwrap_or_else(|| {
            tracing::warn!(function, %method, path = uri.path(), "a function's answer is not an HTTP answer");
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }),
        Ok(Err(InvokeError::Stopped)) | Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        Ok(Err(error)) => {
            tracing::warn!(%error, %method, path = uri.path(), "an HTTP function failed");
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

/// Answers in the gateway's own words, which never contain a function's.
fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
