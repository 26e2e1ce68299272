//! SQS event-source mappings: receive, invoke, delete what succeeded.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Lambda;
use crate::sqs::api::receive::system_attributes;
use crate::sqs::{Attribute, Received, Sqs, SqsError, md5_of_attributes, md5_of_body};
use crate::template::QueueMapping;

/// How long a poller rests when its queue cannot be read, for example because the disk is full.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// One mapping with all it needs.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) mapping: QueueMapping,
    pub(crate) queue_arn: String,
    pub(crate) region: String,
    pub(crate) sqs: Sqs,
    pub(crate) lambda: Lambda,
}

/// Starts the pollers of a mapping; each has at most one batch at a time.
pub(crate) fn start(source: &Source, most: usize, tasks: &mut JoinSet<()>) {
    let pollers = source.mapping.max_concurrency.unwrap_or(most).min(most);
    for _ in 0..pollers {
        tasks.spawn(poll(source.clone()));
    }
}

async fn poll(source: Source) {
    loop {
        match gather(&source).await {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => handle(&source, batch).await,
            Err(error) => {
                tracing::error!(%error, queue = source.mapping.queue, "an event source cannot receive");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Receives a batch: whatever is there, or what arrives within the batching window.
async fn gather(source: &Source) -> Result<Vec<Received>, SqsError> {
    let QueueMapping {
        queue,
        batch_size,
        batching_window,
        ..
    } = &source.mapping;
    let mut batch = source
        .sqs
        .receive(queue, *batch_size, None, Duration::from_secs(20))
        .await?;
    let end = Instant::now() + *batching_window;
    while !batch.is_empty() && batch.len() < *batch_size && Instant::now() < end {
        let wait = end.saturating_duration_since(Instant::now());
        batch.extend(
            source
                .sqs
                .receive(queue, batch_size - batch.len(), None, wait)
                .await?,
        );
    }
    Ok(batch)
}

async fn handle(source: &Source, batch: Vec<Received>) {
    let function = &source.mapping.function;
    let answer = source.lambda.invoke(function, event(source, &batch)).await;
    let failed = match answer {
        Ok(answer) if source.mapping.reports_failures => failures(&answer, &batch),
        Ok(_) => Some(BTreeSet::new()),
        Err(error) => {
            tracing::warn!(%error, messages = batch.len(), "a batch failed");
            return;
        }
    };
    let Some(failed) = failed else {
        tracing::warn!(
            function,
            "the answer does not say which messages failed, so all of them did"
        );
        return;
    };
    for message in batch.iter().filter(|message| !failed.contains(&message.id)) {
        if let Err(error) = source.sqs.delete(&source.mapping.queue, &message.receipt) {
            tracing::error!(%error, "cannot delete a message");
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchAnswer {
    #[serde(default)]
    batch_item_failures: Option<Vec<ItemFailure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// Returns the ids that failed; `None` means that the answer makes no sense and the whole batch failed.
fn failures(answer: &[u8], batch: &[Received]) -> Option<BTreeSet<String>> {
    if answer.is_empty() {
        return Some(BTreeSet::new());
    }
    let answer: Option<BatchAnswer> = serde_json::from_slice(answer).ok()?;
    let failures = answer
        .and_then(|answer| answer.batch_item_failures)
        .unwrap_or_default();
    let ids: BTreeSet<_> = failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect();
    ids.iter()
        .all(|id| batch.iter().any(|message| message.id == *id))
        .then_some(ids)
}

/// Returns the event as Lambda builds it.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>
fn event(source: &Source, batch: &[Received]) -> Bytes {
    let records: Vec<_> = batch
        .iter()
        .map(|message| record(source, message))
        .collect();
    json!({ "Records": records }).to_string().into()
}

fn record(source: &Source, message: &Received) -> Value {
    let attributes: Map<_, _> = message
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), attribute_value(attribute)))
        .collect();
    let mut record = json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": system_attributes(message),
        "messageAttributes": attributes,
        "md5OfBody": md5_of_body(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        "awsRegion": source.region,
    });
    if !message.attributes.is_empty() {
        record["md5OfMessageAttributes"] = md5_of_attributes(&message.attributes).into();
    }
    record
}

/// The event's attributes have other names than the API's.
fn attribute_value(attribute: &Attribute) -> Value {
    let mut value =
        json!({ "dataType": attribute.data_type, "stringListValues": [], "binaryListValues": [] });
    if let Some(text) = &attribute.string_value {
        value["stringValue"] = text.clone().into();
    }
    if let Some(binary) = &attribute.binary_value {
        value["binaryValue"] = binary.clone().into();
    }
    value
}
