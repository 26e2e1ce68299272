//! A function that does what its event says, also what no function should.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("BREAK_INIT").is_ok_and(|value| value == "exit") {
        std::process::exit(7);
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let payload = event.payload;
    if let Some(records) = payload["Records"].as_array() {
        return batch(records).await;
    }
    if payload["version"] == "2.0" {
        return Ok(http(&payload));
    }
    obey(payload["do"].as_str().unwrap_or_default(), &payload).await
}

async fn obey(order: &str, payload: &Value) -> Result<Value, Error> {
    match order {
        "hang" => std::future::pending().await,
        "exit" => std::process::exit(3),
        "panic" => panic!("as ordered"),
        "error" => Err("refused as ordered".into()),
        "large" => Ok("x".repeat(7 << 20).into()),
        "environment" => Ok(json!(
            std::env::vars().collect::<std::collections::BTreeMap<_, _>>()
        )),
        "process" => Ok(std::process::id().into()),
        _ => Ok(payload.clone()),
    }
}

/// Each body is an order: `ok`, `fail`, or one that ends the whole invocation.
async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        match record["body"].as_str().unwrap_or_default() {
            "fail" => failures.push(json!({ "itemIdentifier": record["messageId"] })),
            "show" => log(record),
            order => drop(obey(order, &Value::Null).await?),
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[expect(clippy::print_stdout, reason = "a function's output is its log")]
fn log(record: &Value) {
    println!("{record}");
}

fn http(event: &Value) -> Value {
    match event["rawPath"].as_str() {
        Some("/cookies") => json!({
            "statusCode": 201, "headers": { "x-test": "yes", "content-type": "application/octet-stream" },
            "cookies": ["a=1", "b=2"], "body": "AAEC", "isBase64Encoded": true,
        }),
        Some("/crash") => std::process::exit(4),
        _ => {
            json!({ "statusCode": 200, "headers": { "content-type": "application/json" }, "body": event.to_string() })
        }
    }
}
