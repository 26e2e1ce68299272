//! Count, extremes, mean and percentiles.

use serde::Serialize;

/// What can be said of a list of values. All but the count is `None` for an empty list: no data is not zero.
///
/// The median is the 50th percentile, so with an even number of values it is the mean of the two in the middle: of 1, 2, 3, 10
/// it is 2.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// How many values there are.
    pub count: u64,
    /// The smallest.
    pub min: Option<f64>,
    /// The 50th percentile.
    pub median: Option<f64>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// The standard deviation of these values, which are all there are: the root of the mean square distance from the mean.
    pub deviation: Option<f64>,
}

/// Which of the statistics is the one number for some values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistic {
    /// The smallest.
    Min,
    /// The 50th percentile.
    #[default]
    Median,
    /// The arithmetic mean.
    Mean,
    /// The largest.
    Max,
    /// A percentile, from 0 to 100.
    Percentile(u8),
}

impl Statistic {
    /// The statistic of this name: `min`, `median`, `mean`, `max`, or `p` and a whole number from 0 to 100.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "min" => Some(Self::Min),
            "median" => Some(Self::Median),
            "mean" => Some(Self::Mean),
            "max" => Some(Self::Max),
            _ => {
                let share = name.strip_prefix('p')?.parse().ok();
                share.filter(|share| *share <= 100).map(Self::Percentile)
            }
        }
    }

    /// This statistic of values that are sorted in ascending order; `None` if there are no values.
    pub fn of(self, sorted: &[f64]) -> Option<f64> {
        match self {
            Self::Min => sorted.first().copied(),
            Self::Median => percentile(sorted, 0.5),
            Self::Mean => mean(sorted),
            Self::Max => sorted.last().copied(),
            Self::Percentile(share) => percentile(sorted, f64::from(share) / 100.0),
        }
    }
}

/// Summing in one order makes the mean independent of the order of the records.
fn mean(sorted: &[f64]) -> Option<f64> {
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    (!sorted.is_empty()).then_some(mean)
}

fn deviation(sorted: &[f64]) -> Option<f64> {
    let middle = mean(sorted)?;
    let squares = sorted.iter().map(|value| (value - middle).powi(2));
    Some((squares.sum::<f64>() / sorted.len() as f64).sqrt())
}

impl Statistics {
    /// The statistics of these values, in whatever order they come.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self::of_sorted(&values)
    }

    /// The same of values that are sorted in ascending order.
    pub fn of_sorted(sorted: &[f64]) -> Self {
        Self {
            count: sorted.len() as u64,
            min: sorted.first().copied(),
            median: percentile(sorted, 0.5),
            mean: mean(sorted),
            p90: percentile(sorted, 0.9),
            p95: percentile(sorted, 0.95),
            max: sorted.last().copied(),
            deviation: deviation(sorted),
        }
    }
}

/// The percentile of values that are sorted in ascending order; `share` lies between 0 and 1. Between two values it is
/// interpolated linearly: it is the value at position `share * (count - 1)`, counted from 0. This is what spreadsheets call
/// `PERCENTILE.INC` and Python `statistics.quantiles` `inclusive`. `None` if there are no values.
///
/// ```
/// assert_eq!(metrics::percentile(&[10.0, 20.0, 30.0, 40.0], 0.9), Some(37.0));
/// ```
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let part = position - position.floor();
    Some(sorted[below] + (sorted[above] - sorted[below]) * part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_a_count_and_no_numbers() {
        assert_eq!(Statistics::of(Vec::new()), Statistics::default());
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        let found = Statistics::of(vec![10.0, 1.0, 3.0, 2.0]);
        assert_eq!(found.median, Some(2.5));
        assert_eq!(found.mean, Some(4.0));
    }

    #[test]
    fn the_deviation_is_of_all_values_there_are() {
        let deviation = |values: &[f64]| Statistics::of(values.to_vec()).deviation;
        assert_eq!(
            deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]),
            Some(2.0)
        );
        assert_eq!(deviation(&[7.0]), Some(0.0));
    }

    #[test]
    fn percentiles_are_interpolated() {
        let values: Vec<f64> = (1..=11).map(f64::from).collect();
        let found = Statistics::of(values);
        assert_eq!(found.p90, Some(10.0));
        assert_eq!(found.p95, Some(10.5));
        assert_eq!((found.min, found.max), (Some(1.0), Some(11.0)));
    }

    #[test]
    fn a_statistic_is_found_by_its_name() {
        let sorted = [1.0, 2.0, 3.0, 10.0];
        let of = |name| Statistic::from_name(name).and_then(|own| own.of(&sorted));
        assert_eq!(of("median"), Some(2.5));
        assert_eq!(of("mean"), Some(4.0));
        assert_eq!((of("min"), of("max")), (Some(1.0), Some(10.0)));
        assert_eq!((of("p0"), of("p50")), (Some(1.0), Some(2.5)));
        for name in ["p101", "p", "p-1", "average", ""] {
            assert_eq!(Statistic::from_name(name), None, "{name}");
        }
        assert_eq!(Statistic::Median.of(&[]), None);
    }

    proptest! {
        #[test]
        fn a_percentile_lies_between_the_extremes(
            values in prop::collection::vec(-1e9..1e9_f64, 1..40),
            share in 0.0..=1.0_f64,
        ) {
            let mut sorted = values;
            sorted.sort_unstable_by(f64::total_cmp);
            let found = percentile(&sorted, share).unwrap();
            let slack = 1e-6;
            prop_assert!(found >= sorted[0] - slack && found <= sorted[sorted.len() - 1] + slack);
        }

        #[test]
        fn the_order_of_values_does_not_matter(values in prop::collection::vec(-1e9..1e9_f64, 0..40)) {
            let mut turned = values.clone();
            turned.reverse();
            prop_assert_eq!(Statistics::of(values), Statistics::of(turned));
        }
    }
}
