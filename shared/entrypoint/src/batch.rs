//! The one batch loop: messages of SQS in, the ids of those that failed out.

use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::LambdaEvent;
use model::{Fault, Trace};
use serde::{Deserialize, de::DeserializeOwned};
use telemetry::Metric;

/// A message as a handler gets it.
#[derive(Clone, Debug)]
pub struct Delivery<M> {
    /// The message.
    pub message: M,
    /// SQS' id of it: the same for every delivery of the same message.
    pub id: String,
    /// Unique to this invocation.
    pub invocation: String,
    /// When the invocation is killed.
    pub deadline: Instant,
}

impl<M> Delivery<M> {
    /// How long the handler may still work.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// What becomes of messages that were not simply done; functions implement it with their queues.
pub trait Pending {
    /// Keeps a message that cannot be handled where a person will look; `false` if that failed.
    fn bury(&self, body: &str, reason: &str) -> impl Future<Output = bool> + Send;

    /// Has a message that failed seen again after this time, instead of after the queue's visibility timeout. `source`
    /// is the ARN of its queue.
    fn delay(
        &self,
        source: &str,
        receipt: &str,
        after: Duration,
    ) -> impl Future<Output = ()> + Send;
}

/// Handles the messages of an event one after the other.
///
/// A message that cannot be read, or whose handler says that trying again is useless, is buried with its reason and is
/// then done; if burying fails it counts as failed, so that SQS' own redrive keeps it. A message whose connection needs
/// a person is done: the handler has marked the connection. Everything else that failed is returned by its id, and
/// only that: one bad message never costs its neighbours a second delivery.
pub async fn handle<M, E, H>(
    event: LambdaEvent<SqsEvent>,
    pending: &impl Pending,
    handler: H,
    fault: fn(&E) -> Fault,
) -> SqsBatchResponse
where
    M: DeserializeOwned,
    E: std::error::Error,
    H: AsyncFn(Delivery<M>) -> Result<(), E>,
{
    let deadline = Instant::now() + time_left(event.context.deadline);
    let mut response = SqsBatchResponse::default();
    for message in event.payload.records {
        let id = message.message_id.clone().unwrap_or_default();
        let done = one(
            &message,
            &event.context.request_id,
            deadline,
            pending,
            &handler,
            fault,
        );
        if !done.await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Handles one message; `false` if it has to be seen again.
async fn one<M, E, H>(
    message: &SqsMessage,
    invocation: &str,
    deadline: Instant,
    pending: &impl Pending,
    handler: &H,
    fault: fn(&E) -> Fault,
) -> bool
where
    M: DeserializeOwned,
    E: std::error::Error,
    H: AsyncFn(Delivery<M>) -> Result<(), E>,
{
    let body = message.body.as_deref().unwrap_or_default();
    let id = message.message_id.clone().unwrap_or_default();
    let attempt = message.attributes.get("ApproximateReceiveCount");
    let attempt = attempt.and_then(|count| count.parse().ok()).unwrap_or(1);
    let parsed: M = match serde_json::from_str(body) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::error!(message.id = id, error = %error, "buried an unreadable message");
            let reason = format!("unreadable message: {error}");
            return counted(pending.bury(body, &reason).await);
        }
    };
    let trace = trace_of(body);
    let delivery = Delivery {
        message: parsed,
        id: id.clone(),
        invocation: invocation.to_owned(),
        deadline,
    };
    let Err(error) = handler(delivery).await else {
        return true;
    };
    match fault(&error) {
        Fault::Retryable { after } => {
            let after = after.unwrap_or_else(|| backoff(attempt));
            let retry_after_s = after.as_secs();
            tracing::warn!(trace.id = %trace, message.id = id, attempt, retry_after_s, error = %error, "message failed");
            if let (Some(source), Some(receipt)) =
                (&message.event_source_arn, &message.receipt_handle)
            {
                pending.delay(source, receipt, after).await;
            }
            false
        }
        Fault::Reauthorize => {
            tracing::warn!(trace.id = %trace, message.id = id, error = %error, "connection needs a person");
            true
        }
        Fault::Permanent => {
            tracing::error!(trace.id = %trace, message.id = id, error = %error, "buried a message");
            counted(pending.bury(body, &error.to_string()).await)
        }
    }
}

/// What set a message going, whatever kind it is of.
fn trace_of(body: &str) -> Trace {
    #[derive(Deserialize)]
    struct Traced {
        #[serde(default)]
        trace: Trace,
    }
    let traced = serde_json::from_str(body).map(|traced: Traced| traced.trace);
    traced.unwrap_or_default()
}

/// Measures that there is one more dead letter, if there is.
fn counted(buried: bool) -> bool {
    if buried {
        telemetry::emit(crate::now(), &[(Metric::DeadLetters, 1.0)]);
    }
    buried
}

/// Half a minute after the first attempt, then twice as long each time, at most 15 minutes.
fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(15 << attempt.clamp(1, 6)).min(Duration::from_secs(900))
}

/// Lambda's deadline is a wall-clock time in milliseconds; everything after it is killed.
fn time_left(deadline_ms: u64) -> Duration {
    let now = crate::now().as_millisecond();
    let left = i64::try_from(deadline_ms)
        .unwrap_or(i64::MAX)
        .saturating_sub(now);
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Graves {
        buried: Mutex<Vec<(String, String)>>,
        full: bool,
        delayed: Mutex<Vec<(String, Duration)>>,
    }

    impl Pending for Graves {
        async fn bury(&self, body: &str, reason: &str) -> bool {
            self.buried
                .lock()
                .unwrap()
                .push((body.to_owned(), reason.to_owned()));
            !self.full
        }

        async fn delay(&self, _source: &str, receipt: &str, after: Duration) {
            self.delayed
                .lock()
                .unwrap()
                .push((receipt.to_owned(), after));
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("job {0} failed")]
    struct Failed(u32);

    fn fault(error: &Failed) -> Fault {
        match error.0 {
            2 => Fault::Retryable { after: None },
            3 => Fault::Reauthorize,
            _ => Fault::Permanent,
        }
    }

    async fn failed_ids(bodies: &[&str], graves: &Graves) -> Vec<String> {
        let records: Vec<_> = bodies
            .iter()
            .enumerate()
            .map(|(id, body)| {
                json!({
                    "messageId": format!("m{id}"), "body": body,
                    "receiptHandle": format!("r{id}"), "eventSourceARN": "arn:aws:sqs:x:0:q",
                    "attributes": { "ApproximateReceiveCount": "2" },
                })
            })
            .collect();
        let payload = serde_json::from_value(json!({ "Records": records })).unwrap();
        let event = LambdaEvent::new(payload, lambda_runtime::Context::default());
        let handler = async |delivery: Delivery<u32>| match delivery.message {
            1 => Ok(()),
            other => Err(Failed(other)),
        };
        let response = handle(event, graves, handler, fault).await;
        response
            .batch_item_failures
            .into_iter()
            .map(|f| f.item_identifier)
            .collect()
    }

    #[tokio::test]
    async fn exactly_the_messages_that_failed_are_returned() {
        let graves = Graves::default();
        assert_eq!(
            failed_ids(&["1", "2", "1", "3", "4", "2"], &graves).await,
            ["m1", "m5"]
        );
        assert_eq!(
            *graves.buried.lock().unwrap(),
            [("4".into(), "job 4 failed".into())]
        );
    }

    #[tokio::test]
    async fn an_unreadable_message_is_buried_and_stops_nobody() {
        let graves = Graves::default();
        assert!(failed_ids(&["poison", "1"], &graves).await.is_empty());
        assert!(
            graves.buried.lock().unwrap()[0]
                .1
                .starts_with("unreadable message")
        );
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_buried_is_not_lost() {
        let graves = Graves {
            full: true,
            ..Graves::default()
        };
        assert_eq!(failed_ids(&["poison", "4"], &graves).await, ["m0", "m1"]);
    }
}
