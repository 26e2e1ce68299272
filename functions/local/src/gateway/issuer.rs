//! The token issuer of the machine: stands in for the company's, so that the API can be tried without one.
//!
//! Its key pair is made when it is first needed and kept in the data directory.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Why the issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The key file cannot be read or written.
    #[error("cannot use the token key {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The key file is not an RSA key, or no key could be made.
    #[error("the token key {path} is damaged")]
    Damaged {
        /// The file.
        path: String,
    },
}

/// The local issuer.
pub(crate) struct Issuer {
    url: String,
    file: PathBuf,
    key: Mutex<Option<Arc<KeyPair>>>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    pub(crate) fn new(url: String, file: PathBuf) -> Self {
        Self {
            url,
            file,
            key: Mutex::new(None),
        }
    }

    fn key(&self) -> Result<Arc<KeyPair>, IssuerError> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*key {
            return Ok(key.clone());
        }
        let made = Arc::new(load_or_make(&self.file)?);
        *key = Some(made.clone());
        Ok(made)
    }

    /// Signs a token with these claims; `iss` is added.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, IssuerError> {
        let key = self.key()?;
        let mut claims = claims.clone();
        claims["iss"] = self.url.clone().into();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id(&key) });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        )
        .map_err(|_| self.damaged())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn damaged(&self) -> IssuerError {
        IssuerError::Damaged {
            path: self.file.display().to_string(),
        }
    }
}

fn load_or_make(file: &Path) -> Result<KeyPair, IssuerError> {
    let damaged = || IssuerError::Damaged {
        path: file.display().to_string(),
    };
    let failed = |source| IssuerError::Io {
        path: file.display().to_string(),
        source,
    };
    match std::fs::read(file) {
        Ok(bytes) => KeyPair::from_pkcs8(&bytes).map_err(|_| damaged()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| damaged())?;
            let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| damaged())?;
            write(file, der.as_ref()).map_err(failed)?;
            Ok(key)
        }
        Err(source) => Err(failed(source)),
    }
}

fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let mut written = crate::private_file::create(&new)?;
    written.write_all(bytes)?;
    std::fs::rename(&new, file)
}

/// The id follows from the key, so that a new key is never taken for an old one.
fn key_id(key: &KeyPair) -> String {
    let modulus =
        URL_SAFE_NO_PAD.encode(key.public_key().modulus().big_endian_without_leading_zero());
    modulus[..16].to_owned()
}

/// Answers OIDC discovery.
pub(super) async fn configuration(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let url = &issuer.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "end_session_endpoint": format!("{url}/sign-out"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

/// Answers with the public key.
pub(super) async fn keys(State(issuer): State<Arc<Issuer>>) -> Result<Json<Value>, StatusCode> {
    let key = issuer.key().map_err(|error| {
        tracing::error!(%error, "the local issuer has no key");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    let public = key.public_key();
    Ok(Json(json!({ "keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id(&key),
        "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
        "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
    }] })))
}
