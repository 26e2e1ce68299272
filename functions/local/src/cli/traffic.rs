//! Requests beside the fewest that would have done, endpoint by endpoint.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Because, Floors};

/// What was sent, and what had to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traffic {
    requests: BTreeMap<String, u64>,
    floors: Floors,
}

/// Sent and needed requests of some endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) sent: u64,
    pub(super) floor: u64,
}

impl Share {
    /// Returns how many times the floor was sent; `None` where nothing had to be.
    pub(super) fn ratio(self) -> Option<f64> {
        (self.floor > 0).then(|| self.sent as f64 / self.floor as f64)
    }
}

impl Traffic {
    pub(super) fn new(requests: BTreeMap<String, u64>, floors: Floors) -> Self {
        Self { requests, floors }
    }

    /// Returns the requests that came after `earlier` ones, beside another floor.
    pub(super) fn since(&self, earlier: &Self, floors: Floors) -> Self {
        let before = |resource: &String| earlier.requests.get(resource).copied().unwrap_or(0);
        let requests = self
            .requests
            .iter()
            .map(|(resource, sent)| (resource.clone(), sent.saturating_sub(before(resource))))
            .filter(|(_, sent)| *sent > 0)
            .collect();
        Self::new(requests, floors)
    }

    /// Returns each endpoint that was asked, with its share.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, Share)> {
        self.requests.iter().map(|(resource, sent)| {
            let floor = self.floor(resource).map_or(0, |floor| floor.requests);
            (resource.as_str(), Share { sent: *sent, floor })
        })
    }

    /// Returns everything together. What was never asked for is in neither sum: a client that leaves something out has
    /// not done it in few requests. What has no floor counts as needless.
    pub(super) fn total(&self) -> Share {
        self.sum(|_| true)
    }

    /// Returns everything but the threads of pull requests, which outnumber all else where runs come in bulk.
    pub(super) fn without_threads(&self) -> Share {
        self.sum(|resource| resource != "threads")
    }

    /// Returns everything that is not asked for one by one.
    pub(super) fn lists(&self) -> Share {
        self.sum(|resource| {
            let floor = self.floor(resource);
            floor.is_none_or(|floor| floor.because != Because::PerItem)
        })
    }

    fn floor(&self, resource: &str) -> Option<simulator::Floor> {
        self.floors.get(resource).copied()
    }

    fn sum(&self, wanted: impl Fn(&str) -> bool) -> Share {
        let rows = self.rows().filter(|(resource, _)| wanted(resource));
        rows.fold(Share::default(), |sum, (_, row)| Share {
            sent: sum.sent + row.sent,
            floor: sum.floor + row.floor,
        })
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "total": self.total().sent,
            "by_resource": self.requests,
            "floor": self.total().floor,
            "floor_by_resource": self.floors,
            "ratio": {
                "all": rounded(self.total()),
                "without_threads": rounded(self.without_threads()),
                "lists": rounded(self.lists()),
            },
        })
    }

    /// Returns the lines of a table for people.
    pub(super) fn lines(&self, title: &str) -> Vec<String> {
        let line = |name: &str, share: Share| {
            let ratio = share.ratio().map(|ratio| format!("{ratio:.2}"));
            let (sent, floor) = (share.sent, share.floor);
            format!(
                "  {name:<22}{sent:>9}{floor:>9}{:>9}",
                ratio.unwrap_or_else(|| "-".to_owned())
            )
        };
        let head = format!("\n  {title:<22}{:>9}{:>9}{:>9}", "sent", "floor", "ratio");
        let mut lines = vec![head];
        lines.extend(self.rows().map(|(resource, share)| line(resource, share)));
        lines.push(line("in all", self.total()));
        lines.push(line("without threads", self.without_threads()));
        lines.push(line("lists only", self.lists()));
        lines
    }
}

fn rounded(share: Share) -> Option<f64> {
    share
        .ratio()
        .map(|ratio| (ratio * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use simulator::Floor;

    use super::*;

    fn traffic() -> Traffic {
        let floor = |requests, because| Floor { requests, because };
        let sent = [("builds", 6), ("threads", 10), ("timeline", 20), ("odd", 1)];
        Traffic::new(
            sent.map(|(name, sent)| (name.to_owned(), sent)).into(),
            Floors::from([
                ("builds", floor(4, Because::Pages)),
                ("threads", floor(10, Because::PerItem)),
                ("timeline", floor(20, Because::PerItem)),
                ("never asked", floor(99, Because::Pages)),
            ]),
        )
    }

    #[test]
    fn what_has_no_floor_counts_against_us_and_what_was_not_asked_does_not_count_for_us() {
        let share = |sent, floor| Share { sent, floor };
        assert_eq!(traffic().total(), share(37, 34));
        assert_eq!(traffic().without_threads(), share(27, 24));
        assert_eq!(traffic().lists(), share(7, 4));
        assert_eq!(traffic().json()["ratio"]["lists"], 1.75);
    }

    #[test]
    fn a_later_pass_counts_only_its_own() {
        let mut later = traffic();
        later.requests.insert("builds".to_owned(), 8);
        let idle = later.since(&traffic(), Floors::new());
        assert_eq!(
            idle.rows().collect::<Vec<_>>(),
            [("builds", Share { sent: 2, floor: 0 })]
        );
        assert_eq!(idle.total().ratio(), None);
    }

    #[test]
    fn the_table_has_no_blanks_at_the_ends_of_lines() {
        let lines = traffic().lines("requests");
        assert!(
            lines.iter().all(|line| line.trim_end() == line),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("builds") && line.ends_with("1.50"))
        );
    }
}
