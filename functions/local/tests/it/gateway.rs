//! The HTTP API and its authorizer.

use local::stack::Stack;
use serde_json::{Value, json};

use crate::harness::{options, stack};

async fn get(url: String) -> reqwest::Response {
    reqwest::Client::new().get(url).send().await.unwrap()
}

async fn body(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_has_the_shape_of_payload_format_2() {
    let stack = stack().await;
    let token = stack.token("tenant-1", &["admin", "viewer"]).unwrap();
    let url = format!("{}/items/a%20b?x=1&x=2&y=%C3%A4", stack.url());
    let request = reqwest::Client::new()
        .post(url)
        .header("authorization", format!("Bearer {token}"));
    let request = request
        .header("cookie", "a=1; b=2")
        .header("x-many", "1")
        .header("x-many", "2");
    let response = request
        .header("content-type", "application/json")
        .body(r#"{"k":1}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let event = body(response).await;
    assert_eq!(event["routeKey"], "POST /items/{id}");
    assert_eq!(event["rawPath"], "/items/a%20b");
    assert_eq!(event["pathParameters"], json!({ "id": "a b" }));
    assert_eq!(
        event["queryStringParameters"],
        json!({ "x": "1,2", "y": "ä" })
    );
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-many"], "1,2");
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!(r#"{"k":1}"#), &json!(false))
    );
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["stage"], "$default");
    let claims = &event["requestContext"]["authorizer"]["jwt"]["claims"];
    assert_eq!(
        (&claims["tid"], &claims["roles"]),
        (&json!("tenant-1"), &json!("[admin viewer]"))
    );
    assert!(claims["exp"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_goes_both_ways() {
    let stack = stack().await;
    let request = reqwest::Client::new().post(format!("{}/open", stack.url()));
    let response = request
        .header("content-type", "application/zip")
        .body(vec![0, 255])
        .send()
        .await
        .unwrap();
    let event = body(response).await;
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("AP8="), &json!(true))
    );
    let response = get(format!("{}/cookies", stack.url())).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-test"], "yes");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(response.bytes().await.unwrap().as_ref(), [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_and_crashes_get_the_gateways_own_words() {
    let stack = stack().await;
    for (path, status, message) in [
        ("/nothing", 404, "Not Found"),
        ("/items/1", 404, "Not Found"),
        ("/crash", 500, "Internal Server Error"),
    ] {
        let response = get(format!("{}{path}", stack.url())).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(
            body(response).await,
            json!({ "message": message }),
            "{path}"
        );
    }
}

async fn status(stack: &Stack, authorization: &str) -> u16 {
    let request = reqwest::Client::new().post(format!("{}/items/1", stack.url()));
    let response = request
        .header("authorization", authorization)
        .send()
        .await
        .unwrap();
    if response.status() == 401 {
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        assert_eq!(
            response.bytes().await.unwrap(),
            r#"{"message":"Unauthorized"}"#
        );
        return 401;
    }
    response.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_valid_token_opens_a_guarded_route() {
    let stack = stack().await;
    let token = stack.token("t", &[]).unwrap();
    assert_eq!(status(&stack, &format!("Bearer {token}")).await, 200);
    assert_eq!(status(&stack, &token).await, 200);
    let now = jiff::Timestamp::now().as_second();
    let claims = |change: Value| {
        let mut claims = json!({ "aud": "local", "exp": now + 60, "nbf": now - 1, "iat": now - 1 });
        claims
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        stack.token_with(&claims).unwrap()
    };
    for (change, expected) in [
        (json!({}), 200),
        (json!({ "aud": ["other", "local"] }), 200),
        (json!({ "aud": "other" }), 401),
        (json!({ "aud": "other", "client_id": "local" }), 401),
        (json!({ "exp": now - 1 }), 401),
        (json!({ "exp": null }), 401),
        (json!({ "nbf": now + 60 }), 401),
        (json!({ "iat": now + 60 }), 401),
    ] {
        assert_eq!(
            status(&stack, &format!("Bearer {}", claims(change.clone()))).await,
            expected,
            "{change}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_are_refused() {
    let (stack, other) = (stack().await, stack().await);
    let token = stack.token("t", &[]).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let header = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let unsigned = header(r#"{"alg":"none","typ":"JWT"}"#);
    for forged in [
        String::new(),
        "nonsense".to_owned(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{unsigned}.{}.", parts[1]),
        format!(
            "{}.{}.{}",
            parts[0],
            header(r#"{"aud":"local","exp":9999999999}"#),
            parts[2]
        ),
        // Well signed, but by another issuer's key.
        other.token("t", &[]).unwrap(),
    ] {
        assert_eq!(
            status(&stack, &format!("Bearer {forged}")).await,
            401,
            "{forged}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_signature_under_another_issuers_name_is_refused() {
    let issuer = stack().await;
    // The keys are found there, but the tokens name the address without its last slash.
    let url = format!("{}/.local-issuer/", issuer.url());
    let stack = Stack::start(options().parameter("Issuer", url))
        .await
        .unwrap();
    let token = issuer.token("t", &[]).unwrap();
    assert_eq!(status(&issuer, &token).await, 200);
    assert_eq!(status(&stack, &token).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_issuer_can_take_the_local_ones_place() {
    let issuer = stack().await;
    let url = format!("{}/.local-issuer", issuer.url());
    let stack = Stack::start(
        options()
            .parameter("Issuer", url)
            .parameter("Audience", "api"),
    )
    .await
    .unwrap();
    let exp = jiff::Timestamp::now().as_second() + 60;
    let token = issuer
        .token_with(&json!({ "aud": "api", "exp": exp }))
        .unwrap();
    assert_eq!(status(&stack, &format!("Bearer {token}")).await, 200);
    assert_eq!(
        status(
            &stack,
            &format!("Bearer {}", stack.token("t", &[]).unwrap())
        )
        .await,
        401
    );
}
