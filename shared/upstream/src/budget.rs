//! What an identity may still spend in an organization, learned from the headers of answers. Pure.
//!
//! Azure DevOps meters a cost per request that cannot be computed from outside, over a sliding window, and says what is
//! left once the use comes near the limit:
//! <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits>. A [`Budget`] remembers when the use was
//! seen to rise, so it knows when it will fall, and asks for no more than is left: a window is used to its end, and no
//! answer ever has to say "too much".

use std::time::Duration;

use ado::Pacing;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The window that Microsoft documents; what an answer says of its own window counts more.
const WINDOW: Duration = Duration::from_secs(300);
/// How much of the limit stays untouched at least, because the cost of the next request is only a guess.
const RESERVE: f64 = 0.005;
/// No request is believed to cost a larger part of the limit than this.
const DEAREST: f64 = 0.05;
/// How much more than the costliest recent request the next one may cost.
const SURPRISE: f64 = 1.5;
/// In how many slots the history divides a window.
const SLOTS: i64 = 120;

/// What was spent when, and how much there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// What may be spent in one window; 0 until an answer told.
    limit: f64,
    /// The length of the window.
    window_ms: i64,
    /// What a request costs: the largest recent rise from one answer to the next.
    cost: f64,
    /// Whether the last answer told what is left, so that the next rise is the cost of one request.
    told: bool,
    /// When an answer last spoke of limits, in milliseconds of the Unix epoch.
    warned_at: i64,
    /// When the use rose, in milliseconds of the Unix epoch, and by how much; oldest first.
    spends: Vec<(i64, f64)>,
}

impl Budget {
    /// Until when workers should take turns: a window behind the last answer that spoke of limits.
    pub(crate) fn holds_until(&self, now: Timestamp) -> Timestamp {
        let since = Timestamp::from_millisecond(self.warned_at).unwrap_or(now);
        since.checked_add(self.lasts()).unwrap_or(since)
    }

    /// How long what is known stays true: until everything has left the window.
    fn lasts(&self) -> Duration {
        match self.window_ms {
            0 => WINDOW,
            window => Duration::from_millis(window.unsigned_abs()),
        }
    }

    /// Takes in what an answer says.
    pub(crate) fn observe(&mut self, now: Timestamp, pacing: &Pacing) {
        if pacing.retry_after.is_some() || pacing.remaining.is_some() {
            self.warned_at = now.as_millisecond();
        }
        let told = pacing
            .limit
            .filter(|limit| *limit > 0.0)
            .zip(pacing.remaining);
        let Some((limit, remaining)) = told else {
            self.told = false;
            return;
        };
        let now = now.as_millisecond();
        self.limit = limit;
        if let Some(reset) = pacing.reset {
            // If nothing more is sent, the use is 0 when the newest spend has left the window. Whole seconds round it.
            let window = reset.as_millisecond() - now;
            let longest = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
            self.window_ms = self.window_ms.max(window.clamp(1, longest));
        }
        let before = self.spends.len();
        self.forget(now);
        let is_still = self.told && before == self.spends.len();
        let risen = (limit - remaining).max(0.0) - self.used();
        // Where old use falls out of the window at the same time, the rise is less than the cost. So a cost that is not seen any more
        // is forgotten slowly; but it is forgotten, or one answer about what others have spent would be the measure for ever.
        if is_still && risen > 0.0 {
            let ceiling = limit * DEAREST;
            self.cost = risen.max(self.cost * 0.98).min(ceiling);
        }
        let own = if self.told { self.cost } else { 0.0 };
        self.spend(now, own.max(risen));
        self.give_back(own.max(risen) - risen);
        self.told = true;
    }

    /// The earliest instant at which one more request fits.
    pub(crate) fn next_at(&self, now: Timestamp) -> Timestamp {
        if self.limit <= 0.0 {
            return now;
        }
        let now_ms = now.as_millisecond();
        let reserve = (self.cost * SURPRISE).max(self.limit * RESERVE);
        let room = self.limit - reserve;
        let mut used: f64 = self.live(now_ms).map(|(_, cost)| cost).sum();
        if used <= room {
            return now;
        }
        for (at, cost) in self.live(now_ms) {
            used -= cost;
            if used <= room {
                let free = at + self.window();
                return Timestamp::from_millisecond(free + 1).unwrap_or(now);
            }
        }
        now.checked_add(SignedDuration::from_millis(self.window()))
            .unwrap_or(now)
    }

    fn window(&self) -> i64 {
        i64::try_from(self.lasts().as_millis()).unwrap_or(i64::MAX)
    }

    fn live(&self, now: i64) -> impl Iterator<Item = (i64, f64)> {
        let oldest = now - self.window();
        let spends = self.spends.iter().copied();
        spends.filter(move |(at, _)| *at > oldest)
    }

    fn used(&self) -> f64 {
        self.spends.iter().map(|(_, cost)| cost).sum()
    }

    fn forget(&mut self, now: i64) {
        let oldest = now - self.window();
        self.spends.retain(|(at, _)| *at > oldest);
    }

    /// Notes a rise at the end of its slot: a little late, which errs on the safe side.
    fn spend(&mut self, now: i64, cost: f64) {
        if cost <= 0.0 {
            return;
        }
        let slot = (self.window() / SLOTS).max(1);
        let at = (now / slot + 1) * slot;
        match self.spends.last_mut() {
            Some((last, sum)) if *last == at => *sum += cost,
            _ => self.spends.push((at, cost)),
        }
    }

    /// The use is lower than what was noted: the oldest was older than we thought.
    fn give_back(&mut self, mut surplus: f64) {
        while surplus > 0.0
            && let Some((_, cost)) = self.spends.first_mut()
        {
            let part = cost.min(surplus);
            *cost -= part;
            surplus -= part;
            if *cost <= f64::EPSILON {
                self.spends.remove(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The service's side: a sliding window that says what is left once half of it is used.
    struct Meter {
        limit: f64,
        window: i64,
        spent: Vec<(i64, f64)>,
    }

    impl Meter {
        fn used(&self, now: i64) -> f64 {
            let live = self.spent.iter().filter(|(at, _)| *at > now - self.window);
            live.map(|(_, cost)| cost).sum()
        }

        fn answer(&mut self, now: i64, cost: f64) -> Pacing {
            self.spent.push((now, cost));
            let used = self.used(now);
            if used < self.limit / 2.0 {
                return Pacing::default();
            }
            Pacing {
                limit: Some(self.limit),
                remaining: Some(self.limit - used),
                reset: Timestamp::from_millisecond(now + self.window).ok(),
                ..Pacing::default()
            }
        }
    }

    /// Sends this many requests one after the other as the budget allows; how long it took and the most that was used.
    fn run(costs: &[f64], window: i64, latency: i64) -> (i64, f64) {
        let start = 1_790_000_000_000_i64;
        let (mut now, mut most) = (start, 0.0_f64);
        let mut budget = Budget::default();
        let mut meter = Meter {
            limit: 200.0,
            window,
            spent: Vec::new(),
        };
        for cost in costs {
            let at = |now| Timestamp::from_millisecond(now).unwrap();
            let next = budget.next_at(at(now)).as_millisecond();
            now = now.max(next) + latency;
            let pacing = meter.answer(now, *cost);
            most = most.max(meter.used(now));
            budget.observe(at(now), &pacing);
        }
        (now - start, most)
    }

    #[test]
    fn nothing_is_known_until_an_answer_tells() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let mut budget = Budget::default();
        budget.observe(now, &Pacing::default());
        assert_eq!(budget.next_at(now), now);
    }

    #[test]
    fn what_others_spend_counts_too() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let pacing = |remaining| Pacing {
            limit: Some(200.0),
            remaining: Some(remaining),
            ..Pacing::default()
        };
        let mut budget = Budget::default();
        budget.observe(now, &pacing(100.0));
        assert_eq!(budget.next_at(now), now);
        budget.observe(now, &pacing(1.0));
        assert!(
            budget.next_at(now) >= now + WINDOW,
            "all was spent just now"
        );
        budget.observe(now, &pacing(150.0));
        assert_eq!(budget.next_at(now), now, "it was older than it seemed");
    }

    #[test]
    fn a_long_run_uses_nearly_all_that_the_window_allows() {
        for (cost, requests) in [(0.1, 9700), (0.5, 1940), (1.0, 970), (2.0, 485)] {
            for window in [300_000, 5_000] {
                let (took, most) = run(&vec![cost; requests], window, window / 30_000);
                // 970 in all: nearly five windows' worth, of which the first is there at once.
                let bound = 4.0 * window as f64;
                assert!(most <= 200.0, "{cost}: {most}");
                let ratio = took as f64 / bound;
                assert!(ratio <= 1.1, "{cost}, window {window} ms: {ratio}");
            }
        }
    }

    #[test]
    fn what_others_spent_once_is_not_the_cost_of_every_request() {
        let start = 1_790_000_000_000_i64;
        let at = |now| Timestamp::from_millisecond(now).unwrap();
        let mut budget = Budget::default();
        let mut meter = Meter {
            limit: 200.0,
            window: 300_000,
            spent: vec![(start, 100.0)],
        };
        let mut now = start + 1;
        budget.observe(at(now), &meter.answer(now, 2.0));
        // Somebody else spends more at once than any request costs.
        meter.spent.push((now, 40.0));
        let mut sent = 0;
        while now < start + 20 * 300_000 {
            now = now.max(budget.next_at(at(now)).as_millisecond()) + 10;
            budget.observe(at(now), &meter.answer(now, 2.0));
            sent += 1;
        }
        assert!(sent >= 20 * 95, "{sent} of 2000 requests");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_sequence_of_costs_goes_over_the_limit(
            costs in prop::collection::vec(0.1_f64..2.0, 200..500),
            latency in 1_i64..2000,
        ) {
            let (_, most) = run(&costs, 300_000, latency);
            prop_assert!(most <= 200.0, "{}", most);
        }
    }
}
