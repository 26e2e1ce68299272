//! How long stages, jobs and steps wait and take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::record::run::{TimelineKind, TimelineRecord};

use super::{
    OF_RUNS, TIMELINES,
    activities::{Tree, is_check, label, name_of, span_of, union},
    dimensions_of, link_to,
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, seconds};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    use Dimension::{Agent, Attempt, Job, Result, Stage, Step};
    [
        a, b, c, d, e, f, g, h, Result, Stage, Job, Step, Agent, Attempt,
    ]
};

/// Time of stages, of their approvals, of jobs, of jobs before they got an agent, and of steps.
pub(crate) const METRICS: &[Metric] = &[
    STAGE_TIME,
    STAGE_APPROVAL_TIME,
    JOB_TIME,
    JOB_QUEUE_TIME,
    STEP_TIME,
];

const ACTIVITY_DURATION: Metric = Metric {
    name: "",
    definition: "",
    formula: "",
    measure: Measure::Duration,
    inputs: &[TIMELINES],
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::Bar,
    rows: Rows::Each(|_, _| Vec::new()),
};

/// From a stage's beginning to its end. A stage that ran from 10:02 to 10:12 took 600 s; if its approval was waited for from
/// 10:02 to 10:05 in that, it still took 600 s, and `stage_approval_time` tells the 180 s.
const STAGE_TIME: Metric = Metric {
    name: "stage_duration",
    definition: "How long stages that ended in the range took, their checks included. Each attempt is a row; skipped stages have none. Classic pipelines have no stages.",
    formula: "finished - started",
    rows: Rows::Each(|fact, context| rows(fact, context, &TimelineKind::Stage, span_of)),
    ..ACTIVITY_DURATION
};

/// The time in which a stage waited for its approvals and other checks, each moment counted once. With a check from 10:02 to
/// 10:04 and one from 10:03 to 10:05 it waited 180 s.
const STAGE_APPROVAL_TIME: Metric = Metric {
    name: "stage_approval_time",
    definition: "How long stages waited for approvals and other checks, counted when the last of them ended; checks that overlap are counted once. Stages without checks have no row.",
    formula: "length of the union of [started, finished] of the stage's checks",
    rows: Rows::Each(approvals),
    ..ACTIVITY_DURATION
};

/// From a job's beginning on its agent to its end. A job that ran from 10:05 to 10:12 took 420 s.
const JOB_TIME: Metric = Metric {
    name: "job_duration",
    definition: "How long jobs that ended in the range took on their agent. Each attempt is a row; skipped jobs have none.",
    formula: "finished - started",
    rows: Rows::Each(|fact, context| rows(fact, context, &TimelineKind::Job, span_of)),
    ..ACTIVITY_DURATION
};

/// From the moment a job could have run to the moment an agent took it. A job whose phase began at 10:04 and that began at
/// 10:05 waited 60 s.
const JOB_QUEUE_TIME: Metric = Metric {
    name: "job_queue_time",
    definition: "How long jobs that ended in the range had waited for an agent. Where it is not known since when they waited, there is no row: timelines from Analytics do not tell.",
    formula: "started - waiting since",
    rows: Rows::Each(|fact, context| rows(fact, context, &TimelineKind::Job, waiting)),
    ..ACTIVITY_DURATION
};

/// From a step's beginning to its end. A step that ran from 10:05:00 to 10:05:30 took 30 s.
const STEP_TIME: Metric = Metric {
    name: "step_duration",
    definition: "How long steps (tasks of jobs) that ended in the range took. Each attempt is a row; skipped steps have none.",
    formula: "finished - started",
    rows: Rows::Each(|fact, context| rows(fact, context, &TimelineKind::Task, span_of)),
    ..ACTIVITY_DURATION
};

type Span = fn(&TimelineRecord) -> Option<(Timestamp, Timestamp)>;

fn waiting(record: &TimelineRecord) -> Option<(Timestamp, Timestamp)> {
    record.finished_at?;
    Some((record.waiting_since?, record.started_at?))
}

/// A row for each record of one kind that ended.
fn rows(fact: &Fact, context: &Context, kind: &TimelineKind, span: Span) -> Vec<Row> {
    let Fact::Run(run, Some(timeline)) = fact else {
        return Vec::new();
    };
    let tree = Tree::new(timeline);
    let of_run = dimensions_of(run, context);
    let records = timeline
        .records
        .iter()
        .filter(|record| record.kind == *kind);
    let row = |record: &TimelineRecord| {
        let (from, to) = span(record)?;
        let mut dimensions = of_run.clone();
        dimensions.extend(dimensions_of_activity(&tree, record));
        Some(Row {
            at: record.finished_at?,
            value: seconds(from, to),
            dimensions,
            link: link_to(run),
            evidence: Vec::new(),
        })
    };
    records.filter_map(row).collect()
}

/// A row for each attempt of a stage that had checks.
fn approvals(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::Run(run, Some(timeline)) = fact else {
        return Vec::new();
    };
    let tree = Tree::new(timeline);
    let mut by_stage: BTreeMap<&str, (&TimelineRecord, Vec<_>)> = BTreeMap::new();
    for check in timeline
        .records
        .iter()
        .filter(|record| is_check(&record.kind))
    {
        let stage = tree.nearest(check, &TimelineKind::Stage);
        if let (Some(stage), Some(span)) = (stage, span_of(check)) {
            let entry = by_stage
                .entry(&stage.id)
                .or_insert_with(|| (stage, Vec::new()));
            entry.1.push(span);
        }
    }
    let of_run = dimensions_of(run, context);
    let row = |(stage, spans): (&TimelineRecord, Vec<(Timestamp, Timestamp)>)| {
        let mut dimensions = of_run.clone();
        dimensions.extend(dimensions_of_activity(&tree, stage));
        Some(Row {
            at: spans.iter().map(|(_, finish)| *finish).max()?,
            value: union(spans)?,
            dimensions,
            link: link_to(run),
            evidence: Vec::new(),
        })
    };
    by_stage.into_values().filter_map(row).collect()
}

/// What it is and what it is a part of.
fn dimensions_of_activity<'a>(
    tree: &Tree<'a>,
    record: &'a TimelineRecord,
) -> impl Iterator<Item = (Dimension, String)> {
    let above = |kind| tree.nearest(record, &kind);
    let job = above(TimelineKind::Job);
    let step = (record.kind == TimelineKind::Task).then_some(record);
    let values = [
        (
            Dimension::Result,
            record
                .result
                .as_ref()
                .map(|result| name_of(result).to_owned()),
        ),
        (Dimension::Stage, above(TimelineKind::Stage).and_then(label)),
        (Dimension::Job, job.and_then(label)),
        (Dimension::Step, step.and_then(label)),
        (Dimension::Agent, job.and_then(|job| job.worker.clone())),
        (Dimension::Attempt, Some(record.attempt.to_string())),
    ];
    values
        .into_iter()
        .filter_map(|(dimension, value)| Some((dimension, value?)))
}

#[cfg(test)]
mod tests {
    use model::record::{Timeline, run::StepResult};

    use super::*;
    use crate::samples::{context, record, run, values};

    fn deploy() -> Fact {
        let below = |parent: &str, mut record: TimelineRecord| {
            record.parent = Some(parent.into());
            record
        };
        let mut job = below("stage", record(TimelineKind::Job, "job", "10:05", "10:12"));
        job.waiting_since = Some(crate::samples::at("2026-11-23T10:04:00Z"));
        job.worker = Some("agent 3".into());
        let mut skipped = record(TimelineKind::Stage, "later", "10:12", "10:12");
        (skipped.started_at, skipped.finished_at) = (None, None);
        skipped.result = Some(StepResult::Skipped);
        let records = vec![
            record(TimelineKind::Stage, "stage", "10:02", "10:12"),
            below(
                "stage",
                record(TimelineKind::Checkpoint, "check", "10:02", "10:05"),
            ),
            job,
            below("job", record(TimelineKind::Task, "step", "10:05", "10:06")),
            skipped,
        ];
        let timeline = Timeline {
            records,
            ..Timeline::default()
        };
        Fact::Run(Box::new(run("10:00", "10:02", "10:12")), Some(timeline))
    }

    #[test]
    fn a_stage_its_approval_its_job_and_its_step_take_time() {
        assert_eq!(values(&STAGE_TIME, &deploy()), [600.0]);
        assert_eq!(values(&STAGE_APPROVAL_TIME, &deploy()), [180.0]);
        assert_eq!(values(&JOB_TIME, &deploy()), [420.0]);
        assert_eq!(values(&JOB_QUEUE_TIME, &deploy()), [60.0]);
        assert_eq!(values(&STEP_TIME, &deploy()), [60.0]);
    }

    #[test]
    fn a_step_knows_its_job_its_stage_and_its_agent() {
        let found = rows(&deploy(), &context(), &TimelineKind::Task, span_of);
        let of = |dimension| found[0].dimension(dimension);
        assert_eq!(of(Dimension::Step), Some("step"));
        assert_eq!(of(Dimension::Job), Some("job"));
        assert_eq!(of(Dimension::Stage), Some("stage"));
        assert_eq!(of(Dimension::Agent), Some("agent 3"));
        assert_eq!(of(Dimension::Result), Some("succeeded"));
        assert_eq!(of(Dimension::Attempt), Some("1"));
    }

    #[test]
    fn every_dimension_of_a_row_is_announced() {
        for metric in METRICS {
            for row in crate::samples::rows(metric, &[deploy()], &context()) {
                assert!(
                    row.dimensions
                        .iter()
                        .all(|(own, _)| metric.dimensions.contains(own))
                );
            }
        }
    }
}
