//! How long a record is kept.

use jiff::{SignedDuration, Timestamp};

/// How many days after its last event a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    days: u16,
}

impl Retention {
    /// A retention of 1 to 400 days; anything outside is moved to the nearer end.
    pub const fn days(days: u16) -> Self {
        let days = if days == 0 { 1 } else { days };
        Self {
            days: if days > 400 { 400 } else { days },
        }
    }

    /// The instant at which data is just old enough to be gone, seen from `now`, on a whole second.
    ///
    /// A first synchronization asks for everything since this instant, and Azure DevOps reads no more than seven digits
    /// of a second: <https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings>.
    pub fn window_start(self, now: Timestamp) -> Timestamp {
        let second = now.as_second() - self.span().as_secs();
        Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
    }

    /// The second of the Unix epoch at which a thing with this last event expires, for DynamoDB's TTL attribute.
    pub fn expires_at(self, last_event: Timestamp) -> i64 {
        last_event
            .checked_add(self.span())
            .unwrap_or(Timestamp::MAX)
            .as_second()
    }

    /// The days.
    pub const fn as_days(self) -> u32 {
        self.days as u32
    }

    fn span(self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.days))
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::days(90)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_expires_exactly_when_it_leaves_the_window() {
        let event: Timestamp = "2026-08-25T12:00:00Z".parse().unwrap();
        let retention = Retention::days(90);
        let expires_at = Timestamp::from_second(retention.expires_at(event)).unwrap();
        assert_eq!(expires_at, "2026-11-23T12:00:00Z".parse().unwrap());
        assert_eq!(retention.window_start(expires_at), event);
    }

    #[test]
    fn the_window_begins_with_a_whole_second() {
        let now: Timestamp = "2026-11-23T12:00:00.123456789Z".parse().unwrap();
        let start = Retention::days(90).window_start(now).to_string();
        assert_eq!(start, "2026-08-25T12:00:00Z");
    }

    #[test]
    fn impossible_retentions_are_moved_into_range() {
        assert_eq!(Retention::days(0), Retention::days(1));
        assert_eq!(Retention::days(9999), Retention::days(400));
    }
}
