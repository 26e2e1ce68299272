//! SQS standard queues: delays, visibility, receive counts, redrive to a dead-letter queue, long polling.
//!
//! The queues are exactly those of the template. Their messages survive the death of the process (`journal`); after
//! a restart every message is visible again, because no consumer of the old process can exist any more.

pub(crate) mod api;
mod journal;
mod message;
mod queue;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use self::journal::{Journal, Stored};
pub use self::message::{
    Attribute, Attributes, NewMessage, Received, md5_of_attributes, md5_of_body,
};
pub use self::queue::Depth;
use self::queue::Queue;
use crate::activity::Activity;
use crate::template;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// The queue is not one of the template's.
    #[error("there is no queue {0}")]
    NoSuchQueue(String),
    /// The receipt handle is not one that this service ever gave.
    #[error("the receipt handle {0:?} is not valid")]
    BadReceipt(String),
    /// The message is gone, or a later delivery has replaced this one.
    #[error("the message of receipt handle {0:?} is not in flight")]
    NotInFlight(String),
    /// The file with the messages is not one.
    #[error("the queues' file {path} cannot be used: {source}")]
    Open {
        /// The file, or nothing for memory.
        path: PathBuf,
        /// What the database said.
        source: rusqlite::Error,
    },
    /// The file with the messages cannot be read or written any more.
    #[error("the message store failed: {0}")]
    Journal(#[from] rusqlite::Error),
}

/// The service; clones share the same queues.
#[derive(Clone, Debug)]
pub struct Sqs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Wakes long polls, per queue.
    arrivals: BTreeMap<String, Notify>,
    activity: Activity,
}

#[derive(Debug)]
struct State {
    queues: BTreeMap<String, Queue>,
    journal: Journal,
    next_seq: u64,
    /// How far the queues' clock was moved ahead of the machine's.
    ahead: Duration,
}

impl State {
    fn queue(&mut self, name: &str) -> Result<&mut Queue, SqsError> {
        self.queues
            .get_mut(name)
            .ok_or_else(|| SqsError::NoSuchQueue(name.to_owned()))
    }

    fn now(&self) -> Instant {
        Instant::now() + self.ahead
    }
}

impl Sqs {
    /// Opens the queues with the messages that `file` kept; without a file they live in memory.
    pub(crate) fn open(
        queues: &[template::Queue],
        file: Option<&Path>,
        activity: Activity,
    ) -> Result<Self, SqsError> {
        let failed = |source| SqsError::Open {
            path: file.unwrap_or(Path::new("")).to_owned(),
            source,
        };
        let journal = Journal::open(file).map_err(failed)?;
        let kept = journal.load().map_err(failed)?;
        let arrivals = queues
            .iter()
            .map(|queue| (queue.name.clone(), Notify::new()))
            .collect();
        let queues = queues
            .iter()
            .map(|queue| (queue.name.clone(), Queue::new(queue.clone())))
            .collect();
        let mut state = State {
            queues,
            journal,
            next_seq: 1,
            ahead: Duration::ZERO,
        };
        for stored in kept {
            state.next_seq = stored.seq + 1;
            let delay = u64::try_from(stored.visible_ms - wall_ms())
                .ok()
                .filter(|ms| *ms > 0);
            let at = delay.map(|ms| Instant::now() + Duration::from_millis(ms));
            // A queue that the template no longer declares keeps its messages on disk, unseen.
            if let Some(queue) = state.queues.get_mut(&stored.queue) {
                queue.insert(stored, at);
            }
        }
        Ok(Self(Arc::new(Inner {
            state: Mutex::new(state),
            arrivals,
            activity,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a queue changed, to long polls and to whoever waits for quiet.
    fn changed(&self, queue: &str) {
        if let Some(arrival) = self.0.arrivals.get(queue) {
            arrival.notify_waiters();
        }
        self.0.activity.bump();
    }

    /// Sends a message and returns its id.
    ///
    /// # Errors
    /// The queue does not exist, or the message cannot be stored.
    pub fn send(&self, queue: &str, message: NewMessage) -> Result<String, SqsError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let (now, now_ms) = (state.now(), wall_ms());
        let target = state
            .queues
            .get_mut(queue)
            .ok_or_else(|| SqsError::NoSuchQueue(queue.to_owned()))?;
        let delay = message.delay.unwrap_or(target.settings.delay);
        let stored = Stored {
            seq: state.next_seq,
            queue: queue.to_owned(),
            id: Uuid::new_v4().to_string(),
            body: message.body,
            attributes: message.attributes,
            sent_ms: now_ms,
            visible_ms: now_ms + delay.as_millis() as i64,
            receives: 0,
            source_arn: None,
            group: message.group,
        };
        state.journal.insert(&stored)?;
        state.next_seq += 1;
        let id = stored.id.clone();
        target.insert(stored, (!delay.is_zero()).then(|| now + delay));
        drop(guard);
        self.changed(queue);
        Ok(id)
    }

    /// Receives up to `most` messages, waiting up to `wait` for the first.
    ///
    /// # Errors
    /// The queue does not exist, or the message store failed.
    pub async fn receive(
        &self,
        queue: &str,
        most: usize,
        visibility: Option<Duration>,
        wait: Duration,
    ) -> Result<Vec<Received>, SqsError> {
        let arrival = self
            .0
            .arrivals
            .get(queue)
            .ok_or_else(|| SqsError::NoSuchQueue(queue.to_owned()))?;
        let deadline = Instant::now() + wait;
        loop {
            // Listening starts before looking, so that nothing arrives in between unheard.
            let mut heard = std::pin::pin!(arrival.notified());
            heard.as_mut().enable();
            let received = self.receive_now(queue, most, visibility)?;
            if !received.is_empty() || Instant::now() >= deadline {
                return Ok(received);
            }
            let wake = self
                .next_change(queue)
                .map_or(deadline, |at| at.min(deadline));
            // Both outcomes mean the same: look again.
            let _ = tokio::time::timeout_at(wake, heard).await;
        }
    }

    fn receive_now(
        &self,
        name: &str,
        most: usize,
        visibility: Option<Duration>,
    ) -> Result<Vec<Received>, SqsError> {
        let mut guard = self.state();
        let (now, now_ms) = (guard.now(), wall_ms());
        let queue = guard.queue(name)?;
        let expired = queue.expire(now_ms);
        let hide_until = now + visibility.unwrap_or(queue.settings.visibility_timeout);
        let batch = queue.receive(now, now_ms, most, hide_until);
        for seq in &expired {
            guard.journal.delete(*seq)?;
        }
        for (seq, received) in batch
            .received
            .iter()
            .filter(|(_, received)| received.receives > 1)
        {
            guard.journal.set_receives(*seq, received.receives - 1)?;
        }
        let dead_letter_queue = guard.redrive(name, batch.dead)?;
        drop(guard);
        if let Some(dead_letter_queue) = dead_letter_queue {
            self.changed(&dead_letter_queue);
        }
        if !batch.received.is_empty() || !expired.is_empty() {
            // Whoever else waits has to know of the visibility timeouts that have just begun.
            self.changed(name);
        }
        Ok(batch
            .received
            .into_iter()
            .map(|(_, received)| received)
            .collect())
    }

    /// Returns when the next hidden message appears, by the machine's clock.
    fn next_change(&self, queue: &str) -> Option<Instant> {
        let mut state = self.state();
        let ahead = state.ahead;
        let at = state.queue(queue).ok()?.next_change()?;
        Some(at.checked_sub(ahead).unwrap_or_else(Instant::now))
    }

    /// Deletes a received message; a receipt of an earlier delivery deletes nothing, as in SQS.
    ///
    /// # Errors
    /// The queue does not exist, the receipt is not one, or the message store failed.
    pub fn delete(&self, queue: &str, receipt: &str) -> Result<(), SqsError> {
        let delivery = parse_receipt(receipt)?;
        let mut state = self.state();
        if let Some(seq) = state.queue(queue)?.delete(delivery) {
            state.journal.delete(seq)?;
        }
        drop(state);
        self.changed(queue);
        Ok(())
    }

    /// Lets an in-flight message become visible after `timeout` from now.
    ///
    /// # Errors
    /// The queue does not exist, or the receipt does not name a message in flight.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt: &str,
        timeout: Duration,
    ) -> Result<(), SqsError> {
        let delivery = parse_receipt(receipt)?;
        let mut state = self.state();
        let now = state.now();
        let until = (!timeout.is_zero()).then(|| now + timeout);
        let changed = state.queue(queue)?.change_visibility(delivery, now, until);
        drop(state);
        changed.map_err(|_| SqsError::NotInFlight(receipt.to_owned()))?;
        self.changed(queue);
        Ok(())
    }

    /// Removes every message of a queue.
    ///
    /// # Errors
    /// The queue does not exist, or the message store failed.
    pub fn purge(&self, queue: &str) -> Result<(), SqsError> {
        let mut state = self.state();
        for seq in state.queue(queue)?.purge() {
            state.journal.delete(seq)?;
        }
        drop(state);
        self.changed(queue);
        Ok(())
    }

    /// Returns how many messages each queue holds, all at one instant.
    #[must_use]
    pub fn depths(&self) -> BTreeMap<String, Depth> {
        let mut state = self.state();
        let now = state.now();
        state
            .queues
            .iter_mut()
            .map(|(name, queue)| (name.clone(), queue.depth(now)))
            .collect()
    }

    /// Returns the bodies of all messages of a queue, oldest first, without receiving them.
    ///
    /// # Errors
    /// The queue does not exist.
    pub fn bodies(&self, queue: &str) -> Result<Vec<String>, SqsError> {
        let mut state = self.state();
        Ok(state
            .queue(queue)?
            .messages()
            .map(|stored| stored.body.clone())
            .collect())
    }

    /// Moves the queues' clock ahead: delays and visibility timeouts pass without waiting for them.
    pub fn advance(&self, by: Duration) {
        self.state().ahead += by;
        self.0.arrivals.values().for_each(Notify::notify_waiters);
        self.0.activity.bump();
    }

    /// Delivers the messages of all queues in an order that follows from `seed`, as a standard queue may.
    pub fn shuffle(&self, seed: u64) {
        for queue in self.state().queues.values_mut() {
            queue.shuffle(seed);
        }
    }

    fn settings(&self, queue: &str) -> Result<template::Queue, SqsError> {
        Ok(self.state().queue(queue)?.settings.clone())
    }
}

impl State {
    /// Moves exhausted messages to the dead-letter queue and returns its name if there were any.
    fn redrive(&mut self, from: &str, dead: Vec<Stored>) -> Result<Option<String>, SqsError> {
        let source = &self.queue(from)?.settings;
        let Some(redrive) = source.redrive.clone().filter(|_| !dead.is_empty()) else {
            return Ok(None);
        };
        let source_arn = source.arn.clone();
        for mut stored in dead {
            self.journal.redrive(
                stored.seq,
                &redrive.dead_letter_queue,
                stored.receives,
                &source_arn,
            )?;
            stored.queue = redrive.dead_letter_queue.clone();
            stored.source_arn = Some(source_arn.clone());
            self.queue(&redrive.dead_letter_queue)?.insert(stored, None);
        }
        Ok(Some(redrive.dead_letter_queue))
    }
}

fn parse_receipt(receipt: &str) -> Result<(u64, u32), SqsError> {
    let parsed = receipt
        .split_once('.')
        .and_then(|(seq, serial)| Some((seq.parse().ok()?, serial.parse().ok()?)));
    parsed.ok_or_else(|| SqsError::BadReceipt(receipt.to_owned()))
}

/// Returns the machine's time in milliseconds since 1970.
fn wall_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
