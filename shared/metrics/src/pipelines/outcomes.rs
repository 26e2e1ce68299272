//! How many runs and stages there were, and how many of them passed.

use std::collections::BTreeMap;

use model::record::{
    Timeline,
    run::{RunResult, StepResult, TimelineKind, TimelineRecord},
};

use super::{OF_RUNS, RUNS, TIMELINES, activities, dimensions_of, link_to, name_of};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows};

const OF_RUN: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    [a, b, c, d, e, f, g, h, Dimension::Result]
};

const OF_STAGE: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    use Dimension::{Attempt, Result, Stage};
    [a, b, c, d, e, f, g, h, Result, Stage, Attempt]
};

/// Counts and success rates of runs and of stages.
pub(crate) const METRICS: &[Metric] =
    &[RUN_COUNT, RUN_SUCCESS_RATE, STAGE_COUNT, STAGE_SUCCESS_RATE];

/// Runs that ended. Three that ended yesterday, one of them canceled, are 3; grouped by `result` the canceled one stands by
/// itself.
const RUN_COUNT: Metric = Metric {
    name: "run_count",
    definition: "How many runs ended in the range, whatever their result.",
    formula: "1 for each run",
    measure: Measure::Count,
    inputs: &[RUNS],
    dimensions: OF_RUN,
    settings: &[],
    form: Form::Bar,
    rows: Rows::Each(|fact, context| of_run(fact, context, |_| Some(1.0))),
};

/// The share of runs that succeeded wholly. Of two that succeeded, one that failed, one that succeeded partially and one that
/// was canceled it is 2 of 4.
const RUN_SUCCESS_RATE: Metric = Metric {
    name: "run_success_rate",
    definition: "Which share of the runs that ended in the range succeeded. Partially succeeded is not succeeded; canceled runs, which prove nothing, and runs without a known result do not count.",
    formula: "1 if succeeded, 0 if failed or partially succeeded",
    measure: Measure::Share,
    rows: Rows::Each(|fact, context| of_run(fact, context, run_passed)),
    ..RUN_COUNT
};

/// Stages as they stood when their run had ended. A stage that failed and passed when it was retried is one stage that
/// succeeded, in attempt 2.
const STAGE_COUNT: Metric = Metric {
    name: "stage_count",
    definition: "How many stages the runs had that ended in the range, each once, with the result of its newest attempt; skipped stages have the result `skipped`. Timelines from Analytics do not tell which stages were skipped.",
    formula: "1 for each stage of a run",
    measure: Measure::Count,
    inputs: &[TIMELINES],
    dimensions: OF_STAGE,
    settings: &[],
    form: Form::Bar,
    rows: Rows::Each(|fact, context| of_stages(fact, context, |_| Some(1.0))),
};

/// The share of stages that passed in their newest attempt. Of one that succeeded, one that succeeded with issues, one that
/// failed, one that was skipped and one that was canceled it is 2 of 3.
const STAGE_SUCCESS_RATE: Metric = Metric {
    name: "stage_success_rate",
    definition: "Which share of the stages passed that were run, by their newest attempt, in runs that ended in the range. Skipped is not success: skipped and canceled stages do not count.",
    formula: "1 if succeeded, with issues or without; 0 if failed or abandoned",
    measure: Measure::Share,
    rows: Rows::Each(|fact, context| of_stages(fact, context, stage_passed)),
    ..STAGE_COUNT
};

fn run_passed(result: Option<&RunResult>) -> Option<f64> {
    match result? {
        RunResult::Succeeded => Some(1.0),
        RunResult::PartiallySucceeded | RunResult::Failed => Some(0.0),
        RunResult::Canceled | RunResult::None | RunResult::Unknown(_) => None,
    }
}

fn stage_passed(result: Option<&StepResult>) -> Option<f64> {
    match result? {
        StepResult::Succeeded | StepResult::SucceededWithIssues => Some(1.0),
        StepResult::Failed | StepResult::Abandoned => Some(0.0),
        StepResult::Canceled | StepResult::Skipped | StepResult::Unknown(_) => None,
    }
}

fn of_run(
    fact: &Fact,
    context: &Context,
    value: fn(Option<&RunResult>) -> Option<f64>,
) -> Vec<Row> {
    let Fact::Run(run, _) = fact else {
        return Vec::new();
    };
    let (Some(at), Some(value)) = (run.finished_at, value(run.result.as_ref())) else {
        return Vec::new();
    };
    let mut dimensions = dimensions_of(run, context);
    let result = run.result.as_ref();
    dimensions.extend(result.map(|result| (Dimension::Result, name_of(result).to_owned())));
    let link = link_to(run);
    vec![Row {
        at,
        value,
        dimensions,
        link,
        evidence: Vec::new(),
    }]
}

fn of_stages(
    fact: &Fact,
    context: &Context,
    value: fn(Option<&StepResult>) -> Option<f64>,
) -> Vec<Row> {
    let Fact::Run(run, Some(timeline)) = fact else {
        return Vec::new();
    };
    let Some(at) = run.finished_at else {
        return Vec::new();
    };
    let of_run = dimensions_of(run, context);
    let tree = activities::Tree::new(timeline);
    let row = |(name, stage): (String, &TimelineRecord)| {
        let value = value(stage.result.as_ref())?;
        let mut dimensions = of_run.clone();
        let result = match &stage.result {
            Some(result) => Some(activities::name_of(result)),
            None => waits_for_approval(&tree, timeline, stage).then_some("waiting_for_approval"),
        };
        dimensions.extend(result.map(|result| (Dimension::Result, result.to_owned())));
        dimensions.push((Dimension::Stage, name));
        dimensions.push((Dimension::Attempt, stage.attempt.to_string()));
        let link = link_to(run);
        Some(Row {
            at,
            value,
            dimensions,
            link,
            evidence: Vec::new(),
        })
    };
    newest(timeline).into_iter().filter_map(row).collect()
}

/// Whether a check of the stage has begun and not ended.
fn waits_for_approval(
    tree: &activities::Tree<'_>,
    timeline: &Timeline,
    stage: &TimelineRecord,
) -> bool {
    let mut checks = timeline
        .records
        .iter()
        .filter(|own| activities::is_check(&own.kind));
    checks.any(|check| {
        let own = tree.nearest(check, &TimelineKind::Stage);
        own.is_some_and(|own| own.id == stage.id)
            && check.started_at.is_some()
            && check.finished_at.is_none()
    })
}

/// The newest attempt of each stage, by its name.
fn newest(timeline: &Timeline) -> BTreeMap<String, &TimelineRecord> {
    let mut newest: BTreeMap<String, &TimelineRecord> = BTreeMap::new();
    let records = timeline.records.iter();
    for stage in records.filter(|record| record.kind == TimelineKind::Stage) {
        let name = activities::label(stage).unwrap_or_else(|| stage.id.clone());
        let known = newest.entry(name).or_insert(stage);
        if known.attempt < stage.attempt {
            *known = stage;
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{context, record, run, values};

    fn ended(result: RunResult) -> Fact {
        let mut run = run("10:00", "10:02", "10:12");
        run.result = Some(result);
        Fact::Run(Box::new(run), None)
    }

    fn stages(of: &[(&str, u32, StepResult)]) -> Fact {
        let records = of.iter().map(|(name, attempt, result)| {
            let mut stage = record(TimelineKind::Stage, name, "10:02", "10:12");
            stage.attempt = *attempt;
            stage.result = Some(result.clone());
            stage
        });
        let timeline = Timeline {
            records: records.collect(),
            ..Timeline::default()
        };
        Fact::Run(Box::new(run("10:00", "10:02", "10:12")), Some(timeline))
    }

    #[test]
    fn two_of_four_runs_succeeded_and_the_canceled_one_does_not_count() {
        use RunResult::{Canceled, Failed, PartiallySucceeded, Succeeded};
        let runs = [Succeeded, Failed, Succeeded, PartiallySucceeded, Canceled].map(ended);
        let all =
            |metric| -> Vec<f64> { runs.iter().flat_map(|run| values(metric, run)).collect() };
        assert_eq!(all(&RUN_COUNT).len(), 5);
        assert_eq!(all(&RUN_SUCCESS_RATE), [1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn two_of_three_stages_passed_and_skipped_is_not_success() {
        let found = stages(&[
            ("a", 1, StepResult::Succeeded),
            ("b", 1, StepResult::SucceededWithIssues),
            ("c", 1, StepResult::Failed),
            ("d", 1, StepResult::Skipped),
            ("e", 1, StepResult::Canceled),
        ]);
        assert_eq!(values(&STAGE_SUCCESS_RATE, &found), [1.0, 1.0, 0.0]);
        assert_eq!(values(&STAGE_COUNT, &found).len(), 5);
    }

    #[test]
    fn a_stage_that_waits_for_an_approval_says_so() {
        let Fact::Run(run, Some(mut timeline)) = stages(&[("a", 1, StepResult::Succeeded)]) else {
            unreachable!()
        };
        let mut check = record(TimelineKind::Checkpoint, "check", "10:03", "10:04");
        check.parent = Some("a".into());
        check.finished_at = None;
        timeline.records[0].result = None;
        timeline.records.push(check);
        let found = of_stages(&Fact::Run(run, Some(timeline)), &context(), |_| Some(1.0));
        assert_eq!(
            found[0].dimension(Dimension::Result),
            Some("waiting_for_approval")
        );
    }

    #[test]
    fn a_stage_that_was_retried_is_one_stage_in_whatever_order_it_is_told() {
        let mut attempts = [
            ("a", 1, StepResult::Failed),
            ("a", 2, StepResult::Succeeded),
        ];
        for _ in 0..2 {
            assert_eq!(values(&STAGE_SUCCESS_RATE, &stages(&attempts)), [1.0]);
            attempts.reverse();
        }
        let rows = of_stages(&stages(&attempts), &context(), stage_passed);
        assert_eq!(rows[0].dimension(Dimension::Attempt), Some("2"));
    }
}
