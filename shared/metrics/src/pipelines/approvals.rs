//! What waits, or waited, for somebody's word.

use jiff::Timestamp;
use model::{
    Kind,
    record::{
        Deployment, Run, Timeline,
        deployment::{ApprovalStatus, ReleaseApproval},
        run::{TimelineKind, TimelineRecord},
    },
};

use super::{
    OF_RUNS, TIMELINES,
    activities::{Tree, label, name_of},
    dimensions_of, link_to, seconds,
};
use crate::{Context, Dimension, Fact, Form, Input, Link, Measure, Metric, Reach, Row, Rows};

/// How long approvals took, and which wait at a time.
pub(crate) const METRICS: &[Metric] = &[APPROVAL_TIME, APPROVALS_WAITING];

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h] = OF_RUNS;
    use Dimension::{Result, Stage};
    [a, b, c, d, e, f, g, h, Result, Stage]
};

/// An approval can be waited for as long as anything is kept.
const INPUTS: &[Input] = &[
    TIMELINES,
    Input::new(Kind::Deployment, Reach::DaysBefore(90)),
];

/// From the moment an approval was asked for to the moment it was given or refused. One that was asked for at 10:02 and given at 10:05
/// took 180 s. Largest first, the rows are those that were waited for longest.
const APPROVAL_TIME: Metric = Metric {
    name: "approval_time",
    definition: "How long each approval of a stage was waited for that was given or refused in the range, in runs that have ended and in classic releases. Approvals that pipelines give themselves do not count.",
    formula: "given or refused - asked for",
    measure: Measure::Duration,
    inputs: INPUTS,
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::Table,
    rows: Rows::Each(|fact, context| {
        let waits = waits(fact, context).into_iter();
        let given = waits.filter_map(|wait| {
            let to = wait.to?;
            Some(wait.row(to, seconds(wait.from, to)))
        });
        given.collect()
    }),
};

/// What waits for an approval at a time. With one that was asked for at 10:02 and is still waited for at 10:10, it is 480 s at 10:10.
const APPROVALS_WAITING: Metric = Metric {
    name: "approvals_waiting",
    definition: "How long the approvals had been waited for that were not given at the end of each period, and at the end of the range in total: what waits now, if the range has not ended. Runs are known with their stages once they have ended, so those that wait now are classic releases.",
    formula: "end of the period - asked for",
    measure: Measure::Age,
    rows: Rows::Each(|fact, context| {
        let waits = waits(fact, context);
        let at = |at: Timestamp| {
            let open = waits.iter().filter(move |wait| wait.lasts_at(at));
            open.map(move |wait| wait.row(at, seconds(wait.from, at)))
        };
        context.samples.iter().copied().flat_map(at).collect()
    }),
    ..APPROVAL_TIME
};

/// An approval.
struct Wait {
    from: Timestamp,
    /// `None` while nobody has said anything.
    to: Option<Timestamp>,
    dimensions: Vec<(Dimension, String)>,
    link: Link,
}

impl Wait {
    fn lasts_at(&self, at: Timestamp) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    fn row(&self, at: Timestamp, value: f64) -> Row {
        Row {
            at,
            value,
            dimensions: self.dimensions.clone(),
            link: self.link.clone(),
            evidence: Vec::new(),
        }
    }
}

fn waits(fact: &Fact, context: &Context) -> Vec<Wait> {
    match fact {
        Fact::Run(run, Some(timeline)) => of_run(run, timeline, context),
        Fact::Deployment(own) => own
            .approvals
            .iter()
            .filter_map(|approval| of_release(own, approval, context))
            .collect(),
        _ => Vec::new(),
    }
}

fn of_run(run: &Run, timeline: &Timeline, context: &Context) -> Vec<Wait> {
    let tree = Tree::new(timeline);
    let approvals = timeline.records.iter();
    let approvals = approvals.filter(|record| record.kind == TimelineKind::Approval);
    let wait = |record: &TimelineRecord| {
        let mut dimensions = dimensions_of(run, context);
        let result = record.result.as_ref().map(|own| name_of(own).to_owned());
        dimensions.extend(result.map(|result| (Dimension::Result, result)));
        let stage = tree.nearest(record, &TimelineKind::Stage).and_then(label);
        dimensions.extend(stage.map(|stage| (Dimension::Stage, stage)));
        Some(Wait {
            from: record.started_at?,
            // A run that has ended waits for nothing.
            to: record.finished_at.or(run.finished_at),
            dimensions,
            link: link_to(run),
        })
    };
    approvals.filter_map(wait).collect()
}

fn of_release(
    deployment: &Deployment,
    approval: &ReleaseApproval,
    context: &Context,
) -> Option<Wait> {
    let (to, result) = match (approval.is_automated, &approval.status) {
        (true, _) => return None,
        (_, ApprovalStatus::Approved) => (Some(approval.modified_at?), Some("approved")),
        (_, ApprovalStatus::Rejected) => (Some(approval.modified_at?), Some("rejected")),
        (_, ApprovalStatus::Pending) if deployment.is_over() => return None,
        (_, ApprovalStatus::Pending) => (None, None),
        _ => return None,
    };
    let requested_for = deployment.requested_for.as_ref();
    let person = requested_for.and_then(|who| who.name.clone().or_else(|| who.unique_name.clone()));
    let values = [
        (
            Dimension::Project,
            Some(context.project(deployment.project)),
        ),
        (
            Dimension::Pipeline,
            Some(deployment.definition.name.clone()),
        ),
        (Dimension::Folder, deployment.definition.folder.clone()),
        (Dimension::Reason, deployment.reason.clone()),
        (Dimension::Person, person),
        (Dimension::Result, result.map(str::to_owned)),
        (Dimension::Stage, Some(deployment.stage.name.clone())),
    ];
    let some = values.into_iter();
    let some = some.filter_map(|(dimension, value)| Some((dimension, value?)));
    Some(Wait {
        from: approval.created_at?,
        to,
        dimensions: some.collect(),
        link: Link::Release {
            project: deployment.project,
            id: deployment.release.id,
        },
    })
}

#[cfg(test)]
mod tests {
    use model::record::deployment::{
        ApprovalPlace, DeploymentStatus, Operation, Release, ReleaseDefinition, Stage,
    };

    use super::*;
    use crate::samples::{clock, context, project, record, rows, run};

    fn release(status: ApprovalStatus, modified: Option<&str>) -> Fact {
        let approval = ReleaseApproval {
            id: 1,
            place: ApprovalPlace::Before,
            status,
            is_automated: false,
            approver: None,
            approved_by: None,
            rank: None,
            created_at: Some(clock("10:02")),
            modified_at: modified.map(clock),
            comment: None,
        };
        Fact::Deployment(Box::new(Deployment {
            id: 5,
            project: project(),
            release: Release {
                id: 12,
                name: "Release-12".into(),
                description: None,
                reason: None,
                created_at: None,
                created_by: None,
                artifacts: Vec::new(),
            },
            definition: ReleaseDefinition {
                id: 3,
                name: "shop".into(),
                folder: None,
            },
            stage: Stage {
                id: 1,
                name: "Production".into(),
                definition: None,
            },
            attempt: 1,
            reason: None,
            status: DeploymentStatus::NotDeployed,
            operation: Operation::Pending,
            queued_at: clock("10:00"),
            started_at: None,
            completed_at: None,
            scheduled_for: None,
            modified_at: clock("10:02"),
            requested_by: None,
            requested_for: None,
            approvals: vec![approval],
        }))
    }

    fn yaml() -> Fact {
        let mut approval = record(TimelineKind::Approval, "approval", "10:02", "10:05");
        approval.parent = Some("Deploy".into());
        let records = vec![
            record(TimelineKind::Stage, "Deploy", "10:02", "10:12"),
            approval,
        ];
        let timeline = Timeline {
            records,
            ..Timeline::default()
        };
        Fact::Run(Box::new(run("10:00", "10:02", "10:12")), Some(timeline))
    }

    fn ask(metric: &Metric, fact: Fact, now: &str) -> Vec<(f64, Option<String>)> {
        let mut context = context();
        context.samples = vec![clock(now)];
        let rows = rows(metric, &[fact], &context);
        let view = rows.into_iter().map(|row| {
            let stage = row.dimension(Dimension::Stage).map(str::to_owned);
            (row.value, stage)
        });
        view.collect()
    }

    #[test]
    fn an_approval_is_waited_for_until_it_is_given() {
        let given = || release(ApprovalStatus::Approved, Some("10:05"));
        assert_eq!(
            ask(&APPROVAL_TIME, given(), "12:00"),
            [(180.0, Some("Production".into()))]
        );
        assert_eq!(
            ask(&APPROVAL_TIME, yaml(), "12:00"),
            [(180.0, Some("Deploy".into()))]
        );
        assert_eq!(ask(&APPROVALS_WAITING, given(), "10:06"), []);
        assert_eq!(
            ask(&APPROVALS_WAITING, yaml(), "10:04"),
            [(120.0, Some("Deploy".into()))]
        );
    }

    #[test]
    fn what_waits_now_has_waited_until_now() {
        let pending = || release(ApprovalStatus::Pending, None);
        assert_eq!(
            ask(&APPROVALS_WAITING, pending(), "10:10"),
            [(480.0, Some("Production".into()))]
        );
        assert_eq!(
            ask(&APPROVALS_WAITING, pending(), "10:01"),
            [],
            "it was not asked for yet"
        );
        assert_eq!(ask(&APPROVAL_TIME, pending(), "10:10"), []);
    }

    #[test]
    fn what_a_pipeline_gives_itself_was_not_waited_for() {
        let Fact::Deployment(mut own) = release(ApprovalStatus::Approved, Some("10:05")) else {
            unreachable!()
        };
        own.approvals[0].is_automated = true;
        assert_eq!(ask(&APPROVAL_TIME, Fact::Deployment(own), "12:00"), []);
    }
}
