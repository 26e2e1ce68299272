//! Requests to one organization with one credential, under the pause that all workers share.
//!
//! Before a request the shared pause is read, after it a new one is written, whatever the status of the answer was: so a
//! `Retry-After` that one worker hears is respected by all. What passes by itself (a cut connection, a 503) is tried
//! again here a few times; everything longer is left to the queue. No records and no cursors: those are `fetch`'s.

mod budget;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use ado::{Answer, Body, Client, Credential, Request};
use jiff::Timestamp;
use model::{ConnectionId, Fault, Organization};
use storage::Control;
use tokio::time::sleep;

/// How long a worker waits by itself; a longer pause is spent in the queue, where it costs nothing.
const SHORT: Duration = Duration::from_secs(5);
/// How often a request is sent until its failure is believed.
const TRIES: u32 = 4;
/// How long to wait before the second try; doubled for each further one.
const BACKOFF: Duration = Duration::from_millis(250);

/// One organization, as one connection may ask it.
#[derive(Debug)]
pub struct Upstream<'a> {
    client: &'a Client,
    control: &'a Control,
    connection: ConnectionId,
    organization: &'a Organization,
    credential: &'a Credential,
    clock: fn() -> Timestamp,
    requests: AtomicU64,
    retries: AtomicU64,
}

/// The answer to a request that succeeded.
#[derive(Debug)]
pub struct Reply {
    /// The body.
    pub body: Body,
    /// The service's clock.
    pub server_time: Option<Timestamp>,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Azure DevOps refused or did not answer.
    #[error(transparent)]
    Ado(#[from] ado::Error),
    /// The organization asked for a pause that is longer than a worker waits.
    #[error("organization {organization} is paused for {}s", .pause.as_secs())]
    Paused {
        /// The organization.
        organization: String,
        /// What is left of the pause.
        pause: Duration,
    },
    /// The pause could not be read or written; without it nothing is sent.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Ado(error) => error.fault(),
            Self::Paused { pause, .. } => Fault::Retryable {
                after: Some(*pause),
            },
            Self::Storage(error) => error.fault(),
        }
    }
}

impl<'a> Upstream<'a> {
    /// An organization, asked with the credential of a connection. `clock` tells the time now.
    pub fn new(
        (client, control): (&'a Client, &'a Control),
        connection: ConnectionId,
        organization: &'a Organization,
        credential: &'a Credential,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            client,
            control,
            connection,
            organization,
            credential,
            clock,
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
        }
    }

    /// How many requests were sent, and how many of them again.
    pub fn sent(&self) -> (u64, u64) {
        (
            self.requests.load(Ordering::Relaxed),
            self.retries.load(Ordering::Relaxed),
        )
    }

    /// Sends a request when the organization is not paused, again if the failure may pass by itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(&self, request: &Request) -> Result<Reply, Error> {
        let mut tries = 1;
        loop {
            self.wait().await?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let Answer {
                pacing,
                server_time,
                result,
            } = self.client.send(self.credential, request).await;
            if let Some(pause) = pacing.retry_after {
                self.pause(pause, pacing.capped).await?;
            }
            let error = match result {
                Ok(body) => return Ok(Reply { body, server_time }),
                Err(error) => error,
            };
            match error.fault() {
                Fault::Retryable { after: Some(after) } => {
                    // A 429 without a time is a pause too, though no header says so.
                    self.pause(after, false).await?;
                    if after > SHORT || tries == TRIES {
                        return Err(error.into());
                    }
                }
                Fault::Retryable { after: None } if tries < TRIES => {
                    sleep(BACKOFF * 2_u32.pow(tries - 1)).await;
                }
                _ => return Err(error.into()),
            }
            tries += 1;
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn pause(&self, pause: Duration, capped: bool) -> Result<(), Error> {
        tracing::warn!(
            organization.id = %self.organization.id,
            retry_after_s = pause.as_secs_f64(),
            capped,
            "organization asked for a pause"
        );
        self.control
            .pause(self.connection, self.organization.id, (self.clock)(), pause)
            .await?;
        Ok(())
    }

    /// Waits out a short pause; a long one is an error.
    async fn wait(&self) -> Result<(), Error> {
        loop {
            let until = self
                .control
                .paused_until(self.connection, self.organization.id)
                .await?;
            let left = until.map(|until| until.duration_since((self.clock)()));
            let left = left
                .and_then(|left| Duration::try_from(left).ok())
                .unwrap_or_default();
            if left.is_zero() {
                return Ok(());
            }
            if left > SHORT {
                let organization = self.organization.name.to_string();
                return Err(Error::Paused {
                    organization,
                    pause: left,
                });
            }
            sleep(left).await;
        }
    }
}
