//! Stages and jobs that fail and pass without anything having changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    ProjectId,
    record::{
        Run,
        run::{StepResult, TimelineKind, TimelineRecord},
    },
};

use super::{
    OF_RUNS, TIMELINES,
    activities::{Tree, label},
    dimensions_of, link_to,
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    use Dimension::{Job, Stage};
    [a, b, c, d, e, f, g, h, Stage, Job]
};

/// How many stages and jobs are flaky, and which share of them.
pub(crate) const METRICS: &[Metric] = &[FLAKY_STAGES, FLAKY_JOBS, STAGE_FLAKINESS, JOB_FLAKINESS];

/// Stages that failed and then passed on the same commit. One that failed at 10:00, and passed when it was retried at 10:20, is one.
const FLAKY_STAGES: Metric = Metric {
    name: "flaky_stages",
    definition: "How often a stage of a pipeline failed and later passed on the same commit, in another attempt or another run, counted when it passed for the first time after its failure; once for each commit. Timelines from Analytics tell no attempts, so there only other runs show it.",
    formula: "1 for each commit and stage that passed after it had failed",
    measure: Measure::Count,
    inputs: &[TIMELINES],
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::Table,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| flaky(facts, context, &TimelineKind::Stage),
    },
};

/// Jobs that failed and then passed on the same commit.
const FLAKY_JOBS: Metric = Metric {
    name: "flaky_jobs",
    definition: "How often a job of a pipeline failed and later passed on the same commit, in another attempt or another run, counted when it passed for the first time after its failure; once for each commit.",
    formula: "1 for each commit and job that passed after it had failed",
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| flaky(facts, context, &TimelineKind::Job),
    },
    ..FLAKY_STAGES
};

/// The share of commits on which a stage was flaky. Of four commits that a stage ran for, it failed and then passed on one: 0.25.
const STAGE_FLAKINESS: Metric = Metric {
    name: "stage_flakiness",
    definition: "On which share of the commits that a stage ran for it failed and later passed, counted when it last ended.",
    formula: "commits on which it passed after it had failed / commits that it ran for",
    measure: Measure::Share,
    form: Form::Bar,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| shares(facts, context, &TimelineKind::Stage),
    },
    ..FLAKY_STAGES
};

/// The share of commits on which a job was flaky.
const JOB_FLAKINESS: Metric = Metric {
    name: "job_flakiness",
    definition: "On which share of the commits that a job ran for it failed and later passed, counted when it last ended.",
    formula: "commits on which it passed after it had failed / commits that it ran for",
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| shares(facts, context, &TimelineKind::Job),
    },
    ..STAGE_FLAKINESS
};

/// A run with its stages, phases and jobs alone: steps are most of a timeline, and all runs are in memory together.
fn slim(fact: Fact, _: &Context) -> Option<Fact> {
    let Fact::Run(run, Some(mut timeline)) = fact else {
        return None;
    };
    let is_wanted = |kind: &TimelineKind| {
        matches!(
            kind,
            TimelineKind::Stage | TimelineKind::Phase | TimelineKind::Job
        )
    };
    timeline.records.retain(|record| is_wanted(&record.kind));
    Some(Fact::Run(run, Some(timeline)))
}

/// What ran for which commit: the pipeline, the commit, the stage and the job.
type Subject<'a> = (ProjectId, u64, &'a str, Option<String>, Option<String>);

/// One time that it ran: when it ended, in which run, and whether it passed.
type Outcome<'a> = (Timestamp, u64, bool, &'a Run);

fn outcomes<'a>(facts: &'a [Fact], kind: &TimelineKind) -> BTreeMap<Subject<'a>, Vec<Outcome<'a>>> {
    let mut found: BTreeMap<Subject<'_>, Vec<Outcome<'_>>> = BTreeMap::new();
    for fact in facts {
        let Fact::Run(run, Some(timeline)) = fact else {
            continue;
        };
        let Some(commit) = run.source_version.as_deref() else {
            continue;
        };
        let tree = Tree::new(timeline);
        for record in timeline.records.iter().filter(|own| own.kind == *kind) {
            let (Some(at), Some(passed)) = (record.finished_at, passed(record)) else {
                continue;
            };
            let stage = tree.nearest(record, &TimelineKind::Stage).and_then(label);
            let job = (*kind == TimelineKind::Job)
                .then(|| label(record))
                .flatten();
            let subject = (run.project, run.pipeline.id, commit, stage, job);
            found
                .entry(subject)
                .or_default()
                .push((at, run.id, passed, run));
        }
    }
    for own in found.values_mut() {
        own.sort_unstable_by_key(|(at, id, passed, _)| (*at, *id, *passed));
    }
    found
}

fn passed(record: &TimelineRecord) -> Option<bool> {
    match record.result.as_ref()? {
        StepResult::Succeeded | StepResult::SucceededWithIssues => Some(true),
        StepResult::Failed => Some(false),
        _ => None,
    }
}

/// The first time that it passed after it had failed.
fn recovery<'a>(outcomes: &[Outcome<'a>]) -> Option<Outcome<'a>> {
    let mut later = outcomes.iter().skip_while(|(_, _, passed, _)| *passed);
    later.find(|(_, _, passed, _)| *passed).copied()
}

fn flaky(facts: &[Fact], context: &Context, kind: &TimelineKind) -> Vec<Row> {
    let found = outcomes(facts, kind).into_iter();
    let rows = found.filter_map(|(subject, outcomes)| {
        let (at, _, _, run) = recovery(&outcomes)?;
        Some(row(&subject, run, (at, 1.0), context))
    });
    rows.collect()
}

fn shares(facts: &[Fact], context: &Context, kind: &TimelineKind) -> Vec<Row> {
    let found = outcomes(facts, kind).into_iter();
    let rows = found.filter_map(|(subject, outcomes)| {
        let (at, _, _, run) = *outcomes.last()?;
        let is_flaky = recovery(&outcomes).is_some();
        Some(row(
            &subject,
            run,
            (at, f64::from(u8::from(is_flaky))),
            context,
        ))
    });
    rows.collect()
}

fn row(
    (_, _, _, stage, job): &Subject<'_>,
    run: &Run,
    (at, value): (Timestamp, f64),
    context: &Context,
) -> Row {
    let mut dimensions = dimensions_of(run, context);
    dimensions.extend(stage.clone().map(|stage| (Dimension::Stage, stage)));
    dimensions.extend(job.clone().map(|job| (Dimension::Job, job)));
    Row {
        at,
        value,
        dimensions,
        link: link_to(run),
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::record::Timeline;

    use super::*;
    use crate::samples::{clock, context, record, rows, run};

    fn ran(id: u64, commit: &str, attempts: &[(StepResult, &str)]) -> Fact {
        let records = (1..).zip(attempts).map(|(attempt, (result, ended))| {
            let mut stage = record(TimelineKind::Stage, "Deploy", "10:00", ended);
            stage.attempt = attempt;
            stage.result = Some(result.clone());
            stage
        });
        let timeline = Timeline {
            records: records.collect(),
            ..Timeline::default()
        };
        let run = Run {
            id,
            source_version: Some(commit.to_owned()),
            ..run("10:00", "10:00", "11:00")
        };
        Fact::Run(Box::new(run), Some(timeline))
    }

    fn found(metric: &Metric, facts: &[Fact]) -> Vec<(f64, Timestamp)> {
        let rows = rows(metric, facts, &context());
        rows.into_iter().map(|row| (row.value, row.at)).collect()
    }

    use StepResult::{Failed, Skipped, Succeeded};

    #[test]
    fn a_retry_that_passes_shows_that_a_stage_is_flaky() {
        let facts = [ran(
            1,
            "c0",
            &[
                (Failed, "10:10"),
                (Succeeded, "10:20"),
                (Succeeded, "10:30"),
            ],
        )];
        assert_eq!(found(&FLAKY_STAGES, &facts), [(1.0, clock("10:20"))]);
        assert_eq!(found(&FLAKY_JOBS, &facts), []);
        let rows = rows(&FLAKY_STAGES, &facts, &context());
        assert_eq!(rows[0].dimension(Dimension::Stage), Some("Deploy"));
    }

    #[test]
    fn so_does_another_run_of_the_same_commit_but_not_of_another() {
        let failed = ran(1, "c0", &[(Failed, "10:10")]);
        let passed = ran(2, "c0", &[(Succeeded, "10:20")]);
        let other = ran(3, "c1", &[(Succeeded, "10:20")]);
        assert_eq!(found(&FLAKY_STAGES, &[passed, failed.clone()]).len(), 1);
        assert_eq!(found(&FLAKY_STAGES, &[failed, other]), []);
    }

    #[test]
    fn what_passed_and_then_failed_is_broken_and_not_flaky() {
        let facts = [ran(
            1,
            "c0",
            &[(Succeeded, "10:10"), (Failed, "10:20"), (Skipped, "10:30")],
        )];
        assert_eq!(found(&FLAKY_STAGES, &facts), []);
    }

    #[test]
    fn one_of_four_commits_is_a_quarter() {
        let facts = [
            ran(1, "c0", &[(Failed, "10:10"), (Succeeded, "10:20")]),
            ran(2, "c1", &[(Succeeded, "10:21")]),
            ran(3, "c2", &[(Failed, "10:22")]),
            ran(4, "c3", &[(Succeeded, "10:23")]),
        ];
        let mut shares = found(&STAGE_FLAKINESS, &facts);
        shares.sort_by_key(|(_, at)| *at);
        let values: Vec<f64> = shares.iter().map(|(value, _)| *value).collect();
        assert_eq!(values, [1.0, 0.0, 0.0, 0.0]);
    }
}
