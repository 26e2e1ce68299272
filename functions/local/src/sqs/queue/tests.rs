use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MOST_RECEIVES: u32 = 3;
const VISIBILITY_S: u64 = 30;

#[derive(Clone, Debug)]
enum Step {
    Send { delay_s: u64 },
    Receive { most: usize },
    Delete { nth: usize },
    Hide { nth: usize, for_s: u64 },
    Pass { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..40_u64).prop_map(|delay_s| Step::Send { delay_s }),
        (1..5_usize).prop_map(|most| Step::Receive { most }),
        (0..8_usize).prop_map(|nth| Step::Delete { nth }),
        (0..8_usize, 0..60_u64).prop_map(|(nth, for_s)| Step::Hide { nth, for_s }),
        (0..45_u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

fn queue() -> Queue {
    Queue::new(template::Queue {
        logical_id: "Q".to_owned(),
        name: "q".to_owned(),
        arn: "arn:q".to_owned(),
        visibility_timeout: Duration::from_secs(VISIBILITY_S),
        delay: Duration::ZERO,
        retention: Duration::from_secs(1_000_000),
        receive_wait: Duration::ZERO,
        redrive: Some(template::Redrive {
            dead_letter_queue: "d".to_owned(),
            max_receive_count: MOST_RECEIVES,
        }),
    })
}

fn stored(seq: u64) -> Stored {
    Stored {
        seq,
        queue: "q".to_owned(),
        id: seq.to_string(),
        body: seq.to_string(),
        attributes: Default::default(),
        sent_ms: 0,
        visible_ms: 0,
        receives: 0,
        source_arn: None,
        group: None,
    }
}

/// What a queue must do, written down as plainly as possible: for each message when it may be received, and how often it was.
#[derive(Default)]
struct Model {
    alive: BTreeMap<u64, (Instant, u32)>,
    sent: u64,
    deleted: u64,
    dead: u64,
    /// The last delivery of each message in flight.
    receipts: BTreeMap<u64, (u64, u32)>,
}

impl Model {
    fn apply(&mut self, queue: &mut Queue, now: &mut Instant, step: &Step) {
        match *step {
            Step::Send { delay_s } => {
                self.sent += 1;
                let at = *now + Duration::from_secs(delay_s);
                queue.insert(stored(self.sent), (delay_s > 0).then_some(at));
                self.alive.insert(self.sent, (at, 0));
            }
            Step::Receive { most } => self.receive(queue, *now, most),
            Step::Delete { nth } => {
                if let Some((&seq, &receipt)) = self.receipts.iter().nth(nth) {
                    assert_eq!(queue.delete(receipt), Some(seq));
                    self.forget(seq);
                    self.deleted += 1;
                }
            }
            Step::Hide { nth, for_s } => self.hide(queue, *now, nth, for_s),
            Step::Pass { seconds } => *now += Duration::from_secs(seconds),
        }
    }

    fn receive(&mut self, queue: &mut Queue, now: Instant, most: usize) {
        let hide_until = now + Duration::from_secs(VISIBILITY_S);
        let batch = queue.receive(now, 0, most, hide_until);
        for dead in &batch.dead {
            let (at, receives) = self.alive[&dead.seq];
            assert!(
                at <= now && receives == MOST_RECEIVES,
                "only an exhausted message dies"
            );
            self.forget(dead.seq);
            self.dead += 1;
        }
        let ready = self.alive.values().filter(|(at, _)| *at <= now).count();
        assert_eq!(
            batch.received.len(),
            ready.min(most),
            "all that is ready is given, up to the limit"
        );
        for (seq, received) in batch.received {
            let (at, receives) = self.alive[&seq];
            assert!(at <= now, "a hidden message is not given");
            assert!(
                receives < MOST_RECEIVES,
                "an exhausted message is not given"
            );
            assert_eq!(received.receives, receives + 1);
            self.alive.insert(seq, (hide_until, receives + 1));
            let serial = received.receipt.split_once('.').unwrap().1.parse().unwrap();
            self.receipts.insert(seq, (seq, serial));
        }
    }

    fn hide(&mut self, queue: &mut Queue, now: Instant, nth: usize, for_s: u64) {
        let Some((&seq, &receipt)) = self.receipts.iter().nth(nth) else {
            return;
        };
        let (at, receives) = self.alive[&seq];
        let until = now + Duration::from_secs(for_s);
        let changed = queue.change_visibility(receipt, now, (for_s > 0).then_some(until));
        assert_eq!(
            changed.is_ok(),
            at > now,
            "only what is in flight can be hidden"
        );
        if changed.is_ok() {
            self.alive.insert(seq, (until, receives));
        }
    }

    fn forget(&mut self, seq: u64) {
        self.alive.remove(&seq);
        self.receipts.remove(&seq);
    }
}

proptest! {
    #[test]
    fn no_message_is_lost_given_too_early_or_given_too_often(steps in prop::collection::vec(step(), 1..80)) {
        let (mut queue, mut model, mut now) = (queue(), Model::default(), Instant::now());
        for step in &steps {
            model.apply(&mut queue, &mut now, step);
            let depth = queue.depth(now);
            prop_assert_eq!(depth.total() as u64, model.sent - model.deleted - model.dead);
            let ready = model.alive.values().filter(|(at, _)| *at <= now).count();
            prop_assert_eq!(depth.visible, ready);
        }
    }
}

#[test]
fn a_message_older_than_the_retention_is_gone() {
    let mut queue = queue();
    let now = Instant::now();
    queue.insert(stored(1), None);
    assert!(queue.expire(1_000_000_000).is_empty());
    assert_eq!(queue.expire(1_000_000_001), [1]);
    assert_eq!(queue.depth(now).total(), 0);
}

#[test]
fn a_shuffled_queue_delivers_everything_in_another_order() {
    let order = |seed: Option<u64>| {
        let mut queue = queue();
        seed.into_iter().for_each(|seed| queue.shuffle(seed));
        (1..=20).for_each(|seq| queue.insert(stored(seq), None));
        let now = Instant::now();
        let batch = queue.receive(now, 0, 20, now + Duration::from_secs(VISIBILITY_S));
        batch
            .received
            .iter()
            .map(|(seq, _)| *seq)
            .collect::<Vec<_>>()
    };
    let sent: Vec<u64> = (1..=20).collect();
    assert_eq!(order(None), sent);
    let (one, other) = (order(Some(1)), order(Some(2)));
    assert!(one != sent && one != other);
    let mut sorted = one;
    sorted.sort_unstable();
    assert_eq!(sorted, sent);
}
