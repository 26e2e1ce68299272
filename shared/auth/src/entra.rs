//! Microsoft Entra ID: where people sign in, and its token endpoint.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>

use std::time::Duration;

use ado::{Hosts, Pool};
use jiff::Timestamp;
use model::{ApplicationId, DirectoryId, Service};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::{Error, Proof, assertion};

/// Azure DevOps, as Entra ID calls it in every directory:
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/entra-oauth>.
const AZURE_DEVOPS: &str = "499b84ac-1321-427f-aa17-267ca6975798";
/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const BODY_BYTES: usize = 256 * 1024;

/// Where a sign-in or a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Whatever directory the person is of.
    Organizations,
    /// One directory.
    Directory(DirectoryId),
}

/// An access token, for about an hour.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub struct Issued {
    /// For requests to Azure DevOps.
    pub access: Access,
    /// For the next access token, if one is to be had.
    pub refresh_token: Option<SecretString>,
    /// Who signed in, if a person did.
    pub id_token: Option<SecretString>,
}

/// What is redeemed for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// The code that a sign-in ended with.
    Code {
        /// The code.
        code: &'a SecretString,
        /// Proof that whoever redeems it began the sign-in.
        verifier: &'a SecretString,
        /// Where the sign-in led back to.
        redirect: &'a str,
    },
    /// What an earlier answer gave.
    Refresh(&'a SecretString),
    /// The application's own credential.
    Application,
}

/// What a sign-in begins with.
#[derive(Clone, Copy, Debug)]
pub struct SignInRequest<'a> {
    /// The application that asks.
    pub client: ApplicationId,
    /// Where the browser comes back.
    pub redirect: &'a str,
    /// What it must come back with.
    pub state: &'a str,
    /// The hash of the verifier.
    pub challenge: &'a str,
    /// What the ID token must hold.
    pub nonce: &'a str,
    /// What the person wants to connect.
    pub services: &'a [Service],
}

/// A client of Entra ID. It talks to one host, follows no redirect and uses no proxy.
#[derive(Clone, Debug)]
pub struct Entra {
    pool: Pool,
    root: Url,
}

impl Entra {
    /// The Entra ID of these hosts.
    ///
    /// # Errors
    /// It has no address.
    pub fn new(hosts: &Hosts) -> Result<Self, ado::Error> {
        let root = hosts.sign_in()?;
        let is_https = root.scheme() == "https";
        let pool = Pool::new(move || {
            reqwest::Client::builder()
                .user_agent(concat!("ado-lens/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .https_only(is_https)
                .connect_timeout(TIMEOUT)
                .timeout(TIMEOUT)
        });
        Ok(Self { pool, root })
    }

    /// The page where a person signs in and agrees.
    pub fn sign_in_page(&self, authority: Authority, request: &SignInRequest<'_>) -> Url {
        let mut url = self.address(authority, "authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &request.client.to_string())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", request.redirect)
            .append_pair("response_mode", "query")
            .append_pair("scope", &scopes(request.services))
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", request.challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("prompt", "select_account");
        url
    }

    /// Redeems a grant.
    ///
    /// # Errors
    /// [`Error::Refused`] if a person has to do something, [`Error::Unavailable`] if trying again may help.
    pub async fn redeem(
        &self,
        (authority, client, proof): (Authority, ApplicationId, &Proof),
        grant: Grant<'_>,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let endpoint = self.address(authority, "token");
        let form = form((client, proof), grant, (endpoint.as_str(), now))?;
        self.send(endpoint, form, now).await
    }

    fn address(&self, authority: Authority, what: &str) -> Url {
        let directory = match authority {
            Authority::Organizations => "organizations".to_owned(),
            Authority::Directory(directory) => directory.to_string(),
        };
        let mut url = self.root.clone();
        url.set_path(&format!(
            "{}{directory}/oauth2/v2.0/{what}",
            self.root.path()
        ));
        url
    }

    async fn send(&self, endpoint: Url, form: String, now: Timestamp) -> Result<Issued, Error> {
        let unavailable = |reason: &str| Error::Unavailable {
            reason: reason.to_owned(),
            after: None,
        };
        let http = self.pool.client();
        let http = http.map_err(|_| unavailable("no connection can be made ready"))?;
        let request = http
            .post(endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        let mut response = request.body(form).send().await.map_err(|error| {
            unavailable(match error.is_timeout() {
                true => "it did not answer in time",
                false => "it is out of reach",
            })
        })?;
        let status = response.status().as_u16();
        let after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                _ => return Err(unavailable("its answer is cut or too long")),
            }
        }
        match status {
            200 => read(&body, now).ok_or_else(|| unavailable("its answer holds no token")),
            400 | 401 | 403 => Err(refusal(&body)),
            _ => Err(Error::Unavailable {
                reason: format!("status {status}"),
                after,
            }),
        }
    }
}

/// What is sent to the token endpoint. The text holds secrets; it goes into the request and nowhere else.
fn form(
    (client, proof): (ApplicationId, &Proof),
    grant: Grant<'_>,
    (endpoint, now): (&str, Timestamp),
) -> Result<String, Error> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", &client.to_string());
    match proof {
        Proof::Secret(secret) => {
            form.append_pair("client_secret", secret.expose_secret());
        }
        Proof::Certificate(certificate) => {
            let signed = assertion::sign(certificate, client, endpoint, now)?;
            form.append_pair("client_assertion_type", assertion::TYPE);
            form.append_pair("client_assertion", signed.expose_secret());
        }
    }
    let delegated = format!("{AZURE_DEVOPS}/.default openid profile offline_access");
    match grant {
        Grant::Code {
            code,
            verifier,
            redirect,
        } => form
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose_secret())
            .append_pair("code_verifier", verifier.expose_secret())
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &delegated),
        Grant::Refresh(token) => form
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", token.expose_secret())
            .append_pair("scope", &delegated),
        Grant::Application => form
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", &format!("{AZURE_DEVOPS}/.default")),
    };
    Ok(form.finish())
}

/// What a person is asked to agree to: to read, and nothing that is not needed.
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes>
fn scopes(services: &[Service]) -> String {
    let mut scopes = vec!["vso.profile", "vso.project", "vso.analytics"];
    for service in services {
        scopes.extend(match service {
            Service::Boards => &["vso.work"][..],
            Service::Pipelines => &["vso.build", "vso.release", "vso.test"],
            Service::Repos | Service::Tfvc => &["vso.code"],
        });
    }
    scopes.sort_unstable();
    scopes.dedup();
    let scopes: Vec<String> = scopes
        .iter()
        .map(|scope| format!("{AZURE_DEVOPS}/{scope}"))
        .collect();
    format!("{} openid profile offline_access", scopes.join(" "))
}

#[derive(Deserialize)]
struct WireToken {
    access_token: String,
    expires_in: i64,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

fn read(body: &[u8], now: Timestamp) -> Option<Issued> {
    let wire: WireToken = serde_json::from_slice(body).ok()?;
    let lifetime = jiff::SignedDuration::from_secs(wire.expires_in);
    Some(Issued {
        access: Access {
            token: wire.access_token.into(),
            expires_at: now.saturating_add(lifetime).unwrap_or(now),
        },
        refresh_token: wire.refresh_token.map(SecretString::from),
        id_token: wire.id_token.map(SecretString::from),
    })
}

/// Says what a refusal means. What passes by itself is not the person's business.
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-codes-for-token-endpoint-errors>
fn refusal(body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Wire {
        error: String,
        #[serde(default)]
        error_codes: Vec<u32>,
    }
    let Ok(Wire { error, error_codes }) = serde_json::from_slice(body) else {
        return Error::Unavailable {
            reason: "its refusal is not readable".to_owned(),
            after: None,
        };
    };
    match error.as_str() {
        "temporarily_unavailable" | "server_error" => Error::Unavailable {
            reason: error,
            after: None,
        },
        _ => Error::Refused {
            error,
            code: error_codes.first().copied().unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    #[tokio::test]
    async fn a_redirect_of_the_token_endpoint_is_not_followed() {
        let (listener, decoy) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 307 x\r\nlocation: http://{}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            decoy.local_addr().unwrap()
        );
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let entra = Entra::new(&Hosts::from_base(&base).unwrap()).unwrap();
        let client = ApplicationId(uuid::Uuid::nil());
        let proof = Proof::Secret("s3cret".into());
        let asked = (Authority::Organizations, client, &proof);
        let token = "refresh-s3cret".into();
        let now = Timestamp::UNIX_EPOCH;
        let redeemed = entra.redeem(asked, Grant::Refresh(&token), now).await;
        let error = redeemed.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"));
        let asked = timeout(Duration::from_millis(100), decoy.accept()).await;
        assert!(asked.is_err(), "the redirect was followed");
    }

    #[test]
    fn only_what_the_services_need_is_asked_for() {
        let asked = scopes(&[Service::Boards]);
        assert!(asked.contains("vso.work") && asked.contains("offline_access"));
        assert!(!asked.contains("vso.code") && !asked.contains("vso.build"));
        assert!(!asked.contains("_write") && !asked.contains("_manage"));
    }

    #[test]
    fn a_refusal_is_a_persons_business_unless_it_passes() {
        let invalid = br#"{"error":"invalid_grant","error_codes":[50173],"error_description":"AADSTS50173: x"}"#;
        assert!(matches!(
            refusal(invalid),
            Error::Refused { code: 50173, .. }
        ));
        let busy = br#"{"error":"temporarily_unavailable"}"#;
        assert!(matches!(refusal(busy), Error::Unavailable { .. }));
        assert!(matches!(refusal(b"<html>"), Error::Unavailable { .. }));
    }
}
