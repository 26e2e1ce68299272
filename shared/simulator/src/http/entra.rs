//! `login.microsoftonline.com`: what is asked there, and by whom.

mod authorize;
mod token;

use std::collections::BTreeMap;

use axum::body::Bytes;
use http::{Method, StatusCode, request::Parts};
use jiff::Timestamp;
use serde_json::json;

use crate::entra::Refusal;
use crate::http::reply::Reply;
use crate::simulator::Simulator;

const PREFIX: &str = "/_host/login.microsoftonline.com/";

/// What a request to a directory says.
struct Asked<'a> {
    simulator: &'a Simulator,
    tenant: &'a str,
    now: Timestamp,
    /// The query of the sign-in page, or the form of the token endpoint.
    fields: BTreeMap<String, String>,
    /// The form of the sign-in page.
    decision: BTreeMap<String, String>,
    /// The path of the page, for forms that lead back to it.
    path_and_query: &'a str,
}

impl Asked<'_> {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Answers a request to Entra ID; `None` when it is for another host.
pub(crate) fn answer(simulator: &Simulator, parts: &Parts, body: &Bytes) -> Option<Reply> {
    let path = parts.uri.path().strip_prefix(PREFIX)?;
    let (tenant, rest) = path.split_once('/').unwrap_or((path, ""));
    let query = form(parts.uri.query().unwrap_or_default().as_bytes());
    let asked = |fields, decision| Asked {
        simulator,
        tenant,
        now: simulator.now(),
        fields,
        decision,
        path_and_query: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
    };
    Some(match (&parts.method, rest) {
        (&Method::GET, "oauth2/v2.0/authorize") => authorize::page(&asked(query, BTreeMap::new())),
        (&Method::POST, "oauth2/v2.0/authorize") => authorize::decide(&asked(query, form(body))),
        (&Method::POST, "oauth2/v2.0/token") => token::answer(&asked(form(body), BTreeMap::new())),
        (&Method::GET, "v2.0/.well-known/openid-configuration") => configuration(parts, tenant),
        (&Method::GET, "discovery/v2.0/keys") => Reply::json(&simulator.entra().signer().keys()),
        _ => Reply::empty(StatusCode::NOT_FOUND),
    })
}

/// <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document>
fn configuration(parts: &Parts, tenant: &str) -> Reply {
    let host = parts.headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let base = format!("http://{host}{PREFIX}{tenant}");
    Reply::json(&json!({
        "issuer": issuer(tenant),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
    }))
}

/// The issuer of a directory's tokens.
fn issuer(directory: &str) -> String {
    format!("https://login.microsoftonline.com/{directory}/v2.0")
}

fn form(text: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The scopes of Azure DevOps among those that are asked for, and whether a refresh token is wanted.
fn scopes(text: &str) -> Result<(Vec<String>, bool), Refusal> {
    let prefix = format!("{}/", crate::entra::AZURE_DEVOPS);
    let mut wanted = Vec::new();
    let mut offline = false;
    for scope in text.split_whitespace() {
        match scope.strip_prefix(&prefix) {
            Some(".default") => wanted.extend(crate::pat::ALL_SCOPES.map(str::to_owned)),
            Some(scope) if crate::pat::ALL_SCOPES.contains(&scope) => wanted.push(scope.to_owned()),
            None if scope == "offline_access" => offline = true,
            None if matches!(scope, "openid" | "profile" | "email") => {}
            _ => {
                let message =
                    format!("The application asked for scope '{scope}' that doesn't exist.");
                return Err(Refusal::new("invalid_scope", 70011, message));
            }
        }
    }
    Ok((wanted, offline))
}
