//! How many of something there are, and how sure that is.

use jiff::Timestamp;
use serde::Serialize;

use super::Window;

/// A number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "precision", content = "count", rename_all = "snake_case")]
pub enum Amount {
    /// They were counted.
    Exact(u64),
    /// There may be more.
    AtLeast(u64),
    /// The pace of some, or some projects, stand for all.
    Estimated(u64),
}

impl Amount {
    fn count(self) -> u64 {
        let (Self::Exact(count) | Self::AtLeast(count) | Self::Estimated(count)) = self;
        count
    }

    /// How many a project has within a window, of which the newest `most` came with these times.
    ///
    /// If there may be more, the pace of those that came stands for the rest: their number times the window over the
    /// time between the newest and the oldest. Example: 200 within 30 days make 600 within 90.
    pub(super) fn of_page(times: Vec<Option<Timestamp>>, most: usize, window: Window) -> Self {
        let count = times.len() as u64;
        if times.len() < most {
            return Self::Exact(count);
        }
        let known = || times.iter().flatten();
        let (Some(newest), Some(oldest)) = (known().max(), known().min()) else {
            return Self::AtLeast(count);
        };
        let span_s = newest.as_second() - oldest.as_second();
        let window_s = i64::from(window.retention.as_days()) * 86_400;
        match span_s {
            1.. => Self::Estimated(count * window_s.unsigned_abs() / span_s.unsigned_abs()),
            _ => Self::AtLeast(count),
        }
    }

    /// How many all projects have, of which some have these; `None` if none was looked at.
    ///
    /// Example: two projects with 10 and 20, of six, make 90.
    pub(super) fn of_all(sampled: &[Self], projects: Self) -> Option<Self> {
        let looked_at = sampled.len() as u64;
        let sum: u64 = sampled.iter().map(|amount| amount.count()).sum();
        let all = projects.count().max(looked_at);
        let is_exact = |amount: &Self| matches!(amount, Self::Exact(_));
        match looked_at {
            0 => None,
            _ if all == looked_at && sampled.iter().all(is_exact) => Some(Self::Exact(sum)),
            _ => Some(Self::Estimated(sum * all / looked_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Retention;

    use super::*;

    fn page(seconds: &[i64], most: usize) -> Amount {
        let times = seconds.iter();
        let times = times.map(|second| Timestamp::from_second(*second).ok());
        let window = Window {
            retention: Retention::days(90),
            now: Timestamp::UNIX_EPOCH,
        };
        Amount::of_page(times.collect(), most, window)
    }

    #[test]
    fn a_page_that_is_not_full_has_them_all_and_a_full_one_has_a_pace() {
        let month_s = 30 * 86_400;
        assert_eq!(page(&[5, 4], 3), Amount::Exact(2));
        assert_eq!(page(&[month_s, 7, 0], 3), Amount::Estimated(9));
        // All in one second: no pace.
        assert_eq!(page(&[5, 5, 5], 3), Amount::AtLeast(3));
    }

    #[test]
    fn some_projects_stand_for_all() {
        let sampled = [Amount::Exact(10), Amount::Exact(20)];
        let all = |projects| Amount::of_all(&sampled, Amount::Exact(projects));
        assert_eq!(all(6), Some(Amount::Estimated(90)));
        assert_eq!(all(2), Some(Amount::Exact(30)));
        assert_eq!(Amount::of_all(&[], Amount::Exact(6)), None);
        let paced = [Amount::Estimated(10)];
        let one = Amount::of_all(&paced, Amount::Exact(1));
        assert_eq!(one, Some(Amount::Estimated(10)));
    }
}
