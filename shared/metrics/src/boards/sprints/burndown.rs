//! How a sprint goes on from day to day.

use super::{
    metrics::{DONE_STATES, INPUTS, KEEP_DONE_BEFORE, UNIT, in_sprint, rules, sprints_of},
    replay::Sprint,
};
use crate::{
    Context, Dimension, Fact, Form, Measure, Metric, Row, Rows,
    boards::items::{OF_ITEMS, POINTS_FIELD, of_life, row_then},
};

/// What is left, what is done, and both together: the scope line.
pub(in crate::boards) const METRICS: &[Metric] = &[BURNDOWN, BURNUP, SCOPE];

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = OF_ITEMS;
    use Dimension::{Sprint, SprintState};
    [a, b, c, d, e, f, g, h, i, j, k, l, m, Sprint, SprintState]
};

/// What is left to do in a sprint at the end of each period. With 5 points in it on Monday of which 2 are done on Tuesday and 3 that are
/// added on Wednesday, it is 5, 3 and 6.
const BURNDOWN: Metric = Metric {
    name: "sprint_burndown",
    definition: "How many points (or items) were in a sprint and not done at the end of each period within it. Group by sprint, or filter by one, and take interval=day. An item of another sprint is none of it.",
    formula: "sum of the estimates of items that are in the sprint and not done",
    measure: Measure::Level,
    inputs: INPUTS,
    dimensions: DIMENSIONS,
    settings: &[UNIT, POINTS_FIELD, DONE_STATES, KEEP_DONE_BEFORE],
    form: Form::Line,
    rows: Rows::Each(|fact, context| contents(fact, context, |is_done| !is_done)),
};

/// What is done in a sprint at the end of each period: 0, 2 and 2 of the same sprint.
const BURNUP: Metric = Metric {
    name: "sprint_burnup",
    definition: "How many points (or items) were in a sprint and done at the end of each period within it; see sprint_scope for the line that it rises to.",
    formula: "sum of the estimates of items that are in the sprint and done",
    rows: Rows::Each(|fact, context| contents(fact, context, |is_done| is_done)),
    ..BURNDOWN
};

/// What is in a sprint at the end of each period, done or not: 5, 5 and 8 of the same sprint.
const SCOPE: Metric = Metric {
    name: "sprint_scope",
    definition: "How many points (or items) were in a sprint at the end of each period within it, done or not.",
    formula: "sum of the estimates of items that are in the sprint",
    rows: Rows::Each(|fact, context| contents(fact, context, |_| true)),
    ..BURNDOWN
};

/// A row for each time that is looked at and at which an item was in a sprint that lasted.
fn contents(fact: &Fact, context: &Context, counts: fn(bool) -> bool) -> Vec<Row> {
    of_life(fact, context, |life| {
        let rules = rules(context);
        let of_sprint = |sprint: &Sprint| -> Vec<Row> {
            let samples = context.samples.iter().copied();
            let within = samples.filter(|at| sprint.range.contains(*at));
            let row = |at| {
                let (size, is_done) = sprint.content_at(life, at, &rules)?;
                let row = || in_sprint(row_then(life, context, at, size), sprint, context);
                counts(is_done).then(row)
            };
            within.filter_map(row).collect()
        };
        let sprints = sprints_of(life, context).into_iter();
        sprints.flat_map(of_sprint).collect()
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use model::record::work_item::Tracked;

    use super::*;
    use crate::{
        Interval, Query, Range, Statistic,
        boards::samples::{as_fact, change, iteration, moved, on, planned_context, story},
        report,
        samples::rows,
    };

    /// 5 points on Monday, of which 2 are done on Tuesday; 3 are added on Wednesday.
    fn items() -> [Fact; 3] {
        let planned = |id, day, points| {
            let changes = [
                (Tracked::IterationPath, "Shop\\Sprint 7"),
                (Tracked::Points, points),
            ];
            change(story(id, on(2, "09:00")), on(day, "09:00"), "ann", &changes)
        };
        [
            as_fact(moved(planned(1, 6, "2"), on(10, "15:00"), "Closed")),
            as_fact(planned(2, 6, "3")),
            as_fact(planned(3, 11, "3")),
        ]
    }

    fn days(metric: &Metric) -> Vec<Option<f64>> {
        let query = Query {
            range: Range {
                from: on(8, "00:00"),
                to: on(12, "00:00"),
            },
            zone: TimeZone::UTC,
            interval: Some(Interval::Day),
            statistic: Statistic::default(),
            with_negative: true,
            group_by: Vec::new(),
            filters: Vec::new(),
            now: on(30, "00:00"),
        };
        let mut context = planned_context(&[]);
        context.known.nodes = vec![iteration("Shop\\Sprint 7", 9, 20)];
        context.samples = query.samples();
        let found = report(metric.measure, &rows(metric, &items(), &context), &query);
        found
            .trend
            .iter()
            .map(|point| point.summary.value)
            .collect()
    }

    #[test]
    fn work_burns_down_and_up_below_the_scope() {
        let some = |values: [f64; 3]| [None, Some(values[0]), Some(values[1]), Some(values[2])];
        assert_eq!(
            days(&BURNDOWN),
            some([5.0, 3.0, 6.0]),
            "not before the sprint"
        );
        assert_eq!(days(&BURNUP)[2..], [Some(2.0), Some(2.0)]);
        assert_eq!(days(&SCOPE), some([5.0, 5.0, 8.0]));
    }
}
