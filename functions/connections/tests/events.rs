//! The sample events for this function: its real program is started as Lambda starts it, takes the event from a
//! Runtime API, and comes as far as the first thing that it wants from AWS.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// Lambda and AWS, as far as one invocation needs them.
#[derive(Clone)]
struct Surroundings {
    /// The event, until it is taken.
    event: Arc<Mutex<Option<Value>>>,
    /// What the function asked AWS for.
    operations: Arc<Mutex<Vec<String>>>,
    answers: mpsc::Sender<Value>,
}

/// Gives the event once, then nothing for ever, as Lambda does.
async fn next(State(surroundings): State<Surroundings>) -> Response {
    let event = surroundings.event.lock().unwrap().take();
    let Some(event) = event else {
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", "example"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:connections",
        ),
    ];
    (headers, Json(event)).into_response()
}

async fn answered(State(surroundings): State<Surroundings>, body: Bytes) {
    let answer = serde_json::from_slice(&body).unwrap();
    surroundings.answers.send(answer).await.unwrap();
}

/// Refuses what the function wants from AWS, in a way that is not worth a second try.
async fn refuse(
    State(surroundings): State<Surroundings>,
    headers: HeaderMap,
    _: Request,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .map(|target| target.to_str().unwrap());
    let operation = target
        .unwrap_or("not AWS")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    surroundings
        .operations
        .lock()
        .unwrap()
        .push(operation.to_owned());
    let error = json!({ "__type": "AccessDeniedException", "message": "no" });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// The function as a process of its own, with the environment of the template.
fn start(address: &str) -> Child {
    let url = format!("http://{address}");
    let queue = format!("{url}/123456789012/queue");
    let mut command = Command::new(env!("CARGO_BIN_EXE_connections"));
    command
        .env_clear()
        .kill_on_drop(true)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let fixed = [
        ("AWS_LAMBDA_RUNTIME_API", address),
        ("AWS_LAMBDA_FUNCTION_NAME", "Connections"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/Connections"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AZURE_DEVOPS_URL", url.as_str()),
        ("CONTROL_TABLE", "control"),
        ("RECORDS_TABLE", "records"),
        ("SECRET_PREFIX", "test/"),
        (
            "SECRET_KEY_ARN",
            "arn:aws:kms:eu-west-1:123456789012:key/test",
        ),
    ];
    let queues = [
        "FAN_OUT",
        "BOARDS",
        "PIPELINES",
        "REPOS",
        "TFVC",
        "DEAD_LETTER",
    ];
    command.envs(fixed);
    command.envs(queues.map(|name| (format!("{name}_QUEUE_URL"), queue.clone())));
    command.spawn().unwrap()
}

/// What the function answers to an event, and what it asked of AWS on the way.
async fn invoke(event: Value) -> (Value, Vec<String>) {
    let (sender, mut answers) = mpsc::channel(1);
    let surroundings = Surroundings {
        event: Arc::new(Mutex::new(Some(event))),
        operations: Arc::default(),
        answers: sender,
    };
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/example/response",
            post(answered),
        )
        .fallback(refuse)
        .with_state(surroundings.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut function = start(&address);
    let answer = timeout(Duration::from_secs(60), answers.recv()).await;
    function.kill().await.unwrap();
    server.abort();
    let operations = surroundings.operations.lock().unwrap().clone();
    (answer.expect("the function answers").unwrap(), operations)
}

fn event(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The problem that an answer is, by its stable name.
fn problem(answer: &Value) -> String {
    assert_eq!(
        answer["headers"]["content-type"], "application/problem+json",
        "{answer}"
    );
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["type"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_event_comes_as_far_as_the_table() {
    let events = [
        ("connections-create.json", "Query"),
        ("connections-list.json", "Query"),
        ("connections-show.json", "GetItem"),
        ("connections-report.json", "GetItem"),
        ("connections-edit.json", "GetItem"),
        ("connections-preview.json", "GetItem"),
        ("connections-reauthenticate.json", "GetItem"),
        ("connections-sync.json", "GetItem"),
        ("connections-delete.json", "GetItem"),
        ("connections-deletion.json", "GetItem"),
        ("connections-export.json", "GetItem"),
        ("connections-pause.json", "GetItem"),
        ("connections-resume.json", "GetItem"),
        ("integrations-show.json", "Query"),
        ("integrations-export.json", "Query"),
        ("integrations-pause.json", "Query"),
        ("integrations-resume.json", "Query"),
        ("integrations-runs.json", "Query"),
        ("audit-list.json", "Query"),
    ];
    for (name, operation) in events {
        let (answer, operations) = invoke(event(name)).await;
        assert_eq!(operations, [operation], "{name}: {answer}");
        assert_eq!(answer["statusCode"], 503, "{name}: {answer}");
        assert_eq!(problem(&answer), "/problems/unavailable", "{name}");
    }
}

#[tokio::test]
async fn without_the_claims_of_the_sample_token_nothing_is_asked_of_aws() {
    let mut create = event("connections-create.json");
    create["requestContext"]["authorizer"]["jwt"]["claims"]["roles"] = json!("[viewer]");
    let mut list = event("connections-list.json");
    list["requestContext"]
        .as_object_mut()
        .unwrap()
        .remove("authorizer");
    for event in [create, list] {
        let (answer, operations) = invoke(event).await;
        assert_eq!((&answer["statusCode"], operations.len()), (&json!(403), 0));
        assert_eq!(problem(&answer), "/problems/forbidden");
    }
}
