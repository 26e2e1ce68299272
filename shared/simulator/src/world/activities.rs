//! What Analytics knows of a run: its tasks, its approvals, and how long its jobs waited for an agent. Made from the
//! timeline whenever asked, never stored.
//!
//! <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;
use crate::world::builds::Build;
use crate::world::timeline::{self, Record, RecordResult};

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) kind: Kind,
    /// `None` where a pipeline has no stages.
    pub(crate) stage: Option<String>,
    /// The job's identifier and name; `None` for an approval, which is the stage's.
    pub(crate) job: Option<(String, String)>,
    /// What a task is called, and what it does.
    pub(crate) task: Option<(String, &'static str)>,
    /// `None` for what was skipped.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) result: RecordResult,
}

/// What a row is about, by its name upstream:
/// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelineactivitytype-enumerated-type-members>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Approval,
    AgentWait,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Approval => "Approval",
            Self::AgentWait => "AgentWait",
        }
    }
}

/// The rows of a run that has ended; those of what a retry replaced are told first, if they are told at all.
pub(crate) fn of_run(world: &World, build: &Build, keeps_retries: bool) -> Vec<Activity> {
    if build.finished().is_none() {
        return Vec::new();
    }
    let earlier = timeline::earlier(world, build).filter(|_| keeps_retries);
    let attempts = [earlier.unwrap_or_default(), timeline::newest(world, build)];
    attempts
        .iter()
        .flat_map(|records| rows(build, records))
        .collect()
}

/// How many stages, jobs, tasks and approvals the rows of a run tell of; `None` for one whose attempts they mix, which
/// only its timelines can tell apart.
pub(crate) fn parts(world: &World, build: &Build, keeps_retries: bool) -> Option<u64> {
    if needs_timeline(build, keeps_retries) {
        return None;
    }
    let rows = of_run(world, build, keeps_retries);
    let stages: BTreeSet<_> = rows.iter().filter_map(|row| row.stage.as_ref()).collect();
    let jobs: BTreeSet<_> = rows.iter().filter_map(|row| row.job.as_ref()).collect();
    let steps = rows.iter().filter(|row| row.kind != Kind::AgentWait);
    Some((stages.len() + jobs.len() + steps.count()) as u64)
}

/// Whether a run was retried and its rows show it.
pub(crate) fn needs_timeline(build: &Build, keeps_retries: bool) -> bool {
    keeps_retries && build.attempts.len() > 1
}

fn rows<'a>(build: &Build, records: &'a [Record]) -> Vec<Activity> {
    let by_id: HashMap<Uuid, &'a Record> = records.iter().map(|own| (own.id, own)).collect();
    let parent = |own: &Record| own.parent.and_then(|id| by_id.get(&id).copied());
    let wait = |job: &Record| {
        let begin = parent(job).and_then(|phase| phase.span).or(job.span)?.0;
        Some((begin, job.span?.0))
    };
    let row = |own: &'a Record| match own.kind {
        "Job" if own.span.is_some() => Some(Activity {
            kind: Kind::AgentWait,
            span: wait(own),
            result: RecordResult::Succeeded,
            ..Place::of(own, parent).activity(build)
        }),
        "Task" if parent(own).is_some_and(|job| job.span.is_some()) => Some(Activity {
            kind: Kind::Task,
            task: own.task.map(|task| (own.name.clone(), task)),
            span: own.span,
            result: own.result,
            ..Place::of(own, parent).activity(build)
        }),
        "Checkpoint.Approval" => Some(Activity {
            kind: Kind::Approval,
            span: own.span,
            result: own.result,
            ..Place::of(own, parent).activity(build)
        }),
        _ => None,
    };
    records.iter().filter_map(row).collect()
}

/// The stage and the job that a record lies in.
#[derive(Default)]
struct Place<'a> {
    stage: Option<&'a Record>,
    job: Option<&'a Record>,
}

impl<'a> Place<'a> {
    fn of(own: &'a Record, parent: impl Fn(&Record) -> Option<&'a Record>) -> Self {
        let mut place = Self::default();
        let mut next = Some(own);
        while let Some(record) = next {
            match record.kind {
                "Stage" => place.stage = Some(record),
                "Job" => place.job = Some(record),
                _ => {}
            }
            next = parent(record);
        }
        place
    }

    fn activity(&self, build: &Build) -> Activity {
        let path = |job: &Record| {
            let path = job.identifier.as_deref().unwrap_or_default();
            format!("{}/{path}", build.definition)
        };
        Activity {
            kind: Kind::Task,
            stage: self.stage.map(|stage| stage.name.clone()),
            job: self.job.map(|job| (path(job), job.name.clone())),
            task: None,
            span: None,
            result: RecordResult::Succeeded,
        }
    }
}
