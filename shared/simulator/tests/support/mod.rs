//! Talks to a simulator in process, as a client would.

use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use simulator::{Config, Elapsed, Simulator};
use tower::ServiceExt;

/// A simulator and the credential that requests are sent with.
pub(crate) struct Client {
    pub(crate) simulator: Simulator,
    router: Router,
    authorization: String,
    said: Mutex<Vec<u8>>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// Whether the body broke off.
    pub(crate) is_cut: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The `value` of a list.
    pub(crate) fn items(&self) -> Vec<Value> {
        assert_eq!(
            self.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        let body = self.json();
        let items = body["value"].as_array().expect("a list").clone();
        assert_eq!(body["count"], items.len(), "the count is that of the page");
        items
    }
}

/// A configuration whose clock stands still.
pub(crate) fn config() -> Config {
    Config {
        elapsed: Elapsed::frozen(),
        ..Config::default()
    }
}

impl Client {
    pub(crate) fn new(config: Config) -> Self {
        Self::of(&Simulator::new(config))
    }

    pub(crate) fn of(simulator: &Simulator) -> Self {
        let token = simulator.default_pat();
        Self {
            simulator: simulator.clone(),
            router: simulator.router(),
            authorization: basic(&token),
            said: Mutex::default(),
        }
    }

    /// The same simulator with another token.
    pub(crate) fn with_token(&self, token: &SecretString) -> Self {
        Self {
            simulator: self.simulator.clone(),
            router: self.router.clone(),
            authorization: basic(token),
            said: Mutex::default(),
        }
    }

    /// Sends `GET /fabrikam/{path}` with `api-version=7.1`; a path of another host begins with `_host/{host}/`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let separator = if path.contains('?') { '&' } else { '?' };
        let version = if path.contains("api-version") {
            String::new()
        } else {
            format!("{separator}api-version=7.1")
        };
        self.send(Request::get(format!("{}{version}", address(path))), "")
            .await
    }

    /// Sends `POST /fabrikam/{path}` with `api-version=7.1`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let separator = if path.contains('?') { '&' } else { '?' };
        self.send(
            Request::post(format!("/fabrikam/{path}{separator}api-version=7.1")),
            &body.to_string(),
        )
        .await
    }

    /// Sends a request with the credential unless it has one of its own.
    pub(crate) async fn send(&self, mut request: http::request::Builder, body: &str) -> Answer {
        let headers = request.headers_mut().expect("a valid request");
        headers
            .entry(header::AUTHORIZATION)
            .or_insert(self.authorization.parse().expect("a header"));
        let request = request
            .body(Body::from(body.to_owned()))
            .expect("a valid request");
        let answer = read(
            self.router
                .clone()
                .oneshot(request)
                .await
                .expect("the router never fails"),
        )
        .await;
        let mut said = self.said.lock().expect("nothing panics with the lock");
        said.extend_from_slice(&answer.bytes);
        answer
    }

    /// The text of every answer so far.
    pub(crate) fn said(&self) -> String {
        let said = self.said.lock().expect("nothing panics with the lock");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Every item of a header-token list.
    pub(crate) async fn all_by_token(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let answer = self.get(&next).await;
            items.extend(answer.items());
            let Some(token) = answer.header("x-ms-continuationtoken") else {
                return items;
            };
            let separator = if path.contains('?') { '&' } else { '?' };
            let following = format!("{path}{separator}continuationToken={token}");
            assert_ne!(following, next, "a token leads on");
            next = following;
        }
    }

    /// Every item of a `$top`/`$skip` list.
    pub(crate) async fn all_by_skip(&self, path: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!("{path}{separator}$skip={}", items.len()))
                .await
                .items();
            if page.is_empty() {
                return items;
            }
            items.extend(page);
        }
    }

    /// Every value of a reporting stream from a start, and the last token.
    pub(crate) async fn all_by_batch(&self, path: &str, start: &str) -> (Vec<Value>, String) {
        let mut values = Vec::new();
        let mut position = start.to_owned();
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let batch = self
                .get(&format!("{path}{separator}{position}"))
                .await
                .json();
            values.extend(batch["values"].as_array().expect("values").clone());
            let token = batch["continuationToken"]
                .as_str()
                .expect("a token")
                .to_owned();
            if batch["isLastBatch"] == true {
                return (values, token);
            }
            position = format!("continuationToken={token}");
        }
    }
}

/// The whole path of a path within the organization.
pub(crate) fn address(path: &str) -> String {
    let on_host = path
        .strip_prefix("_host/")
        .and_then(|rest| rest.split_once('/'));
    match on_host {
        Some((host, path)) => format!("/_host/{host}/fabrikam/{path}"),
        None => format!("/fabrikam/{path}"),
    }
}

pub(crate) fn basic(token: &SecretString) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!(":{}", token.expose_secret()))
    )
}

async fn read(response: http::Response<Body>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let (mut bytes, mut is_cut) = (Vec::new(), false);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Err(_) => is_cut = true,
        }
    }
    Answer {
        status: parts.status,
        headers: parts.headers,
        bytes,
        is_cut,
    }
}
