//! How good a number is, by the bands of DORA's reports.

use serde::Serialize;

use crate::Metric;

/// A grade, and the numbers that it is given for: from the first, which belongs to it, to the second, which does not. So no
/// number has two grades or none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// The grade.
    pub grade: &'static str,
    /// The first number of it; `None` if it has no lower end.
    pub from: Option<f64>,
    /// The first number above it; `None` if it has no upper end.
    pub to: Option<f64>,
}

const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;
const WEEK: f64 = 7.0 * DAY;
const MONTH: f64 = 30.0 * DAY;

/// Where a number gets worse as it grows.
const fn rising(ends: [f64; 3]) -> [Band; 4] {
    let [a, b, c] = ends;
    [
        band("elite", None, Some(a)),
        band("high", Some(a), Some(b)),
        band("medium", Some(b), Some(c)),
        band("low", Some(c), None),
    ]
}

const fn band(grade: &'static str, from: Option<f64>, to: Option<f64>) -> Band {
    Band { grade, from, to }
}

static FREQUENCY: [Band; 4] = [
    band("elite", Some(1.0), None),
    band("high", Some(1.0 / 7.0), Some(1.0)),
    band("medium", Some(1.0 / 30.0), Some(1.0 / 7.0)),
    band("low", None, Some(1.0 / 30.0)),
];
static LEAD_TIME: [Band; 4] = rising([DAY, WEEK, MONTH]);
static FAILURE_RATE: [Band; 4] = rising([0.15, 0.30, 0.45]);
static TIME_TO_RESTORE: [Band; 4] = rising([HOUR, DAY, WEEK]);

/// The bands of a metric, best first; none for a metric that has no grades.
pub fn bands(metric: &Metric) -> &'static [Band] {
    match metric.name {
        "deployment_frequency" => &FREQUENCY,
        "lead_time_for_changes" => &LEAD_TIME,
        "change_failure_rate" => &FAILURE_RATE,
        "time_to_restore" => &TIME_TO_RESTORE,
        _ => &[],
    }
}

/// The grade of a metric's number.
pub fn grade(metric: &Metric, value: f64) -> Option<&'static str> {
    let mut bands = bands(metric).iter();
    let found = bands.find(|band| {
        band.from.is_none_or(|from| from <= value) && band.to.is_none_or(|to| value < to)
    });
    found.map(|band| band.grade)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::find;

    fn graded(metric: &str, value: f64) -> Option<&'static str> {
        grade(find(metric).unwrap(), value)
    }

    #[test]
    fn numbers_between_the_printed_bands_have_a_grade() {
        let rate = |value| graded("change_failure_rate", value).unwrap();
        // Printed as below 15 %, 16 to 30 %, 31 to 45 %, above 45 %.
        assert_eq!(
            [0.149, 0.15, 0.155, 0.305, 0.455].map(rate),
            ["elite", "high", "high", "medium", "low"]
        );
        // Ninety minutes are medium on one page and high on another.
        assert_eq!(graded("time_to_restore", 5_400.0), Some("high"));
        let frequency = |value| graded("deployment_frequency", value).unwrap();
        assert_eq!(
            [1.0, 24.0 / 91.0, 0.1, 0.03].map(frequency),
            ["elite", "high", "medium", "low"]
        );
        assert_eq!(graded("lead_time_for_changes", DAY), Some("high"));
        assert_eq!(graded("run_duration", 1.0), None);
    }

    proptest! {
        #[test]
        fn every_number_has_exactly_one_grade(value in 0.0..2e6_f64, small in 0.0..1.5_f64) {
            for metric in ["deployment_frequency", "change_failure_rate", "time_to_restore"] {
                for value in [value, small] {
                    let fits = |band: &&Band| band.from.is_none_or(|from| from <= value) && band.to.is_none_or(|to| value < to);
                    prop_assert_eq!(bands(find(metric).unwrap()).iter().filter(fits).count(), 1);
                }
            }
        }
    }
}
