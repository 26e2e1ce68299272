//! What metrics there are, and what is said of each.

use model::{Facet, Kind};
use serde::Serialize;

use crate::{Context, Dimension, Fact, Row, pipelines};

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
    /// What shows it best.
    pub form: Form,
    /// How its rows are made.
    pub rows: Rows,
}

/// How rows become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Values are seconds; the number is their median, and there are statistics.
    Duration,
    /// The number is how many rows there are.
    Count,
    /// Values are 0 or 1; the number is the share of ones, from 0 to 1.
    Share,
    /// The number is how many rows there are for each day of the range.
    Frequency,
}

impl Measure {
    /// The unit of the number.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Duration => "seconds",
            Self::Count => "count",
            Self::Share => "share from 0 to 1",
            Self::Frequency => "per day",
        }
    }
}

/// A kind of record that a metric reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The kind.
    pub kind: Kind,
    /// The details that it needs of each.
    pub facets: &'static [Facet],
    /// Which records can have rows in a range.
    pub reach: Reach,
}

/// Which records of a kind can have rows in a range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the days of the range and of this many days before: things are filed under the day on which they began, and
    /// count when they ended.
    DaysBefore(u32),
}

/// How rows are made.
#[derive(Clone, Copy, Debug)]
pub enum Rows {
    /// Of each record by itself.
    Each(fn(&Fact, &Context) -> Vec<Row>),
}

/// What shows a metric best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Bars, one for each group.
    Bar,
}

/// Every metric.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    pipelines::METRICS.iter().copied().flatten()
}

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
            let distinct: BTreeSet<_> = metric.dimensions.iter().collect();
            assert_eq!(distinct.len(), metric.dimensions.len(), "{}", metric.name);
        }
    }
}
