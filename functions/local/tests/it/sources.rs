//! What invokes functions: queues and schedules.

use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;
use local::sqs::NewMessage;
use local::stack::Stack;
use serde_json::Value;

use crate::harness::{queue_url, sqs, stack};

fn send(stack: &Stack, body: &str) {
    stack
        .sqs()
        .send(
            "local-Jobs",
            NewMessage {
                body: body.to_owned(),
                ..NewMessage::default()
            },
        )
        .unwrap();
}

/// Waits until the stack is as it should become.
async fn until(stack: &Stack, reached: impl Fn(&Stack) -> bool) {
    let mut progress = stack.progress();
    while !reached(stack) {
        progress.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handled_messages_are_deleted() {
    let stack = stack().await;
    for _ in 0..25 {
        send(&stack, "ok");
    }
    stack.idle().await;
    assert_eq!(stack.depths()["Jobs"].total(), 0);
    assert!(stack.dead_letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_failed_messages_of_a_batch_come_back_and_at_last_they_are_dead() {
    let stack = stack().await;
    for body in ["ok", "fail", "ok"] {
        send(&stack, body);
    }
    for _ in 0..2 {
        until(&stack, |stack| {
            stack.depths()["Jobs"].total() == 1 && stack.depths()["Jobs"].in_flight == 1
        })
        .await;
        stack.advance_queues(Duration::from_secs(61));
    }
    stack.idle().await;
    let dead: Vec<_> = stack
        .dead_letters()
        .into_iter()
        .map(|letter| letter.body)
        .collect();
    assert_eq!(dead, ["fail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_deletes_nothing_and_a_poison_message_stops_nobody_else() {
    let stack = stack().await;
    send(&stack, "exit");
    for _ in 0..2 {
        until(&stack, |stack| {
            stack.depths()["Jobs"].in_flight == 1 && stack.lambda().is_quiet()
        })
        .await;
        stack.advance_queues(Duration::from_secs(61));
    }
    send(&stack, "ok");
    stack.idle().await;
    let dead: Vec<_> = stack
        .dead_letters()
        .into_iter()
        .map(|letter| letter.body)
        .collect();
    assert_eq!(dead, ["exit"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_has_the_shape_that_lambda_gives_it() {
    let stack = stack().await;
    let text = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("v")
        .build()
        .unwrap();
    let send = sqs(&stack)
        .send_message()
        .queue_url(queue_url(&stack, "Jobs").await)
        .message_body("show");
    let id = send
        .message_attributes("k", text)
        .send()
        .await
        .unwrap()
        .message_id
        .unwrap();
    stack.idle().await;
    let log = stack.log("Worker");
    let record: Value =
        serde_json::from_str(log.lines().find(|line| line.contains("messageId")).unwrap()).unwrap();
    assert_eq!(record["messageId"], id.as_str());
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:us-east-1:000000000000:local-Jobs"
    );
    assert_eq!(record["messageAttributes"]["k"]["stringValue"], "v");
    assert_eq!(record["messageAttributes"]["k"]["dataType"], "String");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert!(record["receiptHandle"].is_string() && record["md5OfBody"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_invokes_its_function_with_its_input() {
    let stack = stack().await;
    assert_eq!(stack.schedules().collect::<Vec<_>>(), ["WorkerTick"]);
    let answer = stack.run_schedule_now("WorkerTick").await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        answer["tick"],
        "arn:aws:scheduler:us-east-1:000000000000:schedule/default/WorkerTick"
    );
    stack.run_schedule_now("Nothing").await.unwrap_err();
}
