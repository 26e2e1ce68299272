use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes as RequestBody,
    extract::Request as HttpRequest,
    response::{IntoResponse, Response},
};
use model::Fault;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const SECRET: &str = "s3cret-pat";

/// What the server saw of each request: method, path with query, headers, body.
type Seen = Arc<Mutex<Vec<(String, String, HeaderMap, RequestBody)>>>;

/// A server that answers everything alike, and what it saw.
async fn serve(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (Hosts, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let router = Router::new().fallback(move |request: HttpRequest| {
        let (log, answer) = (Arc::clone(&log), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            log.lock().unwrap().push((
                head.method.to_string(),
                head.uri.to_string(),
                head.headers,
                body,
            ));
            answer()
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hosts = hosts_at(&listener);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (hosts, seen)
}

fn hosts_at(listener: &TcpListener) -> Hosts {
    Hosts::from_base(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

/// A server that writes these bytes to its first connection and closes it.
async fn serve_raw(bytes: &'static [u8]) -> Hosts {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hosts = hosts_at(&listener);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    hosts
}

fn client(hosts: Hosts) -> Client {
    Client::new(
        hosts,
        Options {
            max_body_bytes: 1000,
            ..Options::default()
        },
    )
}

fn pat() -> Credential {
    Credential::Pat(SECRET.to_owned().into())
}

fn projects() -> Request {
    Request::get(&"fabrikam".parse().unwrap(), "_apis/projects").query("secret", "in query")
}

fn json(body: &'static str) -> Response {
    ([("content-type", "application/json; charset=utf-8")], body).into_response()
}

async fn ask(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Answer {
    let (hosts, _) = serve(answer).await;
    client(hosts).send(&pat(), &projects()).await
}

fn gzip(plain: &[u8]) -> Response {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    (headers, encoder.finish().unwrap()).into_response()
}

#[tokio::test]
async fn a_request_is_signed_and_says_who_sends_it() {
    let (hosts, seen) = serve(|| json("{}")).await;
    client(hosts)
        .send(&pat(), &projects())
        .await
        .result
        .unwrap();
    let (method, uri, headers, body) = seen.lock().unwrap().remove(0);
    assert_eq!(
        (method.as_str(), uri.as_str()),
        ("GET", "/fabrikam/_apis/projects?secret=in+query")
    );
    // The Base64 of `:s3cret-pat`.
    assert_eq!(headers["authorization"], "Basic OnMzY3JldC1wYXQ=");
    assert_eq!(headers["accept"], "application/json");
    assert_eq!(headers["accept-encoding"], "gzip");
    assert_eq!(headers["x-tfs-fedauthredirect"], "Suppress");
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("ado-lens/")
    );
    assert!(body.is_empty());
}

#[tokio::test]
async fn a_query_by_post_carries_its_document() {
    let (hosts, seen) = serve(|| json("{}")).await;
    let request = Request::post(
        &"fabrikam".parse().unwrap(),
        "_apis/wit/wiql",
        "{\"a\":1}".into(),
    )
    .on(Host::Analytics);
    let bearer = Credential::Bearer("token".to_owned().into());
    client(hosts).send(&bearer, &request).await.result.unwrap();
    let (method, uri, headers, body) = seen.lock().unwrap().remove(0);
    assert_eq!(method, "POST");
    assert_eq!(
        uri,
        "/_host/analytics.dev.azure.com/fabrikam/_apis/wit/wiql"
    );
    assert_eq!(headers["authorization"], "Bearer token");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(&body[..], b"{\"a\":1}");
}

#[tokio::test]
async fn a_success_brings_body_token_time_and_pace() {
    let answer = ask(|| {
        let headers = [
            ("x-ms-continuationtoken", "2026-07-04T10:00:00.1275996Z"),
            ("Date", "Wed, 01 Apr 2026 09:32:24 GMT"),
            ("Retry-After", "3"),
        ];
        (headers, json("{\"value\":[]}")).into_response()
    })
    .await;
    assert_eq!(answer.pacing.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(
        answer.server_time,
        Some("2026-04-01T09:32:24Z".parse().unwrap())
    );
    let body = answer.result.unwrap();
    assert_eq!(&body.bytes[..], b"{\"value\":[]}");
    assert_eq!(
        body.continuation.as_deref(),
        Some("2026-07-04T10:00:00.1275996Z")
    );
}

#[tokio::test]
async fn a_token_that_is_no_text_does_not_end_the_list() {
    let token = HeaderValue::from_bytes(b"a\xffb").unwrap();
    let answer = ask(move || {
        (
            [(
                HeaderName::from_static("x-ms-continuationtoken"),
                token.clone(),
            )],
            json("[]"),
        )
            .into_response()
    });
    assert!(answer.await.result.unwrap().continuation.is_some());
}

#[tokio::test]
async fn a_failure_keeps_its_pace() {
    let answer =
        ask(|| (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")]).into_response()).await;
    let nine = Some(Duration::from_secs(9));
    assert_eq!(answer.pacing.retry_after, nine);
    assert_eq!(
        answer.result.unwrap_err().fault(),
        Fault::Retryable { after: nine }
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (hosts, seen) =
        serve(|| (http::StatusCode::FOUND, [("location", "/_signin")]).into_response()).await;
    let answer = client(hosts).send(&pat(), &projects()).await;
    assert!(matches!(
        answer.result,
        Err(Error::SignIn { status: 302, .. })
    ));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_empty_success_is_a_success() {
    let answer = ask(|| http::StatusCode::NO_CONTENT.into_response()).await;
    assert!(answer.result.unwrap().bytes.is_empty());
}

#[tokio::test]
async fn a_body_may_be_as_long_as_allowed_and_no_longer() {
    let answer = ask(|| gzip(b"{\"value\":[]}")).await;
    assert_eq!(&answer.result.unwrap().bytes[..], b"{\"value\":[]}");
    let fits = ask(|| gzip(&[&b"{}"[..], &[b' '; 998]].concat())).await;
    assert_eq!(fits.result.unwrap().bytes.len(), 1000);
    let long = ask(|| gzip(&[&b"{}"[..], &[b' '; 999]].concat())).await;
    assert!(matches!(
        long.result,
        Err(Error::TooLarge {
            limit_bytes: 1000,
            ..
        })
    ));
    // One megabyte of blanks arrives as about one kilobyte: what counts is what it unpacks to.
    let bomb = ask(|| gzip(&[&b"{}"[..], &[b' '; 1 << 20]].concat())).await;
    assert!(matches!(bomb.result, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn a_body_that_is_cut_is_no_success() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"value\":[1"[..],
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"value\":\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n",
    ] {
        let answer = client(serve_raw(bytes).await).send(&pat(), &projects()).await;
        assert!(matches!(answer.result, Err(Error::Truncated { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn a_failure_whose_body_is_cut_keeps_its_meaning() {
    let hosts = serve_raw(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 50\r\n\r\nTF401027: x").await;
    let error = client(hosts)
        .send(&pat(), &projects())
        .await
        .result
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }));
    assert_eq!(error.code(), Some("TF401027"));
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        timeout: Duration::from_millis(20),
        ..Options::default()
    };
    let client = Client::new(hosts_at(&listener), options);
    let error = client.send(&pat(), &projects()).await.result.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { host: Host::Core }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_error_shows_neither_credential_nor_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hosts = hosts_at(&listener);
    drop(listener);
    let error = client(hosts)
        .send(&pat(), &projects())
        .await
        .result
        .unwrap_err();
    assert!(matches!(error, Error::Network { .. }));
    let shown = format!("{error} {error:?}");
    for hidden in [SECRET, "OnMzY3JldC1wYXQ", "in+query", "in query"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn a_credential_that_fits_no_header_is_an_error_that_hides_it() {
    let (hosts, seen) = serve(|| json("{}")).await;
    let bearer = Credential::Bearer(format!("{SECRET}\r\nx: y").into());
    let error = client(hosts)
        .send(&bearer, &projects())
        .await
        .result
        .unwrap_err();
    assert!(matches!(error, Error::Setup { .. }));
    assert!(!format!("{error} {error:?}").contains(SECRET));
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn a_proxy_variable_decides_nothing() {
    // A child, because the environment of this process is everybody's.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "client::tests::a_request_is_signed_and_says_who_sends_it",
        ])
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("1 passed"), "{said}");
}
