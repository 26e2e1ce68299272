//! From the activities of a run to its timeline, where they tell it truly.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use model::record::run::{
    RunResult, StepResult, Timeline, TimelineKind, TimelineRecord, TimelineSource,
};

use super::{Activity, ActivityKind, Ended, Job};

/// How long after its last activity a run may end. One that took longer waited for something that is no activity, or not
/// all of its rows are there yet.
const SETTLING: Duration = Duration::from_secs(60);

/// Why the activities of a run do not tell its timeline truly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Untold {
    /// An agent was waited for twice: the activities of several attempts are mixed.
    #[error("the run was retried")]
    Retried,
    /// Analytics knows another result of the run than the list of runs gave.
    #[error("the run has another result")]
    OtherResult,
    /// The run ended before its last activity, or long after it.
    #[error("the run ended at another time")]
    OtherEnd,
    /// A job or stage has no task that ran: how it ended is not to be seen.
    #[error("a job or stage did nothing")]
    Idle,
    /// The outcomes do not add up to the result of the run.
    #[error("the outcomes do not explain the result")]
    Unexplained,
}

/// The stages, jobs, tasks and approvals of a run that ended so.
///
/// A job ends like the worst of its tasks and a stage like the worst of its jobs. That holds for nearly all runs; it is
/// taken for true only where it also gives the result of the run.
///
/// # Errors
/// The activities do not tell it; the run itself must be asked.
pub fn timeline(ended: &Ended, activities: &[Activity]) -> Result<Timeline, Untold> {
    check(ended, activities)?;
    let mut stages: BTreeMap<Option<&str>, Stage<'_>> = BTreeMap::new();
    for activity in activities {
        let stage = stages.entry(activity.job.stage.as_deref()).or_default();
        stage.take(activity)?;
    }
    let mut told = Vec::new();
    for (name, stage) in stages {
        told.push(stage.records(name)?);
    }
    let worst = told
        .iter()
        .map(|own| &own.result)
        .min_by_key(|own| goodness(own));
    if worst.and_then(run_result) != ended.result {
        return Err(Untold::Unexplained);
    }
    told.sort_by(|a, b| (a.begun, &a.name).cmp(&(b.begun, &b.name)));
    Ok(Timeline {
        source: TimelineSource::Analytics,
        records: told.into_iter().flat_map(|stage| stage.records).collect(),
    })
}

/// Whether the activities are those of the run as it ended.
fn check(ended: &Ended, activities: &[Activity]) -> Result<(), Untold> {
    let results = activities.iter().filter_map(|own| own.run_result.as_ref());
    if results
        .into_iter()
        .any(|own| Some(own) != ended.result.as_ref())
    {
        return Err(Untold::OtherResult);
    }
    let last = activities.iter().filter_map(|own| own.finished_at).max();
    // Analytics may round instants up.
    let is_end =
        |last: Timestamp| last <= ended.at + Duration::from_secs(1) && ended.at <= last + SETTLING;
    if !last.is_some_and(is_end) {
        return Err(Untold::OtherEnd);
    }
    Ok(())
}

/// The activities of one stage.
#[derive(Default)]
struct Stage<'a> {
    jobs: BTreeMap<&'a Job, Steps<'a>>,
    approvals: Vec<&'a Activity>,
}

/// The activities of one job.
#[derive(Default)]
struct Steps<'a> {
    waiting_since: Option<Option<Timestamp>>,
    tasks: Vec<&'a Activity>,
}

/// The records of a stage, the stage first.
struct Told {
    name: Option<String>,
    begun: Option<Timestamp>,
    result: StepResult,
    records: Vec<TimelineRecord>,
}

impl<'a> Stage<'a> {
    fn take(&mut self, activity: &'a Activity) -> Result<(), Untold> {
        match activity.kind {
            // How its job ended cannot be said either.
            ActivityKind::Task if activity.outcome.is_none() => return Err(Untold::Unexplained),
            ActivityKind::Task => {
                let steps = self.jobs.entry(&activity.job).or_default();
                steps.tasks.push(activity);
            }
            ActivityKind::AgentWait => {
                let steps = self.jobs.entry(&activity.job).or_default();
                if steps.waiting_since.replace(activity.started_at).is_some() {
                    return Err(Untold::Retried);
                }
            }
            ActivityKind::Approval => self.approvals.push(activity),
            // What it may be, no record is made of it.
            ActivityKind::Unknown => {}
        }
        Ok(())
    }

    /// The records of the stage of this name; without one, its jobs are those of a pipeline without stages.
    fn records(self, name: Option<&str>) -> Result<Told, Untold> {
        let mut jobs = Vec::new();
        for (job, steps) in self.jobs {
            jobs.push(steps.records(name, job)?);
        }
        jobs.sort_by(|a, b| order(&a[0]).cmp(&order(&b[0])));
        let result = jobs
            .iter()
            .filter_map(|job| job[0].result.clone())
            .min_by_key(goodness);
        // The result of a stage without jobs depends on what was answered to its approval, and why.
        let result = result.ok_or(Untold::Idle)?;
        let approvals = self
            .approvals
            .iter()
            .enumerate()
            .map(|(n, own)| TimelineRecord {
                parent: name.map(stage_id),
                result: own.outcome.clone(),
                ..record(
                    format!("{}/approval/{n}", name.unwrap_or_default()),
                    TimelineKind::Approval,
                    own,
                )
            });
        let mut approvals: Vec<_> = approvals.collect();
        approvals.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut parts: Vec<_> = approvals
            .into_iter()
            .chain(jobs.into_iter().flatten())
            .collect();
        // A job begins to be part of its stage when it begins to wait.
        let begun = parts
            .iter()
            .flat_map(|own| [own.started_at, own.waiting_since])
            .flatten()
            .min();
        let finished_at = parts.iter().filter_map(|own| own.finished_at).max();
        if let Some(name) = name {
            let stage = TimelineRecord {
                name: Some(name.to_owned()),
                result: Some(result.clone()),
                started_at: begun,
                finished_at,
                ..empty(stage_id(name), TimelineKind::Stage)
            };
            parts.insert(0, stage);
        }
        Ok(Told {
            name: name.map(str::to_owned),
            begun,
            result,
            records: parts,
        })
    }
}

impl Steps<'_> {
    /// The job and its tasks.
    fn records(mut self, stage: Option<&str>, job: &Job) -> Result<Vec<TimelineRecord>, Untold> {
        self.tasks.sort_by_key(|own| {
            (
                own.started_at.is_none(),
                own.started_at,
                own.finished_at,
                &own.task,
            )
        });
        let id = job_id(stage, job);
        let tasks = self.tasks.iter().enumerate().map(|(n, own)| {
            let ran = own.outcome != Some(StepResult::Skipped);
            TimelineRecord {
                parent: Some(id.clone()),
                name: own.task.clone(),
                result: own.outcome.clone(),
                started_at: own.started_at.filter(|_| ran),
                finished_at: own.finished_at.filter(|_| ran),
                ..record(format!("{id}/{n}"), TimelineKind::Task, own)
            }
        });
        let tasks: Vec<TimelineRecord> = tasks.collect();
        let ran = || tasks.iter().filter(|own| own.started_at.is_some());
        let started_at = ran().filter_map(|own| own.started_at).min();
        let results = tasks.iter().filter_map(|own| own.result.as_ref());
        let result = results
            .min_by_key(|own| goodness(own))
            .filter(|_| started_at.is_some());
        let job = TimelineRecord {
            parent: stage.map(stage_id),
            name: job.name.clone(),
            result: Some(result.ok_or(Untold::Idle)?.clone()),
            started_at,
            finished_at: ran().filter_map(|own| own.finished_at).max(),
            waiting_since: self.waiting_since.flatten(),
            ..empty(id, TimelineKind::Job)
        };
        Ok(std::iter::once(job).chain(tasks).collect())
    }
}

/// The place of a record among its siblings: no one says in which order they are.
fn order(record: &TimelineRecord) -> (Option<Timestamp>, Option<Timestamp>, &Option<String>, &str) {
    (
        record.started_at,
        record.finished_at,
        &record.name,
        &record.id,
    )
}

/// How good a result is: the worst decides. What is not known could be anything, and explains nothing.
fn goodness(result: &StepResult) -> u8 {
    match result {
        StepResult::Unknown(_) => 0,
        StepResult::Failed => 1,
        StepResult::Abandoned => 2,
        StepResult::Canceled => 3,
        StepResult::SucceededWithIssues => 4,
        StepResult::Succeeded => 5,
        StepResult::Skipped => 6,
    }
}

/// The result of a run whose worst stage ended like this.
fn run_result(worst: &StepResult) -> Option<RunResult> {
    match worst {
        StepResult::Succeeded | StepResult::Skipped => Some(RunResult::Succeeded),
        StepResult::SucceededWithIssues => Some(RunResult::PartiallySucceeded),
        StepResult::Failed => Some(RunResult::Failed),
        StepResult::Canceled | StepResult::Abandoned => Some(RunResult::Canceled),
        StepResult::Unknown(_) => None,
    }
}

fn stage_id(name: &str) -> String {
    format!("stage/{name}")
}

fn job_id(stage: Option<&str>, job: &Job) -> String {
    let name = job.name.as_deref().unwrap_or_default();
    let key = job.key.unwrap_or_default();
    format!("job/{}/{name}/{key}", stage.unwrap_or_default())
}

fn record(id: String, kind: TimelineKind, activity: &Activity) -> TimelineRecord {
    TimelineRecord {
        started_at: activity.started_at,
        finished_at: activity.finished_at,
        ..empty(id, kind)
    }
}

fn empty(id: String, kind: TimelineKind) -> TimelineRecord {
    TimelineRecord {
        id,
        parent: None,
        kind,
        name: None,
        identifier: None,
        order: None,
        attempt: 1,
        state: Some("completed".to_owned()),
        result: None,
        started_at: None,
        finished_at: None,
        worker: None,
        queue: None,
        errors: 0,
        warnings: 0,
        task: None,
        waiting_since: None,
    }
}

#[cfg(test)]
mod tests;
