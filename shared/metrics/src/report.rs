//! The one engine of all metrics: rows and a question in, an answer out.

mod shares;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Serialize;

use crate::{Dimension, Interval, Measure, Query, Range, Row, Statistics, query::midnight};

pub use self::shares::Parts;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// All rows together.
    pub total: Summary,
    /// All rows together, by period; empty if no interval was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<Point>,
    /// One for each combination of the dimensions asked for that has rows: those with most rows first.
    pub groups: Vec<Group>,
}

/// The rows that have the same values of the dimensions asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// These values; `None` for rows without the dimension.
    pub by: BTreeMap<Dimension, Option<String>>,
    /// Of these rows.
    #[serde(flatten)]
    pub summary: Summary,
    /// Of these rows, by period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<Point>,
}

/// One period of a trend. Periods without rows are there, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The first day of the period.
    pub period: Date,
    /// Of its rows.
    #[serde(flatten)]
    pub summary: Summary,
}

/// What is said of some rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The one number for it, as the measure of the metric says; `None` if there are no rows.
    pub value: Option<f64>,
    /// How many rows there are.
    pub count: u64,
    /// For measures that have them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

/// How values are spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub(crate) min: Option<f64>,
    median: Option<f64>,
    mean: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    pub(crate) max: Option<f64>,
    /// The standard deviation.
    pub(crate) deviation: Option<f64>,
    /// How many values are below 0, which `negative=without` leaves out.
    #[serde(skip_serializing_if = "is_zero")]
    negative: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Answers a question from rows, in whatever order they come.
pub fn report(measure: Measure, rows: &[Row], query: &Query) -> Report {
    let rows: Vec<&Row> = rows.iter().filter(|row| query.accepts(row)).collect();
    let engine = Engine {
        measure,
        query,
        all: &rows,
        last: query.samples().pop(),
    };
    let mut by_key: BTreeMap<Vec<Option<&str>>, Vec<&Row>> = BTreeMap::new();
    if !query.group_by.is_empty() {
        for row in &rows {
            let key = query.group_by.iter();
            let key = key.map(|dimension| row.dimension(*dimension)).collect();
            by_key.entry(key).or_default().push(row);
        }
    }
    let mut groups: Vec<Group> = by_key
        .into_iter()
        .map(|(key, rows)| engine.group(&key, &rows))
        .collect();
    // The map was in order of the key, which decides between groups of the same size.
    groups.sort_by_key(|group| std::cmp::Reverse(group.summary.count));
    Report {
        total: engine.whole(&rows),
        trend: engine.trend(&rows),
        groups,
    }
}

struct Engine<'a> {
    measure: Measure,
    query: &'a Query,
    /// All rows, of which those of a group are a part.
    all: &'a [&'a Row],
    /// The last instant at which what there is at a time was looked at.
    last: Option<Timestamp>,
}

impl Engine<'_> {
    fn group(&self, key: &[Option<&str>], rows: &[&Row]) -> Group {
        let values = key.iter().map(|value| value.map(str::to_owned));
        Group {
            by: self.query.group_by.iter().copied().zip(values).collect(),
            summary: self.whole(rows),
            trend: self.trend(rows),
        }
    }

    /// Of the whole range; of what there is at a time, it is what there was at its end.
    fn whole(&self, rows: &[&Row]) -> Summary {
        if !self.measure.is_level() {
            return self.summary(rows, self.all, self.query.range);
        }
        self.summary(
            &self.at_last(rows),
            &self.at_last(self.all),
            self.query.range,
        )
    }

    fn at_last<'r>(&self, rows: &[&'r Row]) -> Vec<&'r Row> {
        let rows = rows.iter().copied();
        rows.filter(|row| Some(row.at) == self.last).collect()
    }

    fn trend(&self, rows: &[&Row]) -> Vec<Point> {
        let Some(interval) = self.query.interval else {
            return Vec::new();
        };
        let [own, all] = [rows, self.all].map(|rows| self.by_period(interval, rows));
        let periods = interval.periods(self.query.range, &self.query.zone);
        let point = |(period, part)| Point {
            period,
            summary: self.summary(rows_of(&own, period), rows_of(&all, period), part),
        };
        periods.into_iter().map(point).collect()
    }

    fn by_period<'r>(&self, interval: Interval, rows: &[&'r Row]) -> BTreeMap<Date, Vec<&'r Row>> {
        let mut by_period: BTreeMap<Date, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let period = interval.start(row.at, &self.query.zone);
            by_period.entry(period).or_default().push(row);
        }
        by_period
    }

    /// Of some of all rows of a range.
    fn summary(&self, rows: &[&Row], all: &[&Row], range: Range) -> Summary {
        let mut values: Vec<f64> = match self.measure {
            Measure::OfSprints(parts) => shares::of_sprints(rows, parts),
            _ => rows.iter().map(|row| row.value).collect(),
        };
        values.sort_unstable_by(f64::total_cmp);
        let found = Statistics::of_sorted(&values);
        let value = match self.measure {
            Measure::Duration | Measure::Amount | Measure::Age | Measure::OfSprints(_) => {
                self.query.statistic.of(&values)
            }
            Measure::Share => found.mean,
            Measure::Sum | Measure::Level => Some(values.iter().sum()),
            Measure::Count => Some(found.count as f64),
            Measure::Frequency => Some(found.count as f64 / range.days(&self.query.zone)),
            Measure::Distinct(dimension) => Some(distinct(rows, dimension) as f64),
            Measure::DaysPerWeek => {
                Some(self.days_of(rows).len() as f64 / (range.days(&self.query.zone) / 7.0))
            }
            Measure::MedianDaysPerWeek => self.median_days_per_week(rows, range),
            Measure::ShareOfAll => shares::of_all(rows, all),
            Measure::People => Some(shares::people(rows, all)),
            Measure::Score => shares::score(rows),
        };
        let spread = Spread {
            min: found.min,
            median: found.median,
            mean: found.mean,
            p90: found.p90,
            p95: found.p95,
            max: found.max,
            deviation: found.deviation,
            negative: rows.iter().filter(|row| row.value < 0.0).count() as u64,
        };
        Summary {
            value: value.filter(|_| found.count > 0),
            count: found.count,
            spread: self.measure.has_spread().then_some(spread),
        }
    }

    /// The days of the zone on which there are rows.
    fn days_of(&self, rows: &[&Row]) -> BTreeSet<Date> {
        let zone = &self.query.zone;
        rows.iter()
            .map(|row| zone.to_datetime(row.at).date())
            .collect()
    }

    /// A week that is in the range only in part would count for less than it is.
    fn median_days_per_week(&self, rows: &[&Row], range: Range) -> Option<f64> {
        let zone = &self.query.zone;
        let days = self.days_of(rows);
        let periods = Interval::Week.periods(range, zone).into_iter();
        let whole = periods.filter(|(start, part)| {
            let next = start.saturating_add(1.week());
            part.from == midnight(*start, zone) && part.to == midnight(next, zone)
        });
        let counts = whole.map(|(start, _)| {
            let next = start.saturating_add(1.week());
            days.range(start..next).count() as f64
        });
        Statistics::of(counts.collect()).median
    }
}

fn rows_of<'a, 'r>(by_period: &'a BTreeMap<Date, Vec<&'r Row>>, period: Date) -> &'a [&'r Row] {
    by_period.get(&period).map_or(&[], Vec::as_slice)
}

/// How many different values of a dimension there are; rows without it have none.
fn distinct(rows: &[&Row], dimension: Dimension) -> usize {
    let values = rows.iter().filter_map(|row| row.dimension(dimension));
    values.collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Filter, Interval, Match, Statistic,
        samples::{at, row},
    };

    fn days(from: &str, count: i64) -> Query {
        let from = at(&format!("{from}T00:00:00Z"));
        let to = from + jiff::SignedDuration::from_hours(24 * count);
        Query {
            range: Range { from, to },
            zone: TimeZone::UTC,
            interval: None,
            statistic: Statistic::default(),
            with_negative: true,
            group_by: Vec::new(),
            filters: Vec::new(),
            now: at("2026-11-24T00:00:00Z"),
        }
    }

    fn stage(value: f64, day: u32, name: &str) -> Row {
        let at = format!("2026-11-{day:02}T12:00:00Z");
        row(value, &at, &[(Dimension::Stage, name)])
    }

    #[test]
    fn the_frequency_divides_by_all_days_of_the_range() {
        // 24 in 91 days: 0.26374 (printed, cut off, as 0.263).
        let rows: Vec<Row> = (1..=24).map(|day| stage(1.0, day, "Deploy")).collect();
        let found = report(Measure::Frequency, &rows, &days("2026-09-01", 91));
        let value = found.total.value.unwrap();
        assert_eq!(format!("{value:.3}"), "0.264");
        assert_eq!(value, 24.0 / 91.0);
    }

    #[test]
    fn negative_values_are_counted_and_can_be_left_out() {
        let mut query = days("2026-11-01", 30);
        query.statistic = Statistic::Mean;
        let rows = [
            stage(-7.0, 3, "Build"),
            stage(0.0, 3, "Build"),
            stage(4.0, 4, "Build"),
        ];
        let told = |query: &Query| {
            let total = report(Measure::Duration, &rows, query).total;
            let json = serde_json::to_value(&total).unwrap();
            (total.value, total.count, json.get("negative").cloned())
        };
        assert_eq!(told(&query), (Some(-1.0), 3, Some(1.into())));
        query.with_negative = false;
        assert_eq!(told(&query), (Some(2.0), 2, None));
    }

    #[test]
    fn groups_come_largest_first_and_name_what_is_missing() {
        let mut query = days("2026-11-01", 30);
        query.group_by = vec![Dimension::Stage];
        let mut rows = vec![
            stage(5.0, 3, "Build"),
            stage(7.0, 3, "Test"),
            stage(9.0, 4, "Test"),
        ];
        rows.push(row(1.0, "2026-11-04T00:00:00Z", &[]));
        let found = report(Measure::Duration, &rows, &query);
        let names: Vec<_> = found
            .groups
            .iter()
            .map(|group| group.by[&Dimension::Stage].as_deref())
            .collect();
        assert_eq!(names, [Some("Test"), None, Some("Build")]);
        assert_eq!(found.groups[0].summary.value, Some(8.0));
        assert_eq!(found.total.count, 4);
    }

    #[test]
    fn a_day_without_rows_is_there_and_has_no_value() {
        let query = Query {
            interval: Some(Interval::Day),
            ..days("2026-11-03", 3)
        };
        let found = report(
            Measure::Count,
            &[stage(1.0, 3, "a"), stage(1.0, 5, "a")],
            &query,
        );
        let trend: Vec<_> = found
            .trend
            .iter()
            .map(|point| (point.summary.value, point.summary.count))
            .collect();
        assert_eq!(trend, [(Some(1.0), 1), (None, 0), (Some(1.0), 1)]);
    }

    #[test]
    fn a_share_is_the_mean_of_ones_and_zeros() {
        let rows = [
            stage(1.0, 3, "a"),
            stage(0.0, 3, "a"),
            stage(0.0, 4, "a"),
            stage(0.0, 4, "a"),
        ];
        let found = report(Measure::Share, &rows, &days("2026-11-01", 30));
        assert_eq!(found.total.value, Some(0.25));
        assert_eq!(found.total.spread, None);
    }

    /// Rows on 23 days of the 13 weeks from 2026-08-31, two of them on one day.
    fn coding_days() -> (Vec<Row>, Query) {
        let query = days("2026-08-31", 91);
        let on = |day: i64| {
            let at = query.range.from + jiff::SignedDuration::from_hours(24 * day + 12);
            row(1.0, &at.to_string(), &[(Dimension::Repository, "app")])
        };
        let mut rows: Vec<Row> = (0..23).map(|number| on(number * 3)).collect();
        rows.push(on(0));
        (rows, query)
    }

    #[test]
    fn days_per_week_divide_by_the_days_of_the_range_over_seven() {
        let (rows, query) = coding_days();
        let found = report(Measure::DaysPerWeek, &rows, &query).total;
        assert_eq!(format!("{:.2}", found.value.unwrap()), "1.77");
        assert_eq!(found.count, 24);
    }

    #[test]
    fn the_median_week_is_one_of_the_whole_weeks() {
        let (rows, mut query) = coding_days();
        let median = |query: &Query| report(Measure::MedianDaysPerWeek, &rows, query).total.value;
        // Every third day from Monday on: 3, 2, 2, 3, 2, 2, 3, 2, 2, 2 days, then three weeks without.
        assert_eq!(median(&query), Some(2.0));
        query.range.to = query.range.from + jiff::SignedDuration::from_hours(24 * 14);
        assert_eq!(median(&query), Some(2.5), "the mean of the middle two");
        query.range.from += jiff::SignedDuration::from_hours(1);
        assert_eq!(median(&query), Some(2.0), "the first week is not whole");
        query.range.to -= jiff::SignedDuration::from_hours(1);
        assert_eq!(median(&query), None, "no week is whole");
    }

    #[test]
    fn what_is_counted_once_is_told_by_a_dimension() {
        let rows = [stage(1.0, 3, "a"), stage(2.5, 3, "b"), stage(4.0, 4, "a")];
        let query = days("2026-11-01", 30);
        let value = |measure| report(measure, &rows, &query).total.value;
        assert_eq!(value(Measure::Distinct(Dimension::Stage)), Some(2.0));
        assert_eq!(value(Measure::Distinct(Dimension::Agent)), Some(0.0));
        assert_eq!(value(Measure::Sum), Some(7.5));
        assert_eq!(value(Measure::Amount), Some(2.5));
    }

    #[test]
    fn the_number_is_the_statistic_that_is_asked_for() {
        let rows: Vec<Row> = (1..=11)
            .map(|day| stage(f64::from(day), day, "a"))
            .collect();
        let query = Query {
            statistic: Statistic::Percentile(95),
            ..days("2026-11-01", 30)
        };
        let found = report(Measure::Duration, &rows, &query).total;
        assert_eq!(found.value, Some(10.5));
        assert_eq!(
            report(Measure::Count, &rows, &query).total.value,
            Some(11.0)
        );
    }

    #[test]
    fn nothing_is_no_number_whatever_is_measured() {
        let query = days("2026-11-01", 30);
        let measures = [
            Measure::Duration,
            Measure::Amount,
            Measure::Count,
            Measure::Sum,
            Measure::Share,
            Measure::Frequency,
            Measure::Distinct(Dimension::Stage),
            Measure::DaysPerWeek,
            Measure::MedianDaysPerWeek,
        ];
        for measure in measures {
            let found = report(measure, &[], &query).total;
            assert_eq!((found.value, found.count), (None, 0), "{measure:?}");
        }
    }

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        let one = (
            0.0..1e6_f64,
            1..29_u32,
            prop::sample::select(vec!["a", "b", "c"]),
        );
        prop::collection::vec(
            one.prop_map(|(value, day, name)| stage(value, day, name)),
            0..30,
        )
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_matter(mut rows in any_rows()) {
            let query = Query { group_by: vec![Dimension::Stage], interval: Some(Interval::Week), ..days("2026-11-01", 30) };
            let found = report(Measure::Duration, &rows, &query);
            rows.reverse();
            prop_assert_eq!(found, report(Measure::Duration, &rows, &query));
        }

        #[test]
        fn days_recombine_to_the_whole(rows in any_rows()) {
            let query = Query { interval: Some(Interval::Day), ..days("2026-11-05", 14) };
            let found = report(Measure::Count, &rows, &query);
            prop_assert_eq!(found.trend.len(), 14);
            let sum: u64 = found.trend.iter().map(|point| point.summary.count).sum();
            prop_assert_eq!(sum, found.total.count);
        }

        #[test]
        fn what_lies_outside_changes_nothing(mut rows in any_rows()) {
            let deploy = Filter { dimension: Dimension::Stage, rule: Match::Is, values: vec!["a".into()] };
            let query = Query { filters: vec![deploy], group_by: vec![Dimension::Stage], ..days("2026-11-05", 14) };
            let found = report(Measure::Duration, &rows, &query);
            rows.push(stage(1e9, 4, "a"));
            rows.push(stage(1e9, 19, "a"));
            rows.push(stage(1e9, 7, "b"));
            prop_assert_eq!(found, report(Measure::Duration, &rows, &query));
        }
    }
}
