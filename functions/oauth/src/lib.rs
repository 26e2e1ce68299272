//! Connecting by signing in to Microsoft Entra ID.
//!
//! `POST /oauth/authorize` takes what is wanted from an administrator, notes it, and answers with the page to sign in on.
//! `GET /oauth/callback` is where Entra ID leads the browser back to, without a token of ours: the state says which
//! sign-in it is, and works once within ten minutes; a cookie says that it is the same browser; the note says for which
//! tenant. Every way back ends on a page that says what came of it and what to do.
//!
//! The authorization code goes to Entra ID and nowhere else; the tokens that it is redeemed for are put away by
//! `connections`, which checks them like every other credential. Start reading at [`router`], then `callback.rs`.

mod callback;
mod id_token;
mod page;
mod returned;
mod session;
mod wish;

use std::env;

use auth::{Authority, Entra, Secrets, SignInRequest};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use connections::signed_in::Connections;
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal, in_problems, refuse};
use jiff::{SignedDuration, Timestamp};
use model::{ApplicationId, DirectoryId, Service};
use serde_json::json;
use storage::{Control, PendingSignIn};

use self::{
    callback::finish,
    returned::Returned,
    session::{LIFETIME_S, Session, hash},
    wish::{Purpose, Wish},
};

/// More than any form has.
const LONGEST_BODY_BYTES: usize = 64 * 1024;

/// The handles that this function needs, built once per cold start.
#[derive(Clone, Debug)]
pub struct Context {
    client: ado::Client,
    entra: Entra,
    control: Control,
    secrets: Secrets,
    connections: Connections,
    application: Option<Application>,
    clock: fn() -> Timestamp,
}

/// The application that people sign in to.
#[derive(Clone, Debug)]
struct Application {
    id: ApplicationId,
    /// The one address that Entra ID leads back to.
    redirect: String,
    /// The one directory whose accounts may sign in; any if it is `None`.
    directory: Option<DirectoryId>,
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
    /// Reads the environment that the template sets. `OAUTH_CLIENT_ID` and `OAUTH_REDIRECT_URI` are empty where nobody
    /// may sign in.
    ///
    /// # Errors
    /// A variable is missing, or the address of Azure DevOps is not allowed.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        let connections = Connections::from_env().await?;
        Ok(Self {
            entra: connections.entra(),
            client: connections.client(),
            control: connections.control(),
            secrets: connections.secrets(),
            connections,
            application: Application::from_env()?,
            clock: entrypoint::now,
        })
    }
}

impl Application {
    fn from_env() -> Result<Option<Self>, lambda_http::Error> {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(id), Some(redirect)) = (set("OAUTH_CLIENT_ID"), set("OAUTH_REDIRECT_URI")) else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: ApplicationId(id.parse()?),
            redirect,
            directory: match set("OAUTH_TENANT_ID") {
                Some(directory) => Some(DirectoryId(directory.parse()?)),
                None => None,
            },
        }))
    }

    /// Where somebody signs in. A code is redeemed at the authority that gave it, and a guest gets a token of the
    /// directory that is named here and not of their own.
    fn authority(&self, wish: &Wish) -> Authority {
        match wish.directory.or(self.directory) {
            Some(directory) => Authority::Directory(directory),
            None => Authority::Organizations,
        }
    }
}

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/oauth/authorize", post(begin))
        .route("/oauth/callback", get(come_back))
        .fallback(async || refuse(Problem::not_found()))
        .layer(DefaultBodyLimit::max(LONGEST_BODY_BYTES))
        .layer(map_response(in_problems))
        .with_state(context)
}

/// Notes what is wanted, and answers with the page to go to.
async fn begin(
    State(context): State<Context>,
    admin: Admin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|_| Problem::unreadable("it is too large or was cut off"))?;
    let wish = Wish::parse(&body)?;
    let application = context.application.as_ref().ok_or_else(no_application)?;
    if let (Some(only), Some(wanted)) = (application.directory, wish.directory)
        && only != wanted
    {
        let detail = format!("only accounts of the directory {only} may sign in here");
        return Err(Problem::field("tenant_id", detail).into());
    }
    let services = services(&context, &admin, &wish).await?;
    let session = Session::new().ok_or_else(Problem::unavailable)?;
    let pending = PendingSignIn {
        tenant: admin.tenant,
        by: admin.by,
        browser: session.browser_hash(),
        wish: serde_json::to_string(&wish)?,
        expires_at: (context.clock)()
            .saturating_add(SignedDuration::from_secs(LIFETIME_S))
            .unwrap_or(Timestamp::MAX),
    };
    let state = hash(&session.state);
    context.control.begin_sign_in(&state, &pending).await?;
    let page = context.entra.sign_in_page(
        application.authority(&wish),
        &SignInRequest {
            client: application.id,
            redirect: &application.redirect,
            state: &session.state,
            challenge: &session.challenge(),
            nonce: &session.nonce(),
            services: &services,
        },
    );
    let headers = [
        (header::SET_COOKIE, session.cookie()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let answer = json!({ "sign_in_url": page.as_str(), "expires_at": pending.expires_at });
    Ok((headers, Json(answer)).into_response())
}

/// What the person is asked to agree to, if what is wanted can be had at all.
async fn services(context: &Context, admin: &Admin, wish: &Wish) -> Result<Vec<Service>, Refusal> {
    match &wish.purpose {
        Purpose::Connect { name, services, .. } => {
            if let Some(name) = name {
                context.connections.is_free(admin, name).await?;
            }
            Ok(services.clone())
        }
        Purpose::Reauthenticate { connection, .. } => {
            context.connections.services(admin, *connection).await
        }
    }
}

fn no_application() -> Problem {
    Problem {
        kind: "/problems/no-application",
        status: 409,
        title: "nobody can sign in",
        detail: "this deployment has no application for sign-ins: set its parameters OAuthClientId and OAuthRedirectUri, or \
                 connect with a personal access token or a service principal"
            .to_owned(),
        field: None,
    }
}

async fn come_back(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let returned = Returned::parse(&query.unwrap_or_default());
    match finish(&context, returned, &headers).await {
        Ok(page) | Err(page) => page.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::RequestExt as _;

    use super::*;

    #[test]
    fn the_sample_event_of_a_beginning_is_a_wish_of_an_administrator() {
        let event = include_str!("../../../events/oauth-authorize.json");
        let request = lambda_http::request::from_str(event).unwrap();
        assert_eq!(request.raw_http_path(), "/oauth/authorize");
        let wish = Wish::parse(request.body()).unwrap();
        assert!(matches!(wish.purpose, Purpose::Connect { .. }), "{wish:?}");
    }

    #[test]
    fn the_sample_event_of_a_way_back_has_a_code_a_state_and_a_cookie() {
        let event = include_str!("../../../events/oauth-callback.json");
        let request = lambda_http::request::from_str(event).unwrap();
        assert_eq!(request.raw_http_path(), "/oauth/callback");
        let returned = Returned::parse(request.uri().query().unwrap()).unwrap();
        assert!(returned.result.is_ok());
        let session = Session::returning(returned.state, request.headers()).unwrap();
        assert_eq!(session.browser_hash(), hash("not-a-secret"));
    }
}
