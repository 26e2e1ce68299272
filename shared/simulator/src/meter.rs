//! The accounts that a [`Throttle`] keeps: pure arithmetic over an instant that only moves forward.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use crate::throttle::Throttle;

/// What everybody spent lately, and until when they were told to stay away.
///
/// Instants are the simulator's time since its start: days that are advanced are no time for the meter.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    model: Option<Throttle>,
    accounts: HashMap<Uuid, Account>,
}

/// What an arriving request finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Whether it came before the end of a wait that its sender had been told.
    pub(crate) inside_retry_after: bool,
    /// Thousandths of a unit.
    pub(crate) cost: u64,
    /// How long it is held back, in the simulator's time.
    pub(crate) delay: Duration,
    pub(crate) is_blocked: bool,
}

/// What an answer says about the limit. Times are in the simulator's time, from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Thousandths of a unit.
    pub(crate) remaining: u64,
    pub(crate) reset: Duration,
    pub(crate) retry_after: Option<Duration>,
}

impl Meter {
    pub(crate) fn new(model: Option<Throttle>) -> Self {
        Self {
            model,
            accounts: HashMap::new(),
        }
    }

    pub(crate) fn model(&self) -> Option<Throttle> {
        self.model
    }

    /// Changes the model; what was spent under the old one is forgotten, announced waits are not.
    pub(crate) fn set_model(&mut self, model: Option<Throttle>) {
        self.model = model;
        for account in self.accounts.values_mut() {
            *account = Account {
                told_until: account.told_until,
                ..Account::default()
            };
        }
    }

    /// Charges a request of `identity`.
    pub(crate) fn arrive(&mut self, identity: Uuid, now: Duration) -> Admission {
        let account = self.accounts.entry(identity).or_default();
        let inside_retry_after = now < account.told_until;
        let Some(model) = &self.model else {
            return Admission {
                inside_retry_after,
                ..Admission::default()
            };
        };
        account.charge(model, natural(model, now));
        Admission {
            inside_retry_after,
            cost: model.cost.as_thousandths(),
            delay: account.delay(model) / model.speed.max(1),
            is_blocked: account.is_blocked,
        }
    }

    /// What an answer that goes out now says, and remembers that it was said; `None` far from the limit.
    pub(crate) fn depart(&mut self, identity: Uuid, now: Duration) -> Option<Notice> {
        let model = self.model?;
        let account = self.accounts.get_mut(&identity)?;
        let notice = account.notice(&model, natural(&model, now))?;
        if let Some(wait) = notice.retry_after {
            account.announce(now + wait);
        }
        Some(notice)
    }

    /// Remembers that `identity` was told to stay away until then.
    pub(crate) fn announce(&mut self, identity: Uuid, until: Duration) {
        self.accounts.entry(identity).or_default().announce(until);
    }

    /// The least time in which what was charged since the last [`Self::clear_bound`] fits into the budget.
    pub(crate) fn bound(&self) -> Duration {
        let slowest = self.accounts.values().map(|account| account.ideal.now);
        let speed = self.model.map_or(1, |model| model.speed.max(1));
        slowest.max().unwrap_or_default() / speed
    }

    pub(crate) fn clear_bound(&mut self) {
        for account in self.accounts.values_mut() {
            account.ideal = Ideal::default();
        }
    }
}

/// The meter's own time.
fn natural(model: &Throttle, time: Duration) -> Duration {
    time * model.speed.max(1)
}

#[derive(Debug, Default)]
struct Account {
    window: Window,
    ideal: Ideal,
    is_blocked: bool,
    /// In the simulator's time.
    told_until: Duration,
}

impl Account {
    fn announce(&mut self, until: Duration) {
        self.told_until = self.told_until.max(until);
    }

    fn charge(&mut self, model: &Throttle, now: Duration) {
        let (cost, budget) = (model.cost.as_thousandths(), model.budget.as_thousandths());
        self.window.expire(now, model.window);
        self.window.push(now, cost);
        self.ideal.charge(model);
        if self.window.used <= budget {
            self.is_blocked = false;
        } else if self.window.used > model.blocked_from.as_thousandths() {
            self.is_blocked = true;
        }
    }

    /// In the meter's time.
    fn delay(&self, model: &Throttle) -> Duration {
        let budget = model.budget.as_thousandths();
        let over = self.window.used.saturating_sub(budget);
        let grace = model.blocked_from.as_thousandths().saturating_sub(budget);
        if over == 0 || self.is_blocked || grace == 0 {
            return Duration::ZERO;
        }
        let ms = model.longest_delay.as_millis() as u64;
        Duration::from_millis(ms * over.min(grace) / grace)
    }

    fn notice(&mut self, model: &Throttle, now: Duration) -> Option<Notice> {
        self.window.expire(now, model.window);
        let (used, budget) = (self.window.used, model.budget.as_thousandths());
        if used < model.told_from.as_thousandths() && !self.is_blocked {
            return None;
        }
        let retry_after = (self.is_blocked || used > budget).then(|| {
            let room = budget.saturating_sub(model.cost.as_thousandths());
            let wait = self.window.falls_to(room, now, model.window);
            // Whole seconds of the meter, rounded up, as the service writes them.
            Duration::from_secs(wait.as_millis().div_ceil(1_000) as u64) / model.speed.max(1)
        });
        Some(Notice {
            remaining: budget.saturating_sub(used),
            reset: self.window.falls_to(0, now, model.window) / model.speed.max(1),
            retry_after,
        })
    }
}

/// What was spent within the last window, oldest first.
#[derive(Debug, Default)]
struct Window {
    charges: VecDeque<(Duration, u64)>,
    used: u64,
}

impl Window {
    fn push(&mut self, at: Duration, cost: u64) {
        self.charges.push_back((at, cost));
        self.used += cost;
    }

    fn expire(&mut self, now: Duration, window: Duration) {
        while let Some((_, cost)) = self.charges.pop_front_if(|(at, _)| *at + window <= now) {
            self.used -= cost;
        }
    }

    /// How long until no more than `level` is left if nothing more is sent.
    fn falls_to(&self, level: u64, now: Duration, window: Duration) -> Duration {
        let mut used = self.used;
        for (at, cost) in &self.charges {
            if used <= level {
                break;
            }
            used -= cost;
            if used <= level {
                return (*at + window).saturating_sub(now);
            }
        }
        Duration::ZERO
    }
}

/// The same charges as a caller would have sent them who knew the limit and no other delay: each as soon as it fits.
#[derive(Debug, Default)]
struct Ideal {
    window: Window,
    now: Duration,
}

impl Ideal {
    fn charge(&mut self, model: &Throttle) {
        let (cost, budget) = (model.cost.as_thousandths(), model.budget.as_thousandths());
        while self.window.used + cost > budget {
            let Some((at, oldest)) = self.window.charges.pop_front() else {
                break;
            };
            self.window.used -= oldest;
            self.now = self.now.max(at + model.window);
        }
        self.window.push(self.now, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::Tstu;

    const ME: Uuid = Uuid::from_u128(1);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn meter(speed: u32) -> Meter {
        Meter::new(Some(Throttle::costing(Tstu::units(2)).at_speed(speed)))
    }

    /// Spends whole units at one instant.
    fn spend(meter: &mut Meter, units: u64, now: Duration) -> Admission {
        let mut last = Admission::default();
        for _ in 0..units / 2 {
            last = meter.arrive(ME, now);
        }
        last
    }

    #[test]
    fn the_limit_is_told_before_anything_is_late() {
        let mut meter = meter(1);
        spend(&mut meter, 98, seconds(0));
        assert_eq!(meter.depart(ME, seconds(0)), None, "far from the limit");
        let admission = spend(&mut meter, 2, seconds(10));
        assert_eq!((admission.delay, admission.is_blocked), (seconds(0), false));
        assert_eq!(
            meter.depart(ME, seconds(10)),
            Some(Notice {
                remaining: 100_000,
                reset: seconds(300),
                retry_after: None
            })
        );
    }

    #[test]
    fn above_the_budget_answers_are_late_and_then_refused() {
        let mut meter = meter(1);
        assert_eq!(spend(&mut meter, 200, seconds(0)).delay, seconds(0));
        let late = spend(&mut meter, 2, seconds(60));
        assert_eq!((late.delay, late.is_blocked), (seconds(3), false));
        let latest = spend(&mut meter, 18, seconds(60));
        assert_eq!((latest.delay, latest.is_blocked), (seconds(30), false));
        let refused = spend(&mut meter, 2, seconds(60));
        assert_eq!((refused.delay, refused.is_blocked), (seconds(0), true));
        let notice = meter.depart(ME, seconds(60)).unwrap();
        assert_eq!(
            (notice.remaining, notice.retry_after),
            (0, Some(seconds(240)))
        );
    }

    #[test]
    fn who_waits_as_long_as_told_is_served_and_who_does_not_is_counted() {
        let mut meter = meter(1);
        spend(&mut meter, 222, seconds(0));
        meter.depart(ME, seconds(0));
        let early = meter.arrive(ME, seconds(299));
        assert!(early.inside_retry_after && early.is_blocked);
        assert_eq!(early.cost, 2_000, "impatience costs");
        let punctual = meter.arrive(ME, seconds(300));
        assert!(!punctual.inside_retry_after && !punctual.is_blocked);
    }

    #[test]
    fn a_block_lasts_until_the_usage_is_within_the_budget_again() {
        let mut meter = meter(1);
        spend(&mut meter, 20, seconds(0));
        spend(&mut meter, 202, seconds(100));
        assert!(
            meter.arrive(ME, seconds(300)).is_blocked,
            "204 units are below the level of blocking, but not within the budget"
        );
        assert!(!meter.arrive(ME, seconds(400)).is_blocked);
    }

    #[test]
    fn accounts_are_kept_apart() {
        let mut meter = meter(1);
        spend(&mut meter, 222, seconds(0));
        let other = meter.arrive(Uuid::from_u128(2), seconds(0));
        assert_eq!((other.delay, other.is_blocked), (seconds(0), false));
    }

    #[test]
    fn a_faster_clock_divides_every_wait() {
        let mut meter = meter(60);
        let late = spend(&mut meter, 202, seconds(0));
        assert_eq!(late.delay, Duration::from_millis(50));
        let notice = meter.depart(ME, seconds(0)).unwrap();
        assert_eq!(
            (notice.retry_after, notice.reset),
            (Some(seconds(5)), seconds(5))
        );
        assert_eq!(meter.bound(), seconds(5));
    }

    #[test]
    fn the_bound_is_the_time_of_a_caller_who_knows_the_limit() {
        let mut meter = meter(1);
        spend(&mut meter, 200, seconds(0));
        assert_eq!(meter.bound(), seconds(0), "one window's worth fits at once");
        spend(&mut meter, 2, seconds(900));
        assert_eq!(meter.bound(), seconds(300), "however late it really came");
        spend(&mut meter, 400, seconds(900));
        assert_eq!(meter.bound(), seconds(900));
        meter.clear_bound();
        assert_eq!(meter.bound(), seconds(0));
    }

    #[test]
    fn a_later_and_shorter_wait_does_not_end_a_longer_one() {
        let mut meter = Meter::default();
        meter.announce(ME, seconds(30));
        meter.announce(ME, seconds(10));
        assert!(meter.arrive(ME, seconds(29)).inside_retry_after);
        assert!(!meter.arrive(ME, seconds(30)).inside_retry_after);
    }
}
