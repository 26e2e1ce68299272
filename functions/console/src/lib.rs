//! The console: the pages that a person opens, as files for a browser.
//!
//! What they show comes from the public HTTP API, with the token of the person who looks; this function knows none of it
//! and touches nothing. It serves one page for every path that a person can be at, its files under `/assets`, and in
//! `/config.json` where to sign in. The pages themselves are below `web/`; `web/app/main.js` is where they begin.
//!
//! It also serves the API's document: whoever writes a client needs it before they have a token, and this is the one
//! function that may do nothing, so that it may be asked by anybody.

mod assets;
mod policy;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use entrypoint::{Config, problem::Problem};
use http_api::refuse;
use serde::Serialize;

pub use self::policy::UnusableIssuer;
use self::{assets::Content, policy::Policy};

/// A path under the digest of all files never has another content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Asked for again each time, and answered with 304 if nothing is new.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// What this function needs, made once for each cold start.
#[derive(Clone, Debug)]
pub struct Context {
    settings: Settings,
    policy: Policy,
}

/// What the pages are told: nothing in it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// `TOKEN_ISSUER`: who signs people in.
    pub issuer: String,
    /// `CONSOLE_CLIENT_ID`: as which application; empty if nobody registered one.
    pub client_id: String,
    /// What the application asks for, so that the token is for the API.
    pub scope: String,
    /// Where the API is.
    pub api: &'static str,
}

impl Settings {
    /// Settings for tokens of this issuer, for this audience, given out to this application.
    pub fn new(issuer: String, audience: &str, client_id: String) -> Self {
        Self {
            issuer,
            client_id,
            // https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope
            scope: format!("openid profile offline_access {audience}/.default"),
            api: "/api/v1",
        }
    }
}

impl Context {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing, or the issuer has no address.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        let config = Config::from_env().await;
        let client_id = config.text("CONSOLE_CLIENT_ID").unwrap_or_default();
        let audience = config.text("TOKEN_AUDIENCE")?;
        Ok(Self::new(Settings::new(
            config.text("TOKEN_ISSUER")?,
            &audience,
            client_id,
        ))?)
    }

    /// A context that tells the pages this.
    ///
    /// # Errors
    /// The issuer has no address.
    pub fn new(settings: Settings) -> Result<Self, UnusableIssuer> {
        Ok(Self {
            policy: Policy::new(&settings.issuer)?,
            settings,
        })
    }
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    lambda_http::run(router(Context::from_env().await?)).await
}

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/config.json", get(settings))
        .route("/assets/{digest}/{*path}", get(asset))
        .route("/api/v1/openapi.json", get(document))
        .fallback(get(page))
        .layer(middleware::from_fn_with_state(context.clone(), protect))
        .with_state(context)
}

async fn protect(State(context): State<Context>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    context.policy.apply(response.headers_mut());
    response
}

async fn settings(State(context): State<Context>) -> Response {
    (
        [(header::CACHE_CONTROL, REVALIDATE)],
        Json(context.settings),
    )
        .into_response()
}

/// A file of another digest is one of another version, which this one does not have.
async fn asset(Path((digest, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match assets::find(&path) {
        Some(content) if digest == assets::DIGEST => {
            send(content, &headers, (assets::media_type(&path), FOR_EVER))
        }
        _ => refuse(Problem::not_found()),
    }
}

/// The page, which finds by itself what belongs to its path. Nothing of it is below `/api` or `/assets`.
async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let is_elsewhere = |top: &str| uri.path() == top || uri.path().starts_with(&format!("{top}/"));
    if is_elsewhere("/api") || is_elsewhere("/assets") || uri.path().contains("/.") {
        return refuse(Problem::not_found());
    }
    revalidated(&assets::PAGE, &headers, "text/html; charset=utf-8")
}

/// The API as an OpenAPI document.
async fn document(headers: HeaderMap) -> Response {
    revalidated(&assets::API_DOCUMENT, &headers, "application/json")
}

/// What may change with the next version, unless the client has it already.
fn revalidated(
    (etag, content): &'static (&str, Content),
    headers: &HeaderMap,
    media_type: &'static str,
) -> Response {
    let etag = HeaderValue::from_static(etag);
    let mut response = if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        let cache = [(header::CACHE_CONTROL, REVALIDATE)];
        (StatusCode::NOT_MODIFIED, cache).into_response()
    } else {
        send(content, headers, (media_type, REVALIDATE))
    };
    response.headers_mut().insert(header::ETAG, etag);
    response
}

fn send(
    content: &Content,
    headers: &HeaderMap,
    (media_type, cache): (&'static str, HeaderValue),
) -> Response {
    let (coding, bytes) = content.negotiate(headers);
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, cache),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    let mut response = (fixed, bytes).into_response();
    if let Some(coding) = coding {
        let coding = HeaderValue::from_static(coding);
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, coding);
    }
    response
}

#[cfg(test)]
mod tests;
