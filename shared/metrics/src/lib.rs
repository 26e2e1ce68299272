//! Metrics: records in, numbers out. Nothing here reads a clock, a table or the network.
//!
//! A [`Metric`] turns records ([`Fact`]) into rows ([`Row`]): a value, the instant that it belongs to, its dimensions, and the
//! thing in Azure DevOps that it is about. What users do with rows is the same for all metrics and is written once:
//! [`report`] filters, groups, cuts into days, weeks or months, and summarizes. Start reading at [`all`].

mod ages;
mod boards;
mod catalog;
mod chain;
mod dora;
mod field_name;
mod flow;
mod input;
mod known;
mod pipelines;
mod query;
mod report;
mod repos;
mod row;
mod settings;
mod statistics;

#[cfg(test)]
mod samples;

pub use boards::{Outcome, Planning, Profile};
pub use catalog::{Form, Input, Measure, Metric, Reach, Rows, all, find};
pub use dora::{Band, bands, grade};
pub use field_name::FieldName;
pub use input::{Context, Fact, Project};
pub use known::{Known, People, Who};
pub use query::{Filter, Interval, Match, Query, Range};
pub use report::{Group, Parts, Point, Report, Summary, report};
pub use row::{Dimension, Evidence, Link, Owner, Row};
pub use settings::{SWITCH, Setting, Settings, Values};
pub use statistics::{Statistic, Statistics, percentile};

/// Seconds from one instant to another. Negative where clocks disagree: that is shown, not hidden.
fn seconds(from: jiff::Timestamp, to: jiff::Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
