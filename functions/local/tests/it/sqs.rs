//! SQS through its SDK.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

use crate::harness::{queue_url, sqs, stack};

struct Plain {
    stack: local::stack::Stack,
    client: aws_sdk_sqs::Client,
    url: String,
}

async fn plain() -> Plain {
    let stack = stack().await;
    let (client, url) = (sqs(&stack), queue_url(&stack, "Plain").await);
    Plain { stack, client, url }
}

impl Plain {
    async fn send(&self, body: &str) {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .send()
            .await
            .unwrap();
    }

    async fn receive(&self) -> Vec<Message> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10);
        let answer = request
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        answer.unwrap().messages.unwrap_or_default()
    }

    fn depth(&self) -> (usize, usize, usize) {
        let depth = self.stack.depths()["Plain"];
        (depth.visible, depth.in_flight, depth.delayed)
    }
}

fn attribute(kind: &str, text: Option<&str>, binary: Option<&[u8]>) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder()
        .data_type(kind)
        .set_string_value(text.map(str::to_owned));
    value
        .set_binary_value(binary.map(Blob::new))
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_round_with_its_attributes_and_checksums() {
    let queue = plain().await;
    // The SDK compares the checksums of what it sends and receives and fails on a difference.
    let sent = queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body("hällo");
    let sent = sent
        .message_attributes("text", attribute("String", Some("a"), None))
        .message_attributes("number", attribute("Number.int", Some("7"), None))
        .message_attributes("bytes", attribute("Binary", None, Some(&[0, 255])))
        .send()
        .await
        .unwrap();
    // Calculated outside of this project, with Python's hashlib.
    assert_eq!(
        sent.md5_of_message_body(),
        Some("38bbce5fb3d0aec801f9eab39182fa7a")
    );
    assert_eq!(
        sent.md5_of_message_attributes(),
        Some("dd55ab1f634754c9a6ca286c6b50eabf")
    );
    let received = queue.receive().await;
    let message = &received[0];
    assert_eq!(message.body(), Some("hällo"));
    assert_eq!(message.message_id, sent.message_id);
    assert_eq!(message.md5_of_body, sent.md5_of_message_body);
    assert_eq!(
        message.md5_of_message_attributes,
        sent.md5_of_message_attributes
    );
    let attributes = message.message_attributes().unwrap();
    assert_eq!(
        attributes["bytes"].binary_value().unwrap().as_ref(),
        [0, 255]
    );
    assert_eq!(attributes["number"].string_value(), Some("7"));
    let system = message.attributes().unwrap();
    assert_eq!(
        system[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    assert!(system.contains_key(&MessageSystemAttributeName::SentTimestamp));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_message_is_hidden_until_its_timeout_and_deleted_for_good() {
    let queue = plain().await;
    queue.send("a").await;
    let first = queue.receive().await;
    assert_eq!(queue.depth(), (0, 1, 0));
    assert!(queue.receive().await.is_empty());
    queue.stack.advance_queues(Duration::from_secs(61));
    let second = queue.receive().await;
    assert_eq!(
        second[0].attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount],
        "2"
    );
    // The receipt of the first delivery no longer deletes.
    for (message, left) in [(&first[0], 1), (&second[0], 0)] {
        let delete = queue.client.delete_message().queue_url(&queue.url);
        delete
            .receipt_handle(message.receipt_handle().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(queue.stack.depths()["Plain"].total(), left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn visibility_can_be_ended_and_extended() {
    let queue = plain().await;
    queue.send("a").await;
    let received = queue.receive().await;
    let change = |seconds: i32, receipt: &str| {
        let change = queue
            .client
            .change_message_visibility()
            .queue_url(&queue.url);
        change
            .receipt_handle(receipt)
            .visibility_timeout(seconds)
            .send()
    };
    let receipt = received[0].receipt_handle().unwrap();
    change(600, receipt).await.unwrap();
    queue.stack.advance_queues(Duration::from_secs(61));
    assert!(queue.receive().await.is_empty());
    change(0, receipt).await.unwrap();
    assert_eq!(queue.depth(), (1, 0, 0));
    let error = change(0, receipt).await.unwrap_err().into_service_error();
    assert!(error.is_message_not_inflight(), "{error:?}");
    let error = change(0, "nonsense")
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_receipt_handle_is_invalid(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_message_comes_later() {
    let queue = plain().await;
    let send = queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body("later");
    send.delay_seconds(30).send().await.unwrap();
    assert_eq!(queue.depth(), (0, 0, 1));
    assert!(queue.receive().await.is_empty());
    queue.stack.advance_queues(Duration::from_secs(31));
    assert_eq!(queue.receive().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_received_too_often_moves_to_the_dead_letter_queue() {
    let queue = plain().await;
    queue.send("poison").await;
    let id = queue.receive().await[0].message_id.clone();
    for expected in [1, 0] {
        queue.stack.advance_queues(Duration::from_secs(61));
        assert_eq!(queue.receive().await.len(), expected);
    }
    let dead = queue_url(&queue.stack, "Dead").await;
    let receive = queue.client.receive_message().queue_url(&dead);
    let answer = receive
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let message = &answer.messages()[0];
    assert_eq!(message.message_id, id);
    let source =
        &message.attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert!(source.ends_with(":local-Plain"), "{source}");
    assert_eq!(queue.stack.dead_letters()[0].body, "poison");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_receive_wakes_when_a_message_arrives() {
    let queue = plain().await;
    let receive = queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .wait_time_seconds(20)
        .send();
    let waiting = tokio::spawn(receive);
    queue.send("now").await;
    let started = std::time::Instant::now();
    assert_eq!(waiting.await.unwrap().unwrap().messages().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_receive_wakes_when_a_delay_ends() {
    let queue = plain().await;
    let send = queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body("later");
    send.delay_seconds(600).send().await.unwrap();
    let receive = queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .wait_time_seconds(20)
        .send();
    let waiting = tokio::spawn(receive);
    queue.stack.advance_queues(Duration::from_secs(601));
    let started = std::time::Instant::now();
    assert_eq!(waiting.await.unwrap().unwrap().messages().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(10));
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_report_each_entry() {
    let queue = plain().await;
    let batch = |entries: Vec<SendMessageBatchRequestEntry>| {
        queue
            .client
            .send_message_batch()
            .queue_url(&queue.url)
            .set_entries(Some(entries))
            .send()
    };
    let answer = batch(vec![entry("a", "1"), entry("b", "\u{1}"), entry("c", "3")])
        .await
        .unwrap();
    assert_eq!(answer.successful().len(), 2);
    assert_eq!(answer.failed()[0].id(), "b");
    assert_eq!(answer.failed()[0].code(), "InvalidMessageContents");
    for (entries, code) in [
        (
            vec![entry("a", "1"), entry("a", "2")],
            "BatchEntryIdsNotDistinct",
        ),
        (
            (0..11).map(|i| entry(&i.to_string(), "x")).collect(),
            "TooManyEntriesInBatchRequest",
        ),
        (
            vec![
                entry("a", &"x".repeat(600_000)),
                entry("b", &"x".repeat(600_000)),
            ],
            "BatchRequestTooLong",
        ),
    ] {
        let error = batch(entries).await.unwrap_err().into_service_error();
        assert!(error.code().unwrap().ends_with(code), "{code}: {error:?}");
    }

    let received = queue.receive().await;
    assert_eq!(received.len(), 2);
    let visible = received.iter().enumerate().map(|(i, message)| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(i.to_string())
            .visibility_timeout(600);
        entry
            .receipt_handle(message.receipt_handle().unwrap())
            .build()
            .unwrap()
    });
    let change = queue
        .client
        .change_message_visibility_batch()
        .queue_url(&queue.url);
    let answer = change
        .set_entries(Some(visible.collect()))
        .send()
        .await
        .unwrap();
    assert_eq!((answer.successful().len(), answer.failed().len()), (2, 0));
    let gone = received.iter().enumerate().map(|(i, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(i.to_string());
        entry
            .receipt_handle(message.receipt_handle().unwrap())
            .build()
            .unwrap()
    });
    let delete = queue.client.delete_message_batch().queue_url(&queue.url);
    delete
        .set_entries(Some(gone.collect()))
        .send()
        .await
        .unwrap();
    assert_eq!(queue.depth(), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_tell_depths_and_settings() {
    let queue = plain().await;
    for body in ["a", "b", "c"] {
        queue.send(body).await;
    }
    queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
    let request = queue
        .client
        .get_queue_attributes()
        .queue_url(&queue.url)
        .attribute_names(QueueAttributeName::All);
    let attributes = request.send().await.unwrap().attributes.unwrap();
    assert_eq!(
        attributes[&QueueAttributeName::ApproximateNumberOfMessages],
        "2"
    );
    assert_eq!(
        attributes[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible],
        "1"
    );
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "60");
    assert!(attributes[&QueueAttributeName::RedrivePolicy].contains("local-Dead"));
    queue
        .client
        .purge_queue()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
    assert_eq!(queue.depth(), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_get_typed_errors() {
    let queue = plain().await;
    let missing = queue
        .client
        .get_queue_url()
        .queue_name("nothing")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(missing.is_queue_does_not_exist(), "{missing:?}");
    let send = queue
        .client
        .send_message()
        .queue_url("http://x/0/nothing")
        .message_body("a");
    let missing = send.send().await.unwrap_err().into_service_error();
    assert!(missing.is_queue_does_not_exist(), "{missing:?}");
    let large = "x".repeat(1_048_577);
    let send = queue
        .client
        .send_message()
        .queue_url(&queue.url)
        .message_body(large);
    let error = send.send().await.unwrap_err().into_service_error();
    assert!(
        error.code().unwrap().ends_with("InvalidParameterValue"),
        "{error:?}"
    );
    let list = queue
        .client
        .create_queue()
        .queue_name("new")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(list.code(), Some("UnknownOperationException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_consumers_never_receive_the_same_message_at_once() {
    let queue = plain().await;
    for i in 0..100 {
        queue
            .stack
            .sqs()
            .send(
                "local-Plain",
                local::sqs::NewMessage {
                    body: i.to_string(),
                    ..Default::default()
                },
            )
            .unwrap();
    }
    let consumers = (0..4).map(|_| {
        let (client, url) = (queue.client.clone(), queue.url.clone());
        tokio::spawn(async move {
            let mut bodies = Vec::new();
            loop {
                let answer = client
                    .receive_message()
                    .queue_url(&url)
                    .max_number_of_messages(10)
                    .send()
                    .await
                    .unwrap();
                if answer.messages().is_empty() {
                    return bodies;
                }
                bodies.extend(
                    answer
                        .messages()
                        .iter()
                        .map(|message| message.body().unwrap().to_owned()),
                );
            }
        })
    });
    let mut all = Vec::new();
    for consumer in consumers.collect::<Vec<_>>() {
        all.extend(consumer.await.unwrap());
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_keeps_its_group() {
    let queue = plain().await;
    let send = queue.client.send_message().queue_url(&queue.url);
    let send = send.message_body("x").message_group_id("contoso");
    send.send().await.unwrap();
    let receive = queue.client.receive_message().queue_url(&queue.url);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    let received = receive.send().await.unwrap();
    let attributes = received.messages()[0].attributes().unwrap();
    assert_eq!(
        attributes[&MessageSystemAttributeName::MessageGroupId],
        "contoso"
    );
}
