//! Hundreds of names, links and redirects that try to lead a credential astray: what the connector is asked to open is
//! written down, and must lie on the allow-list.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use axum::{Router, http::HeaderValue, response::IntoResponse};
use tokio::net::TcpListener;
use tower::{Layer, Service};

use super::*;

/// Every address that a connection was asked for.
#[derive(Clone, Debug, Default)]
struct Opened(Arc<Mutex<Vec<String>>>);

/// Stands before the connector: writes down, and lets nobody off this machine.
#[derive(Clone, Debug)]
struct Doorman<S> {
    inner: S,
    opened: Opened,
}

impl<S> Layer<S> for Opened {
    type Service = Doorman<S>;

    fn layer(&self, inner: S) -> Doorman<S> {
        Doorman {
            inner,
            opened: self.clone(),
        }
    }
}

impl<S, R> Service<R> for Doorman<S>
where
    S: Service<R, Error = Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    S::Response: 'static,
    R: std::fmt::Debug,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // reqwest's own type, which has no name; what it prints is the address.
        let address = format!("{request:?}");
        let address = address.split(['(', ')']).nth(1).unwrap_or(&address);
        self.opened.0.lock().unwrap().push(address.to_owned());
        match address.starts_with("http://127.0.0.1:") {
            true => Box::pin(self.inner.call(request)),
            false => Box::pin(async { Err("tests stay on this machine".into()) }),
        }
    }
}

impl Opened {
    fn client(&self, hosts: Hosts) -> Client {
        let layer = self.clone();
        let begin = move || reqwest::Client::builder().connector_layer(layer.clone());
        Client::over(begin, hosts, Options::default())
    }

    /// Fails unless everything that was opened begins with one of these, and says how much it was.
    fn assert_only(&self, allowed: &[String]) -> usize {
        let opened = self.0.lock().unwrap();
        for address in opened.iter() {
            assert!(
                allowed.iter().any(|own| address.starts_with(own)),
                "{address} was opened"
            );
        }
        opened.len()
    }
}

fn microsoft() -> Vec<String> {
    let hosts = Host::ALL.iter();
    hosts
        .map(|host| format!("https://{}/", host.name()))
        .collect()
}

/// Places that nobody should be led to: strangers, this network's own, the cloud's secrets, and look-alikes.
const STRANGERS: [&str; 14] = [
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:9",
    "localhost",
    "[::1]",
    "169.254.169.254",
    "0x7f000001",
    "2130706433",
    "dev.azure.com.evil.example",
    "dev-azure.com",
    "xn--dev-zure-b0a.com",
    "evil.visualstudio.com.evil.example",
    "dev.azure.com:8443",
    "metadata.google.internal",
];

/// Ways to write a stranger where a name is expected.
fn names() -> Vec<String> {
    let ways: [fn(&str) -> String; 10] = [
        |stranger| stranger.to_owned(),
        |stranger| format!("//{stranger}"),
        |stranger| format!("https://{stranger}/fabrikam"),
        |stranger| format!("fabrikam@{stranger}"),
        |stranger| format!("@{stranger}/fabrikam"),
        |stranger| format!("https://dev.azure.com@{stranger}/x"),
        |stranger| format!("..//{stranger}"),
        |stranger| format!("fabrikam\\@{stranger}"),
        |stranger| format!("fabrikam\r\nHost: {stranger}"),
        |stranger| format!("fabrikam%2f..%2f%2f{stranger}"),
    ];
    let mut names: Vec<String> = STRANGERS
        .iter()
        .flat_map(|stranger| ways.iter().map(|way| way(stranger)))
        .collect();
    names.extend(
        [
            "",
            ".",
            "..",
            "/",
            "\\",
            "?",
            "#",
            ":",
            "@",
            "-",
            "fabrikam/../..",
            "a b",
            "a\0b",
            "\u{202e}fabrikam",
            "d\u{435}v.azure.com",
            "fabrikam\u{ff0f}x",
            "%00",
            "fabrikam:443",
            "fabrikam?x=",
            "fabrikam#",
        ]
        .map(str::to_owned),
    );
    names
}

/// Links to strangers, as a body or a header may have them.
fn links() -> Vec<String> {
    let ways: [fn(&str) -> String; 6] = [
        |stranger| {
            format!("https://{stranger}/fabrikam/_odata/v4.0-preview/WorkItems?$skiptoken=1")
        },
        |stranger| format!("http://{stranger}/fabrikam/_odata/v4.0-preview/WorkItems?$skiptoken=1"),
        |stranger| format!("//{stranger}/fabrikam/_odata/v4.0-preview/WorkItems?$skiptoken=1"),
        |stranger| {
            format!("https://analytics.dev.azure.com@{stranger}/_odata/v4.0-preview/WorkItems?a=1")
        },
        |stranger| {
            format!("https://analytics.dev.azure.com/\\@{stranger}/v4.0-preview/WorkItems?a=1")
        },
        |stranger| {
            format!("https://user:word@{stranger}:443/_odata/v4.0-preview/WorkItems?$skiptoken=1")
        },
    ];
    let links = STRANGERS
        .iter()
        .flat_map(|stranger| ways.iter().map(|way| way(stranger)));
    let more = [
        "file:///etc/passwd?x=1",
        "gopher://127.0.0.1:6379/_odata/WorkItems?x=1",
        "data:text/plain,x?WorkItems",
        "javascript:alert(1)?WorkItems",
        "https:///WorkItems?x=1",
        "WorkItems?x=1",
    ];
    links.chain(more.map(str::to_owned)).collect()
}

fn pat() -> Credential {
    Credential::Pat("s3cret".to_owned().into())
}

#[tokio::test]
async fn no_name_of_an_organization_leads_away() {
    let opened = Opened::default();
    let client = opened.client(Hosts::azure());
    let names = names();
    assert!(names.len() >= 150, "{}", names.len());
    let mut asked = 0;
    for name in &names {
        // Most are no names at all; whatever is one goes where every name goes.
        let Ok(organization) = name.parse::<model::OrganizationName>() else {
            continue;
        };
        for host in Host::ALL {
            let request = Request::get(&organization, "_apis/projects").on(host);
            assert!(client.send(&pat(), &request).await.result.is_err());
            asked += 1;
        }
    }
    assert!(asked > 0);
    // As a part of the path they may be anything, and stay one.
    let fabrikam = "fabrikam".parse().unwrap();
    for name in &names {
        let request = Request::get(&fabrikam, "_apis/git/repositories").segment(name);
        assert!(client.send(&pat(), &request).await.result.is_err());
    }
    assert!(opened.assert_only(&microsoft()) >= asked + 100);
}

#[tokio::test]
async fn no_next_link_leads_away() {
    let opened = Opened::default();
    let client = opened.client(Hosts::azure());
    let links = links();
    assert!(links.len() >= 90, "{}", links.len());
    for link in &links {
        let fabrikam = "fabrikam".parse().unwrap();
        let mut request =
            Request::get(&fabrikam, "_odata/v4.0-preview/WorkItems").on(Host::Analytics);
        request.link = Some(link.clone());
        assert!(
            client.send(&pat(), &request).await.result.is_err(),
            "{link}"
        );
    }
    opened.assert_only(&microsoft());
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let links = links();
    let statuses = [301, 302, 303, 307, 308];
    let answers: Vec<_> = links
        .iter()
        .flat_map(|link| statuses.map(|status| (status, link.clone())))
        .collect();
    assert!(answers.len() >= 300, "{}", answers.len());
    let total = answers.len();
    let queue = Arc::new(Mutex::new(answers));
    let router = Router::new().fallback(async move || {
        let (status, link) = queue.lock().unwrap().pop().unwrap();
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let mut response = (status, "<html></html>").into_response();
        for name in ["location", "content-location", "refresh", "link"] {
            let value = HeaderValue::from_str(&link).unwrap();
            response.headers_mut().insert(name, value);
        }
        response
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let opened = Opened::default();
    let client = opened.client(Hosts::from_base(&base).unwrap());
    let fabrikam = "fabrikam".parse().unwrap();
    for _ in 0..total {
        let request = Request::get(&fabrikam, "_apis/projects");
        assert!(client.send(&pat(), &request).await.result.is_err());
    }
    opened.assert_only(&[format!("{base}/")]);
}
