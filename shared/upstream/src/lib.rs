//! Requests to one organization with one credential, under limits that all workers share.
//!
//! Before a request the shared row is read, after it what the answer told is written, whatever the status was: so a
//! `Retry-After` that one worker hears is respected by all. As soon as an organization says what is left of its limit,
//! workers take turns and send no more than fits; see `budget.rs`. What passes by itself (a cut connection, a 503) is
//! tried again here a few times; everything longer is left to the queue. No records and no cursors: those are `fetch`'s.

mod budget;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use ado::{Answer, Body, Client, ConnectionData, Credential, Pacing, Request, connection_data};
use budget::Budget;
use jiff::Timestamp;
use model::{ConnectionId, Fault, OrganizationName, Standing};
use storage::{Control, Throttle, ThrottleKey};
use tokio::time::sleep;
use uuid::Uuid;

/// How long a worker waits by itself; a longer pause is spent in the queue, where it costs nothing.
const SHORT: Duration = Duration::from_secs(5);
/// How often a request is sent until its failure is believed.
const TRIES: u32 = 4;
/// How long to wait before the second try; doubled for each further one.
const BACKOFF: Duration = Duration::from_millis(250);

/// How long a turn is held at most: longer than the longest request, since a worker that dies cannot give it back.
const TURN: Duration = Duration::from_secs(110);
/// How long to wait before asking for the turn again.
const POLL: Duration = Duration::from_millis(25);

/// One organization, as one connection may ask it.
#[derive(Debug)]
pub struct Upstream<'a> {
    client: &'a Client,
    control: &'a Control,
    connection: ConnectionId,
    organization: &'a OrganizationName,
    credential: &'a Credential,
    clock: fn() -> Timestamp,
    requests: AtomicU64,
    retries: AtomicU64,
    waited_ms: AtomicU64,
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
    /// A user has paused or deleted what it is asked for.
    #[error("nothing is asked any more: {0:?}")]
    Halted(Standing),
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
            Self::Halted(_) => Fault::Retryable { after: None },
            Self::Storage(error) => error.fault(),
        }
    }
}

impl<'a> Upstream<'a> {
    /// An organization, asked with the credential of a connection. `clock` tells the time now.
    pub fn new(
        (client, control): (&'a Client, &'a Control),
        connection: ConnectionId,
        organization: &'a OrganizationName,
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
            waited_ms: AtomicU64::new(0),
        }
    }

    /// How many requests were sent, and how many of them again.
    pub fn sent(&self) -> (u64, u64) {
        (
            self.requests.load(Ordering::Relaxed),
            self.retries.load(Ordering::Relaxed),
        )
    }

    /// How long the organization's limit made others wait: this worker, and a job that it put off.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.waited_ms.load(Ordering::Relaxed))
    }

    fn wait(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.waited_ms.fetch_add(time, Ordering::Relaxed);
    }

    /// Who the credential is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn who(&self) -> Result<ConnectionData, Error> {
        let request = connection_data::request(self.organization);
        let reply = self.send(&request).await?;
        Ok(connection_data::parse(&reply.body)?)
    }

    /// Sends a request when the organization allows it, again if the failure may pass by itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(&self, request: &Request) -> Result<Reply, Error> {
        let mut tries = 1;
        loop {
            let turn = self.admitted().await?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let Answer {
                pacing,
                server_time,
                result,
            } = self.client.send(self.credential, request).await;
            let fault = result.as_ref().err().map(ado::Error::fault);
            self.learn(turn, &pacing, fault).await?;
            let error = match result {
                Ok(body) => return Ok(Reply { body, server_time }),
                Err(error) => error,
            };
            match error.fault() {
                Fault::Retryable { after: Some(after) } if after > SHORT || tries == TRIES => {
                    self.wait(after);
                    return Err(error.into());
                }
                // The pause is kept by whoever asks for admission next.
                Fault::Retryable { after: Some(_) } => {}
                Fault::Retryable { after: None } if tries < TRIES => {
                    sleep(BACKOFF * 2_u32.pow(tries - 1)).await;
                }
                _ => return Err(error.into()),
            }
            tries += 1;
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn key(&self) -> ThrottleKey<'_> {
        ThrottleKey {
            connection: self.connection,
            organization: self.organization,
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Waits until a request may be sent; a long wait is an error. Where workers take turns, the turn comes along.
    async fn admitted(&self) -> Result<Option<Turn>, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let known = self.control.throttle(self.key()).await?;
            let now = self.now();
            let mut wait = left(known.paused_until, now);
            let is_metered = known.metered_until.is_some_and(|until| until > now);
            if wait.is_zero() && !is_metered {
                return Ok(None);
            }
            if wait.is_zero() {
                wait = left(Some(budget(&known).next_at(now)), now);
            }
            if wait.is_zero() {
                match self.turn().await? {
                    Some(turn) => return Ok(Some(turn)),
                    None => wait = POLL,
                }
            }
            waited += wait;
            if waited > SHORT {
                self.wait(wait.max(SHORT));
                return Err(Error::Paused {
                    organization: self.organization.to_string(),
                    pause: wait.max(SHORT),
                });
            }
            sleep(wait).await;
            self.wait(wait);
        }
    }

    /// The turn, if nobody has it and what is left still allows a request.
    async fn turn(&self) -> Result<Option<Turn>, Error> {
        let holder = Uuid::new_v4().to_string();
        let taken = self
            .control
            .take_turn(self.key(), &holder, self.now(), TURN)
            .await?;
        let Some(known) = taken else { return Ok(None) };
        let turn = Turn {
            holder,
            budget: budget(&known),
        };
        let now = self.now();
        if turn.budget.next_at(now) > now {
            self.write(turn).await?;
            return Ok(None);
        }
        Ok(Some(turn))
    }

    /// Writes what an answer told and gives the turn back. The pause comes first, so that nobody slips in between.
    async fn learn(
        &self,
        turn: Option<Turn>,
        pacing: &Pacing,
        fault: Option<Fault>,
    ) -> Result<(), Error> {
        // A 429 without a time is a pause too, though no header says so.
        let asked = match fault {
            Some(Fault::Retryable { after }) => after.max(pacing.retry_after),
            _ => pacing.retry_after,
        };
        if let Some(pause) = asked {
            tracing::warn!(
                organization = %self.organization,
                retry_after_s = pause.as_secs_f64(),
                capped = pacing.capped,
                "organization asked for a pause"
            );
            let pause = (pause, pacing.capped);
            self.control.pause(self.key(), self.now(), pause).await?;
        }
        let is_metered = asked.is_some() || pacing.limit.is_some() || pacing.remaining.is_some();
        let mut turn = match turn {
            Some(turn) => turn,
            None if is_metered => Turn {
                holder: String::new(),
                budget: budget(&self.control.throttle(self.key()).await?),
            },
            None => return Ok(()),
        };
        let heard = Pacing {
            retry_after: asked,
            ..pacing.clone()
        };
        turn.budget.observe(self.now(), &heard);
        self.write(turn).await
    }

    async fn write(&self, turn: Turn) -> Result<(), Error> {
        // A budget always can be written: it is numbers.
        let budget = serde_json::to_string(&turn.budget).unwrap_or_default();
        let until = turn.budget.holds_until(self.now());
        self.control
            .learn(self.key(), &turn.holder, (&budget, until))
            .await?;
        Ok(())
    }
}

/// The right to send one request while nobody else does.
struct Turn {
    holder: String,
    budget: Budget,
}

/// The budget of a row, empty if it was written by another version.
fn budget(known: &Throttle) -> Budget {
    let stored = known.budget.as_deref().map(serde_json::from_str);
    stored.and_then(Result::ok).unwrap_or_default()
}

fn left(until: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = until.map(|until| until.duration_since(now));
    let left = left.and_then(|left| Duration::try_from(left).ok());
    left.unwrap_or_default()
}
