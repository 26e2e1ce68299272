//! How the simulated service meters its callers, and what a caller made of it.
//!
//! Microsoft tells the limit, the headers and the order of the measures; what a request costs cannot be seen from outside
//! (<https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits>). Where the page is silent the fields say what is
//! assumed here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// An amount of Azure DevOps throughput units, exact to a thousandth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tstu(u64);

impl Tstu {
    /// So many thousandths of a unit.
    pub const fn thousandths(count: u64) -> Self {
        Self(count)
    }

    /// So many whole units.
    pub const fn units(count: u64) -> Self {
        Self(count * 1_000)
    }

    pub(crate) const fn as_thousandths(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Tstu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.0))
    }
}

/// Written as a number of units.
impl Serialize for Tstu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 1_000.0)
    }
}

/// A number of thousandths, with decimals only where it needs them.
pub(crate) fn decimal(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A metering of requests by who sends them.
///
/// Each request of a living credential costs [`Self::cost`], also one that is refused. What an identity spent within the last
/// [`Self::window`] is its usage:
///
/// 1. from [`Self::told_from`] on, answers carry the `X-RateLimit-*` headers;
/// 2. above [`Self::budget`], answers are true but late, the later the higher the usage, and carry `Retry-After`;
/// 3. above [`Self::blocked_from`], everything is a `429` with `Retry-After`, until the usage is within the budget again.
///
/// `Retry-After` is the time after which one more request is within the budget, in whole seconds.
///
/// Nobody waits for hours. [`Self::speed`] makes the meter's clock run faster than the simulator's: the units of a window stay what
/// they are, and every time that a caller is told or made to wait is divided by it. With a speed other than 1 the headers have
/// decimals, because whole seconds would be too coarse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// What a request costs: assumed to be the same for all.
    pub cost: Tstu,
    /// What an identity may spend in a window: 200.
    pub budget: Tstu,
    /// How long spent units count: five minutes, sliding.
    pub window: Duration,
    /// The usage from which answers tell the limits. "Near the limit" is assumed to be half of it.
    pub told_from: Tstu,
    /// The usage above which requests are refused. Assumed to be a tenth above the budget.
    pub blocked_from: Tstu,
    /// The delay of an answer just below [`Self::blocked_from`]: 30 seconds.
    pub longest_delay: Duration,
    /// How many seconds of the meter pass in one second of the simulator; at least 1.
    pub speed: u32,
}

impl Throttle {
    /// The documented limits, for requests that cost so much.
    pub const fn costing(cost: Tstu) -> Self {
        Self {
            cost,
            budget: Tstu::units(200),
            window: Duration::from_secs(300),
            told_from: Tstu::units(100),
            blocked_from: Tstu::units(220),
            longest_delay: Duration::from_secs(30),
            speed: 1,
        }
    }

    /// The same with a clock that runs so many times faster.
    #[must_use]
    pub const fn at_speed(self, speed: u32) -> Self {
        Self { speed, ..self }
    }
}

/// The cost models that measurements are made with.
impl FromStr for Throttle {
    type Err = UnknownThrottle;

    fn from_str(name: &str) -> Result<Self, UnknownThrottle> {
        let cost = match name {
            "0.1" => Tstu::thousandths(100),
            "0.5" => Tstu::thousandths(500),
            "1" => Tstu::units(1),
            "2" => Tstu::units(2),
            other => return Err(UnknownThrottle(other.to_owned())),
        };
        Ok(Self::costing(cost))
    }
}

/// A name that no cost model has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownThrottle(String);

impl fmt::Display for UnknownThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no cost model is named '{}'; a request costs 0.1, 0.5, 1 or 2 units",
            self.0
        )
    }
}

impl std::error::Error for UnknownThrottle {}

/// How a caller got along with the meter, and with scripted faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Throttling {
    /// Requests that were sent although a `Retry-After` was not over.
    pub requests_inside_retry_after: u64,
    /// Requests that were answered `429`.
    pub throttled_429: u64,
    /// Requests that were answered late.
    pub delayed: u64,
    /// Units spent by all identities.
    pub tstu_spent: Tstu,
    /// The least time in which the requests that were sent can be sent within the budget, from the first to the last, beginning
    /// with an unused window: `time / bound` says how well the limit was used. In the simulator's time, not the meter's. Who goes
    /// beyond the budget, up to [`Throttle::blocked_from`], can be a little faster, at the price of delays.
    pub bound_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_without_needless_zeros() {
        let texts = [
            Tstu::units(200),
            Tstu::thousandths(100),
            Tstu::thousandths(1_050),
        ]
        .map(|own| own.to_string());
        assert_eq!(texts, ["200", "0.1", "1.05"]);
    }

    #[test]
    fn models_are_named_after_what_a_request_costs() {
        for name in ["0.1", "0.5", "1", "2"] {
            assert_eq!(name.parse::<Throttle>().unwrap().cost.to_string(), name);
        }
        assert_eq!(
            "3".parse::<Throttle>().unwrap_err().to_string(),
            "no cost model is named '3'; a request costs 0.1, 0.5, 1 or 2 units"
        );
    }
}
