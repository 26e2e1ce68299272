//! The Runtime API that a function's process talks to.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Function, Lambda};

/// The largest answer of a synchronous invocation, 6 MB and a little.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LARGEST_ANSWER: usize = 6_291_556;

/// Returns the router of all environments; the path says which one is calling.
pub(crate) fn router(lambda: Lambda) -> Router {
    let base = "/{function}/{environment}/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(
            &format!("{base}/invocation/{{id}}/response"),
            post(response),
        )
        .route(&format!("{base}/invocation/{{id}}/error"), post(error))
        .route(&format!("{base}/init/error"), post(init_error))
        .layer(DefaultBodyLimit::max(LARGEST_ANSWER * 2))
        .with_state(lambda)
}

type Caller = (String, u64);

/// Blocks until there is work: any other answer than 200 with an event makes the runtime client panic.
async fn next(State(lambda): State<Lambda>, Path((name, environment)): Path<Caller>) -> Response {
    let Ok(function) = lambda.function(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    loop {
        let mut heard = std::pin::pin!(function.work.notified());
        heard.as_mut().enable();
        let work = function.pool().take(environment);
        if let Some((id, payload)) = work {
            return deliver(&lambda, function, environment, id, payload);
        }
        heard.await;
    }
}

fn deliver(
    lambda: &Lambda,
    function: &Function,
    environment: u64,
    id: String,
    payload: Bytes,
) -> Response {
    let timeout = function.spec.timeout;
    let deadline_ms = jiff::Timestamp::now().as_millisecond() + timeout.as_millis() as i64;
    let name = function.spec.logical_id.clone();
    let timer = tokio::spawn(time_out(
        lambda.clone(),
        name,
        environment,
        id.clone(),
        timeout,
    ));
    function
        .pool()
        .set_timer(environment, &id, timer.abort_handle());
    let header = |name: &'static str, value: String| (HeaderName::from_static(name), value);
    let headers = [
        header("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        header(
            "lambda-runtime-invoked-function-arn",
            function.spec.arn.clone(),
        ),
        header(
            "lambda-runtime-trace-id",
            format!(
                "Root=1-{:08x}-{}",
                deadline_ms / 1000,
                &id.replace('-', "")[..24]
            ),
        ),
        header("lambda-runtime-aws-request-id", id),
        header("content-type", "application/json".to_owned()),
    ];
    let mut response = payload.into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn time_out(lambda: Lambda, name: String, environment: u64, id: String, timeout: Duration) {
    tokio::time::sleep(timeout).await;
    let Ok(function) = lambda.function(&name) else {
        return;
    };
    let mut pool = function.pool();
    let late = pool.time_out(environment, &id);
    let starting = pool.scale();
    drop(pool);
    lambda.start(&name, starting);
    if let Some(invocation) = late {
        tracing::warn!(function = name, "an invocation reached its deadline");
        let message = format!(
            "RequestId: {id} Error: Task timed out after {:.2} seconds",
            timeout.as_secs_f64()
        );
        invocation.answer(Err(function.failed("Sandbox.Timedout", message)));
        lambda.0.activity.bump();
    }
}

type Answer = (String, u64, String);

async fn response(
    State(lambda): State<Lambda>,
    Path((name, environment, id)): Path<Answer>,
    body: Bytes,
) -> Response {
    let Ok(function) = lambda.function(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let size = body.len();
    let answer = if size > LARGEST_ANSWER {
        let message = format!(
            "the answer has {size} bytes, more than the {LARGEST_ANSWER} that Lambda passes on"
        );
        Err(function.failed("Function.ResponseSizeTooLarge", message))
    } else {
        Ok(body)
    };
    let too_large = answer.is_err();
    let Some(invocation) = function.pool().finish(environment, &id) else {
        return unknown_invocation();
    };
    invocation.answer(answer);
    lambda.0.activity.bump();
    if too_large {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else {
        accepted()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error_message: String,
}

impl Reported {
    fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| Self {
            error_type: "Runtime.UnknownReason".to_owned(),
            error_message: String::from_utf8_lossy(body).into_owned(),
        })
    }
}

async fn error(
    State(lambda): State<Lambda>,
    Path((name, environment, id)): Path<Answer>,
    body: Bytes,
) -> Response {
    let Ok(function) = lambda.function(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(invocation) = function.pool().finish(environment, &id) else {
        return unknown_invocation();
    };
    let Reported {
        error_type,
        error_message,
    } = Reported::read(&body);
    invocation.answer(Err(function.failed(&error_type, error_message)));
    lambda.0.activity.bump();
    accepted()
}

async fn init_error(
    State(lambda): State<Lambda>,
    Path((name, environment)): Path<Caller>,
    body: Bytes,
) -> Response {
    let Ok(function) = lambda.function(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Reported {
        error_type,
        error_message,
    } = Reported::read(&body);
    function
        .pool()
        .init_error(environment, error_type, error_message);
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn unknown_invocation() -> Response {
    let body = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
