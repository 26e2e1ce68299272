//! Signing tokens, and checking what applications sign.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Application, Refusal};

/// A key pair of Entra ID.
#[derive(Debug)]
pub(crate) struct Signer(Option<KeyPair>);

impl Signer {
    pub(crate) fn make() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).ok())
    }

    /// A JSON Web Token; empty if the machine has no randomness.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let Some(key) = &self.0 else {
            return String::new();
        };
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.id() });
        let message = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; key.public_modulus_len()];
        let signed = key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        );
        match signed {
            Ok(()) => format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)),
            Err(_) => String::new(),
        }
    }

    /// The public key as a JSON Web Key Set.
    pub(crate) fn keys(&self) -> Value {
        let public = self.0.as_ref().map(|key| key.public_key());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let keys: Vec<Value> = public
            .map(|key| {
                json!({
                    "kty": "RSA", "use": "sig", "kid": self.id(), "alg": "RS256",
                    "n": number(key.modulus().big_endian_without_leading_zero()),
                    "e": number(key.exponent().big_endian_without_leading_zero()),
                })
            })
            .into_iter()
            .collect();
        json!({ "keys": keys })
    }

    fn id(&self) -> String {
        let public = self.0.as_ref().map(|key| key.public_key().as_ref());
        URL_SAFE_NO_PAD.encode(digest(&SHA256, public.unwrap_or_default()))
    }
}

/// Checks what an application signed with a certificate's key instead of sending a secret.
///
/// <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
pub(crate) fn verify_assertion(
    application: &Application,
    assertion: &str,
    endpoint: &str,
    now_seconds: i64,
) -> Result<(), Refusal> {
    let invalid =
        |why: &str| Refusal::client(700_027, format!("Client assertion is not valid: {why}."));
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err(invalid("it is no signed token"));
    };
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (Some(header), Some(body), Ok(signature)) = (
        read(header),
        read(claims),
        URL_SAFE_NO_PAD.decode(signature),
    ) else {
        return Err(invalid("it is not readable"));
    };
    let thumbprint = header["x5t#S256"].as_str().unwrap_or_default();
    let key = application.certificates.get(thumbprint).ok_or_else(|| {
        invalid(
            "the key was not found; the thumbprint belongs to no certificate of the application",
        )
    })?;
    let message = &assertion[..assertion.rfind('.').unwrap_or_default()];
    let verified = match header["alg"].as_str() {
        Some("PS256") => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
            .verify(message.as_bytes(), &signature),
        Some("RS256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(message.as_bytes(), &signature),
        _ => return Err(invalid("the algorithm is not allowed")),
    };
    verified.map_err(|_| invalid("the signature does not match"))?;
    let is_the_client = |claim: &str| body[claim].as_str() == Some(&application.id.to_string());
    if !is_the_client("iss") || !is_the_client("sub") {
        return Err(invalid("issuer and subject must be the application"));
    }
    if body["aud"]
        .as_str()
        .is_none_or(|audience| !audience.ends_with(endpoint))
    {
        return Err(invalid("the audience is not this endpoint"));
    }
    let (begins, ends) = (body["nbf"].as_i64(), body["exp"].as_i64());
    if begins.is_some_and(|at| at > now_seconds + 300)
        || ends.is_none_or(|at| at < now_seconds - 300)
    {
        return Err(Refusal::client(
            700_024,
            "Client assertion is not within its valid time range.",
        ));
    }
    Ok(())
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
