//! Deployments, their frequency, the rate of failures, and the time to restore.

use model::record::run::TimelineKind;

use super::{
    failures::{Outcome, outcomes},
    rule::{BRANCH, CHOICE, FAILURE, HOTFIX, INPUTS, LABEL, PIPELINE, PLACE, SOURCE, TYPE},
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, Setting, seconds};

/// What is deployed, how often, how well, and how fast failures are mended.
pub(crate) const METRICS: &[Metric] = &[
    DEPLOYMENTS,
    DEPLOYMENT_FREQUENCY,
    CHANGE_FAILURE_RATE,
    TIME_TO_RESTORE,
];

const DIMENSIONS: &[Dimension] = &[
    Dimension::Project,
    Dimension::Pipeline,
    Dimension::Repository,
    Dimension::Branch,
    Dimension::Environment,
    Dimension::Type,
    Dimension::Area,
    Dimension::Result,
];

const WITH_FAILURE: &[Setting] = &[
    SOURCE, PLACE, PIPELINE, BRANCH, LABEL, TYPE, FAILURE, HOTFIX,
];

/// Every attempt to deploy: what a rule chooses, to be looked at before numbers are believed. Of one that succeeded, one that
/// failed and one that was refused before its work it is 2.
const DEPLOYMENTS: Metric = Metric {
    name: "deployment_count",
    definition: "How many attempts to deploy ended in the range, by the rule that the settings make; `result` is `succeeded` or `failed`. Its rows are the preview of a rule. What was refused or canceled before it was there is no attempt; jobs of one stage of a run that deploy to the same environment are one.",
    formula: "1 for each attempt",
    measure: Measure::Count,
    inputs: &INPUTS,
    dimensions: DIMENSIONS,
    settings: WITH_FAILURE,
    form: Form::StackedBar,
    rows: Rows::Joined {
        keep: |fact, _| Some(slim(fact)),
        rows: |facts, context| each(facts, context, |own| Some(row(own, 1.0))),
    },
};

/// Deployments that got there, for each day. 24 in 91 days are 0.264.
const DEPLOYMENT_FREQUENCY: Metric = Metric {
    name: "deployment_frequency",
    definition: "How many deployments a day got where they were to go, by the rule that the settings make: their number, divided by all days of the range. One that failed later by another sign than its result was there, and counts.",
    formula: "deployments that succeeded / days of the range",
    measure: Measure::Frequency,
    settings: &CHOICE,
    form: Form::Bar,
    rows: Rows::Joined {
        keep: |fact, _| Some(slim(fact)),
        rows: |facts, context| {
            each(facts, context, |own| {
                own.attempt.succeeded.then(|| row(own, 1.0))
            })
        },
    },
    ..DEPLOYMENTS
};

/// The share of attempts that failed. Of three that succeeded and one that failed it is 0.25; if one of the three was rolled
/// back and `failure` has `rollback`, too, it is 0.5.
const CHANGE_FAILURE_RATE: Metric = Metric {
    name: "change_failure_rate",
    definition: "Which share of the attempts to deploy failed that ended in the range, by the rules that the settings make. Failures and deployments are the same things, so that the rate is never above 1. A failure that shows later counts when its deployment ended.",
    formula: "1 if it failed, 0 if not",
    measure: Measure::Share,
    form: Form::Line,
    rows: Rows::Joined {
        keep: |fact, _| Some(slim(fact)),
        rows: |facts, context| {
            each(facts, context, |own| {
                Some(row(own, f64::from(u8::from(own.failure.is_some()))))
            })
        },
    },
    ..DEPLOYMENTS
};

/// From a failure to the next deployment to the same place that did not fail. One that failed at 10:00, failed again at 10:30
/// and succeeded at 11:30 took 5400 s, once.
const TIME_TO_RESTORE: Metric = Metric {
    name: "time_to_restore",
    definition: "How long it took from a failed deployment to the next one to the same place that did not fail, for those that were restored in the range. Failures in a row are one, from the first of them on. What has not been restored yet has no row.",
    formula: "restored - failed",
    measure: Measure::Duration,
    form: Form::Line,
    rows: Rows::Joined {
        keep: |fact, _| Some(slim(fact)),
        rows: |facts, context| each(facts, context, restored),
    },
    ..DEPLOYMENTS
};

/// What of a record deployments are read from: of a timeline its stages, of a push its tags.
fn slim(fact: Fact) -> Fact {
    match fact {
        Fact::Run(own, timeline) => {
            let stages = timeline.map(|mut timeline| {
                let records = &mut timeline.records;
                records.retain(|record| record.kind == TimelineKind::Stage);
                timeline
            });
            Fact::Run(own, stages)
        }
        Fact::Push(mut own) => {
            let moved = &mut own.ref_updates;
            moved.retain(|moved| moved.name.starts_with("refs/tags/"));
            Fact::Push(own)
        }
        other => other,
    }
}

fn each(facts: &[Fact], context: &Context, value: fn(&Outcome) -> Option<Row>) -> Vec<Row> {
    outcomes(facts, context).iter().filter_map(value).collect()
}

fn row(own: &Outcome, value: f64) -> Row {
    let mut dimensions = own.attempt.dimensions.clone();
    let result = if own.failure.is_some() || !own.attempt.succeeded {
        "failed"
    } else {
        "succeeded"
    };
    dimensions.push((Dimension::Result, result.to_owned()));
    Row {
        at: own.attempt.at,
        value,
        dimensions,
        link: own.attempt.link.clone(),
        evidence: own
            .failure
            .iter()
            .chain(&own.restored_by)
            .cloned()
            .collect(),
    }
}

fn restored(own: &Outcome) -> Option<Row> {
    let at = own.restored_by.as_ref()?.at?;
    let value = seconds(own.attempt.at, at);
    (!own.continues).then(|| Row {
        at,
        ..row(own, value)
    })
}

#[cfg(test)]
mod tests {
    use model::record::deployment::DeploymentStatus;

    use super::*;
    use crate::samples::{clock, context, environment_job, release, rows};

    fn asked(choices: &[(&Setting, &str)]) -> Context {
        let mut asked = context();
        for (setting, value) in choices {
            asked.settings.choose(setting, value).unwrap();
        }
        asked
    }

    fn values(metric: &Metric, facts: &[Fact], asked: &Context) -> Vec<f64> {
        let mut rows = rows(metric, facts, asked);
        rows.sort_by_key(|row| row.at);
        rows.into_iter().map(|row| row.value).collect()
    }

    const FAILED: DeploymentStatus = DeploymentStatus::Failed;
    const SUCCEEDED: DeploymentStatus = DeploymentStatus::Succeeded;

    #[test]
    fn failures_in_a_row_are_restored_once_by_the_next_that_succeeds() {
        let facts = [
            release(1, "09:00", SUCCEEDED),
            release(2, "10:00", FAILED),
            release(2, "10:30", FAILED),
            release(3, "11:30", SUCCEEDED),
            release(4, "12:00", FAILED),
        ];
        let found = rows(&TIME_TO_RESTORE, &facts, &context());
        assert_eq!(found.len(), 1, "the last one is not restored yet");
        assert_eq!((found[0].value, found[0].at), (5_400.0, clock("11:30")));
        assert_eq!(found[0].evidence[1].role, "restored by");
        let rate = values(&CHANGE_FAILURE_RATE, &facts, &context());
        assert_eq!(rate, [0.0, 1.0, 1.0, 0.0, 1.0]);
        assert_eq!(values(&DEPLOYMENT_FREQUENCY, &facts, &context()).len(), 2);
        assert_eq!(values(&DEPLOYMENTS, &facts, &context()).len(), 5);
    }

    #[test]
    fn a_rollback_tells_that_the_deployment_before_failed() {
        let facts = [
            release(7, "09:00", SUCCEEDED),
            release(8, "10:00", SUCCEEDED),
            release(7, "10:45", SUCCEEDED),
            release(9, "12:00", FAILED),
        ];
        let rollback = asked(&[(&FAILURE, "rollback")]);
        assert_eq!(
            values(&CHANGE_FAILURE_RATE, &facts, &rollback),
            [0.0, 1.0, 0.0, 0.0]
        );
        assert_eq!(values(&TIME_TO_RESTORE, &facts, &rollback), [2_700.0]);
        let both = asked(&[(&FAILURE, "rollback"), (&FAILURE, "result")]);
        assert_eq!(
            values(&CHANGE_FAILURE_RATE, &facts, &both),
            [0.0, 1.0, 0.0, 1.0]
        );
        let result = values(&CHANGE_FAILURE_RATE, &facts, &context());
        assert_eq!(result, [0.0, 0.0, 0.0, 1.0], "unless it is asked for");
    }

    #[test]
    fn jobs_of_one_stage_are_one_deployment() {
        let facts = [
            environment_job(1, 50, "web", "10:10", true),
            environment_job(2, 50, "api", "10:20", false),
            environment_job(3, 51, "web", "11:10", true),
            environment_job(4, 51, "api", "11:20", true),
        ];
        let asked = asked(&[(&PLACE, "")]);
        let found = rows(&DEPLOYMENTS, &facts, &asked);
        let results: Vec<_> = found
            .iter()
            .map(|row| row.dimension(Dimension::Result))
            .collect();
        assert_eq!(results, [Some("succeeded"), Some("failed")]);
        assert_eq!(values(&TIME_TO_RESTORE, &facts, &asked), [3_600.0]);
        let path = found[0].link.path();
        assert!(path.ends_with("buildId=51"), "{path}");
    }

    #[test]
    fn other_places_and_what_was_never_there_do_not_count() {
        let facts = [
            release(1, "09:00", SUCCEEDED),
            release(2, "10:00", DeploymentStatus::NotDeployed),
        ];
        assert_eq!(values(&DEPLOYMENTS, &facts, &context()), [1.0]);
        assert!(values(&DEPLOYMENTS, &facts, &asked(&[(&PLACE, "test")])).is_empty());
        assert!(values(&DEPLOYMENTS, &facts, &asked(&[(&SOURCE, "runs")])).is_empty());
    }

    #[test]
    fn the_order_of_records_does_not_matter() {
        let mut facts = vec![
            release(8, "10:00", FAILED),
            release(7, "09:00", SUCCEEDED),
            release(9, "12:00", SUCCEEDED),
            environment_job(1, 50, "web", "10:10", true),
        ];
        let sorted = |facts: &[Fact], metric| {
            let mut rows = rows(metric, facts, &context());
            rows.sort_by(|a, b| (a.at, &a.link).cmp(&(b.at, &b.link)));
            rows
        };
        for metric in METRICS {
            let found = sorted(&facts, metric);
            for _ in 0..facts.len() {
                facts.rotate_left(1);
                assert_eq!(sorted(&facts, metric), found, "{}", metric.name);
            }
        }
    }
}
