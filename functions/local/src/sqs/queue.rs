//! One queue's state: what is ready, what is hidden and until when. No I/O and no clock.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::journal::Stored;
use super::message::Received;
use crate::template;

/// A standard queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) settings: template::Queue,
    messages: BTreeMap<u64, Message>,
    ready: BTreeSet<u64>,
    /// Delayed and in-flight messages by the instant at which they become ready.
    hidden: BTreeSet<(Instant, u64)>,
    in_flight: usize,
    /// Chooses another order of delivery than that of sending.
    shuffle: Option<u64>,
}

#[derive(Debug)]
struct Message {
    stored: Stored,
    /// Counts deliveries, so that a receipt of an earlier one is recognised.
    serial: u32,
    first_received_ms: Option<i64>,
    hidden_until: Option<Instant>,
    in_flight: bool,
}

/// How many messages a queue holds, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received.
    pub visible: usize,
    /// Received and neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent with a delay that has not passed.
    pub delayed: usize,
}

impl Depth {
    /// Returns the number of all messages.
    #[must_use]
    pub fn total(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// What a receive call did.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) received: Vec<(u64, Received)>,
    /// Messages that were received too often and leave the queue.
    pub(super) dead: Vec<Stored>,
}

/// A receipt that does not name a message in flight.
#[derive(Debug)]
pub(super) struct NotInFlight;

impl Queue {
    pub(super) fn new(settings: template::Queue) -> Self {
        Self {
            settings,
            messages: BTreeMap::new(),
            ready: BTreeSet::new(),
            hidden: BTreeSet::new(),
            in_flight: 0,
            shuffle: None,
        }
    }

    /// Delivers in an order of its own, which follows from `seed`.
    pub(super) fn shuffle(&mut self, seed: u64) {
        self.shuffle = Some(seed);
    }

    /// Adds a message that becomes ready at `at`, or at once.
    pub(super) fn insert(&mut self, stored: Stored, at: Option<Instant>) {
        let seq = stored.seq;
        match at {
            Some(at) => self.hidden.insert((at, seq)),
            None => self.ready.insert(seq),
        };
        let message = Message {
            stored,
            serial: 0,
            first_received_ms: None,
            hidden_until: at,
            in_flight: false,
        };
        self.messages.insert(seq, message);
    }

    /// Makes ready what has been hidden long enough.
    fn uncover(&mut self, now: Instant) {
        while let Some(&(at, seq)) = self.hidden.first().filter(|(at, _)| *at <= now) {
            self.hidden.remove(&(at, seq));
            self.show(seq);
        }
    }

    fn show(&mut self, seq: u64) {
        if let Some(message) = self.messages.get_mut(&seq) {
            message.hidden_until = None;
            self.in_flight -= usize::from(std::mem::take(&mut message.in_flight));
            self.ready.insert(seq);
        }
    }

    /// Returns messages that are older than the queue keeps them; they are gone from it.
    pub(super) fn expire(&mut self, now_ms: i64) -> Vec<u64> {
        let oldest = now_ms - self.settings.retention.as_millis() as i64;
        let expired: Vec<_> = self
            .messages
            .iter()
            .take_while(|(_, m)| m.stored.sent_ms < oldest)
            .map(|(seq, _)| *seq)
            .collect();
        for seq in &expired {
            self.remove(*seq);
        }
        expired
    }

    /// Receives up to `most` messages and hides them until `hide_until`.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        now_ms: i64,
        most: usize,
        hide_until: Instant,
    ) -> Batch {
        self.uncover(now);
        let mut batch = Batch::default();
        while batch.received.len() < most
            && let Some(seq) = self.pop_ready()
        {
            if self.is_exhausted(seq) {
                batch
                    .dead
                    .extend(self.messages.remove(&seq).map(|message| message.stored));
            } else if let Some(received) = self.deliver(seq, now_ms, hide_until) {
                batch.received.push((seq, received));
            }
        }
        batch
    }

    fn pop_ready(&mut self) -> Option<u64> {
        let seq = match self.shuffle {
            None => *self.ready.first()?,
            Some(seed) => *self.ready.iter().min_by_key(|seq| scramble(seed, **seq))?,
        };
        self.ready.remove(&seq);
        Some(seq)
    }

    fn is_exhausted(&self, seq: u64) -> bool {
        let receives = self
            .messages
            .get(&seq)
            .map_or(0, |message| message.stored.receives);
        self.settings
            .redrive
            .as_ref()
            .is_some_and(|redrive| receives >= redrive.max_receive_count)
    }

    fn deliver(&mut self, seq: u64, now_ms: i64, hide_until: Instant) -> Option<Received> {
        let message = self.messages.get_mut(&seq)?;
        message.serial += 1;
        message.stored.receives += 1;
        message.hidden_until = Some(hide_until);
        message.in_flight = true;
        self.in_flight += 1;
        let first_received_ms = *message.first_received_ms.get_or_insert(now_ms);
        self.hidden.insert((hide_until, seq));
        let stored = &message.stored;
        Some(Received {
            id: stored.id.clone(),
            receipt: format!("{seq}.{}", message.serial),
            body: stored.body.clone(),
            attributes: stored.attributes.clone(),
            receives: stored.receives,
            sent_ms: stored.sent_ms,
            first_received_ms,
            source_arn: stored.source_arn.clone(),
            group: stored.group.clone(),
        })
    }

    /// Deletes the message of a receipt unless a later delivery has replaced it; returns what was deleted.
    pub(super) fn delete(&mut self, (seq, serial): (u64, u32)) -> Option<u64> {
        self.messages
            .get(&seq)
            .filter(|message| message.serial == serial)?;
        self.remove(seq);
        Some(seq)
    }

    fn remove(&mut self, seq: u64) {
        if let Some(message) = self.messages.remove(&seq) {
            self.in_flight -= usize::from(message.in_flight);
            self.ready.remove(&seq);
            if let Some(at) = message.hidden_until {
                self.hidden.remove(&(at, seq));
            }
        }
    }

    /// Changes when an in-flight message becomes visible again; `None` means at once.
    pub(super) fn change_visibility(
        &mut self,
        (seq, serial): (u64, u32),
        now: Instant,
        until: Option<Instant>,
    ) -> Result<(), NotInFlight> {
        self.uncover(now);
        let message = self
            .messages
            .get_mut(&seq)
            .filter(|message| message.in_flight && message.serial == serial);
        let message = message.ok_or(NotInFlight)?;
        if let Some(at) = message.hidden_until.take() {
            self.hidden.remove(&(at, seq));
        }
        match until {
            Some(at) => {
                message.hidden_until = Some(at);
                self.hidden.insert((at, seq));
            }
            None => self.show(seq),
        }
        Ok(())
    }

    /// Removes every message and returns their numbers.
    pub(super) fn purge(&mut self) -> Vec<u64> {
        self.ready.clear();
        self.hidden.clear();
        self.in_flight = 0;
        std::mem::take(&mut self.messages).into_keys().collect()
    }

    /// Returns when the next hidden message becomes ready.
    pub(super) fn next_change(&self) -> Option<Instant> {
        self.hidden.first().map(|(at, _)| *at)
    }

    pub(super) fn depth(&mut self, now: Instant) -> Depth {
        self.uncover(now);
        Depth {
            visible: self.ready.len(),
            in_flight: self.in_flight,
            delayed: self.hidden.len() - self.in_flight,
        }
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Stored> {
        self.messages.values().map(|message| &message.stored)
    }
}

/// The place of a message in a shuffled order: both numbers mixed as `SplitMix64` mixes.
fn scramble(seed: u64, seq: u64) -> u64 {
    let mut mixed = seed ^ seq.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
