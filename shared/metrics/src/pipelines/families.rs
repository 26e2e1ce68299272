//! Runs with the runs that they triggered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{OrganizationId, record::Run};

use super::{OF_RUNS, RUNS, dimensions_of, link_to, name_of, seconds};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    [a, b, c, d, e, f, g, h, Dimension::Result]
};

/// Total time of a run and everything that came of it, on the clock and added up.
pub(crate) const METRICS: &[Metric] = &[TOTAL_TIME, WORK_TIME];

/// From the beginning of a run to the end of the last run that it triggered, directly or through others. One that ran from 10:00 to
/// 10:10 and triggered another, which ran from 10:12 to 10:20, took 1,200 s in all.
const TOTAL_TIME: Metric = Metric {
    name: "pipeline_total_time",
    definition: "How long it took from the beginning of a run to the end of the last of the runs that it triggered, directly or through others, itself included, counted when that ended. Runs that others triggered have no row of their own, and neither has one of which anything has not ended.",
    formula: "last finished of the run and its children - started",
    measure: Measure::Duration,
    inputs: &[RUNS],
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::HeatMap,
    rows: Rows::Joined {
        keep: |fact, _| Some(fact),
        rows: |facts, context| rows(facts, context, total),
    },
};

/// The time that a run and everything that it triggered took together. The same run took 600 s and its child 480 s: 1,080 s.
const WORK_TIME: Metric = Metric {
    name: "pipeline_work_time",
    definition: "How long a run and the runs that it triggered, directly or through others, took together, what ran at the same time counted for each, counted when the last of them ended.",
    formula: "sum of (finished - started) of the run and its children",
    rows: Rows::Joined {
        keep: |fact, _| Some(fact),
        rows: |facts, context| rows(facts, context, work),
    },
    ..TOTAL_TIME
};

/// From when to when each of them ran.
type Spans = [(Timestamp, Timestamp)];

fn total(spans: &Spans) -> Option<f64> {
    let (started, _) = spans.first()?;
    let last = spans.iter().map(|(_, finished)| *finished).max()?;
    Some(seconds(*started, last))
}

fn work(spans: &Spans) -> Option<f64> {
    let times = spans
        .iter()
        .map(|(started, finished)| seconds(*started, *finished));
    Some(times.sum())
}

/// Ids of runs are unique in an organization; that of a project that is gone is not known.
type Key = (Option<OrganizationId>, u64);

fn rows(facts: &[Fact], context: &Context, value: fn(&Spans) -> Option<f64>) -> Vec<Row> {
    let mut runs: BTreeMap<Key, &Run> = BTreeMap::new();
    for fact in facts {
        if let Fact::Run(run, _) = fact {
            runs.insert((context.organization(run.project), run.id), run);
        }
    }
    let mut children: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for (key, run) in &runs {
        if let Some(parent) = run.triggered_by {
            children.entry((key.0, parent)).or_default().push(*key);
        }
    }
    let is_root = |key: &Key, run: &Run| {
        let parent = run.triggered_by.map(|parent| (key.0, parent));
        parent.is_none_or(|parent| !runs.contains_key(&parent))
    };
    let roots = runs.iter().filter(|(key, run)| is_root(key, run));
    let row = |(key, root): (&Key, &&Run)| {
        let family = family(*key, &children);
        // What was canceled before it began took no time.
        let spans = family.iter().map(|key| {
            let run = runs[key];
            let finished = run.finished_at?;
            Some((run.started_at.unwrap_or(finished), finished))
        });
        let spans = spans.collect::<Option<Vec<_>>>()?;
        root.started_at?;
        let mut dimensions = dimensions_of(root, context);
        let result = root.result.as_ref();
        dimensions.extend(result.map(|own| (Dimension::Result, name_of(own).to_owned())));
        Some(Row {
            at: spans.iter().map(|(_, finished)| *finished).max()?,
            value: value(&spans)?,
            dimensions,
            link: link_to(root),
            evidence: Vec::new(),
        })
    };
    roots.filter_map(row).collect()
}

/// A run and all that came of it, itself first, each once.
fn family(root: Key, children: &BTreeMap<Key, Vec<Key>>) -> Vec<Key> {
    let mut seen = BTreeSet::from([root]);
    let mut family = vec![root];
    let mut next = 0;
    while next < family.len() {
        let own = children.get(&family[next]).into_iter().flatten();
        family.extend(own.filter(|child| seen.insert(**child)));
        next += 1;
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{clock, context, rows, run};

    fn child(id: u64, parent: u64, started: &str, finished: &str) -> Run {
        Run {
            id,
            triggered_by: Some(parent),
            ..run(started, started, finished)
        }
    }

    fn values(metric: &Metric, runs: &[Run]) -> Vec<(f64, Timestamp)> {
        let facts: Vec<Fact> = runs
            .iter()
            .map(|run| Fact::Run(Box::new(run.clone()), None))
            .collect();
        let rows = rows(metric, &facts, &context());
        rows.into_iter().map(|row| (row.value, row.at)).collect()
    }

    #[test]
    fn a_run_takes_until_its_last_child_has_ended() {
        let root = run("09:58", "10:00", "10:10");
        let runs = [
            root.clone(),
            child(18, root.id, "10:12", "10:20"),
            child(19, 18, "10:13", "10:15"),
        ];
        assert_eq!(values(&TOTAL_TIME, &runs), [(1_200.0, clock("10:20"))]);
        assert_eq!(values(&WORK_TIME, &runs), [(1_200.0, clock("10:20"))]);
        assert_eq!(values(&WORK_TIME, &runs[..2]), [(1_080.0, clock("10:20"))]);
    }

    #[test]
    fn a_run_without_children_takes_its_own_time() {
        assert_eq!(
            values(&TOTAL_TIME, &[run("09:58", "10:00", "10:10")]),
            [(600.0, clock("10:10"))]
        );
    }

    #[test]
    fn what_has_not_ended_has_no_row_and_takes_its_family_with_it() {
        let root = run("09:58", "10:00", "10:10");
        let mut open = child(18, root.id, "10:12", "10:20");
        open.finished_at = None;
        assert_eq!(values(&TOTAL_TIME, &[root, open]), []);
    }

    #[test]
    fn a_run_whose_parent_is_not_there_stands_for_itself_and_a_circle_ends() {
        assert_eq!(
            values(&TOTAL_TIME, &[child(18, 4, "10:12", "10:20")]).len(),
            1
        );
        let circle = [
            child(18, 19, "10:12", "10:20"),
            child(19, 18, "10:12", "10:20"),
        ];
        assert_eq!(values(&TOTAL_TIME, &circle), [], "nobody began it");
    }
}
