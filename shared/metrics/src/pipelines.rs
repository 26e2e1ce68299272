//! Runs of pipelines, their stages, jobs and steps.

mod activities;
mod activity_durations;
mod approvals;
mod families;
mod flakiness;
mod outcomes;
mod revisions;
mod run_durations;

use model::{
    Facet, Kind,
    record::{Run, run::RunResult},
};

use crate::{Context, Dimension, Input, Link, Metric, Reach, seconds};

/// The metrics of this family.
pub(crate) const METRICS: &[&[Metric]] = &[
    run_durations::METRICS,
    activity_durations::METRICS,
    outcomes::METRICS,
    families::METRICS,
    flakiness::METRICS,
    approvals::METRICS,
    revisions::METRICS,
];

/// How long before its end a run may have been queued to be found. An approval can be waited for up to 30 days, so a run that
/// lasts longer had more than one: <https://learn.microsoft.com/azure/devops/pipelines/process/approvals#timeout>.
const LONGEST_RUN: Reach = Reach::DaysBefore(31);

const RUNS: Input = Input::new(Kind::Run, LONGEST_RUN);

const TIMELINES: Input = RUNS.with(&[Facet::Timeline]);

/// What every row of a run has; `Result` is added by those who know whose result is meant.
const OF_RUNS: [Dimension; 8] = [
    Dimension::Project,
    Dimension::Pipeline,
    Dimension::Folder,
    Dimension::Repository,
    Dimension::Branch,
    Dimension::Reason,
    Dimension::Person,
    Dimension::Queue,
];

/// The dimensions of [`OF_RUNS`], those that the run has.
fn dimensions_of(run: &Run, context: &Context) -> Vec<(Dimension, String)> {
    let person = run.requested_for.as_ref();
    let person = person.and_then(|who| who.name.clone().or_else(|| who.unique_name.clone()));
    let repository = run.repository.as_ref();
    let repository = repository.map(|own| own.name.clone().unwrap_or_else(|| own.id.clone()));
    let branch = run.source_branch.as_deref().map(short_ref);
    let values = [
        Some(context.project(run.project)),
        Some(run.pipeline.name.clone()),
        run.pipeline.folder.clone(),
        repository,
        branch,
        run.reason.clone(),
        person,
        run.queue.as_ref().map(|queue| queue.name.clone()),
    ];
    let pairs = OF_RUNS.into_iter().zip(values);
    pairs
        .filter_map(|(dimension, value)| Some((dimension, value?)))
        .collect()
}

/// A ref as people write it: a branch without `refs/heads/`; others keep what tells what they are.
fn short_ref(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}

fn link_to(run: &Run) -> Link {
    Link::Run {
        project: run.project,
        id: run.id,
    }
}

/// How a run ended, as the API names it.
fn name_of(result: &RunResult) -> &str {
    match result {
        RunResult::Succeeded => "succeeded",
        RunResult::PartiallySucceeded => "partially_succeeded",
        RunResult::Failed => "failed",
        RunResult::Canceled => "canceled",
        RunResult::None => "none",
        RunResult::Unknown(name) => name,
    }
}
