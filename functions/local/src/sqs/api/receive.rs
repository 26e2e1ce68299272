//! `ReceiveMessage`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{aws_error, invalid, name_of, visibility};
use crate::aws_json::{AwsError, parse};
use crate::sqs::Sqs;
use crate::sqs::message::{Attributes, Received, md5_of_attributes, md5_of_body};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveRequest {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u64>,
    wait_time_seconds: Option<u64>,
    /// The older name of the system attributes' list; both count.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

pub(super) async fn receive(sqs: &Sqs, body: &[u8]) -> Result<Value, AwsError> {
    let request: ReceiveRequest = parse(body)?;
    let queue = name_of(&request.queue_url);
    let settings = sqs.settings(&queue).map_err(aws_error)?;
    let most = request.max_number_of_messages.unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(invalid(format!(
            "{most} is not a number of messages between 1 and 10"
        )));
    }
    let wait = request
        .wait_time_seconds
        .map_or(settings.receive_wait, Duration::from_secs);
    if wait > Duration::from_secs(20) {
        return Err(invalid("WaitTimeSeconds must be between 0 and 20"));
    }
    let hidden = request.visibility_timeout.map(visibility).transpose()?;
    let received = sqs
        .receive(&queue, most, hidden, wait)
        .await
        .map_err(aws_error)?;
    if received.is_empty() {
        return Ok(json!({}));
    }
    let messages: Vec<_> = received
        .iter()
        .map(|message| shape(&request, message))
        .collect();
    Ok(json!({ "Messages": messages }))
}

fn shape(request: &ReceiveRequest, message: &Received) -> Value {
    let mut shaped = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5_of_body(&message.body),
    });
    let names = || {
        request
            .attribute_names
            .iter()
            .chain(&request.message_system_attribute_names)
    };
    let mut system = system_attributes(message);
    system.retain(|key, _| names().any(|name| name == "All" || name == key));
    if !system.is_empty() {
        shaped["Attributes"] = Value::Object(system);
    }
    let wanted = |name: &str| {
        request
            .message_attribute_names
            .iter()
            .any(|pattern| matches(pattern, name))
    };
    let attributes: Attributes = message
        .attributes
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(n, a)| (n.clone(), a.clone()))
        .collect();
    if !attributes.is_empty() {
        shaped["MD5OfMessageAttributes"] = md5_of_attributes(&attributes).into();
        shaped["MessageAttributes"] = json!(attributes);
    }
    shaped
}

/// Returns the system attributes, which the API and Lambda's event have in common.
pub(crate) fn system_attributes(message: &Received) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut add = |key: &str, value: String| attributes.insert(key.to_owned(), value.into());
    add("ApproximateReceiveCount", message.receives.to_string());
    add(
        "ApproximateFirstReceiveTimestamp",
        message.first_received_ms.to_string(),
    );
    add("SenderId", "000000000000".to_owned());
    add("SentTimestamp", message.sent_ms.to_string());
    if let Some(group) = &message.group {
        add("MessageGroupId", group.clone());
    }
    if let Some(arn) = &message.source_arn {
        add("DeadLetterQueueSourceArn", arn.clone());
    }
    attributes
}

/// A name, `All`, `.*`, or a prefix followed by `.*`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern == "All"
        || pattern == name
        || pattern
            .strip_suffix(".*")
            .is_some_and(|prefix| name.starts_with(prefix))
}
