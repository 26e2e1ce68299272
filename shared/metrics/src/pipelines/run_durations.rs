//! How long runs wait and take.

use jiff::Timestamp;
use model::record::{Run, Timeline};

use super::{
    OF_RUNS, RUNS, TIMELINES,
    activities::{is_check, span_of, union},
    dimensions_of, link_to, name_of,
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, seconds};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    [a, b, c, d, e, f, g, h, Dimension::Result]
};

/// Time in the queue, time of execution, both together, and time spent on approvals and checks.
pub(crate) const METRICS: &[Metric] = &[QUEUE_TIME, EXECUTION_TIME, TOTAL_TIME, APPROVAL_TIME];

const RUN_DURATION: Metric = Metric {
    name: "",
    definition: "",
    formula: "",
    measure: Measure::Duration,
    inputs: &[RUNS],
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::Bar,
    rows: Rows::Each(|_, _| Vec::new()),
};

/// From the moment a run was asked for to the moment it began. A run that was queued at 10:00 and began at 10:02 waited 120 s.
const QUEUE_TIME: Metric = Metric {
    name: "run_queue_time",
    definition: "How long runs that ended in the range had waited until they began. Runs that never began have no row.",
    formula: "started - queued",
    rows: Rows::Each(|fact, context| {
        row(fact, context, |run, end| {
            Some((run.queued_at, run.started_at?.min(end)))
        })
    }),
    ..RUN_DURATION
};

/// From a run's beginning to its end. One that ran from 10:02 to 10:12 took 600 s. It includes what was waited for approvals
/// and, in a run that was retried, the time until someone retried it.
const EXECUTION_TIME: Metric = Metric {
    name: "run_duration",
    definition: "How long runs that ended in the range took from beginning to end, approvals and the time until a retry included. Runs that never began have no row.",
    formula: "finished - started",
    rows: Rows::Each(|fact, context| row(fact, context, |run, end| Some((run.started_at?, end)))),
    ..RUN_DURATION
};

/// From the moment a run was asked for to its end. One that was queued at 10:00 and ended at 10:12 took 720 s in all.
const TOTAL_TIME: Metric = Metric {
    name: "run_total_time",
    definition: "How long whoever asked for a run that ended in the range waited for its end.",
    formula: "finished - queued",
    rows: Rows::Each(|fact, context| row(fact, context, |run, end| Some((run.queued_at, end)))),
    ..RUN_DURATION
};

/// The time in which a run waited for approvals and other checks, each moment counted once. With checks from 10:03 to 10:06
/// and from 10:05 to 10:09 it waited 360 s.
const APPROVAL_TIME: Metric = Metric {
    name: "run_approval_time",
    definition: "How long runs that ended in the range waited for approvals and other checks; checks that overlap are counted once. Runs without checks have no row.",
    formula: "length of the union of [started, finished] of the run's checks",
    inputs: &[TIMELINES],
    rows: Rows::Each(approvals),
    ..RUN_DURATION
};

/// A row for a run that ended, from one instant to another.
fn row(
    fact: &Fact,
    context: &Context,
    span: fn(&Run, Timestamp) -> Option<(Timestamp, Timestamp)>,
) -> Vec<Row> {
    let Fact::Run(run, _) = fact else {
        return Vec::new();
    };
    let span = run.finished_at.and_then(|end| span(run, end));
    let row = span.and_then(|(from, to)| row_of(run, seconds(from, to), context));
    row.into_iter().collect()
}

fn row_of(run: &Run, value: f64, context: &Context) -> Option<Row> {
    let mut dimensions = dimensions_of(run, context);
    let result = run.result.as_ref().map(|result| name_of(result).to_owned());
    dimensions.extend(result.map(|result| (Dimension::Result, result)));
    Some(Row {
        at: run.finished_at?,
        value,
        dimensions,
        link: link_to(run),
        evidence: Vec::new(),
    })
}

fn approvals(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::Run(run, Some(timeline)) = fact else {
        return Vec::new();
    };
    let row = waited(timeline).and_then(|waited| row_of(run, waited, context));
    row.into_iter().collect()
}

/// The seconds in which at least one check was waited for; `None` if there was none.
fn waited(timeline: &Timeline) -> Option<f64> {
    let checks = timeline
        .records
        .iter()
        .filter(|record| is_check(&record.kind));
    union(checks.filter_map(span_of).collect())
}

#[cfg(test)]
mod tests {
    use model::record::run::TimelineKind;

    use super::*;
    use crate::samples::{at, context, record, run, values};

    #[test]
    fn a_run_waits_takes_time_and_both_together() {
        let fact = Fact::Run(Box::new(run("10:00", "10:02", "10:12")), None);
        let value = |metric: &Metric| values(metric, &fact);
        assert_eq!(value(&QUEUE_TIME), [120.0]);
        assert_eq!(value(&EXECUTION_TIME), [600.0]);
        assert_eq!(value(&TOTAL_TIME), [720.0]);
        assert_eq!(value(&APPROVAL_TIME), [] as [f64; 0]);
    }

    #[test]
    fn a_run_that_never_began_only_kept_someone_waiting() {
        let mut canceled = run("10:00", "10:02", "10:12");
        canceled.started_at = None;
        let fact = Fact::Run(Box::new(canceled), None);
        assert_eq!(values(&QUEUE_TIME, &fact), [] as [f64; 0]);
        assert_eq!(values(&EXECUTION_TIME, &fact), [] as [f64; 0]);
        assert_eq!(values(&TOTAL_TIME, &fact), [720.0]);
    }

    #[test]
    fn a_run_that_has_not_ended_has_no_row() {
        let mut open = run("10:00", "10:02", "10:12");
        open.finished_at = None;
        let fact = Fact::Run(Box::new(open), None);
        assert_eq!(values(&TOTAL_TIME, &fact), [] as [f64; 0]);
    }

    #[test]
    fn checks_that_overlap_are_waited_for_once() {
        let timeline = Timeline {
            records: vec![
                record(TimelineKind::Checkpoint, "a", "10:03", "10:06"),
                record(TimelineKind::Approval, "b", "10:05", "10:09"),
                record(TimelineKind::Approval, "c", "10:05", "10:06"),
                record(TimelineKind::Job, "d", "10:09", "10:12"),
            ],
            ..Timeline::default()
        };
        let fact = Fact::Run(Box::new(run("10:00", "10:02", "10:12")), Some(timeline));
        assert_eq!(values(&APPROVAL_TIME, &fact), [360.0]);
    }

    #[test]
    fn a_row_counts_when_the_run_ended_and_says_how() {
        let run = run("10:00", "10:02", "10:12");
        let found = row_of(&run, 1.0, &context()).unwrap();
        assert_eq!(found.at, at("2026-11-23T10:12:00Z"));
        assert_eq!(found.dimension(Dimension::Result), Some("failed"));
        assert_eq!(found.dimension(Dimension::Project), Some("Shop"));
        assert_eq!(found.dimension(Dimension::Branch), Some("main"));
        assert!(found.link.path().ends_with("/_build/results?buildId=17"));
    }
}
