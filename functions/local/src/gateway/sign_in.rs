//! Signing in with a browser: the authorization code flow of the local issuer, with PKCE and one click.
//!
//! It stands in for the company's OpenID Connect provider, so it asks for no password: who reaches this machine's
//! loopback address may read the data directory anyway. A cookie remembers the choice, so that a page which is loaded again
//! need not ask; refresh tokens renew what expires. <https://www.rfc-editor.org/rfc/rfc7636>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::issuer::Issuer;

/// How long a code can be redeemed, as RFC 6749 recommends at most.
const CODE_LIFETIME: Duration = Duration::from_secs(600);
/// How long the tokens are good.
const TOKEN_SECONDS: i64 = 3600;
/// The name of the cookie that remembers the role.
const COOKIE: &str = "local-issuer";

/// The roles that a person can sign in with, and what they get.
const ROLES: [(&str, &[&str]); 2] = [("admin", &["admin", "viewer"]), ("viewer", &["viewer"])];

/// The tenant of a single machine.
pub(crate) const TENANT: &str = "local";

/// The sign-in of the local issuer.
#[derive(Debug)]
pub(crate) struct SignIn {
    issuer: Arc<Issuer>,
    /// Where the API and everything that may sign in here is.
    origin: Option<Url>,
    audience: String,
    codes: Mutex<HashMap<String, Grant>>,
    /// What each refresh token renews.
    renewals: Mutex<HashMap<String, Renewal>>,
}

/// What a code stands for until it is redeemed.
#[derive(Debug)]
struct Grant {
    client: String,
    redirect: String,
    challenge: String,
    nonce: Option<String>,
    roles: &'static [&'static str],
    made: Instant,
}

/// Who goes on being signed in, in which application.
#[derive(Clone, Debug)]
struct Renewal {
    client: String,
    roles: &'static [&'static str],
}

impl SignIn {
    /// A sign-in for what is served at `url`, with access tokens for `audience`.
    pub(crate) fn new(issuer: Arc<Issuer>, url: &str, audience: String) -> Self {
        Self {
            issuer,
            origin: Url::parse(url).ok(),
            audience,
            codes: Mutex::default(),
            renewals: Mutex::default(),
        }
    }

    /// The issuer's two endpoints.
    pub(super) fn router(self: Arc<Self>) -> Router {
        use axum::routing::{get, post};
        Router::new()
            .route("/.local-issuer/authorize", get(authorize))
            .route("/.local-issuer/token", post(token))
            .route("/.local-issuer/sign-out", get(sign_out))
            .with_state(self)
    }

    fn grant(&self, fields: &Fields) -> Result<Grant, &'static str> {
        if fields.get("response_type") != Some("code") {
            return Err("response_type must be `code`");
        }
        let redirect = fields.get("redirect_uri").unwrap_or_default();
        if !self.is_ours(redirect) {
            return Err("redirect_uri must be an address of this very origin");
        }
        if fields.get("code_challenge_method") != Some("S256") {
            return Err("code_challenge_method must be `S256`");
        }
        let need = |name, problem| fields.get(name).map(str::to_owned).ok_or(problem);
        Ok(Grant {
            client: need("client_id", "client_id is missing")?,
            redirect: redirect.to_owned(),
            challenge: need("code_challenge", "code_challenge is missing")?,
            nonce: fields.get("nonce").map(str::to_owned),
            roles: &[],
            made: Instant::now(),
        })
    }

    /// Whether an address is of this very origin.
    fn is_ours(&self, address: &str) -> bool {
        let own = self.origin.as_ref().map(Url::origin);
        Url::parse(address).is_ok_and(|address| Some(address.origin()) == own)
    }

    fn keep(&self, grant: Grant) -> String {
        let code = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, grant| grant.made.elapsed() < CODE_LIFETIME);
        codes.insert(code.clone(), grant);
        code
    }

    fn keep_renewal(&self, renewal: Renewal) -> String {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        renewals.insert(token.clone(), renewal);
        token
    }

    /// Takes what a refresh token renews; it works once, and its successor comes with the tokens.
    fn renew(&self, fields: &Fields) -> Option<Renewal> {
        let mut renewals = self.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        let renewal = renewals.remove(fields.get("refresh_token")?)?;
        (fields.get("client_id") == Some(&renewal.client)).then_some(renewal)
    }

    /// Takes the grant of a code, which works once.
    fn redeem(&self, fields: &Fields) -> Option<Grant> {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = codes.remove(fields.get("code")?)?;
        let verifier = digest(&SHA256, fields.get("code_verifier")?.as_bytes());
        let is_the_same = fields.get("client_id") == Some(&grant.client)
            && fields.get("redirect_uri") == Some(&grant.redirect)
            && URL_SAFE_NO_PAD.encode(verifier) == grant.challenge
            && grant.made.elapsed() < CODE_LIFETIME;
        is_the_same.then_some(grant)
    }
}

/// `GET /.local-issuer/authorize`: a page with one button for each role; a button leads back to the application. Who chose
/// before is led back at once, unless another account is asked for.
async fn authorize(
    State(sign_in): State<Arc<SignIn>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    let grant = match sign_in.grant(&fields) {
        Ok(grant) => grant,
        Err(problem) => return page(StatusCode::BAD_REQUEST, &format!("<p>{problem}.</p>")),
    };
    let remembered = cookie(&headers).filter(|_| fields.get("prompt") != Some("select_account"));
    let chosen = fields.get("role").or(remembered);
    let Some((role, roles)) = ROLES.iter().find(|(name, _)| chosen == Some(name)) else {
        return page(StatusCode::OK, &choice(&fields));
    };
    let Ok(mut back) = Url::parse(&grant.redirect) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let code = sign_in.keep(Grant { roles, ..grant });
    back.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = fields.get("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    redirect(&back, role, TOKEN_SECONDS)
}

/// `GET /.local-issuer/sign-out`: forgets the choice and leads back to the application.
async fn sign_out(State(sign_in): State<Arc<SignIn>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let fields = Fields::parse(query.as_bytes());
    let back = fields.get("post_logout_redirect_uri").unwrap_or_default();
    match Url::parse(back) {
        Ok(back) if sign_in.is_ours(back.as_str()) => redirect(&back, "", 0),
        _ => page(
            StatusCode::BAD_REQUEST,
            "<p>post_logout_redirect_uri must be an address of this very origin.</p>",
        ),
    }
}

/// Leads back to the application, with the role remembered for some seconds.
fn redirect(back: &Url, role: &str, seconds: i64) -> Response {
    let cookie =
        format!("{COOKIE}={role}; Path=/.local-issuer; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    let headers = [
        (header::LOCATION, back.to_string()),
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::FOUND, headers).into_response()
}

/// The role that the cookie remembers.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter();
    let mut pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// `POST /.local-issuer/token`: a code, or a refresh token, for an access token of the API and an ID token of the application.
async fn token(State(sign_in): State<Arc<SignIn>>, body: Bytes) -> Response {
    let refuse = |error: &str| {
        let body = Json(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, body).into_response()
    };
    let fields = Fields::parse(&body);
    let redeemed = match fields.get("grant_type") {
        Some("authorization_code") => sign_in.redeem(&fields).map(|grant| {
            let Grant { client, roles, .. } = grant;
            (Renewal { client, roles }, grant.nonce)
        }),
        Some("refresh_token") => sign_in.renew(&fields).map(|renewal| (renewal, None)),
        _ => return refuse("unsupported_grant_type"),
    };
    let Some((renewal, nonce)) = redeemed else {
        return refuse("invalid_grant");
    };
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "sub": "local-user", "name": "Local User", "tid": TENANT, "roles": renewal.roles,
        "iat": now, "nbf": now, "exp": now + TOKEN_SECONDS, "aud": sign_in.audience, "azp": renewal.client,
    });
    let access = sign_in.issuer.sign(&claims);
    claims["aud"] = renewal.client.as_str().into();
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    match (access, sign_in.issuer.sign(&claims)) {
        (Ok(access), Ok(id)) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({
                "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "access_token": access, "id_token": id,
                "refresh_token": sign_in.keep_renewal(renewal),
            })),
        )
            .into_response(),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "the local issuer cannot sign");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The fields of a query or form; the last of several counts.
struct Fields(HashMap<String, String>);

impl Fields {
    fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// One form for each role, which repeats the request.
fn choice(fields: &Fields) -> String {
    let hidden: String = fields
        .0
        .iter()
        .filter(|(name, _)| *name != "role")
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escaped(name),
                escaped(value)
            )
        })
        .collect();
    ROLES
        .iter()
        .map(|(role, _)| {
            format!(
                "<form method=\"get\" action=\"/.local-issuer/authorize\">{hidden}\
                 <button name=\"role\" value=\"{role}\">Sign in as {role}</button></form>"
            )
        })
        .collect()
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Local sign-in</title></head>\
         <body><main><h1>Sign in to this machine</h1>{body}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    (status, headers, html).into_response()
}

/// A text as it stands in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
