//! Functions as child processes: answers, failures, deadlines, crashes.

use std::collections::BTreeMap;

use local::lambda::InvokeError;
use local::stack::Stack;
use serde_json::{Value, json};

use crate::harness::{options, stack};

fn failure(error: &InvokeError) -> (&str, &str) {
    match error {
        InvokeError::Failed {
            error_type,
            message,
            ..
        } => (error_type, message),
        other => panic!("not a function's failure: {other}"),
    }
}

async fn fails(stack: &Stack, function: &str, payload: Value) -> (String, String) {
    let error = stack.invoke(function, &payload).await.unwrap_err();
    let (kind, message) = failure(&error);
    (kind.to_owned(), message.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_answered() {
    let stack = stack().await;
    let answer = stack
        .invoke("Worker", &json!({ "hello": "world" }))
        .await
        .unwrap();
    assert_eq!(answer, json!({ "hello": "world" }));
    assert!(matches!(
        stack.invoke("Nobody", &Value::Null).await,
        Err(InvokeError::NoSuchFunction(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_sees_its_own_environment_and_nothing_of_the_runners() {
    let stack = stack().await;
    let answer = stack
        .invoke("Worker", &json!({ "do": "environment" }))
        .await
        .unwrap();
    let variables: BTreeMap<String, String> = serde_json::from_value(answer).unwrap();
    assert_eq!(variables["TABLE"], "local-Items");
    assert_eq!(variables["_HANDLER"], "test-function");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "Worker");
    assert!(variables["AWS_ENDPOINT_URL_DYNAMODB"].starts_with("http://127.0.0.1:"));
    assert!(!variables.contains_key("PATH") && !variables.contains_key("HOME"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_environment_is_used_again() {
    let stack = stack().await;
    let process = || stack.invoke("Worker", &Value::Null);
    let pid = async || {
        stack
            .invoke("Worker", &json!({ "do": "process" }))
            .await
            .unwrap()
    };
    process().await.unwrap();
    assert_eq!(pid().await, pid().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_stay_within_the_limit() {
    let stack = std::sync::Arc::new(stack().await);
    let calls = (0..20).map(|_| {
        let stack = stack.clone();
        tokio::spawn(async move {
            stack
                .invoke("Worker", &json!({ "do": "process" }))
                .await
                .unwrap()
                .to_string()
        })
    });
    let mut processes = std::collections::BTreeSet::new();
    for call in calls.collect::<Vec<_>>() {
        processes.insert(call.await.unwrap());
    }
    assert!((1..=2).contains(&processes.len()), "{processes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_panics_are_reported_and_the_process_lives_on() {
    let stack = stack().await;
    let before = stack
        .invoke("Worker", &json!({ "do": "process" }))
        .await
        .unwrap();
    assert!(
        fails(&stack, "Worker", json!({ "do": "error" }))
            .await
            .1
            .contains("refused as ordered")
    );
    assert!(
        fails(&stack, "Worker", json!({ "do": "panic" }))
            .await
            .1
            .contains("as ordered")
    );
    let after = stack
        .invoke("Worker", &json!({ "do": "process" }))
        .await
        .unwrap();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_exits_fails_its_invocation_and_is_replaced() {
    let stack = stack().await;
    let (kind, message) = fails(&stack, "Worker", json!({ "do": "exit" })).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.contains("exit status: 3"), "{message}");
    stack.invoke("Worker", &Value::Null).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_past_its_deadline_is_killed_and_the_next_one_works() {
    let stack = stack().await;
    let before = stack
        .invoke("Hasty", &json!({ "do": "process" }))
        .await
        .unwrap();
    let (kind, message) = fails(&stack, "Hasty", json!({ "do": "hang" })).await;
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(
        message.ends_with("Task timed out after 1.00 seconds"),
        "{message}"
    );
    #[cfg(target_os = "linux")]
    ends(&before).await;
    let after = stack
        .invoke("Hasty", &json!({ "do": "process" }))
        .await
        .unwrap();
    assert_ne!(before, after);
}

/// Waits until a process is gone.
#[cfg(target_os = "linux")]
async fn ends(process: &Value) {
    let entry = std::path::PathBuf::from(format!("/proc/{process}"));
    let gone = async {
        while entry.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone)
        .await
        .expect("the process lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_start_says_so() {
    let stack = stack().await;
    let (kind, message) = fails(&stack, "Broken", Value::Null).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.contains("exit status: 7"), "{message}");
    let (kind, message) = fails(&stack, "Missing", Value::Null).await;
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("no-such-program"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_above_the_limit_is_refused() {
    let stack = stack().await;
    let (kind, message) = fails(&stack, "Worker", json!({ "do": "large" })).await;
    assert_eq!(kind, "Function.ResponseSizeTooLarge", "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_to_the_functions_log() {
    let stack = stack().await;
    fails(&stack, "Worker", json!({ "do": "panic" })).await;
    assert!(
        stack.log("Worker").contains("as ordered"),
        "{}",
        stack.log("Worker")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_stack_answers_nobody() {
    let stack = Stack::start(options()).await.unwrap();
    let lambda = stack.lambda().clone();
    let waiting = tokio::spawn(async move {
        lambda
            .invoke("Worker", json!({ "do": "hang" }).to_string().into())
            .await
    });
    // The invocation is running as soon as the stack is no longer quiet.
    let mut progress = stack.progress();
    while stack.lambda().is_quiet() {
        tokio::task::yield_now().await;
    }
    progress.mark_unchanged();
    stack.shutdown().await;
    assert!(matches!(waiting.await.unwrap(), Err(InvokeError::Stopped)));
}
