//! The numbers of sprints.

use std::collections::BTreeSet;

use model::{
    Kind,
    record::work_item::{FieldValue, Tracked},
};

use super::replay::{
    Outcome::{
        self, CommittedDone, CommittedMissed, CommittedRemoved, CommittedShrunk, CreepDone,
        CreepMissed, CreepRemoved, GrowthDone, GrowthMissed, Removed,
    },
    Rules, Sprint, Unit,
};
use crate::{
    Context, Dimension, Fact, Form, Input, Measure, Metric, Parts, Reach, Row, Rows, SWITCH,
    Setting, Values,
    boards::{
        items::{OF_ITEMS, POINTS_FIELD, of_life, points, row_then, with},
        life::Life,
    },
};

/// What was committed to, what was added, what was done, and what these are of each other.
pub(in crate::boards) const METRICS: &[Metric] = &[
    COMMIT,
    COMMIT_DONE,
    COMMIT_MISSED,
    CREEP,
    CREEP_DONE,
    CREEP_MISSED,
    GROWTH_DONE,
    VELOCITY,
    REMOVED,
    CARRY_OVER,
    COMMIT_DONE_RATIO,
    COMMIT_MISSED_RATIO,
    CREEP_DONE_RATIO,
    CREEP_MISSED_RATIO,
    CREEP_DONE_TO_COMMIT,
    CREEP_TO_COMMIT,
    DELIVERED_TO_COMMIT,
    SCOPE_CREEP,
    CHURN_RATE,
    TICKET_SIZE,
];

pub(super) const UNIT: Setting = Setting {
    name: "unit",
    meaning: "Whether items count by their estimate, or each as one; items without an estimate have 0 points.",
    default: "points",
    values: Values::OneOf(&["points", "items"]),
};

const GRACE_DAYS: Setting = Setting {
    name: "grace_days",
    meaning: "For how many days after its beginning what comes into a sprint is still committed and not added.",
    default: "0",
    values: Values::Number(0, 30),
};

pub(super) const DONE_STATES: Setting = Setting {
    name: "done_state",
    meaning: "A state in which an item is done besides those of category completed.",
    default: "",
    values: Values::Text,
};

const KEEP_REMOVED: Setting = Setting {
    name: "keep_removed",
    meaning: "Whether an item that was taken out of the sprint still counts as committed or added; either way it counts as removed.",
    default: "true",
    values: SWITCH,
};

pub(super) const KEEP_DONE_BEFORE: Setting = Setting {
    name: "keep_done_before",
    meaning: "Whether an item counts that was done when the sprint began.",
    default: "false",
    values: SWITCH,
};

/// What is read for rows of sprints.
pub(super) const INPUTS: &[Input] = &[
    Input::new(Kind::WorkItem, Reach::Hashed),
    Input::new(Kind::WorkItemType, Reach::Known),
    Input::new(Kind::ClassificationNode, Reach::Known),
    Input::new(Kind::Person, Reach::Known),
];

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = OF_ITEMS;
    use Dimension::{CarriedOver, Outcome, Sprint, SprintState};
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        l,
        m,
        Sprint,
        SprintState,
        Outcome,
        CarriedOver,
    ]
};

const COMMITTED: &[Outcome] = &[
    CommittedDone,
    CommittedMissed,
    CommittedRemoved,
    CommittedShrunk,
];
const ADDED: &[Outcome] = &[CreepDone, CreepMissed, CreepRemoved];
const DELIVERED: &[Outcome] = &[CommittedDone, CreepDone, GrowthDone];

const OF_SPRINT: Metric = Metric {
    name: "",
    definition: "",
    formula: "",
    measure: Measure::Sum,
    inputs: INPUTS,
    dimensions: DIMENSIONS,
    settings: &[
        UNIT,
        POINTS_FIELD,
        GRACE_DAYS,
        DONE_STATES,
        KEEP_REMOVED,
        KEEP_DONE_BEFORE,
    ],
    form: Form::Bar,
    rows: Rows::Each(pieces),
};

/// What was in a sprint when it began. With items of 2, 3 and no points in it then, it is 5. An item that grew to 5 points afterwards
/// still counts as 2.
const COMMIT: Metric = Metric {
    name: "sprint_commit",
    definition: "How many points (or items) were in the sprint when it began, for each sprint that ended in the range or lasts; the number is that of the median sprint.",
    formula: "sum of the estimates at the beginning",
    measure: Measure::OfSprints(Parts::sum(COMMITTED)),
    ..OF_SPRINT
};

/// What was in a sprint when it began and was done at its end. An item of 3 points then, of 1 point when it was done, is 1.
const COMMIT_DONE: Metric = Metric {
    name: "sprint_commit_done",
    definition: "How much of what was in the sprint when it began was done at the end of its last day, by the smaller of the estimates then and at the end.",
    formula: "sum of min(estimate at the beginning, estimate at the end) over committed items that were done",
    measure: Measure::OfSprints(Parts::sum(&[CommittedDone])),
    ..OF_SPRINT
};

/// What was in a sprint when it began and was not done at its end, or was taken out.
const COMMIT_MISSED: Metric = Metric {
    name: "sprint_commit_missed",
    definition: "How much of what was in the sprint when it began was not done at the end of its last day, or had been taken out of it.",
    formula: "sum of the estimates at the beginning over committed items that were not done",
    measure: Measure::OfSprints(Parts::sum(&[CommittedMissed, CommittedRemoved])),
    ..OF_SPRINT
};

/// What came into a sprint after its beginning. An item that was added with 2 points and has 5 at the end is 5.
const CREEP: Metric = Metric {
    name: "sprint_creep",
    definition: "How much was added to the sprint after it had begun, by the estimates at the end.",
    formula: "sum of the estimates at the end over added items",
    measure: Measure::OfSprints(Parts::sum(ADDED)),
    ..OF_SPRINT
};

/// What was added to a sprint and done in it.
const CREEP_DONE: Metric = Metric {
    name: "sprint_creep_done",
    definition: "How much of what was added to the sprint was done at the end of its last day.",
    formula: "sum of the estimates at the end over added items that were done",
    measure: Measure::OfSprints(Parts::sum(&[CreepDone])),
    ..OF_SPRINT
};

/// What was added to a sprint and not done in it.
const CREEP_MISSED: Metric = Metric {
    name: "sprint_creep_missed",
    definition: "How much of what was added to the sprint was not done at the end of its last day, or had been taken out of it again.",
    formula: "sum of the estimates at the end over added items that were not done",
    measure: Measure::OfSprints(Parts::sum(&[CreepMissed, CreepRemoved])),
    ..OF_SPRINT
};

/// By how much committed items that were done had grown. One of 2 points that was done with 5 had grown by 3.
const GROWTH_DONE: Metric = Metric {
    name: "sprint_story_creep_done",
    definition: "By how much the estimates of items that were in the sprint when it began and were done had grown: the difference, not the whole. It is 0 for items.",
    formula: "sum of max(0, estimate at the end - estimate at the beginning) over committed items that were done",
    measure: Measure::OfSprints(Parts::sum(&[GrowthDone])),
    ..OF_SPRINT
};

/// What was done in a sprint. 8 points of what was committed to, 3 that were added and 3 by which items had grown are 14.
const VELOCITY: Metric = Metric {
    name: "sprint_velocity",
    definition: "How much was done at the end of the sprint's last day: what was committed to, what was added, and by how much it had grown. The deviation over sprints is the predictability.",
    formula: "commit done + creep done + story creep done",
    measure: Measure::OfSprints(Parts::sum(DELIVERED)),
    ..OF_SPRINT
};

/// What was taken out of a sprint.
const REMOVED: Metric = Metric {
    name: "sprint_removed",
    definition: "How much was taken out of the sprint after it had begun, or was given up.",
    formula: "sum of the estimates over items that were in the sprint and are not at its end",
    measure: Measure::OfSprints(Parts::sum(&[CommittedRemoved, CreepRemoved, Removed])),
    ..OF_SPRINT
};

/// What was still in a sprint and not done when it ended.
const CARRY_OVER: Metric = Metric {
    name: "sprint_carry_over",
    definition: "How much was still in the sprint at the end of its last day and not done.",
    formula: "commit missed + creep missed, without what was taken out",
    measure: Measure::OfSprints(Parts::sum(&[CommittedMissed, CreepMissed, GrowthMissed])),
    ..OF_SPRINT
};

/// Of 10 points that were committed to, 8 were done: 0.8.
const COMMIT_DONE_RATIO: Metric = Metric {
    name: "sprint_commit_done_ratio",
    definition: "How much of what was committed to was done; sprints without a commitment have none.",
    formula: "commit done / commit",
    measure: Measure::OfSprints(Parts::ratio(&[CommittedDone], COMMITTED)),
    ..OF_SPRINT
};

/// Of 10 points that were committed to, 8 were done: 0.2.
const COMMIT_MISSED_RATIO: Metric = Metric {
    name: "sprint_commit_missed_ratio",
    definition: "How much of what was committed to was not done, what became smaller included; sprints without a commitment have none.",
    formula: "1 - commit done / commit",
    measure: Measure::OfSprints(Parts::ratio(
        &[CommittedMissed, CommittedRemoved, CommittedShrunk],
        COMMITTED,
    )),
    ..OF_SPRINT
};

/// Of 4 points that were added, 3 were done: 0.75.
const CREEP_DONE_RATIO: Metric = Metric {
    name: "sprint_creep_done_ratio",
    definition: "How much of what was added was done; sprints to which nothing was added have none.",
    formula: "creep done / creep",
    measure: Measure::OfSprints(Parts::ratio(&[CreepDone], ADDED)),
    ..OF_SPRINT
};

/// Of 4 points that were added, 3 were done: 0.25.
const CREEP_MISSED_RATIO: Metric = Metric {
    name: "sprint_creep_missed_ratio",
    definition: "How much of what was added was not done; sprints to which nothing was added have none.",
    formula: "creep missed / creep",
    measure: Measure::OfSprints(Parts::ratio(&[CreepMissed, CreepRemoved], ADDED)),
    ..OF_SPRINT
};

/// 3 points that were added were done, beside 10 that were committed to: 0.3.
const CREEP_DONE_TO_COMMIT: Metric = Metric {
    name: "sprint_creep_done_to_commit",
    definition: "How much that was added was done, for each point that was committed to.",
    formula: "creep done / commit",
    measure: Measure::OfSprints(Parts::ratio(&[CreepDone], COMMITTED)),
    ..OF_SPRINT
};

/// 4 points were added to 10 that were committed to: 0.4. Below 0.2 is low, up to 0.4 moderate, more is high.
const CREEP_TO_COMMIT: Metric = Metric {
    name: "sprint_creep_to_commit",
    definition: "How much was added, for each point that was committed to. Below 0.2 is low, from 0.2 to 0.4 moderate, above 0.4 high.",
    formula: "creep / commit",
    measure: Measure::OfSprints(Parts::ratio(ADDED, COMMITTED)),
    ..OF_SPRINT
};

/// 14 points were done, beside 10 that were committed to: 1.4. About 0.8 is balanced, below 0.65 too much was committed to, above 0.95 too
/// little.
const DELIVERED_TO_COMMIT: Metric = Metric {
    name: "sprint_delivered_to_commit",
    definition: "How much was done, for each point that was committed to. About 0.8 is balanced; below 0.65 too much was committed to, above 0.95 too little.",
    formula: "velocity / commit",
    measure: Measure::OfSprints(Parts::ratio(DELIVERED, COMMITTED)),
    ..OF_SPRINT
};

/// Of sprints with 0.4, 0 and 0.2 points added for each point that was committed to, the mean is 0.3.
const SCOPE_CREEP: Metric = Metric {
    name: "sprint_scope_creep",
    definition: "How much was added for each point that was committed to, over the sprints to which something was added: their mean with statistic=mean.",
    formula: "creep / commit, where that is not 0",
    measure: Measure::OfSprints(Parts {
        is_only_some: true,
        ..Parts::ratio(ADDED, COMMITTED)
    }),
    ..OF_SPRINT
};

/// 4 points were added, 1 of these taken out again, and items grew by 3, beside 10 points that were committed to: 0.8.
const CHURN_RATE: Metric = Metric {
    name: "sprint_churn_rate",
    definition: "How much the sprint changed after it had begun, for each point that was committed to: what was added, what was taken out, and by how much estimates had grown.",
    formula: "(creep + removed + max(0, growth)) / commit",
    measure: Measure::OfSprints(Parts::ratio(
        &[
            CreepDone,
            CreepMissed,
            CreepRemoved,
            CommittedRemoved,
            CreepRemoved,
            Removed,
            GrowthDone,
            GrowthMissed,
        ],
        COMMITTED,
    )),
    ..OF_SPRINT
};

/// How large done items are. Of two that were done with 3 and 5 points it is 4.
const TICKET_SIZE: Metric = Metric {
    name: "sprint_ticket_size",
    definition: "How many points the items had that were done in sprints, at the end of the sprint; items without an estimate have no row.",
    formula: "estimate at the end of each item that was done",
    measure: Measure::Amount,
    settings: &[POINTS_FIELD, GRACE_DAYS, DONE_STATES, KEEP_DONE_BEFORE],
    rows: Rows::Each(sizes),
    ..OF_SPRINT
};

/// The rules that were chosen.
pub(super) fn rules(context: &Context) -> Rules {
    let settings = &context.settings;
    let done = settings.texts(&DONE_STATES).into_iter();
    Rules {
        unit: match settings.text(&UNIT) {
            "items" => Unit::Items,
            _ => Unit::Points,
        },
        points_field: settings.text(&POINTS_FIELD).to_owned(),
        grace_days: settings.number(&GRACE_DAYS),
        done_states: done
            .filter(|own| !own.is_empty())
            .map(str::to_owned)
            .collect(),
        keep_removed: settings.is_on(&KEEP_REMOVED),
        keep_done_before: settings.is_on(&KEEP_DONE_BEFORE),
    }
}

/// The sprints that an item was ever in.
pub(super) fn sprints_of<'c>(life: &Life<'_>, context: &'c Context) -> Vec<&'c Sprint> {
    let spells = life.spells(Tracked::IterationPath);
    let paths: BTreeSet<&str> = spells
        .iter()
        .filter_map(|spell| match spell.value? {
            FieldValue::Text(path) => Some(path.as_str()),
            _ => None,
        })
        .collect();
    let planning = context.planning();
    let sprints = paths.into_iter();
    sprints
        .filter_map(|path| planning.sprint(life.item.organization, path))
        .collect()
}

fn pieces(fact: &Fact, context: &Context) -> Vec<Row> {
    rows_of(fact, context, |life, sprint, rules| {
        rules.pieces(life, sprint, context.now)
    })
}

fn sizes(fact: &Fact, context: &Context) -> Vec<Row> {
    rows_of(fact, context, |life, sprint, rules| {
        let pieces = rules.pieces(life, sprint, context.now).into_iter();
        let done = pieces.filter(|(outcome, _)| matches!(outcome, CommittedDone | CreepDone));
        let end = sprint.last_instant(context.now);
        let points = end.and_then(|end| points(life, end, context));
        done.filter_map(|(outcome, _)| Some((outcome, points?)))
            .collect()
    })
}

/// A row for each piece of work that an item was in each of its sprints.
fn rows_of(
    fact: &Fact,
    context: &Context,
    pieces: impl Fn(&Life<'_>, &Sprint, &Rules) -> Vec<(Outcome, f64)>,
) -> Vec<Row> {
    of_life(fact, context, |life| {
        let rules = rules(context);
        let sprints = sprints_of(life, context);
        let first = sprints.iter().map(|sprint| sprint.range.from).min();
        let mut rows = Vec::new();
        for sprint in &sprints {
            let Some(at) = sprint.last_instant(context.now) else {
                continue;
            };
            let is_carried = first.is_some_and(|first| first < sprint.range.from);
            for (outcome, value) in pieces(life, sprint, &rules) {
                let row = row_then(life, context, at, value);
                let row = in_sprint(row, sprint, context);
                let row = with(row, Dimension::Outcome, outcome.name());
                rows.push(with(row, Dimension::CarriedOver, is_carried.to_string()));
            }
        }
        rows
    })
}

/// The row, with which sprint it belongs to.
pub(super) fn in_sprint(row: Row, sprint: &Sprint, context: &Context) -> Row {
    let row = with(row, Dimension::Sprint, sprint.path.as_str());
    with(row, Dimension::SprintState, sprint.state(context.now))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use model::record::WorkItem;

    use super::*;
    use crate::{
        Filter, Match, Query, Range, Statistic,
        boards::samples::{as_fact, change, iteration, moved, on, planned_context, story},
        report,
        samples::rows,
    };

    const SPRINT: &str = "Shop\\Sprint 7";

    fn planned(id: u64, day: u32, points: &str) -> WorkItem {
        let changes = [(Tracked::IterationPath, SPRINT), (Tracked::Points, points)];
        change(story(id, on(2, "09:00")), on(day, "09:00"), "ann", &changes)
    }

    fn done(item: WorkItem) -> Fact {
        as_fact(moved(item, on(13, "09:00"), "Closed"))
    }

    fn removed(item: WorkItem) -> Fact {
        let changes = [(Tracked::IterationPath, "Shop")];
        as_fact(change(item, on(12, "09:00"), "ann", &changes))
    }

    fn grown(item: WorkItem, points: &str) -> WorkItem {
        change(item, on(12, "09:00"), "ann", &[(Tracked::Points, points)])
    }

    /// 10 points are committed to, of which 8 are done and 2 missed; 4 are added, of which 3 are done and 1 is taken out again;
    /// what was done had grown by 3.
    fn items() -> Vec<Fact> {
        vec![
            done(planned(1, 6, "5")),
            done(grown(planned(2, 6, "3"), "6")),
            as_fact(planned(3, 6, "2")),
            done(planned(4, 11, "3")),
            removed(planned(5, 11, "1")),
        ]
    }

    fn context(settings: &[(&Setting, &str)]) -> Context {
        let mut context = planned_context(settings);
        context.now = on(30, "00:00");
        context.known.nodes = vec![iteration(SPRINT, 9, 20), iteration("Shop\\Sprint 6", 3, 6)];
        context
    }

    fn november(filters: Vec<Filter>) -> Query {
        Query {
            range: Range {
                from: on(1, "00:00"),
                to: on(30, "00:00"),
            },
            zone: TimeZone::UTC,
            interval: None,
            statistic: Statistic::Mean,
            with_negative: true,
            group_by: Vec::new(),
            filters,
            now: on(30, "00:00"),
        }
    }

    fn ask(metric: &Metric, items: &[Fact], context: &Context) -> crate::Summary {
        let query = november(Vec::new());
        report(metric.measure, &rows(metric, items, context), &query).total
    }

    #[test]
    fn a_sprint_is_what_was_promised_added_and_done() {
        let context = context(&[]);
        let value = |metric| ask(metric, &items(), &context).value.unwrap();
        assert_eq!(
            [value(&COMMIT), value(&COMMIT_DONE), value(&COMMIT_MISSED)],
            [10.0, 8.0, 2.0]
        );
        assert_eq!(
            [value(&CREEP), value(&CREEP_DONE), value(&CREEP_MISSED)],
            [4.0, 3.0, 1.0]
        );
        assert_eq!([value(&GROWTH_DONE), value(&VELOCITY)], [3.0, 14.0]);
        assert_eq!([value(&REMOVED), value(&CARRY_OVER)], [1.0, 2.0]);
        assert_eq!(
            [value(&COMMIT_DONE_RATIO), value(&COMMIT_MISSED_RATIO)],
            [0.8, 0.2]
        );
        assert_eq!(
            [value(&CREEP_DONE_RATIO), value(&CREEP_MISSED_RATIO)],
            [0.75, 0.25]
        );
        assert_eq!(
            [value(&CREEP_DONE_TO_COMMIT), value(&CREEP_TO_COMMIT)],
            [0.3, 0.4]
        );
        assert_eq!(
            [value(&DELIVERED_TO_COMMIT), value(&SCOPE_CREEP)],
            [1.4, 0.4]
        );
        assert_eq!(value(&CHURN_RATE), 0.8);
    }

    #[test]
    fn tickets_are_counted_where_points_are_not() {
        let context = context(&[(&UNIT, "items")]);
        let value = |metric| ask(metric, &items(), &context).value.unwrap();
        assert_eq!(
            [value(&COMMIT), value(&CREEP), value(&VELOCITY)],
            [3.0, 2.0, 3.0]
        );
        assert_eq!(value(&GROWTH_DONE), 0.0);
    }

    #[test]
    fn done_items_have_a_size() {
        let items = [
            done(planned(1, 6, "3")),
            done(planned(2, 11, "5")),
            done(planned(3, 6, "")),
        ];
        let found = ask(&TICKET_SIZE, &items, &context(&[]));
        assert_eq!((found.value, found.count), (Some(4.0), 2));
    }

    #[test]
    fn a_sprint_without_a_commitment_has_no_ratio() {
        let added = [done(planned(1, 11, "3"))];
        let context = context(&[]);
        assert_eq!(ask(&VELOCITY, &added, &context).value, Some(3.0));
        let found = ask(&DELIVERED_TO_COMMIT, &added, &context);
        assert_eq!((found.value, found.count), (None, 0));
    }

    /// Of 0.4, 0 and 0.2 the mean without what is nothing is 0.3; velocities of 14, 10 and 12 are 1.63 from their mean.
    #[test]
    fn sprints_are_spread() {
        let sprint = |path: &str, outcome: Outcome, value| {
            let dimensions = [
                (Dimension::Sprint, path),
                (Dimension::Outcome, outcome.name()),
            ];
            crate::samples::row(value, "2026-11-20T00:00:00Z", &dimensions)
        };
        let rows = [
            sprint("a", CommittedDone, 10.0),
            sprint("a", CreepDone, 4.0),
            sprint("b", CommittedDone, 10.0),
            sprint("c", CommittedDone, 10.0),
            sprint("c", CreepDone, 2.0),
        ];
        let query = november(Vec::new());
        let of = |metric: &Metric| report(metric.measure, &rows, &query).total;
        let close = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-9;
        assert!(close(of(&SCOPE_CREEP).value, 0.3));
        assert!(close(of(&VELOCITY).value, 12.0));
        let spread = of(&VELOCITY).spread.unwrap();
        assert!(close(spread.deviation, (8.0_f64 / 3.0).sqrt()));
    }

    #[test]
    fn a_piece_says_which_sprint_it_is_of_and_where_it_came_from() {
        let moved_to = |item, day, path| {
            let changes = [(Tracked::IterationPath, path)];
            change(item, on(day, "10:00"), "ann", &changes)
        };
        let carried = moved_to(story(1, on(2, "09:00")), 2, "Shop\\Sprint 6");
        let carried = moved_to(carried, 4, SPRINT);
        let found = rows(&COMMIT, &[as_fact(carried)], &context(&[]));
        let view: Vec<_> = found
            .iter()
            .map(|row| {
                let of = |dimension| row.dimension(dimension).unwrap();
                [
                    of(Dimension::Sprint),
                    of(Dimension::Outcome),
                    of(Dimension::CarriedOver),
                    of(Dimension::SprintState),
                ]
            })
            .collect();
        let expected = [
            ["Shop\\Sprint 6", "committed_removed", "false", "past"],
            ["Shop\\Sprint 7", "committed_missed", "true", "past"],
        ];
        assert_eq!(view, expected);
    }

    #[test]
    fn filters_choose_items_and_not_sprints() {
        let context = context(&[]);
        let rows = rows(&COMMIT, &items(), &context);
        let bugs = Filter {
            dimension: Dimension::Type,
            rule: Match::IsNot,
            values: vec!["user story".into()],
        };
        let query = november(vec![bugs]);
        let found = report(COMMIT.measure, &rows, &query).total;
        assert_eq!((found.value, found.count), (None, 0));
    }
}
