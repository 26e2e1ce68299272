//! Numbers that rows make together and not one by one: of sprints, of people, of rules that were missed.

use std::collections::BTreeMap;

use crate::{Dimension, Outcome, Row};

/// Which pieces of work make the number of a sprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What is summed. An outcome that is named twice counts twice.
    pub part: &'static [Outcome],
    /// By what it is divided; nothing for the sum itself.
    pub whole: &'static [Outcome],
    /// Whether sprints without any of the part have no number.
    pub is_only_some: bool,
}

impl Parts {
    /// The sum of the pieces of these outcomes.
    pub const fn sum(part: &'static [Outcome]) -> Self {
        Self {
            part,
            whole: &[],
            is_only_some: false,
        }
    }

    /// What the first are of the second.
    pub const fn ratio(part: &'static [Outcome], whole: &'static [Outcome]) -> Self {
        Self {
            part,
            whole,
            is_only_some: false,
        }
    }
}

/// The number of each sprint that has one: a ratio has none where it would be of nothing.
pub(super) fn of_sprints(rows: &[&Row], parts: Parts) -> Vec<f64> {
    let mut sums: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if let Some(sprint) = row.dimension(Dimension::Sprint) {
            sums.entry(sprint).or_default().push(row);
        }
    }
    let number = |rows: &Vec<&Row>| {
        let part = sum_of(rows, parts.part);
        let value = match (parts.whole, sum_of(rows, parts.whole)) {
            ([], _) => part,
            (_, 0.0) => return None,
            (_, whole) => part / whole,
        };
        (!parts.is_only_some || value != 0.0).then_some(value)
    };
    sums.values().filter_map(number).collect()
}

fn sum_of(rows: &[&Row], outcomes: &[Outcome]) -> f64 {
    let of = |outcome: &Outcome| {
        let own = rows
            .iter()
            .filter(|row| row.dimension(Dimension::Outcome) == Some(outcome.name()));
        total(own.map(|row| row.value))
    };
    outcomes.iter().map(of).sum()
}

/// The sum in an order that does not depend on that of the values.
fn total(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.into_iter().sum()
}

/// What some rows are of all rows, by their values; `None` if that is of nothing.
pub(super) fn of_all(rows: &[&Row], all: &[&Row]) -> Option<f64> {
    let sum = |rows: &[&Row]| total(rows.iter().map(|row| row.value));
    let whole = sum(all);
    (whole != 0.0).then(|| sum(rows) / whole)
}

/// How many people work on some rows, where each is divided over all of their rows by their values. What nobody is assigned
/// to is nobody's work.
pub(super) fn people(rows: &[&Row], all: &[&Row]) -> f64 {
    let [own, all] = [by_person(rows), by_person(all)];
    let shares = own.into_iter().filter_map(|(person, own)| {
        let all = all.get(person).copied().unwrap_or_default();
        (all != 0.0).then(|| own / all)
    });
    total(shares)
}

fn by_person<'a>(rows: &[&'a Row]) -> BTreeMap<&'a str, f64> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in rows {
        if let Some(person) = row.dimension(Dimension::Assignee) {
            values.entry(person).or_default().push(row.value);
        }
    }
    let values = values.into_iter();
    values
        .map(|(person, values)| (person, total(values.into_iter())))
        .collect()
}

/// From 100, if nothing is missed, to 0: 100 less the weighted shares of what was missed. Rules that nothing is known of
/// weigh nothing; the weights of the others are made to be 100 together. `None` if no rule has a weight.
pub(super) fn score(rows: &[&Row]) -> Option<f64> {
    let mut rules: BTreeMap<&str, (f64, Vec<f64>)> = BTreeMap::new();
    for row in rows {
        let weight = row.dimension(Dimension::Weight)?.parse().ok()?;
        let rule = rules.entry(row.dimension(Dimension::Miss)?);
        rule.or_insert_with(|| (weight, Vec::new()))
            .1
            .push(row.value);
    }
    let weights: f64 = rules.values().map(|(weight, _)| weight).sum();
    let missed = rules.values().map(|(weight, values)| {
        let share = total(values.iter().copied()) / values.len() as f64;
        weight * share
    });
    let missed: f64 = missed.sum();
    (weights > 0.0).then(|| 100.0 - 100.0 * missed / weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::row;

    fn piece(sprint: &str, outcome: Outcome, value: f64) -> Row {
        let dimensions = [
            (Dimension::Sprint, sprint),
            (Dimension::Outcome, outcome.name()),
        ];
        row(value, "2026-11-20T00:00:00Z", &dimensions)
    }

    fn refer(rows: &[Row]) -> Vec<&Row> {
        rows.iter().collect()
    }

    #[test]
    fn each_sprint_has_one_number() {
        let rows = [
            piece("1", Outcome::CommittedDone, 6.0),
            piece("1", Outcome::CommittedMissed, 2.0),
            piece("2", Outcome::CreepDone, 3.0),
            piece("2", Outcome::CommittedDone, 1.0),
        ];
        let done = &[Outcome::CommittedDone, Outcome::CreepDone];
        let of = |parts| of_sprints(&refer(&rows), parts);
        assert_eq!(of(Parts::sum(done)), [6.0, 4.0]);
        let committed = &[Outcome::CommittedDone, Outcome::CommittedMissed];
        assert_eq!(of(Parts::ratio(done, committed)), [0.75, 4.0]);
        let creep = &[Outcome::CreepDone];
        assert_eq!(of(Parts::sum(creep)), [0.0, 3.0]);
        assert_eq!(of(Parts::ratio(committed, creep)), [1.0 / 3.0]);
        let some = Parts {
            is_only_some: true,
            ..Parts::ratio(creep, committed)
        };
        assert_eq!(of(some), [3.0], "sprint 1 has none of it");
    }

    /// Two items of three are without an assignee, one of three without a due date: 20 * 2/3 and 30 * 1/3 of 50 are missed.
    #[test]
    fn a_score_is_a_hundred_less_what_was_missed() {
        let miss = |name: &'static str, weight: &'static str, value| {
            let dimensions = [(Dimension::Miss, name), (Dimension::Weight, weight)];
            row(value, "2026-11-20T00:00:00Z", &dimensions)
        };
        let mut rows = vec![
            miss("no_assignee", "20", 1.0),
            miss("no_assignee", "20", 1.0),
            miss("no_assignee", "20", 0.0),
            miss("no_due_date", "30", 0.0),
            miss("no_due_date", "30", 1.0),
            miss("no_due_date", "30", 0.0),
        ];
        let found = score(&refer(&rows)).unwrap();
        assert_eq!(format!("{found:.3}"), "53.333");
        for row in &mut rows {
            row.value = 0.0;
        }
        assert_eq!(score(&refer(&rows)), Some(100.0));
        for row in &mut rows {
            row.value = 1.0;
        }
        assert_eq!(score(&refer(&rows)), Some(0.0));
        assert_eq!(score(&[]), None);
    }

    /// The printed vector: 54.55 and 45.45 % of the work are 1.6 and 1.4 of three people.
    #[test]
    fn the_same_work_is_a_share_and_a_number_of_people() {
        let work = |person: &'static str, value| {
            row(
                value,
                "2026-11-20T00:00:00Z",
                &[(Dimension::Assignee, person)],
            )
        };
        let new = [work("ann", 3.0), work("bo", 3.0)];
        let old = [work("ann", 2.0), work("cy", 3.0)];
        let all: Vec<&Row> = new.iter().chain(&old).collect();
        let share = |rows: &[Row]| format!("{:.2}", 100.0 * of_all(&refer(rows), &all).unwrap());
        assert_eq!([share(&new), share(&old)], ["54.55", "45.45"]);
        let count = |rows: &[Row]| format!("{:.1}", people(&refer(rows), &all));
        assert_eq!([count(&new), count(&old)], ["1.6", "1.4"]);
        assert_eq!(of_all(&[], &[]), None);
    }
}
