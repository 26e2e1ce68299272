//! How long it takes until work items are answered, begun with and done.

use jiff::Timestamp;
use model::{people::AccountKind, record::work_item::Tracked};

use super::{
    items::{OF_ITEM, of_life, person, row, with},
    life::{Life, Stay},
};
use crate::{
    Context, Dimension, Fact, Measure, Metric, Row, Rows, SWITCH, Setting, Values, seconds,
};

/// From the making of an item to what matters of it.
pub(super) const METRICS: &[Metric] = &[
    RESOLUTION_TIME,
    CYCLE_TIME,
    RESPONSE_TIME,
    FIRST_ASSIGNEE_TIME,
];

const EXCLUDED_STATES: Setting = Setting {
    name: "exclude_state",
    meaning: "The time that an item spent in this state does not count.",
    default: "",
    values: Values::Text,
};

const ZERO_TIMES: Setting = Setting {
    name: "zero_times",
    meaning: "Whether items that took no time at all count.",
    default: "true",
    values: SWITCH,
};

const COMMENTS_ONLY: Setting = Setting {
    name: "comments_only",
    meaning: "Whether only comments are answers; otherwise any change by somebody else is one.",
    default: "false",
    values: SWITCH,
};

const DURATION: Metric = Metric {
    measure: Measure::Duration,
    settings: &[],
    ..OF_ITEM
};

/// From the making of an item to its completion. One that was made on the 2nd at 9:00 and closed on the 5th at 9:00 took three
/// days, 259,200 s; without its day in `New` it took two. One that was reopened takes until it was closed for the last time.
const RESOLUTION_TIME: Metric = Metric {
    name: "resolution_time",
    definition: "How long it took from creation to completion, for work items that were completed in the range and still are. Filtered to bugs it is what others call mean time to repair. Items that were given up do not count.",
    formula: "completed - created - time in excluded states",
    settings: &[EXCLUDED_STATES, ZERO_TIMES],
    rows: Rows::Each(|fact, context| until_completed(fact, context, |life| life.created_at())),
    ..DURATION
};

/// From the beginning of work to completion. One that became active on the 3rd and was closed on the 5th took two days, 172,800 s.
const CYCLE_TIME: Metric = Metric {
    name: "cycle_time",
    definition: "How long it took from the first time in a state beyond proposed to completion, for work items that were completed in the range and still are. Items whose beginning was not seen have no row.",
    formula: "completed - first left the states of category proposed - time in excluded states",
    settings: &[EXCLUDED_STATES, ZERO_TIMES],
    rows: Rows::Each(|fact, context| until_completed(fact, context, |life| life.started_at())),
    ..DURATION
};

/// From the making of an item to the first answer. If its author changes it after an hour and somebody else after two, it was
/// answered after 7,200 s.
const RESPONSE_TIME: Metric = Metric {
    name: "response_time",
    definition: "How long it took from creation until somebody else first commented on a work item or changed it, counted when that happened. Answers of services and bots do not count. Items that nobody has answered yet, and those whose creation was not seen, have no row.",
    formula: "first revision by somebody else - created",
    settings: &[COMMENTS_ONLY],
    rows: Rows::Each(responses),
    ..DURATION
};

/// From the making of an item to its first assignee. One that was made at 9:00 and assigned at 10:00 waited 3,600 s; one that was
/// made with an assignee did not wait, 0 s. Grouped by `assignee`, its count says who gets first assignments.
const FIRST_ASSIGNEE_TIME: Metric = Metric {
    name: "first_assignee_time",
    definition: "How long it took from creation until a work item was assigned for the first time, counted when that happened; the dimension assignee is the first one. Items whose creation was not seen have no row.",
    formula: "first assigned - created",
    rows: Rows::Each(first_assignee),
    ..DURATION
};

fn until_completed(
    fact: &Fact,
    context: &Context,
    from: fn(&Life<'_>) -> Option<Timestamp>,
) -> Vec<Row> {
    of_life(fact, context, |life| {
        let row = from(life).zip(life.completed_at()).and_then(|(from, to)| {
            let excluded = context.settings.texts(&EXCLUDED_STATES);
            let took = seconds(from, to) - time_in(life, &excluded, (from, to));
            let counts = took != 0.0 || context.settings.is_on(&ZERO_TIMES);
            counts.then(|| row(life, context, to, took))
        });
        row.into_iter().collect()
    })
}

/// The seconds of a span that an item was in one of these states.
fn time_in(life: &Life<'_>, states: &[&str], (from, to): (Timestamp, Timestamp)) -> f64 {
    let is_one = |stay: &&Stay<'_>| {
        let mut states = states.iter();
        states.any(|state| state.to_lowercase() == stay.state.to_lowercase())
    };
    let within = |stay: &Stay<'_>| {
        let begin = stay.from.unwrap_or(from).max(from);
        let end = stay.to.unwrap_or(to).min(to);
        seconds(begin, end).max(0.0)
    };
    life.stays.iter().filter(is_one).map(within).sum()
}

fn responses(fact: &Fact, context: &Context) -> Vec<Row> {
    of_life(fact, context, |life| {
        let row = life.created_at().and_then(|created| {
            let at = first_response(life, context)?;
            Some(row(life, context, at, seconds(created, at)))
        });
        row.into_iter().collect()
    })
}

fn first_response(life: &Life<'_>, context: &Context) -> Option<Timestamp> {
    let (first, later) = life.item.revisions.split_first()?;
    let people = &context.known.people;
    let author = people.by_key(first.by.as_deref()?);
    let comments = life.item.comments();
    let is_comment = |rev: u32| comments.iter().any(|own| own.rev == rev);
    let any = !context.settings.is_on(&COMMENTS_ONLY);
    let is_answer = |by: &str| {
        let who = people.by_key(by);
        who != author && people.kind(&who) != AccountKind::Service
    };
    let mut answers = later.iter().filter(|own| any || is_comment(own.rev));
    let answer = answers.find(|own| own.by.as_deref().is_some_and(is_answer))?;
    life.is_whole().then_some(answer.at)
}

fn first_assignee(fact: &Fact, context: &Context) -> Vec<Row> {
    of_life(fact, context, |life| {
        let spells = life.spells(Tracked::AssignedTo);
        let first = spells.iter().find_map(|spell| match spell.value? {
            model::record::work_item::FieldValue::Text(key) => Some((spell.from, key)),
            _ => None,
        });
        let row = first.filter(|_| life.is_whole()).and_then(|(at, key)| {
            let row = row(life, context, at, seconds(life.created_at()?, at));
            Some(with(
                row,
                Dimension::Assignee,
                person(life.item, key, context),
            ))
        });
        row.into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::samples::{as_fact, change, cut, moved, on, planned_context, story};
    use crate::samples::{rows, values_in};

    const DAY: f64 = 86_400.0;

    fn closed() -> Fact {
        let item = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Active");
        as_fact(moved(item, on(5, "09:00"), "Closed"))
    }

    #[test]
    fn an_item_takes_from_its_making_and_from_its_beginning() {
        let context = planned_context(&[]);
        let value = |metric| values_in(metric, &closed(), &context);
        assert_eq!(value(&RESOLUTION_TIME), [3.0 * DAY]);
        assert_eq!(value(&CYCLE_TIME), [2.0 * DAY]);
    }

    #[test]
    fn the_time_in_some_states_can_be_left_out() {
        let context = planned_context(&[(&EXCLUDED_STATES, "new")]);
        assert_eq!(
            values_in(&RESOLUTION_TIME, &closed(), &context),
            [2.0 * DAY]
        );
        let context = planned_context(&[(&EXCLUDED_STATES, "New"), (&EXCLUDED_STATES, "Active")]);
        assert_eq!(values_in(&RESOLUTION_TIME, &closed(), &context), [0.0]);
    }

    #[test]
    fn items_that_took_no_time_can_be_left_out() {
        let item = as_fact(moved(story(1, on(2, "09:00")), on(2, "09:00"), "Closed"));
        let context = planned_context(&[]);
        assert_eq!(values_in(&RESOLUTION_TIME, &item, &context), [0.0]);
        let context = planned_context(&[(&ZERO_TIMES, "false")]);
        assert_eq!(values_in(&RESOLUTION_TIME, &item, &context), [] as [f64; 0]);
    }

    #[test]
    fn what_is_open_or_given_up_has_not_been_resolved() {
        let context = planned_context(&[]);
        let open = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Active");
        assert_eq!(
            values_in(&RESOLUTION_TIME, &as_fact(open.clone()), &context),
            [] as [f64; 0]
        );
        let removed = as_fact(moved(open, on(5, "09:00"), "Removed"));
        assert_eq!(
            values_in(&RESOLUTION_TIME, &removed, &context),
            [] as [f64; 0]
        );
    }

    fn answered() -> model::record::WorkItem {
        let item = change(
            story(1, on(2, "09:00")),
            on(2, "10:00"),
            "ann",
            &[(Tracked::Priority, "1")],
        );
        let item = change(item, on(2, "11:00"), "bo", &[(Tracked::Priority, "2")]);
        change(item, on(2, "12:00"), "bo", &[(Tracked::Comments, "1")])
    }

    #[test]
    fn the_first_answer_is_by_somebody_else() {
        let context = planned_context(&[]);
        let item = as_fact(answered());
        assert_eq!(values_in(&RESPONSE_TIME, &item, &context), [7_200.0]);
        let comments = planned_context(&[(&COMMENTS_ONLY, "true")]);
        assert_eq!(values_in(&RESPONSE_TIME, &item, &comments), [10_800.0]);
        let late = as_fact(cut(answered(), 1));
        assert_eq!(
            values_in(&RESPONSE_TIME, &late, &context),
            [] as [f64; 0],
            "its creation was not seen"
        );
        let alone = as_fact(story(1, on(2, "09:00")));
        assert_eq!(values_in(&RESPONSE_TIME, &alone, &context), [] as [f64; 0]);
    }

    #[test]
    fn a_service_does_not_answer() {
        let item = change(
            story(1, on(2, "09:00")),
            on(2, "10:00"),
            "robot",
            &[(Tracked::Tags, "triaged")],
        );
        let item = as_fact(change(
            item,
            on(2, "11:00"),
            "bo",
            &[(Tracked::Priority, "2")],
        ));
        assert_eq!(
            values_in(&RESPONSE_TIME, &item, &planned_context(&[])),
            [7_200.0]
        );
    }

    #[test]
    fn the_first_assignee_is_who_got_it_first() {
        let assigned = |item, at, who| change(item, at, "ann", &[(Tracked::AssignedTo, who)]);
        let item = assigned(story(1, on(2, "09:00")), on(2, "10:00"), "bo");
        let item = as_fact(assigned(item, on(2, "11:00"), "ann"));
        let found = rows(&FIRST_ASSIGNEE_TIME, &[item], &planned_context(&[]));
        assert_eq!((found[0].value, found.len()), (3_600.0, 1));
        assert_eq!(found[0].dimension(Dimension::Assignee), Some("Bo Diddley"));
    }
}
