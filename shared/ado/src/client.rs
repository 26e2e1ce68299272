//! Sending one request.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::{
    Answer, Body, Credential, Error, Host, Hosts, Method, Pacing, Pool, Request,
    classify::{Content, Head, classify},
    pacing::server_time,
};

/// What a deployment may want to change.
#[derive(Clone, Debug)]
pub struct Options {
    /// Shown to the customer on the organization's usage page:
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/usage>.
    pub user_agent: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a complete answer. The service may hold a request back for 30 seconds and then still has to
    /// work on it: <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits>.
    pub timeout: Duration,
    /// Longest body, counted after decompression.
    pub max_body_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("ado-lens/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(100),
            max_body_bytes: 64 * 1024 * 1024,
        }
    }
}

/// A pool of connections to Azure DevOps. Cheap to clone; made once per process.
///
/// It follows no redirect and uses no proxy: what `HTTPS_PROXY` says is ignored, because a deployed function reaches
/// the service directly or through its network's gateway, and a variable must not decide where a credential passes.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool,
    hosts: Hosts,
    max_body_bytes: usize,
}

/// The most that is read of a failure; Microsoft's error bodies have about one kilobyte.
const FAILURE_BODY_BYTES: usize = 64 * 1024;

impl Client {
    /// A client for these hosts.
    pub fn new(hosts: Hosts, options: Options) -> Self {
        Self::over(reqwest::Client::builder, hosts, options)
    }

    /// The same over a connector that somebody else has begun.
    fn over(
        begin: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
        hosts: Hosts,
        options: Options,
    ) -> Self {
        let are_https = hosts.are_https();
        let max_body_bytes = options.max_body_bytes;
        let pool = Pool::new(move || {
            begin()
                .user_agent(options.user_agent.as_str())
                .default_headers(default_headers())
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .https_only(are_https)
                .connect_timeout(options.connect_timeout)
                .timeout(options.timeout)
        });
        Self {
            pool,
            hosts,
            max_body_bytes,
        }
    }

    /// Sends one request, once, and says what came of it.
    pub async fn send(&self, credential: &Credential, request: &Request) -> Answer {
        let started = Instant::now();
        let answer = match self.exchange(credential, request).await {
            Ok(response) => self.receive(request.host, response).await,
            Err(error) => Answer::unanswered(error),
        };
        tracing::debug!(
            host = request.host.name(),
            http.status = answer
                .result
                .as_ref()
                .err()
                .and_then(Error::status)
                .map(|s| s.as_u16()),
            bytes = answer.result.as_ref().ok().map(|body| body.bytes.len()),
            duration_ms = started.elapsed().as_millis(),
            retry_after_s = answer.pacing.retry_after.map(|wait| wait.as_secs_f64()),
            "received answer"
        );
        answer
    }

    async fn exchange(
        &self,
        credential: &Credential,
        request: &Request,
    ) -> Result<reqwest::Response, Error> {
        let url = request.url(&self.hosts)?;
        let host = request.host;
        // Where certificates cannot be loaded nothing can be reached; it is no fault of the request.
        let http = self.pool.client();
        let http = http.map_err(|source| Error::Network { host, source })?;
        let builder = match request.method {
            Method::Get => http.get(url),
            Method::Post => http
                .post(url)
                .header(header::CONTENT_TYPE, "application/json"),
        };
        let builder = match credential {
            Credential::Pat(pat) => builder.basic_auth("", Some(pat.expose_secret())),
            Credential::Bearer(token) | Credential::Application(token) => {
                builder.bearer_auth(token.expose_secret())
            }
        };
        let builder = match &request.body {
            Some(body) => builder.body(body.clone()),
            None => builder,
        };
        builder
            .send()
            .await
            .map_err(|error| unanswered(host, error))
    }

    async fn receive(&self, host: Host, mut response: reqwest::Response) -> Answer {
        let headers = std::mem::take(response.headers_mut());
        let pacing = Pacing::from_headers(&headers, Timestamp::now());
        let server_time = server_time(&headers);
        let head = Head {
            host,
            status: response.status().as_u16(),
            headers: &headers,
            pacing: &pacing,
        };
        let result = self.read(&head, response).await;
        Answer {
            result,
            server_time,
            pacing,
        }
    }

    async fn read(&self, head: &Head<'_>, response: reqwest::Response) -> Result<Body, Error> {
        let success = response.status().is_success();
        let limit_bytes = if success {
            self.max_body_bytes
        } else {
            FAILURE_BODY_BYTES
        };
        let received = receive_body(head.host, response, limit_bytes).await;
        // What the answer is comes first: a cut sign-in page is still a sign-in page.
        match classify(head, &received.bytes)? {
            Content::Nothing => Ok(Body {
                bytes: Bytes::new(),
                continuation: None,
            }),
            Content::Json => {
                received.ended?;
                Ok(Body {
                    bytes: received.bytes,
                    continuation: continuation(head.headers),
                })
            }
        }
    }
}

/// As much of a body as came and was allowed, and how it ended.
struct Received {
    bytes: Bytes,
    ended: Result<(), Error>,
}

async fn receive_body(host: Host, mut response: reqwest::Response, limit_bytes: usize) -> Received {
    let mut bytes = BytesMut::new();
    let ended = loop {
        match response.chunk().await {
            Ok(None) => break Ok(()),
            Ok(Some(chunk)) => {
                let room = limit_bytes - bytes.len();
                bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    break Err(Error::TooLarge { host, limit_bytes });
                }
            }
            Err(error) if error.is_timeout() => break Err(Error::Timeout { host }),
            Err(_) => break Err(Error::Truncated { host }),
        }
    };
    Received {
        bytes: bytes.freeze(),
        ended,
    }
}

/// Headers of every request.
fn default_headers() -> HeaderMap {
    HeaderMap::from_iter([
        // Without it some endpoints send a file or a page:
        // <https://learn.microsoft.com/azure/devops/integrate/how-to/call-rest-api>.
        (header::ACCEPT, HeaderValue::from_static("application/json")),
        // A failed sign-in is then a 401 rather than a redirect to a page. Microsoft's own clients send it:
        // <https://github.com/microsoft/azure-devops-python-api/blob/dev/azure-devops/azure/devops/client.py>.
        (
            HeaderName::from_static("x-tfs-fedauthredirect"),
            HeaderValue::from_static("Suppress"),
        ),
    ])
}

/// The token for the next page. One that is no text is kept, spoiled, so that the service refuses it: dropping it would
/// end the list early and silently.
fn continuation(headers: &HeaderMap) -> Option<String> {
    let token = String::from_utf8_lossy(headers.get("x-ms-continuationtoken")?.as_bytes());
    Some(token.into_owned()).filter(|token| !token.is_empty())
}

/// Why no answer came at all.
fn unanswered(host: Host, error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_timeout() {
        Error::Timeout { host }
    } else if error.is_builder() {
        Error::Setup { source: error }
    } else {
        Error::Network {
            host,
            source: error,
        }
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
