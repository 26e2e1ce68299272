//! Certificates of applications, and what they sign instead of sending a secret.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::RSA_PSS_SHA256,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use model::ApplicationId;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Error;

/// What an assertion is sent as.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good; Microsoft advises five to ten minutes.
const SECONDS: i64 = 600;

/// A certificate with its private key.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Both, as PEM.
    pem: SecretString,
}

/// Why a text is no certificate with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// There is no certificate in it.
    #[error("there is no certificate (-----BEGIN CERTIFICATE-----) in it")]
    NoCertificate,
    /// There is no private key in it, or an encrypted one.
    #[error("there is no unencrypted private key (-----BEGIN PRIVATE KEY-----) in it")]
    NoKey,
    /// The key is not RSA, or not readable.
    #[error("the private key is no rsa key of at least 2048 bits")]
    NotRsa,
}

impl Certificate {
    /// Reads a certificate and its private key, one after the other in a PEM text.
    ///
    /// # Errors
    /// One of the two is missing, or the key cannot sign.
    pub fn from_pem(pem: SecretString) -> Result<Self, InvalidCertificate> {
        let text = pem.expose_secret().as_bytes();
        CertificateDer::from_pem_slice(text).map_err(|_| InvalidCertificate::NoCertificate)?;
        key(text)?;
        Ok(Self { pem })
    }

    pub(crate) fn pem(&self) -> &SecretString {
        &self.pem
    }
}

fn key(pem: &[u8]) -> Result<KeyPair, InvalidCertificate> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| InvalidCertificate::NoKey)?;
    let read = match &key {
        PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(InvalidCertificate::NotRsa),
    };
    read.map_err(|_| InvalidCertificate::NotRsa)
}

/// Signs that the application asks, for one endpoint and a few minutes.
pub(crate) fn sign(
    certificate: &Certificate,
    client: ApplicationId,
    endpoint: &str,
    now: Timestamp,
) -> Result<SecretString, Error> {
    let unusable = |_| Error::Refused {
        error: "invalid_client".to_owned(),
        code: 700_027,
    };
    let pem = certificate.pem.expose_secret().as_bytes();
    let der = CertificateDer::from_pem_slice(pem)
        .map_err(|_| unusable(InvalidCertificate::NoCertificate))?;
    let key = key(pem).map_err(unusable)?;
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
    let now = now.as_second();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!(
        "{}.{}",
        encode(&json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint })),
        encode(&json!({
            "aud": endpoint, "iss": client, "sub": client, "jti": Uuid::new_v4(),
            "iat": now, "nbf": now, "exp": now + SECONDS,
        }))
    );
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PSS_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .map_err(|_| unusable(InvalidCertificate::NotRsa))?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(format!("{message}.{signature}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_a_certificate_is_said() {
        let read = |text: &str| Certificate::from_pem(text.to_owned().into()).map(drop);
        assert_eq!(read("-----"), Err(InvalidCertificate::NoCertificate));
        let alone = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(read(alone), Err(InvalidCertificate::NoKey));
        let bad = format!("{alone}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        assert_eq!(read(&bad), Err(InvalidCertificate::NotRsa));
    }
}
