//! Sending messages: jobs to the queue of their service, organizations to the fan-out queue, and what cannot be
//! handled to the dead-letter queue with its reason.
//!
//! Receiving is Lambda's work, not ours: see `entrypoint`.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_sdk_sqs::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    types::{MessageAttributeValue, SendMessageBatchRequestEntry},
};
use model::{FanOut, Fault, Job, Purge, Service, TenantId};
use serde::Serialize;

/// What SQS takes: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
const LONGEST_DELAY: Duration = Duration::from_secs(900);
const BATCH: usize = 10;
const LONGEST_INVISIBILITY: u64 = 11 * 3600;

/// The addresses of the queues.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Organizations to look at.
    pub fan_out: String,
    /// Jobs of Boards.
    pub boards: String,
    /// Jobs of Pipelines.
    pub pipelines: String,
    /// Jobs of Repos.
    pub repos: String,
    /// Jobs of TFVC.
    pub tfvc: String,
    /// What could not be handled.
    pub dead_letter: String,
}

impl Addresses {
    /// The addresses as the template sets them, read by `variable`.
    ///
    /// # Errors
    /// That of `variable`.
    pub fn from_env<E>(variable: impl Fn(&'static str) -> Result<String, E>) -> Result<Self, E> {
        Ok(Self {
            fan_out: variable("FAN_OUT_QUEUE_URL")?,
            boards: variable("BOARDS_QUEUE_URL")?,
            pipelines: variable("PIPELINES_QUEUE_URL")?,
            repos: variable("REPOS_QUEUE_URL")?,
            tfvc: variable("TFVC_QUEUE_URL")?,
            dead_letter: variable("DEAD_LETTER_QUEUE_URL")?,
        })
    }

    /// The address of the queue of this name.
    fn named(&self, name: &str) -> Option<&str> {
        [
            &self.fan_out,
            &self.boards,
            &self.pipelines,
            &self.repos,
            &self.tfvc,
        ]
        .into_iter()
        .find(|address| address.rsplit('/').next() == Some(name))
        .map(String::as_str)
    }
}

/// The queues, for sending.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Arc<LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>>,
    addresses: Addresses,
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("sending to {queue} failed: {code}")]
pub struct Error {
    queue: String,
    code: String,
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        Fault::Retryable { after: None }
    }

    fn new<E: ProvideErrorMetadata, R>(queue: &str, error: &SdkError<E, R>) -> Self {
        Self {
            queue: queue.rsplit('/').next().unwrap_or(queue).to_owned(),
            code: error.code().unwrap_or("out of reach").to_owned(),
        }
    }
}

impl Queues {
    /// The queues at these addresses; the client is made when the first message is sent.
    pub fn new(client: impl FnOnce() -> Client + Send + 'static, addresses: Addresses) -> Self {
        Self {
            client: Arc::new(LazyLock::new(Box::new(client))),
            addresses,
        }
    }

    /// Sends jobs to the queues of their services; they become visible after `delay`, at most 15 minutes.
    ///
    /// # Errors
    /// SQS refused one of them; those before it were sent. Sending all again is harmless.
    pub async fn send_jobs(&self, jobs: &[Job], delay: Duration) -> Result<(), Error> {
        for service in Service::ALL {
            let messages: Vec<Message> = jobs
                .iter()
                .filter(|job| job.service == service)
                .map(|job| Message::new(&job.tenant, job))
                .collect();
            self.send(self.address(service), &messages, delay).await?;
        }
        Ok(())
    }

    /// Sends organizations to the fan-out queue; they become visible after `delay`, at most 15 minutes.
    ///
    /// # Errors
    /// SQS refused one of them; those before it were sent.
    pub async fn send_fan_out(
        &self,
        organizations: &[FanOut],
        delay: Duration,
    ) -> Result<(), Error> {
        let messages: Vec<Message> = organizations
            .iter()
            .map(|message| Message::new(&message.tenant, message))
            .collect();
        self.send(&self.addresses.fan_out, &messages, delay).await
    }

    /// Sends for the removal of what a deleted connection has left; it becomes visible after `delay`, at most 15 minutes.
    ///
    /// # Errors
    /// SQS refused.
    pub async fn send_purge(&self, purge: &Purge, delay: Duration) -> Result<(), Error> {
        let message = Message::new(&purge.tenant, purge);
        self.send(&self.addresses.fan_out, &[message], delay).await
    }

    /// Puts a message that cannot be handled where a person will look, with the reason.
    ///
    /// # Errors
    /// SQS refused.
    pub async fn bury(&self, message: &str, reason: &str) -> Result<(), Error> {
        let reason = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(reason.chars().take(1000).collect::<String>())
            .build();
        let queue = &self.addresses.dead_letter;
        self.client
            .send_message()
            .queue_url(queue)
            .message_body(message)
            .set_message_attributes(reason.ok().map(|reason| [("reason".into(), reason)].into()))
            .send()
            .await
            .map_err(|error| Error::new(queue, &error))?;
        Ok(())
    }

    /// Has a message seen again after this time instead of after its queue's visibility timeout. `source` is the ARN of
    /// the queue; a queue that is not ours is left alone.
    ///
    /// # Errors
    /// SQS refused; the message is seen again after the visibility timeout.
    pub async fn delay(&self, source: &str, receipt: &str, after: Duration) -> Result<(), Error> {
        let name = source.rsplit(':').next().unwrap_or(source);
        let Some(queue) = self.addresses.named(name) else {
            return Ok(());
        };
        let after = i32::try_from(after.as_secs().min(LONGEST_INVISIBILITY)).unwrap_or(0);
        self.client
            .change_message_visibility()
            .queue_url(queue)
            .receipt_handle(receipt)
            .visibility_timeout(after)
            .send()
            .await
            .map_err(|error| Error::new(queue, &error))?;
        Ok(())
    }

    fn address(&self, service: Service) -> &str {
        match service {
            Service::Boards => &self.addresses.boards,
            Service::Pipelines => &self.addresses.pipelines,
            Service::Repos => &self.addresses.repos,
            Service::Tfvc => &self.addresses.tfvc,
        }
    }

    async fn send(&self, queue: &str, messages: &[Message], delay: Duration) -> Result<(), Error> {
        for batch in messages.chunks(BATCH) {
            let entries = batch
                .iter()
                .enumerate()
                .map(|(index, message)| message.entry(index, delay));
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|_| Error {
                queue: queue.to_owned(),
                code: "no id or body".into(),
            })?;
            let output = self
                .client
                .send_message_batch()
                .queue_url(queue)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| Error::new(queue, &error))?;
            if let Some(failed) = output.failed.first() {
                return Err(Error {
                    queue: queue.to_owned(),
                    code: failed.code.clone(),
                });
            }
        }
        Ok(())
    }
}

/// What is sent of a message.
struct Message {
    /// A queue serves its groups in turn, so that one tenant's backlog does not delay another's messages.
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>
    group: String,
    body: String,
}

impl Message {
    /// A message as JSON. Messages are plain data: nothing in them can fail to be written.
    fn new<T: Serialize>(tenant: &TenantId, message: &T) -> Self {
        Self {
            group: tenant.to_string(),
            body: serde_json::to_string(message).unwrap_or_default(),
        }
    }

    fn entry(
        &self,
        index: usize,
        delay: Duration,
    ) -> Result<SendMessageBatchRequestEntry, BuildError> {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_group_id(&self.group)
            .message_body(&self.body)
            .delay_seconds(i32::try_from(delay.min(LONGEST_DELAY).as_secs()).unwrap_or(0))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use model::{Reason, Trace};

    use super::*;

    #[test]
    fn a_message_is_in_the_group_of_its_tenant() {
        let entry = |tenant: &str| {
            let tenant = TenantId::new(tenant).unwrap();
            let message = FanOut {
                tenant: tenant.clone(),
                connection: "00000000-0000-4000-8000-000000000000".parse().unwrap(),
                organization: "fabrikam".parse().unwrap(),
                reason: Reason::Scheduled,
                trace: Trace::default(),
            };
            let entry = Message::new(&tenant, &message).entry(7, Duration::from_secs(3600));
            entry.unwrap()
        };
        let (ours, theirs) = (entry("contoso"), entry("northwind"));
        assert_eq!(ours.message_group_id(), Some("contoso"));
        assert_eq!(theirs.message_group_id(), Some("northwind"));
        // The longest delay that SQS takes, and not the hour that was asked for.
        assert_eq!((ours.id(), ours.delay_seconds()), ("7", Some(900)));
    }
}
