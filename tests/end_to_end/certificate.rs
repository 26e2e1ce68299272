//! An application that signs with a certificate instead of sending a secret.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Config, Elapsed, Entra};

use crate::deployment::Deployment;

/// A certificate and its key. Entra ID goes by its thumbprint and the public key, so that nothing else need be in it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    /// The lines of the key in the PEM text.
    pub(crate) key_lines: Vec<String>,
    thumbprint: String,
    public_key: Vec<u8>,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let public_key = key.public_key().as_ref().to_vec();
        let pem = |what: &str, der: &[u8]| {
            let text = STANDARD.encode(der);
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(64)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            let lines = lines.join("\n");
            format!("-----BEGIN {what}-----\n{lines}\n-----END {what}-----\n")
        };
        let private = pem("PRIVATE KEY", private.as_ref());
        let inner = private.lines().filter(|line| line.len() == 64);
        Self {
            key_lines: inner.map(str::to_owned).collect(),
            pem: format!("{}{private}", pem("CERTIFICATE", &public_key)),
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &public_key)),
            public_key,
        }
    }

    /// Uploads it to the simulated application.
    pub(crate) fn upload(&self, entra: &Entra) {
        let mut application = entra.application();
        let public = (self.thumbprint.clone(), self.public_key.clone());
        application.certificates = BTreeMap::from([public]);
        entra.put_application(application);
    }

    /// The form of the simulated application with it.
    pub(crate) fn form(&self, entra: &Entra) -> Value {
        json!({
            "tenant_id": entra.directory(),
            "client_id": entra.application().id,
            "certificate": self.pem,
        })
    }
}

/// An organization whose clock is the machine's, because what is signed here is checked by it.
pub(crate) fn by_the_clock() -> Config {
    let began_s = Timestamp::now().as_second() / 86_400 * 86_400;
    let elapsed = move || {
        let since_ms = Timestamp::now().as_millisecond() - began_s * 1_000;
        Duration::from_millis(since_ms.unsigned_abs())
    };
    Config {
        elapsed: Elapsed::from_fn(elapsed),
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_a_certificate_fetches_everything() {
    let deployment = Deployment::start(by_the_clock()).await;
    let entra = deployment.simulator.entra().clone();
    let (certificate, other) = (Certificate::make(), Certificate::make());
    certificate.upload(&entra);
    let create = || (Method::POST, "/api/v1/connections");
    let form = |certificate: &Certificate| {
        let principal = certificate.form(&entra);
        json!({ "organizations": ["fabrikam"], "service_principal": principal })
    };
    let admin = ("contoso", &["admin"][..]);

    // One that was not uploaded: what to do is said, and nothing is saved.
    let (status, problem) = deployment.call(admin, create(), Some(form(&other))).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(problem["field"], "service_principal");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("Upload this certificate"), "{detail}");

    let (status, answer) = deployment
        .call(admin, create(), Some(form(&certificate)))
        .await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["method"], "service_principal");
    deployment.settle().await;
    let requests = entra.token_requests();
    assert!(
        requests
            .iter()
            .all(|own| own.grant_type == "client_credentials")
    );
    // The worker that fetches signs for itself when the access token that was got at first is over.
    entra.revoke_access_tokens();
    let before = entra.token_requests().len();
    deployment.synchronize().await;
    assert_eq!(deployment.connection().await["status"], "active");
    assert!(entra.token_requests().len() > before);
    assert!(deployment.stored().await.len() > 1000);
    assert!(deployment.stack.dead_letters().is_empty());
}
