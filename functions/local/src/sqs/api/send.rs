//! `SendMessage` and `SendMessageBatch`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{aws_error, check_ids, failure, invalid, name_of};
use crate::aws_json::{AwsError, parse};
use crate::sqs::message::{Attributes, NewMessage, md5_of_attributes, md5_of_body, size};
use crate::sqs::{Sqs, SqsError};

/// The most bytes that one message, and one batch, may have.
///
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(super) const LARGEST: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendRequest {
    queue_url: String,
    #[serde(flatten)]
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_body: String,
    #[serde(default)]
    message_attributes: Attributes,
    delay_seconds: Option<u64>,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatchRequest {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(flatten)]
    message: Message,
}

pub(super) fn one(sqs: &Sqs, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendRequest = parse(body)?;
    Ok(Value::Object(send(
        sqs,
        &name_of(&request.queue_url),
        request.message,
    )?))
}

pub(super) fn batch(sqs: &Sqs, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendBatchRequest = parse(body)?;
    let queue = name_of(&request.queue_url);
    sqs.settings(&queue).map_err(aws_error)?;
    check_ids(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let total: usize = request
        .entries
        .iter()
        .map(|entry| entry.message.size())
        .sum();
    if total > LARGEST {
        return Err(AwsError::new(
            "com.amazonaws.sqs#BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {LARGEST} bytes. You have sent {total} bytes."
            ),
        ));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in request.entries {
        match send(sqs, &queue, entry.message) {
            Ok(mut sent) => {
                sent.insert("Id".to_owned(), entry.id.into());
                successful.push(Value::Object(sent));
            }
            Err(error) => failed.push(failure(&entry.id, &error)),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

impl Message {
    fn size(&self) -> usize {
        size(&self.message_body, &self.message_attributes)
    }

    fn check(&self) -> Result<(), AwsError> {
        if self.message_body.is_empty() {
            return Err(AwsError::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        if self.size() > LARGEST {
            return Err(invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {LARGEST} bytes."
            )));
        }
        if !self.message_body.chars().all(is_allowed) {
            return Err(AwsError::new(
                "com.amazonaws.sqs#InvalidMessageContents",
                "The message contains characters outside the allowed set.",
            ));
        }
        if self.delay_seconds.is_some_and(|seconds| seconds > 900) {
            return Err(invalid("DelaySeconds must be between 0 and 900."));
        }
        if self.message_attributes.len() > 10 {
            return Err(invalid("A message has at most 10 attributes."));
        }
        // Standard queues accept a group (fair queues); locally it is passed on and changes no order.
        if self.message_group_id.as_ref().is_some_and(String::is_empty) {
            return Err(invalid("MessageGroupId must not be empty."));
        }
        Ok(())
    }
}

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn send(sqs: &Sqs, queue: &str, message: Message) -> Result<Map<String, Value>, AwsError> {
    message.check()?;
    let Message {
        message_body: body,
        message_attributes: attributes,
        delay_seconds,
        message_group_id: group,
    } = message;
    let mut sent = Map::new();
    sent.insert("MD5OfMessageBody".to_owned(), md5_of_body(&body).into());
    if !attributes.is_empty() {
        sent.insert(
            "MD5OfMessageAttributes".to_owned(),
            md5_of_attributes(&attributes).into(),
        );
    }
    let delay = delay_seconds.map(Duration::from_secs);
    let id = sqs
        .send(
            queue,
            NewMessage {
                body,
                attributes,
                group,
                delay,
            },
        )
        .map_err(|error: SqsError| aws_error(error))?;
    sent.insert("MessageId".to_owned(), id.into());
    Ok(sent)
}
