//! The sample event for this function, from Lambda's JSON through the router to a simulated organization.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::{collections::HashMap, fs, path::Path};

use ado::Hosts;
use axum::body::to_bytes;
use lambda_http::{Body, RequestExt, http::StatusCode};
use serde_json::{Value, json};
use simulator::{Config, Simulator};
use tokio::net::TcpListener;
use tower::ServiceExt;
use validate_pat::{Context, router};

fn event() -> lambda_http::Request {
    let path = "../../events/validate-pat.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    lambda_http::request::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

async fn answer(request: lambda_http::Request) -> (StatusCode, Value) {
    let simulator = Simulator::new(Config::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { simulator.serve(listener).await });
    let context = Context::new(Hosts::from_base(&base).unwrap()).unwrap();
    let request = request.map(|body| match body {
        Body::Text(text) => axum::body::Body::from(text),
        Body::Binary(bytes) => axum::body::Body::from(bytes),
        _ => axum::body::Body::empty(),
    });
    let response = router(context).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn the_form_is_understood_and_its_token_refused() {
    let (status, answer) = answer(event()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let report = &answer["organizations"][0];
    assert_eq!(report["organization"], "fabrikam");
    assert_eq!(report["problem"]["kind"], "credential_refused", "{report}");
}

#[test]
fn the_event_carries_a_verified_token_with_tenant_and_role() {
    let lambda_http::request::RequestContext::ApiGatewayV2(context) = event().request_context()
    else {
        panic!("not payload format 2.0");
    };
    let claims = context.authorizer.and_then(|who| who.jwt).unwrap().claims;
    let expected = HashMap::from([("tid", "contoso"), ("roles", "[admin]")]);
    for (name, value) in expected {
        assert_eq!(claims.get(name).map(String::as_str), Some(value));
    }
}

#[test]
fn the_sample_token_is_nobodys() {
    let Body::Text(body) = event().into_body() else {
        panic!("a text is expected");
    };
    let form: Value = serde_json::from_str(&body).unwrap();
    let pat = &"examplepat".repeat(6)[..52];
    assert_eq!(form["pat"], json!(pat));
}
