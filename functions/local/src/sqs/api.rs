//! SQS' operations over awsJson 1.0.
//!
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

pub(crate) mod receive;
mod send;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Sqs, SqsError};
use crate::aws_json::{AwsError, nothing, parse, unknown_operation};

/// Answers one request.
pub(crate) async fn call(sqs: &Sqs, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "SendMessage" => send::one(sqs, body),
        "SendMessageBatch" => send::batch(sqs, body),
        "ReceiveMessage" => receive::receive(sqs, body).await,
        "DeleteMessage" => delete(sqs, &parse(body)?),
        "DeleteMessageBatch" => batch(body, |queue, entry| delete_one(sqs, queue, entry)),
        "ChangeMessageVisibility" => change_visibility(sqs, &parse(body)?),
        "ChangeMessageVisibilityBatch" => batch(body, |queue, entry| change_one(sqs, queue, entry)),
        "GetQueueUrl" => queue_url(sqs, &parse(body)?),
        "GetQueueAttributes" => attributes(sqs, &parse(body)?),
        "PurgeQueue" => {
            let request: QueueRequest = parse(body)?;
            sqs.purge(&request.queue()).map_err(aws_error)?;
            Ok(nothing())
        }
        "ListQueues" => Ok(
            json!({ "QueueUrls": sqs.depths().keys().map(|name| url(name)).collect::<Vec<_>>() }),
        ),
        _ => Err(unknown_operation(operation)),
    }
}

/// Maps this service's errors to the codes of the SQS API.
pub(super) fn aws_error(error: SqsError) -> AwsError {
    let message = error.to_string();
    match error {
        SqsError::NoSuchQueue(_) => AwsError::new(
            "com.amazonaws.sqs#QueueDoesNotExist",
            "The specified queue does not exist.",
        )
        .with_query_code("AWS.SimpleQueueService.NonExistentQueue"),
        SqsError::BadReceipt(_) => {
            AwsError::new("com.amazonaws.sqs#ReceiptHandleIsInvalid", message)
                .with_query_code("ReceiptHandleIsInvalid")
        }
        SqsError::NotInFlight(_) => AwsError::new("com.amazonaws.sqs#MessageNotInflight", message)
            .with_query_code("AWS.SimpleQueueService.MessageNotInflight"),
        SqsError::Open { source: error, .. } | SqsError::Journal(error) => {
            AwsError::internal(error)
        }
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("com.amazonaws.sqs#InvalidParameterValue", message)
        .with_query_code("InvalidParameterValue")
}

/// Returns the queue's name, which is the last part of its URL; the host does not matter.
fn name_of(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

fn url(name: &str) -> String {
    format!("http://sqs.local/000000000000/{name}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueRequest {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

impl QueueRequest {
    fn queue(&self) -> String {
        name_of(&self.queue_url)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NameRequest {
    queue_name: String,
}

fn queue_url(sqs: &Sqs, request: &NameRequest) -> Result<Value, AwsError> {
    sqs.settings(&request.queue_name).map_err(aws_error)?;
    Ok(json!({ "QueueUrl": url(&request.queue_name) }))
}

fn attributes(sqs: &Sqs, request: &QueueRequest) -> Result<Value, AwsError> {
    let name = request.queue();
    let settings = sqs.settings(&name).map_err(aws_error)?;
    let depth = sqs.depths().get(&name).copied().unwrap_or_default();
    let mut all = Map::new();
    let mut add = |key: &str, value: String| all.insert(key.to_owned(), value.into());
    add("ApproximateNumberOfMessages", depth.visible.to_string());
    add(
        "ApproximateNumberOfMessagesNotVisible",
        depth.in_flight.to_string(),
    );
    add(
        "ApproximateNumberOfMessagesDelayed",
        depth.delayed.to_string(),
    );
    add("DelaySeconds", settings.delay.as_secs().to_string());
    add("MaximumMessageSize", send::LARGEST.to_string());
    add(
        "MessageRetentionPeriod",
        settings.retention.as_secs().to_string(),
    );
    add("QueueArn", settings.arn.clone());
    add(
        "ReceiveMessageWaitTimeSeconds",
        settings.receive_wait.as_secs().to_string(),
    );
    add(
        "VisibilityTimeout",
        settings.visibility_timeout.as_secs().to_string(),
    );
    if let Some(redrive) = &settings.redrive {
        let arn = settings
            .arn
            .replace(&settings.name, &redrive.dead_letter_queue);
        let policy =
            json!({ "deadLetterTargetArn": arn, "maxReceiveCount": redrive.max_receive_count });
        add("RedrivePolicy", policy.to_string());
    }
    let wanted = |key: &str| {
        request
            .attribute_names
            .iter()
            .any(|name| name == "All" || name == key)
    };
    all.retain(|key, _| wanted(key));
    Ok(json!({ "Attributes": all }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRequest {
    queue_url: String,
    receipt_handle: String,
}

fn delete(sqs: &Sqs, request: &DeleteRequest) -> Result<Value, AwsError> {
    sqs.delete(&name_of(&request.queue_url), &request.receipt_handle)
        .map_err(aws_error)?;
    Ok(nothing())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VisibilityRequest {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u64,
}

fn change_visibility(sqs: &Sqs, request: &VisibilityRequest) -> Result<Value, AwsError> {
    let timeout = visibility(request.visibility_timeout)?;
    sqs.change_visibility(
        &name_of(&request.queue_url),
        &request.receipt_handle,
        timeout,
    )
    .map_err(aws_error)?;
    Ok(nothing())
}

fn visibility(seconds: u64) -> Result<Duration, AwsError> {
    if seconds > 43_200 {
        return Err(invalid(format!(
            "{seconds} is not a visibility timeout between 0 and 43200"
        )));
    }
    Ok(Duration::from_secs(seconds))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchRequest {
    queue_url: String,
    entries: Vec<BatchEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchEntry {
    id: String,
    receipt_handle: String,
    #[serde(default)]
    visibility_timeout: u64,
}

fn delete_one(sqs: &Sqs, queue: &str, entry: &BatchEntry) -> Result<(), AwsError> {
    sqs.delete(queue, &entry.receipt_handle).map_err(aws_error)
}

fn change_one(sqs: &Sqs, queue: &str, entry: &BatchEntry) -> Result<(), AwsError> {
    let timeout = visibility(entry.visibility_timeout)?;
    sqs.change_visibility(queue, &entry.receipt_handle, timeout)
        .map_err(aws_error)
}

/// Does something with each entry and reports which succeeded; a missing queue fails all of it.
fn batch(
    body: &[u8],
    act: impl Fn(&str, &BatchEntry) -> Result<(), AwsError>,
) -> Result<Value, AwsError> {
    let request: BatchRequest = parse(body)?;
    check_ids(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let queue = name_of(&request.queue_url);
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in &request.entries {
        match act(&queue, entry) {
            Ok(()) => successful.push(json!({ "Id": entry.id })),
            Err(error) if error.code() == "QueueDoesNotExist" => return Err(error),
            Err(error) => failed.push(failure(&entry.id, &error)),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn failure(id: &str, error: &AwsError) -> Value {
    json!({ "Id": id, "SenderFault": true, "Code": error.code(), "Message": error.message() })
}

/// A batch has one to ten entries with distinct ids.
fn check_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), AwsError> {
    let ids: Vec<_> = ids.collect();
    let (code, message) = match ids.len() {
        0 => (
            "EmptyBatchRequest",
            "There should be at least one entry in the request.".to_owned(),
        ),
        11.. => (
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are 10. You have sent {}.",
                ids.len()
            ),
        ),
        count if ids.iter().collect::<BTreeSet<_>>().len() < count => (
            "BatchEntryIdsNotDistinct",
            "Two entries of the batch have the same id.".to_owned(),
        ),
        _ => return Ok(()),
    };
    Err(AwsError::new(format!("com.amazonaws.sqs#{code}"), message))
}
