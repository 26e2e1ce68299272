//! How many work items there are at a time, and how old they are then.

use jiff::Timestamp;
use model::record::metadata::StateCategory;

use super::{
    items::{OF_ITEM, of_life, row_then, size},
    life::{Life, Stay},
};
use crate::{Context, Fact, Form, Measure, Metric, Row, Rows, seconds};

/// What is open, what is being worked on, how everything flows, and how old it is.
pub(super) const METRICS: &[Metric] = &[
    OPEN,
    OPEN_AGE,
    WORK_IN_PROGRESS,
    WORK_IN_PROGRESS_AGE,
    CUMULATIVE_FLOW,
];

/// What is open at the end of each period. An item that was made on the 2nd and closed on the 5th is in the numbers of the 2nd, the
/// 3rd and the 4th. Filtered to `state_category=proposed` it is the backlog.
const OPEN: Metric = Metric {
    name: "open_work_items",
    definition: "How many work items were open at the end of each period, and at the end of the range in total, or how many points they had. State, assignee, area, iteration and the like are those of then. Filter by state_category=proposed for the backlog.",
    formula: "1, or the estimate, for each item that was created and neither completed nor given up",
    measure: Measure::Level,
    form: Form::Line,
    rows: Rows::Each(|fact, context| {
        levels(fact, context, |life, at| {
            life.is_open_at(at)
                .then(|| size(life, at, context))
                .flatten()
        })
    }),
    ..OF_ITEM
};

/// How old what is open is at the end of each period. An item that was made on the 2nd at midnight is two days old, 172,800 s, at the
/// end of the 3rd.
const OPEN_AGE: Metric = Metric {
    name: "open_work_item_age",
    definition: "How long ago the work items were created that were open at the end of each period, and at the end of the range in total. Filter by state_category=proposed for the age of the backlog.",
    formula: "end of the period - created",
    measure: Measure::Age,
    settings: &[],
    form: Form::Line,
    rows: Rows::Each(|fact, context| {
        levels(fact, context, |life, at| {
            let created = life.created_at()?;
            life.is_open_at(at).then(|| seconds(created, at))
        })
    }),
    ..OF_ITEM
};

/// What was being worked on at the end of each period. An item that became active on the 3rd, was resolved on the 4th and closed
/// on the 5th is in the numbers of the 3rd and the 4th.
const WORK_IN_PROGRESS: Metric = Metric {
    name: "work_in_progress",
    definition: "How many work items were in a state of category in progress or resolved at the end of each period, and at the end of the range in total, or how many points they had.",
    formula: "1, or the estimate, for each item that was begun and not done",
    rows: Rows::Each(|fact, context| {
        levels(fact, context, |life, at| {
            let is_begun = life.stay_at(at).is_some_and(is_in_progress);
            is_begun.then(|| size(life, at, context)).flatten()
        })
    }),
    ..OPEN
};

/// How long ago work was begun that is not done. An item that became active on the 3rd at midnight has aged for a day, 86,400 s, at the
/// end of the 3rd.
const WORK_IN_PROGRESS_AGE: Metric = Metric {
    name: "work_in_progress_age",
    definition: "How long ago the work items were begun (came to a state beyond proposed for the first time) that were in progress or resolved at the end of each period, and at the end of the range in total. Items whose beginning was not seen have no row.",
    formula: "end of the period - begun",
    rows: Rows::Each(|fact, context| {
        levels(fact, context, |life, at| {
            let started = life.started_at()?;
            let is_begun = life.stay_at(at).is_some_and(is_in_progress);
            is_begun.then(|| seconds(started, at))
        })
    }),
    ..OPEN_AGE
};

/// Everything that is not given up, by state or by what the state means. With `group_by=state_category` each band is as wide as many
/// items were in it; what was completed counts from the beginning of the range on, so that the band of the completed begins with 0.
const CUMULATIVE_FLOW: Metric = Metric {
    name: "cumulative_flow",
    definition: "How many work items were in each state at the end of each period, those included that were completed since the beginning of the range, or how many points they had. Group by state_category or state, and take an interval.",
    formula: "1, or the estimate, for each item that was open or completed since the beginning of the range",
    form: Form::StackedArea,
    rows: Rows::Each(|fact, context| {
        levels(fact, context, |life, at| {
            let is_new = |stay: &Stay<'_>| {
                let since = context.range.from;
                stay.is(&StateCategory::Completed) && stay.from.is_some_and(|from| from >= since)
            };
            let counts = life.is_open_at(at) || life.stay_at(at).is_some_and(is_new);
            counts.then(|| size(life, at, context)).flatten()
        })
    }),
    ..OPEN
};

fn is_in_progress(stay: &Stay<'_>) -> bool {
    stay.is(&StateCategory::InProgress) || stay.is(&StateCategory::Resolved)
}

/// A row for each time that is looked at and at which an item counts.
fn levels(
    fact: &Fact,
    context: &Context,
    value: impl Fn(&Life<'_>, Timestamp) -> Option<f64>,
) -> Vec<Row> {
    of_life(fact, context, |life| {
        let samples = context.samples.iter();
        let row = |at: &Timestamp| Some(row_then(life, context, *at, value(life, *at)?));
        samples.filter_map(row).collect()
    })
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, tz::TimeZone};

    use super::*;
    use crate::{
        Dimension, Interval, Query, Range, Statistic,
        boards::samples::{as_fact, change, moved, on, planned_context, story},
        report,
        samples::rows,
    };

    fn ask(metric: &Metric, facts: &[Fact], group_by: &[Dimension]) -> crate::Report {
        let query = Query {
            range: Range {
                from: on(1, "00:00"),
                to: on(7, "00:00"),
            },
            zone: TimeZone::UTC,
            interval: Some(Interval::Day),
            statistic: Statistic::default(),
            with_negative: true,
            group_by: group_by.to_vec(),
            filters: Vec::new(),
            now: on(30, "00:00"),
        };
        let mut context = planned_context(&[]);
        context.range = query.range;
        context.samples = query.samples();
        report(metric.measure, &rows(metric, facts, &context), &query)
    }

    fn trend(points: &[crate::Point]) -> Vec<Option<f64>> {
        points.iter().map(|point| point.summary.value).collect()
    }

    /// New on the 2nd, active on the 3rd, resolved on the 4th, closed on the 5th.
    fn finished() -> Fact {
        let item = moved(story(1, on(2, "00:00")), on(3, "00:00"), "Active");
        let item = moved(item, on(4, "00:00"), "Resolved");
        as_fact(moved(item, on(5, "00:00"), "Closed"))
    }

    #[test]
    fn an_item_is_open_until_the_day_on_which_it_is_closed() {
        let found = ask(&OPEN, &[finished()], &[]);
        let one = Some(1.0);
        assert_eq!(trend(&found.trend), [None, one, one, one, None, None]);
        assert_eq!(
            (found.total.value, found.total.count),
            (None, 0),
            "it is over at the end"
        );
        let found = ask(&WORK_IN_PROGRESS, &[finished()], &[]);
        assert_eq!(trend(&found.trend), [None, None, one, one, None, None]);
    }

    #[test]
    fn the_total_is_what_there_is_at_the_end() {
        let open = as_fact(story(2, on(4, "12:00")));
        let found = ask(&OPEN, &[finished(), open], &[]);
        assert_eq!(found.total.value, Some(1.0), "and not the sum of all days");
    }

    #[test]
    fn ages_are_those_at_the_end_of_each_day() {
        let rounded = |points: &[crate::Point]| -> Vec<Option<f64>> {
            let days = |seconds: f64| (seconds / 86_400.0 * 1e6).round() / 1e6;
            trend(points).into_iter().map(|own| own.map(days)).collect()
        };
        let found = ask(&OPEN_AGE, &[finished()], &[]);
        assert_eq!(
            rounded(&found.trend)[1..4],
            [Some(1.0), Some(2.0), Some(3.0)]
        );
        let found = ask(&WORK_IN_PROGRESS_AGE, &[finished()], &[]);
        assert_eq!(rounded(&found.trend)[2..4], [Some(1.0), Some(2.0)]);
    }

    #[test]
    fn items_flow_from_band_to_band() {
        let old = as_fact(moved(
            story(2, on(1, "00:00") - 48.hours()),
            on(1, "00:00") - 1.hours(),
            "Closed",
        ));
        let given_up = as_fact(moved(story(3, on(2, "00:00")), on(2, "01:00"), "Removed"));
        let found = ask(
            &CUMULATIVE_FLOW,
            &[finished(), old, given_up],
            &[Dimension::StateCategory],
        );
        let bands: Vec<_> = found
            .groups
            .iter()
            .map(|group| {
                (
                    group.by[&Dimension::StateCategory].as_deref().unwrap(),
                    trend(&group.trend),
                )
            })
            .collect();
        let (none, one) = (None, Some(1.0));
        let expected = [
            ("completed", vec![none, none, none, none, one, one]),
            ("in_progress", vec![none, none, one, none, none, none]),
            ("proposed", vec![none, one, none, none, none, none]),
            ("resolved", vec![none, none, none, one, none, none]),
        ];
        assert_eq!(bands, expected);
    }

    #[test]
    fn an_item_is_where_it_was_then() {
        let item = change(
            story(1, on(2, "00:00")),
            on(3, "12:00"),
            "ann",
            &[(model::record::work_item::Tracked::AreaPath, "Shop\\Web")],
        );
        let found = ask(&OPEN, &[as_fact(item)], &[Dimension::Area]);
        let areas: Vec<_> = found
            .groups
            .iter()
            .map(|group| (group.by[&Dimension::Area].as_deref(), group.summary.value))
            .collect();
        assert_eq!(areas, [(Some("Shop\\Web"), Some(1.0)), (None, None)]);
    }
}
