//! What holds of every metric of this family, whatever the work items are.

use jiff::tz::TimeZone;
use model::record::{
    WorkItem,
    work_item::{FieldValue, Tracked},
};
use proptest::{prelude::*, sample::select};

use super::{
    METRICS,
    samples::{as_fact, change, cut, iteration, on, planned_context, story},
};
use crate::{
    Context, Dimension, Fact, Filter, Interval, Match, Measure, Metric, Query, Range, Report, Row,
    Statistic, Summary, report, samples::rows,
};

fn all() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().copied().flatten()
}

fn any_change() -> impl Strategy<Value = (Tracked, &'static str)> {
    let of = |field, values: &'static [&'static str]| (Just(field), select(values));
    prop_oneof![
        of(
            Tracked::State,
            &["New", "Active", "Resolved", "Closed", "Removed"]
        ),
        of(Tracked::AssignedTo, &["ann", "bo", "cy", ""]),
        of(Tracked::Points, &["1", "3", "8", ""]),
        of(
            Tracked::IterationPath,
            &["Shop", "Shop\\Sprint 6", "Shop\\Sprint 7"]
        ),
        of(Tracked::AreaPath, &["Shop", "Shop\\Web"]),
        of(Tracked::Type, &["User Story", "Bug", "Risk"]),
    ]
}

/// An item of the first days of November with a revision every few hours, of which perhaps only the later ones were seen.
fn any_item() -> impl Strategy<Value = WorkItem> {
    let revisions =
        prop::collection::vec((1..60_i64, select(vec!["ann", "bo"]), any_change()), 0..14);
    (1..500_u64, 1..9_u32, revisions, 0..3_usize).prop_map(|(id, day, revisions, unseen)| {
        let mut at = on(day, "09:00");
        let mut item = story(id, at);
        for (hours, by, changed) in revisions {
            at += jiff::SignedDuration::from_hours(hours);
            item = change(item, at, by, &[changed]);
        }
        let unseen = unseen.min(item.revisions.len() - 1);
        cut(item, unseen)
    })
}

fn any_items() -> impl Strategy<Value = Vec<Fact>> {
    let items = prop::collection::vec(any_item(), 0..8);
    items.prop_map(|items| items.into_iter().map(as_fact).collect())
}

fn query(interval: Option<Interval>, group_by: Vec<Dimension>) -> Query {
    Query {
        range: Range {
            from: on(3, "00:00"),
            to: on(24, "00:00"),
        },
        zone: TimeZone::UTC,
        interval,
        statistic: Statistic::default(),
        with_negative: true,
        group_by,
        filters: Vec::new(),
        now: on(30, "00:00"),
    }
}

fn context(query: &Query) -> Context {
    let mut context = planned_context(&[]);
    context.now = query.now;
    context.range = query.range;
    context.samples = query.samples();
    context.known.nodes = vec![
        iteration("Shop\\Sprint 6", 2, 8),
        iteration("Shop\\Sprint 7", 9, 20),
    ];
    context
}

fn ask(metric: &Metric, facts: &[Fact], query: &Query) -> Report {
    report(metric.measure, &rows(metric, facts, &context(query)), query)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_records_does_not_matter(mut facts in any_items()) {
        let query = query(Some(Interval::Week), vec![Dimension::Assignee]);
        for metric in all() {
            let found = ask(metric, &facts, &query);
            facts.reverse();
            prop_assert_eq!(found, ask(metric, &facts, &query), "{}", metric.name);
        }
    }

    #[test]
    fn rows_have_the_dimensions_that_are_announced_each_once(facts in any_items()) {
        let query = query(None, Vec::new());
        for metric in all() {
            for row in rows(metric, &facts, &context(&query)) {
                let mut own: Vec<Dimension> = row.dimensions.iter().map(|(own, _)| *own).collect();
                prop_assert!(own.iter().all(|own| metric.dimensions.contains(own)), "{} has {own:?}", metric.name);
                own.sort_unstable();
                own.dedup();
                prop_assert_eq!(own.len(), row.dimensions.len(), "{}", metric.name);
                prop_assert!(row.value.is_finite());
            }
        }
    }

    #[test]
    fn days_recombine_to_the_whole(facts in any_items()) {
        let query = query(Some(Interval::Day), Vec::new());
        let adds_up = |metric: &&Metric| matches!(metric.measure, Measure::Count | Measure::Sum);
        for metric in all().filter(adds_up) {
            let found = ask(metric, &facts, &query);
            let sum: f64 = found.trend.iter().filter_map(|point| point.summary.value).sum();
            prop_assert!((sum - found.total.value.unwrap_or(0.0)).abs() < 1e-6, "{}", metric.name);
        }
    }

    #[test]
    fn the_level_of_a_day_is_that_of_the_range_that_ends_with_it(facts in any_items(), days in 1..21_i64) {
        let whole = query(Some(Interval::Day), Vec::new());
        let mut part = query(None, Vec::new());
        part.range.to = part.range.from + jiff::SignedDuration::from_hours(24 * days);
        for metric in all().filter(|metric| metric.measure.is_level()) {
            let last = ask(metric, &facts, &part).total;
            let point = &ask(metric, &facts, &whole).trend[days as usize - 1];
            prop_assert_eq!(&point.summary, &last, "{}", metric.name);
        }
    }

    #[test]
    fn what_lies_outside_of_the_filter_changes_nothing(facts in any_items(), other in any_item()) {
        let mut query = query(Some(Interval::Week), vec![Dimension::State]);
        query.filters = vec![Filter {
            dimension: Dimension::Project,
            rule: Match::Is,
            values: vec!["shop".into()],
        }];
        let elsewhere = Some(FieldValue::Text("Other".into()));
        let mut other = other;
        other.revisions[0].changes.insert(Tracked::Project, elsewhere);
        let mut more = facts.clone();
        more.push(as_fact(other));
        for metric in all() {
            prop_assert_eq!(ask(metric, &facts, &query), ask(metric, &more, &query), "{}", metric.name);
        }
    }

    #[test]
    fn the_number_lies_between_the_extremes(facts in any_items(), share in 0..=100_u8) {
        let mut query = query(None, Vec::new());
        query.statistic = Statistic::Percentile(share);
        for metric in all().filter(|metric| metric.measure.has_spread()) {
            let Summary { value, spread, .. } = ask(metric, &facts, &query).total;
            let spread = spread.unwrap();
            let (Some(value), Some(min), Some(max)) = (value, spread.min, spread.max) else {
                continue;
            };
            prop_assert!(min - 1e-6 <= value && value <= max + 1e-6, "{}", metric.name);
        }
    }
}

#[test]
fn no_data_is_null_with_a_count_of_0() {
    for metric in all() {
        let Summary { value, count, .. } = ask(metric, &[], &query(None, Vec::new())).total;
        assert_eq!((value, count), (None, 0), "{}", metric.name);
    }
}

#[test]
fn durations_are_never_before_their_beginning() {
    let item = change(
        story(1, on(4, "09:00")),
        on(6, "09:00"),
        "bo",
        &[(Tracked::State, "Closed")],
    );
    let query = query(None, Vec::new());
    let times = all().filter(|metric| metric.measure.unit() == "seconds");
    let facts = [as_fact(item)];
    let values: Vec<Row> = times
        .flat_map(|metric| rows(metric, &facts, &context(&query)))
        .collect();
    assert!(!values.is_empty() && values.iter().all(|row| row.value >= 0.0));
}
