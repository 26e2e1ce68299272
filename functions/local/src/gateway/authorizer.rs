//! The JWT authorizer: what API Gateway checks before a function sees the request.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::template::Authorizer;

/// How long an issuer is not asked again after it did not know a key.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// How long an issuer may take to answer.
const ISSUER_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a token is not accepted; only ever logged.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    #[error("there is no token")]
    Missing,
    #[error("the token is not acceptable: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error("the token names no key, or one that the issuer does not have")]
    UnknownKey,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token was issued in the future")]
    Future,
    #[error("the issuer cannot be asked for its keys: {0}")]
    Issuer(String),
}

/// Verifies the tokens of one authorizer.
#[derive(Debug)]
pub(super) struct Verifier {
    authorizer: Authorizer,
    keys: Mutex<Option<(Instant, JwkSet)>>,
}

impl Verifier {
    pub(super) fn new(authorizer: Authorizer) -> Self {
        Self {
            authorizer,
            keys: Mutex::new(None),
        }
    }

    /// Verifies the `Authorization` header and returns the claims as API Gateway passes them on.
    pub(super) async fn verify(&self, header: &str) -> Result<Map<String, Value>, Rejected> {
        let token = strip_scheme(header);
        if token.is_empty() {
            return Err(Rejected::Missing);
        }
        let id = decode_header(token)?.kid.ok_or(Rejected::UnknownKey)?;
        let key = DecodingKey::from_jwk(&self.key(&id).await?)?;
        let claims = decode::<Map<String, Value>>(token, &key, &self.validation())?.claims;
        self.check_audience(&claims)?;
        if claims
            .get("iat")
            .and_then(Value::as_i64)
            .is_some_and(|at| at > jiff::Timestamp::now().as_second() + 1)
        {
            return Err(Rejected::Future);
        }
        Ok(claims
            .iter()
            .map(|(name, value)| (name.clone(), claim_text(value).into()))
            .collect())
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.authorizer.issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        // API Gateway has its own rule, which `check_audience` follows.
        validation.validate_aud = false;
        validation
    }

    /// `client_id` counts only where there is no `aud`.
    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), Rejected> {
        let named = claims.get("aud").or_else(|| claims.get("client_id"));
        let is_ours = |value: &Value| {
            self.authorizer
                .audience
                .iter()
                .any(|ours| value.as_str() == Some(ours))
        };
        let accepted = match named {
            Some(Value::Array(several)) => several.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if accepted {
            Ok(())
        } else {
            Err(Rejected::Audience)
        }
    }

    async fn key(&self, id: &str) -> Result<Jwk, Rejected> {
        let mut keys = self.keys.lock().await;
        if let Some((asked, known)) = &*keys {
            match known.find(id) {
                Some(key) => return Ok(key.clone()),
                None if asked.elapsed() < ASK_AGAIN => return Err(Rejected::UnknownKey),
                None => {}
            }
        }
        let fetched = self.fetch_keys().await?;
        let key = fetched.find(id).cloned();
        *keys = Some((Instant::now(), fetched));
        key.ok_or(Rejected::UnknownKey)
    }

    async fn fetch_keys(&self) -> Result<JwkSet, Rejected> {
        let issuer = self.authorizer.issuer.trim_end_matches('/');
        // Keys are asked for about once in a process, so the client is not worth keeping.
        let client = reqwest::Client::builder()
            .timeout(ISSUER_TIMEOUT)
            .build()
            .map_err(unreachable)?;
        let configuration: Value = fetch(
            &client,
            &format!("{issuer}/.well-known/openid-configuration"),
        )
        .await?;
        let keys = configuration.get("jwks_uri").and_then(Value::as_str);
        fetch(
            &client,
            keys.ok_or_else(|| unreachable("it names no jwks_uri"))?,
        )
        .await
    }
}

async fn fetch<T: DeserializeOwned>(client: &reqwest::Client, url: &str) -> Result<T, Rejected> {
    let response = client
        .get(url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(unreachable)?;
    let body = response.bytes().await.map_err(unreachable)?;
    serde_json::from_slice(&body).map_err(unreachable)
}

fn unreachable(reason: impl std::fmt::Display) -> Rejected {
    Rejected::Issuer(reason.to_string())
}

/// API Gateway takes the token with or without the scheme.
fn strip_scheme(header: &str) -> &str {
    let scheme = header
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    scheme.map_or(header, |_| &header[7..]).trim()
}

/// Every claim becomes a text, a list one in brackets: that is what functions get from a HTTP API.
fn claim_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(claim_text).collect::<Vec<_>>().join(" ")
        ),
        other => other.to_string(),
    }
}
