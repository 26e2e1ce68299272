//! The answers as they are written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use metrics::{
    Band, Dimension, Evidence, Filter, Form, Link, Measure, Metric, Range, Report, Row, Setting,
    Settings, report,
};
use serde::Serialize;

use crate::{
    data::Data,
    freshness::Freshness,
    question::{Question, Sort},
};

/// What is said of a metric.
#[derive(Debug, Serialize)]
pub(crate) struct Description {
    name: &'static str,
    definition: &'static str,
    formula: &'static str,
    measure: Measure,
    unit: &'static str,
    /// The kinds, as exports name them.
    inputs: Vec<&'static str>,
    dimensions: &'static [Dimension],
    #[serde(skip_serializing_if = "<[Setting]>::is_empty")]
    settings: &'static [Setting],
    /// How good a number is.
    #[serde(skip_serializing_if = "<[Band]>::is_empty")]
    bands: &'static [Band],
    form: Form,
}

impl Description {
    /// Of this metric.
    pub(crate) fn of(metric: &Metric) -> Self {
        let kinds = metric.inputs.iter().map(|input| input.kind.name());
        let kinds: BTreeSet<&str> = kinds.collect();
        Self {
            name: metric.name,
            definition: metric.definition,
            formula: metric.formula,
            measure: metric.measure,
            unit: metric.measure.unit(),
            inputs: kinds.into_iter().collect(),
            dimensions: metric.dimensions,
            settings: metric.settings,
            bands: metrics::bands(metric),
            form: metric.form,
        }
    }
}

/// What was asked and what it was answered from: a part of every answer.
#[derive(Debug, Serialize)]
struct Basis {
    metric: Description,
    range: Range,
    zone: String,
    filters: Vec<Filter>,
    /// What was chosen; the metric says what holds for the rest.
    settings: Settings,
    /// How many records were read.
    records: u64,
    freshness: Freshness,
}

impl Basis {
    fn new(metric: &Metric, asked: &Question, data: &Data) -> Self {
        let zone = &asked.query.zone;
        Self {
            metric: Description::of(metric),
            range: asked.query.range,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            filters: asked.query.filters.clone(),
            settings: asked.settings.clone(),
            records: data.records,
            freshness: data.freshness.clone(),
        }
    }
}

/// The numbers.
#[derive(Debug, Serialize)]
pub(crate) struct NumbersAnswer {
    #[serde(flatten)]
    basis: Basis,
    /// How many groups there are; the answer has the largest of them, as many as were asked for.
    groups_in_all: usize,
    /// How good the total is, for metrics that have bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<&'static str>,
    #[serde(flatten)]
    report: Report,
}

impl NumbersAnswer {
    /// The answer to a question from data.
    pub(crate) fn new(metric: &Metric, asked: &Question, data: &Data) -> Self {
        let mut report = report(metric.measure, &data.rows, &asked.query);
        let groups_in_all = report.groups.len();
        report.groups.truncate(asked.limit);
        Self {
            basis: Basis::new(metric, asked, data),
            groups_in_all,
            grade: report
                .total
                .value
                .and_then(|value| metrics::grade(metric, value)),
            report,
        }
    }
}

/// The rows behind the numbers, in the order that was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct RowsAnswer {
    #[serde(flatten)]
    basis: Basis,
    /// How many rows there are.
    rows_in_all: usize,
    /// The `offset` that continues; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
    pub(crate) rows: Vec<RowView>,
}

/// One row.
#[derive(Debug, Serialize)]
pub(crate) struct RowView {
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
    /// Where Azure DevOps shows it; `None` if its project is gone.
    pub(crate) link: Option<String>,
    pub(crate) dimensions: BTreeMap<Dimension, String>,
    /// What else it was made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidence: Vec<EvidenceView>,
}

/// Something that a value was made of.
#[derive(Debug, Serialize)]
pub(crate) struct EvidenceView {
    role: &'static str,
    /// Why it belongs to the row.
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl RowsAnswer {
    /// The answer to a question from data; organizations are below `azure_devops`.
    pub(crate) fn new(
        metric: &Metric,
        asked: &Question,
        mut data: Data,
        azure_devops: &str,
    ) -> Self {
        let basis = Basis::new(metric, asked, &data);
        let mut rows = std::mem::take(&mut data.rows);
        // Records come as they are read; pages need one order that does not change.
        rows.sort_unstable_by(|a, b| {
            let same_instant = || (&a.link, &a.dimensions).cmp(&(&b.link, &b.dimensions));
            let order = match asked.sort {
                Sort::Newest => std::cmp::Ordering::Equal,
                Sort::Largest => b.value.total_cmp(&a.value),
                Sort::Smallest => a.value.total_cmp(&b.value),
            };
            let order = order.then_with(|| b.at.cmp(&a.at)).then_with(same_instant);
            order.then_with(|| a.value.total_cmp(&b.value))
        });
        let rows_in_all = rows.len();
        let end = asked.offset.saturating_add(asked.limit);
        let address = |link: &Link| data.places.address(link, azure_devops);
        let evidence = |own: Evidence| EvidenceView {
            role: own.role,
            reason: own.reason,
            at: own.at,
            link: own.link.as_ref().and_then(address),
        };
        let view = |row: Row| RowView {
            at: row.at,
            value: row.value,
            link: address(&row.link),
            dimensions: row.dimensions.into_iter().collect(),
            evidence: row.evidence.into_iter().map(evidence).collect(),
        };
        let page = rows.into_iter().skip(asked.offset).take(asked.limit);
        Self {
            basis,
            rows_in_all,
            next_offset: (end < rows_in_all).then_some(end),
            rows: page.map(view).collect(),
        }
    }
}
