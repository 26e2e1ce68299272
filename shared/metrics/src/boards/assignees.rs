//! Through whose hands work items go.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::record::work_item::{FieldValue, Tracked};

use super::{
    items::{OF_ITEM, of_life, person, row, with},
    life::Life,
};
use crate::{Context, Dimension, Fact, Measure, Metric, Row, Rows, Who, seconds};

/// Reassignments, and time with each assignee.
pub(super) const METRICS: &[Metric] = &[BOUNCES, HOPS, ASSIGNEE_TIME];

/// How often an item came back to somebody. One that went from Ann to Bo, to Ann, to Cy has bounced once.
const BOUNCES: Metric = Metric {
    name: "bounces",
    definition: "How often each work item that was completed in the range had been reassigned to somebody who had been its assignee before. Taking the assignee away and giving the item back is no reassignment. Items whose creation was not seen have no row.",
    formula: "number of reassignments to an earlier assignee",
    measure: Measure::Amount,
    settings: &[],
    rows: Rows::Each(|fact, context| reassignments(fact, context, true)),
    ..OF_ITEM
};

/// How often an item came to somebody new. One that went from Ann to Bo, to Ann, to Cy has hopped twice; the first assignment is no
/// reassignment.
const HOPS: Metric = Metric {
    name: "hops",
    definition: "How often each work item that was completed in the range had been reassigned to somebody who had never been its assignee before; the first assignment is none. Items whose creation was not seen have no row.",
    formula: "number of reassignments to a new assignee",
    rows: Rows::Each(|fact, context| reassignments(fact, context, false)),
    ..BOUNCES
};

/// How long somebody had an item that was open. One that Ann had from the 2nd to the 4th and from the 6th until it was closed on the 7th
/// was with her for three days, 259,200 s.
const ASSIGNEE_TIME: Metric = Metric {
    name: "assignee_time",
    definition: "How long each work item was open and with each of its assignees, counted when that ended, or now if it lasts. Of items whose creation was not seen it is the time since the first revision that was.",
    formula: "sum of the time that the item was open and assigned to the person",
    measure: Measure::Duration,
    settings: &[],
    rows: Rows::Each(times),
    ..OF_ITEM
};

/// Who had an item, from when to when.
fn holders<'a>(
    life: &Life<'a>,
    context: &Context,
) -> Vec<(Who, &'a str, Timestamp, Option<Timestamp>)> {
    let spells = life.spells(Tracked::AssignedTo).into_iter();
    let holder = spells.filter_map(|spell| match spell.value? {
        FieldValue::Text(key) => {
            let who = context.known.people.by_key(key);
            Some((who, key.as_str(), spell.from, spell.to))
        }
        _ => None,
    });
    holder.collect()
}

fn reassignments(fact: &Fact, context: &Context, to_an_earlier_one: bool) -> Vec<Row> {
    of_life(fact, context, |life| {
        let Some(completed) = life.completed_at().filter(|_| life.is_whole()) else {
            return Vec::new();
        };
        let mut who: Vec<Who> = holders(life, context)
            .into_iter()
            .map(|(who, ..)| who)
            .collect();
        who.dedup();
        let mut seen = BTreeSet::new();
        let came_back: Vec<bool> = who.into_iter().map(|who| !seen.insert(who)).collect();
        let reassigned = came_back.iter().skip(1);
        let count = reassigned
            .filter(|back| **back == to_an_earlier_one)
            .count();
        vec![row(life, context, completed, count as f64)]
    })
}

fn times(fact: &Fact, context: &Context) -> Vec<Row> {
    of_life(fact, context, |life| {
        let mut held: BTreeMap<Who, (f64, Timestamp, &str)> = BTreeMap::new();
        for (who, key, from, to) in holders(life, context) {
            let to = to.unwrap_or(context.now);
            for (from, to) in open_parts(life, (from, to)) {
                let (time, until, _) = held.entry(who.clone()).or_insert((0.0, to, key));
                *time += seconds(from, to);
                *until = to.max(*until);
            }
        }
        let row = |(time, until, key)| {
            let row = row(life, context, until, time);
            with(row, Dimension::Assignee, person(life.item, key, context))
        };
        held.into_values().map(row).collect()
    })
}

/// The parts of a span in which an item was open.
fn open_parts(life: &Life<'_>, (from, to): (Timestamp, Timestamp)) -> Vec<(Timestamp, Timestamp)> {
    let open = life.stays.iter().filter(|stay| !stay.is_end());
    let parts = open.map(|stay| {
        let begin = stay.from.unwrap_or(from).max(from);
        (begin, stay.to.unwrap_or(to).min(to))
    });
    parts.filter(|(begin, end)| begin < end).collect()
}

#[cfg(test)]
mod tests {
    use model::record::WorkItem;

    use super::*;
    use crate::{
        boards::samples::{as_fact, change, cut, moved, on, planned_context, story},
        samples::{rows, values_in},
    };

    fn handed(days: &[(u32, &str)]) -> WorkItem {
        let first = story(1, on(1, "09:00"));
        days.iter().fold(first, |item, (day, who)| {
            change(
                item,
                on(*day, "09:00"),
                "ann",
                &[(Tracked::AssignedTo, who)],
            )
        })
    }

    fn closed(item: WorkItem, day: u32) -> Fact {
        as_fact(moved(item, on(day, "09:00"), "Closed"))
    }

    #[test]
    fn coming_back_is_a_bounce_and_coming_to_somebody_new_a_hop() {
        let context = planned_context(&[]);
        let item = handed(&[(2, "ann"), (3, "bo"), (4, "ann"), (5, "cy")]);
        let value = |metric| values_in(metric, &closed(item.clone(), 6), &context);
        assert_eq!((value(&BOUNCES), value(&HOPS)), (vec![1.0], vec![2.0]));
        let open = as_fact(item.clone());
        assert_eq!(values_in(&HOPS, &open, &context), [] as [f64; 0]);
        let late = closed(cut(item, 1), 6);
        assert_eq!(values_in(&HOPS, &late, &context), [] as [f64; 0]);
    }

    #[test]
    fn giving_an_item_back_to_the_same_one_is_no_reassignment() {
        let context = planned_context(&[]);
        let item = closed(handed(&[(2, "ann"), (3, ""), (4, "ann")]), 5);
        let value = |metric| values_in(metric, &item, &context);
        assert_eq!((value(&BOUNCES), value(&HOPS)), (vec![0.0], vec![0.0]));
        let never = closed(handed(&[]), 5);
        assert_eq!(values_in(&BOUNCES, &never, &context), [0.0]);
    }

    #[test]
    fn somebody_has_an_item_while_it_is_open() {
        let item = handed(&[(2, "ann"), (4, "bo"), (6, "ann")]);
        let rows = rows(&ASSIGNEE_TIME, &[closed(item, 7)], &planned_context(&[]));
        let mut view: Vec<_> = rows
            .iter()
            .map(|row| {
                (
                    row.dimension(Dimension::Assignee).unwrap(),
                    row.value,
                    row.at,
                )
            })
            .collect();
        view.sort_by_key(|(name, ..)| *name);
        let day = 86_400.0;
        let expected = [
            ("Ann Onymous", 3.0 * day, on(7, "09:00")),
            ("Bo Diddley", 2.0 * day, on(6, "09:00")),
        ];
        assert_eq!(view, expected);
    }

    #[test]
    fn an_item_that_is_still_with_somebody_counts_up_to_now() {
        let context = planned_context(&[]);
        let rows = rows(&ASSIGNEE_TIME, &[as_fact(handed(&[(23, "bo")]))], &context);
        let expected = seconds(on(23, "09:00"), context.now);
        assert_eq!((rows[0].value, rows[0].at), (expected, context.now));
    }
}
