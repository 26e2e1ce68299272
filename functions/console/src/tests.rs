use axum::body::{Body, to_bytes};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    let settings = Settings::new("https://login.example/t".into(), "api", "app".into());
    let router = router(Context::new(settings).unwrap());
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn every_place_of_the_console_is_the_same_page() {
    let top = text(get("/", &[]).await).await;
    assert!(top.starts_with("<!doctype html>"));
    for path in [
        "/connections",
        "/connections/7/edit",
        "/insights/run_duration?from=2026-11-01",
    ] {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-cache");
        assert_eq!(text(response).await, top, "{path}");
    }
}

#[tokio::test]
async fn the_page_names_files_that_are_there_and_stay() {
    let page = text(get("/", &[]).await).await;
    let mut count = 0;
    for part in page.split("\"/assets/").skip(1) {
        let path = format!("/assets/{}", part.split('"').next().unwrap_or_default());
        let response = get(&path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let cache = response.headers()["cache-control"].to_str().unwrap();
        assert!(cache.contains("immutable"), "{path}");
        count += 1;
    }
    assert!(count > 10, "{count}");
}

#[tokio::test]
async fn a_browser_gets_what_it_can_unpack() {
    for (accepted, coding) in [
        ("gzip, deflate, br", Some("br")),
        ("gzip", Some("gzip")),
        ("identity", None),
    ] {
        let response = get("/", &[("accept-encoding", accepted)]).await;
        let found = response.headers().get("content-encoding");
        assert_eq!(found.map(|value| value.to_str().unwrap()), coding);
        assert_eq!(response.headers()["vary"], "accept-encoding");
    }
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let etag = get("/", &[]).await.headers()["etag"]
        .to_str()
        .unwrap()
        .to_owned();
    let response = get("/", &[("if-none-match", &etag)]).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let response = get("/", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_document_of_the_api_is_there_for_anybody() {
    let response = get("/api/v1/openapi.json", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(text(response).await, api_document::JSON);
    let response = get("/api/v1/openapi.json", &[("if-none-match", &etag)]).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    let page = get("/", &[("if-none-match", &etag)]).await;
    assert_eq!(page.status(), StatusCode::OK, "another thing, another tag");
}

#[tokio::test]
async fn what_is_not_of_the_console_is_not_there() {
    let other_version = format!("/assets/{}/console.css", "0".repeat(32));
    for path in [
        "/api",
        "/api/v1/nothing",
        "/assets/x",
        "/.env",
        "/a/.git/config",
        &other_version,
    ] {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    for path in [
        "/",
        "/config.json",
        "/api/v1/nothing",
        "/assets/x/console.css",
    ] {
        let response = get(path, &[]).await;
        let headers = response.headers();
        assert!(headers.contains_key("content-security-policy"), "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn the_pages_are_told_where_to_sign_in() {
    let found: Value = serde_json::from_str(&text(get("/config.json", &[]).await).await).unwrap();
    let expected = json!({
        "issuer": "https://login.example/t",
        "client_id": "app",
        "scope": "openid profile offline_access api/.default",
        "api": "/api/v1",
    });
    assert_eq!(found, expected);
}

#[test]
fn the_sample_events_are_requests_of_this_function() {
    use lambda_http::RequestExt as _;

    for (event, path) in [
        (include_str!("../../../events/console-page.json"), "/"),
        (
            include_str!("../../../events/console-file.json"),
            "/config.json",
        ),
        (
            include_str!("../../../events/console-document.json"),
            "/api/v1/openapi.json",
        ),
    ] {
        let request = lambda_http::request::from_str(event).unwrap();
        assert_eq!(request.raw_http_path(), path);
    }
}
