//! How long work items are in which state, and how often they come back.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    items::{OF_ITEM, name_of, of_life, row, with, without},
    life::Stay,
};
use crate::{Context, Dimension, Fact, Measure, Metric, Row, Rows, seconds};

/// Time in states, and returns to them.
pub(super) const METRICS: &[Metric] = &[TIME_IN_STATE, FIRST_PASS, STATE_RETURNS];

/// All the time that an item spent in a state. One that was active from the 3rd to the 5th and, reopened, from the 8th to the
/// 9th, was active for three days, 259,200 s, and counts on the 9th.
const TIME_IN_STATE: Metric = Metric {
    name: "time_in_state",
    definition: "How long work items were in each state, returns to it included, counted when they last left it. States that an item has not left, or of which nobody saw when it came to them, have no row.",
    formula: "sum of (left - entered) over all stays in the state",
    measure: Measure::Duration,
    settings: &[],
    rows: Rows::Each(|fact, context| times(fact, context, |stays| stays)),
    ..OF_ITEM
};

/// The time that an item spent in a state before it left it for the first time. The same item was active for two days, 172,800 s, and
/// counts on the 5th.
const FIRST_PASS: Metric = Metric {
    name: "time_in_state_first_pass",
    definition: "How long work items were in each state from the first time that they came to it until they left it, counted when they left it; returns do not count. States that an item has not left, or of which nobody saw when it came to them, have no row.",
    formula: "first left - first entered",
    rows: Rows::Each(|fact, context| times(fact, context, |stays| &stays[..1])),
    ..TIME_IN_STATE
};

/// Returns to states. An item that went from active to resolved and back to active returned to active once.
const STATE_RETURNS: Metric = Metric {
    name: "stage_bounces",
    definition: "How often work items came back, in the range, to a state that they had been in before; the dimension state is that state.",
    formula: "1 for each return",
    measure: Measure::Count,
    settings: &[],
    rows: Rows::Each(returns),
    ..OF_ITEM
};

/// A row for each state, of some of the stays in it.
fn times(
    fact: &Fact,
    context: &Context,
    which: for<'s> fn(&'s [&'s Stay<'s>]) -> &'s [&'s Stay<'s>],
) -> Vec<Row> {
    of_life(fact, context, |life| {
        let mut by_state: BTreeMap<&str, Vec<&Stay<'_>>> = BTreeMap::new();
        for stay in &life.stays {
            by_state.entry(stay.state).or_default().push(stay);
        }
        let row = |stays: &Vec<&Stay<'_>>| {
            let spans = which(stays)
                .iter()
                .filter_map(|stay| Some((stay.from, stay.to?)));
            let spans: Vec<_> = spans.collect();
            let (_, left) = spans.last()?;
            let times = spans.iter().map(|(from, to)| Some(seconds((*from)?, *to)));
            let took = times.sum::<Option<f64>>()?;
            Some(in_state(row(life, context, *left, took), stays.last()?))
        };
        by_state.values().filter_map(row).collect()
    })
}

fn returns(fact: &Fact, context: &Context) -> Vec<Row> {
    of_life(fact, context, |life| {
        let mut seen = BTreeSet::new();
        let back = life.stays.iter().filter(|stay| !seen.insert(stay.state));
        let row = |stay: &Stay<'_>| Some(in_state(row(life, context, stay.from?, 1.0), stay));
        back.filter_map(row).collect()
    })
}

/// The row, but of this state and not of the one that the item is in.
fn in_state(row: Row, stay: &Stay<'_>) -> Row {
    let row = with(row, Dimension::State, stay.state);
    match &stay.category {
        Some(category) => with(row, Dimension::StateCategory, name_of(category)),
        None => without(row, Dimension::StateCategory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        boards::samples::{as_fact, cut, moved, on, planned_context, story},
        samples::{at, rows},
    };

    const DAY: f64 = 86_400.0;

    fn reopened() -> model::record::WorkItem {
        let item = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Active");
        let item = moved(item, on(5, "09:00"), "Resolved");
        let item = moved(item, on(8, "09:00"), "Active");
        moved(item, on(9, "09:00"), "Closed")
    }

    fn found(metric: &Metric, item: model::record::WorkItem) -> Vec<(String, f64, String)> {
        let rows = rows(metric, &[as_fact(item)], &planned_context(&[]));
        let text = |row: &Row| row.dimension(Dimension::State).unwrap().to_owned();
        let view = |row: Row| (text(&row), row.value, row.at.to_string());
        rows.into_iter().map(view).collect()
    }

    #[test]
    fn all_the_time_in_a_state_counts_when_it_is_last_left() {
        let (closed, resolved) = ("2026-11-09T09:00:00Z", "2026-11-08T09:00:00Z");
        let expected = [
            ("Active", 3.0 * DAY, closed),
            ("New", DAY, "2026-11-03T09:00:00Z"),
            ("Resolved", 3.0 * DAY, resolved),
        ];
        let expected = expected.map(|(state, time, at)| (state.to_owned(), time, at.to_owned()));
        assert_eq!(found(&TIME_IN_STATE, reopened()), expected);
    }

    #[test]
    fn the_first_pass_leaves_returns_out() {
        let all = found(&FIRST_PASS, reopened());
        let first = (
            "Active".to_owned(),
            2.0 * DAY,
            "2026-11-05T09:00:00Z".to_owned(),
        );
        assert_eq!(all[0], first);
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn a_stay_whose_beginning_nobody_saw_has_no_row() {
        let states = |metric| -> Vec<String> {
            let found = found(metric, cut(reopened(), 1));
            found.into_iter().map(|(state, ..)| state).collect()
        };
        assert_eq!(states(&TIME_IN_STATE), ["Resolved"]);
        assert_eq!(states(&FIRST_PASS), ["Resolved"]);
    }

    #[test]
    fn coming_back_is_a_return_to_that_state() {
        let rows = rows(
            &STATE_RETURNS,
            &[as_fact(reopened())],
            &planned_context(&[]),
        );
        let view = rows
            .iter()
            .map(|row| (row.dimension(Dimension::State), row.at));
        let expected = (Some("Active"), at("2026-11-08T09:00:00Z"));
        assert_eq!(view.collect::<Vec<_>>(), [expected]);
        let category = rows[0].dimension(Dimension::StateCategory);
        assert_eq!(category, Some("in_progress"), "not that of today");
    }
}
