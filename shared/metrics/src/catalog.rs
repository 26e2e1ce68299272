//! What metrics there are, and what is said of each.

use model::{Facet, Kind};
use serde::{Serialize, Serializer};

use crate::{
    Context, Dimension, Fact, Parts, Row, Setting, Settings, boards, dora, flow, pipelines, repos,
};

/// A metric: how rows are made of records, and how people are told about it.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The name in the API; never changes.
    pub name: &'static str,
    /// What it says, in words, with the choices that were made.
    pub definition: &'static str,
    /// How a row's value is calculated.
    pub formula: &'static str,
    /// How rows become one number.
    pub measure: Measure,
    /// What it reads.
    pub inputs: &'static [Input],
    /// What its rows can be grouped and filtered by.
    pub dimensions: &'static [Dimension],
    /// What else can be chosen: rules by which its rows are made.
    pub settings: &'static [Setting],
    /// What shows it best.
    pub form: Form,
    /// How its rows are made.
    pub rows: Rows,
}

/// How rows become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Values are seconds; the number is their median, and there are statistics.
    Duration,
    /// Values are amounts of whatever the metric says; the number is their median, and there are statistics.
    Amount,
    /// The number is how many rows there are.
    Count,
    /// The number is the sum of the values.
    Sum,
    /// Values are 0 or 1; the number is the share of ones, from 0 to 1.
    Share,
    /// The number is how many rows there are for each day of the range.
    Frequency,
    /// The number is how many different values of a dimension the rows have.
    Distinct(Dimension),
    /// The number is on how many different days there are rows, for each seven days of the range.
    DaysPerWeek,
    /// The number is on how many different days there are rows in the median week, of the weeks from Monday that lie wholly in
    /// the range.
    MedianDaysPerWeek,
    /// The number is the sum of the values at the end of a period: rows are what there was then.
    Level,
    /// Values are seconds at the end of a period; the number is their median, and there are statistics.
    Age,
    /// Each sprint has a number; the number is their median, and there are statistics.
    OfSprints(Parts),
    /// The number is the share of the sum of the values that a group has of all rows, from 0 to 1.
    ShareOfAll,
    /// The number is how many people work on a group, each divided over all of theirs.
    People,
    /// The number is 100 less the weighted shares of what was missed at the end of a period.
    Score,
}

impl Measure {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Amount => "amount",
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Share => "share",
            Self::Frequency => "frequency",
            Self::Distinct(_) => "distinct",
            Self::DaysPerWeek => "days_per_week",
            Self::MedianDaysPerWeek => "median_days_per_week",
            Self::Level => "level",
            Self::Age => "age",
            Self::OfSprints(_) => "of_sprints",
            Self::ShareOfAll => "share_of_all",
            Self::People => "people",
            Self::Score => "score",
        }
    }

    /// The unit of the number.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Duration | Self::Age => "seconds",
            Self::Amount | Self::Sum | Self::Level => "amount",
            Self::OfSprints(Parts { whole: [], .. }) => "amount",
            Self::OfSprints(_) => "ratio",
            Self::Count | Self::Distinct(_) => "count",
            Self::Share | Self::ShareOfAll => "share from 0 to 1",
            Self::People => "people",
            Self::Score => "score from 0 to 100",
            Self::Frequency => "per day",
            Self::DaysPerWeek | Self::MedianDaysPerWeek => "days per week",
        }
    }

    /// Whether there is more to say of the values than one number.
    pub const fn has_spread(self) -> bool {
        matches!(
            self,
            Self::Duration | Self::Amount | Self::Age | Self::OfSprints(_)
        )
    }

    /// Whether rows are what there was at a time, once for each of the [`Query::samples`](crate::Query::samples).
    pub const fn is_level(self) -> bool {
        matches!(self, Self::Level | Self::Age | Self::Score)
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A kind of record that a metric reads.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The kind.
    pub kind: Kind,
    /// The details that it needs of each.
    pub facets: &'static [Facet],
    /// Which records can have rows in a range.
    pub reach: Reach,
    /// Whether it is read for these settings.
    pub is_needed: fn(&Settings) -> bool,
}

impl Input {
    /// Records of a kind without details, which are always read.
    pub const fn new(kind: Kind, reach: Reach) -> Self {
        Self {
            kind,
            facets: &[],
            reach,
            is_needed: |_| true,
        }
    }

    /// The same with these details.
    #[must_use]
    pub const fn with(self, facets: &'static [Facet]) -> Self {
        Self { facets, ..self }
    }

    /// The same, read for some settings alone.
    #[must_use]
    pub const fn when(self, is_needed: fn(&Settings) -> bool) -> Self {
        Self { is_needed, ..self }
    }
}

/// Which records of a kind can have rows in a range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the days of the range and of this many days before: things are filed under the day on which they began, and
    /// count when they ended.
    DaysBefore(u32),
    /// The same, and those of this many days after: things are filed when the service hears of them, and count when they were
    /// done.
    DaysAround(u32, u32),
    /// All of them: things whose useful instant moves are filed by their ids.
    Hashed,
    /// All of them: things without a moment, which the [`Context`] knows and which make no rows by themselves.
    Known,
}

/// How rows are made.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// Of each record by itself.
    Each(fn(&Fact, &Context) -> Vec<Row>),
    /// Of several records together, which all have to be in memory.
    Joined {
        /// What of a record is kept until all are there; `None` to drop it.
        keep: fn(Fact, &Context) -> Option<Fact>,
        /// The rows of all that was kept, whatever its order.
        rows: fn(&[Fact], &Context) -> Vec<Row>,
    },
}

/// What shows a metric best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Bars, one for each group.
    Bar,
    /// A line over time.
    Line,
    /// Bars over time or by group, each made of parts.
    StackedBar,
    /// A grid of groups and periods, coloured by value.
    HeatMap,
    /// One number.
    Stat,
    /// Stages one after the other, each as long as it takes.
    Stages,
    /// Areas over time, one on the other.
    StackedArea,
    /// A table.
    Table,
}

/// Every metric.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    let families = [
        pipelines::METRICS,
        repos::METRICS,
        boards::METRICS,
        dora::METRICS,
        flow::METRICS,
    ];
    families.into_iter().flatten().copied().flatten()
}

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Filing;

    use super::*;
    use crate::{Interval, Query, Statistic, report, samples};

    #[test]
    fn names_are_unique_and_lead_to_their_metric() {
        let names: BTreeSet<&str> = all().map(|metric| metric.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(
            all().all(|metric| find(metric.name).is_some_and(|found| found.name == metric.name))
        );
        assert!(find("colour").is_none());
    }

    #[test]
    fn every_metric_says_what_it_is() {
        for metric in all() {
            assert!(metric.definition.ends_with('.'), "{}", metric.name);
            assert!(!metric.formula.is_empty(), "{}", metric.name);
            assert!(!metric.inputs.is_empty(), "{}", metric.name);
            let names = metric.dimensions.iter().map(|own| own.name());
            let names = names.chain(metric.settings.iter().map(|own| own.name));
            let distinct: BTreeSet<_> = names.clone().collect();
            assert_eq!(distinct.len(), names.count(), "{}", metric.name);
        }
    }

    #[test]
    fn every_input_is_read_where_its_kind_is_filed() {
        for input in all().flat_map(|metric| metric.inputs) {
            let filing = match input.reach {
                Reach::DaysBefore(_) | Reach::DaysAround(..) => Filing::Day,
                Reach::Hashed => Filing::Id,
                Reach::Known => Filing::Together,
            };
            assert_eq!(input.kind.filing(), filing, "{}", input.kind);
        }
    }

    #[test]
    fn no_metric_makes_numbers_of_nothing() {
        let context = samples::context();
        let query = Query {
            range: context.range,
            zone: context.zone.clone(),
            interval: Some(Interval::Day),
            statistic: Statistic::default(),
            with_negative: true,
            group_by: Vec::new(),
            filters: Vec::new(),
            now: context.now,
        };
        for metric in all() {
            let rows = samples::rows(metric, &[], &context);
            let found = report(metric.measure, &rows, &query);
            let total = (found.total.value, found.total.count);
            assert_eq!(total, (None, 0), "{}", metric.name);
        }
    }

    #[test]
    fn every_setting_allows_its_default() {
        for metric in all() {
            for setting in metric.settings {
                let default = setting.check(setting.default);
                assert_eq!(default, Ok(()), "{} of {}", setting.name, metric.name);
            }
        }
    }
}
