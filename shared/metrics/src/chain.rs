//! A way in parts that do not overlap: from each point that was passed to the next one that was.

use jiff::Timestamp;

/// A part of a way: up to the point that it is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part<N> {
    /// The point that it leads to.
    pub(crate) to: N,
    /// When it began: at the last point before that was passed.
    pub(crate) from_at: Timestamp,
    /// When the point was passed.
    pub(crate) at: Timestamp,
}

/// The parts of a way over points in their order. A point that was never passed has no part, and the next one takes its time
/// as well: so the parts add up to the whole, whichever are missing. A point that was passed before the one in front of it
/// makes a negative part, which is kept.
///
/// With points at 10:05, 10:10, never and 10:19 there are two parts: 5 and 9 minutes.
pub(crate) fn parts<N>(points: impl IntoIterator<Item = (N, Option<Timestamp>)>) -> Vec<Part<N>> {
    let points = points.into_iter();
    let mut passed = points.filter_map(|(name, at)| Some((name, at?)));
    let Some((_, mut before)) = passed.next() else {
        return Vec::new();
    };
    let part = |(to, at)| {
        let from_at = std::mem::replace(&mut before, at);
        Part { to, from_at, at }
    };
    passed.map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::clock;

    fn minutes(points: &[(&'static str, Option<&str>)]) -> Vec<(&'static str, i64)> {
        let at = |(name, time): &(&'static str, Option<&str>)| (*name, time.map(clock));
        let points: Vec<_> = points.iter().map(at).collect();
        let parts = parts(points).into_iter();
        parts
            .map(|part| (part.to, part.at.duration_since(part.from_at).as_mins()))
            .collect()
    }

    #[test]
    fn a_point_that_was_never_passed_has_no_part() {
        let points = [
            ("a", Some("10:05")),
            ("b", Some("10:10")),
            ("c", None),
            ("d", Some("10:19")),
        ];
        assert_eq!(minutes(&points), [("b", 5), ("d", 9)]);
        assert_eq!(minutes(&points[..1]), []);
        assert_eq!(minutes(&[("a", None)]), []);
    }

    #[test]
    fn a_point_too_early_makes_a_negative_part() {
        let points = [
            ("a", Some("10:05")),
            ("b", Some("10:01")),
            ("c", Some("10:06")),
        ];
        assert_eq!(minutes(&points), [("b", -4), ("c", 5)]);
    }

    proptest! {
        #[test]
        fn the_parts_add_up_to_the_whole(times in prop::collection::vec(prop::option::of(0..1_000_000_i64), 0..9)) {
            let points: Vec<_> = times
                .iter()
                .map(|second| ("p", second.map(|second| Timestamp::from_second(second).unwrap())))
                .collect();
            let seconds = |part: &Part<&str>| part.at.as_second() - part.from_at.as_second();
            let sum: i64 = parts(points).iter().map(seconds).sum();
            let passed: Vec<i64> = times.into_iter().flatten().collect();
            let whole = passed.last().unwrap_or(&0) - passed.first().unwrap_or(&0);
            prop_assert_eq!(sum, whole);
        }
    }
}
