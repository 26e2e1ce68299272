//! When things may happen.
//!
//! A simulated day starts at the epoch's time of day, and life keeps to its hours 2 to 22: a client whose clock runs
//! some minutes ahead of the last finished day therefore never overtakes the next day's events.
//! Between the recent 89 days and the old life (200 to 95 days before the epoch) nothing happens, so that a small difference of clocks moves
//! nothing over a 90-day border.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp, civil::Weekday, tz::Offset};

const DAY_MS: i64 = 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;
/// The old life, in days relative to the epoch.
const OLD_DAYS: RangeInclusive<i32> = -200..=-96;
const RECENT_FROM: i32 = -89;
const GAP_FROM_MS: i64 = -95 * DAY_MS;
const GAP_TO_MS: i64 = RECENT_FROM as i64 * DAY_MS;

/// The mapping between days and instants of one world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    epoch: Timestamp,
    advanced: u32,
}

impl Calendar {
    pub(crate) fn new(epoch: Timestamp, advanced: u32) -> Self {
        let epoch = Timestamp::from_second(epoch.as_second()).unwrap_or(epoch);
        Self { epoch, advanced }
    }

    /// The end of the last finished day: nothing later has happened yet.
    pub(crate) fn boundary(&self) -> Timestamp {
        self.at_ms(i64::from(self.advanced) * DAY_MS)
    }

    /// Every day with life of its own, oldest first.
    pub(crate) fn days(&self) -> impl Iterator<Item = i32> + use<> {
        let last = i32::try_from(self.advanced).unwrap_or(i32::MAX);
        OLD_DAYS.chain(RECENT_FROM..last)
    }

    /// Whether the day belongs to the life of long ago.
    pub(crate) fn is_old(day: i32) -> bool {
        day < RECENT_FROM
    }

    pub(crate) fn is_weekend(&self, day: i32) -> bool {
        let weekday = Offset::UTC
            .to_datetime(self.at_ms(i64::from(day) * DAY_MS))
            .weekday();
        matches!(weekday, Weekday::Saturday | Weekday::Sunday)
    }

    /// An instant of `day`; `moment_ms` counts from the start of its working hours and must stay below 20 hours.
    pub(crate) fn moment(&self, day: i32, moment_ms: i64) -> Timestamp {
        self.at_ms(i64::from(day) * DAY_MS + 2 * HOUR_MS + moment_ms.clamp(0, 20 * HOUR_MS - 1))
    }

    /// `after` plus a duration, moved on to the next time at which something may happen.
    pub(crate) fn later(&self, after: Timestamp, duration: SignedDuration) -> Timestamp {
        let gap = SignedDuration::from_millis(GAP_TO_MS - GAP_FROM_MS);
        let was_old = self.offset_ms(after) < GAP_FROM_MS;
        let mut to = after + duration;
        let time_of_day = self.offset_ms(to).rem_euclid(DAY_MS);
        if !(2 * HOUR_MS..22 * HOUR_MS).contains(&time_of_day) {
            to += SignedDuration::from_hours(4);
        }
        if was_old && (GAP_FROM_MS..GAP_TO_MS).contains(&self.offset_ms(to)) {
            to += gap;
        }
        to
    }

    /// `after` plus some minutes, see [`Self::later`].
    pub(crate) fn minutes_later(&self, after: Timestamp, minutes: i64) -> Timestamp {
        self.later(after, SignedDuration::from_mins(minutes))
    }

    /// Days since the oldest life, for naming sprints.
    pub(crate) fn days_since_start(&self, at: Timestamp) -> i64 {
        self.offset_ms(at).div_euclid(DAY_MS) - i64::from(*OLD_DAYS.start())
    }

    /// The start of a day counted from the oldest life.
    pub(crate) fn start_plus_days(&self, days: i64) -> Timestamp {
        self.at_ms((i64::from(*OLD_DAYS.start()) + days) * DAY_MS)
    }

    fn offset_ms(&self, at: Timestamp) -> i64 {
        at.as_millisecond() - self.epoch.as_millisecond()
    }

    fn at_ms(&self, offset_ms: i64) -> Timestamp {
        self.epoch + SignedDuration::from_millis(offset_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::random::Random;

    #[test]
    fn nothing_lands_between_the_old_and_the_recent_life() {
        let calendar = Calendar::new(Timestamp::constant(1_793_491_200, 0), 0);
        let mut random = Random::stream(&[1]);
        let (gap_from, gap_to) = (calendar.at_ms(GAP_FROM_MS), calendar.at_ms(GAP_TO_MS));
        for _ in 0..5_000 {
            let mut at = calendar.moment(
                random.between(-200, -96) as i32,
                random.between(0, 20 * HOUR_MS),
            );
            for _ in 0..12 {
                let next = calendar.minutes_later(at, random.between(1, 6_000));
                assert!(next > at, "time moves on");
                assert!(next < gap_from || next >= gap_to, "{next}");
                at = next;
            }
        }
    }

    #[test]
    fn life_keeps_two_hours_away_from_the_turn_of_the_day() {
        let calendar = Calendar::new(Timestamp::constant(1_793_491_200, 0), 3);
        let mut random = Random::stream(&[2]);
        for _ in 0..5_000 {
            let at = calendar.minutes_later(
                calendar.moment(-1, random.between(0, 20 * HOUR_MS)),
                random.between(1, 3_000),
            );
            let hour = calendar.offset_ms(at).rem_euclid(DAY_MS) / HOUR_MS;
            assert!((2..22).contains(&hour), "{hour}");
        }
    }
}
