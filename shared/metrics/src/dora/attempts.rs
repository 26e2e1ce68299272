//! Attempts to deploy, whatever they are read from.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use model::{
    OrganizationId, ProjectId, RepositoryId,
    record::{
        Deployment, EnvironmentDeployment, PullRequest, Push, Run, Timeline, WorkItem,
        deployment::{DeploymentStatus, Operation},
        metadata::StateCategory,
        pull_request::PullRequestStatus,
        run::{RunResult, StepResult, TimelineKind},
        work_item::FieldValue,
    },
};

use super::rule::{BRANCH, HOTFIX, LABEL, PIPELINE, PLACE, TYPE, fits, reads};
use crate::{Context, Dimension, Fact, Link};

/// An attempt to deploy that was carried out, well or badly. What was refused or canceled before it was there is none.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// When it was over.
    pub(crate) at: Timestamp,
    /// When it began.
    pub(crate) began: Timestamp,
    /// Whether it is there afterwards.
    pub(crate) succeeded: bool,
    /// What it goes to: attempts at the same target follow each other.
    pub(crate) target: Target,
    /// Grows with every version that is brought to the target. What has no version but its moment is never older than what came
    /// before.
    pub(crate) version: u64,
    /// Whether it says of itself that it brings back what was there before.
    pub(crate) is_redeployment: bool,
    /// Whether it is a hotfix by the pattern.
    pub(crate) is_hotfix: bool,
    /// The runs whose output it brought.
    pub(crate) runs: Vec<RunId>,
    /// What it can be grouped by.
    pub(crate) dimensions: Vec<(Dimension, String)>,
    /// Where it is.
    pub(crate) link: Link,
}

/// A run, by its organization (`None` if its project is gone) and id.
pub(crate) type RunId = (Option<OrganizationId>, u64);

/// What is deployed to: a kind of source, a project, what is deployed, and where.
pub(crate) type Target = (&'static str, ProjectId, String, String);

/// Whether the name of an environment or stage is one to which it is deployed.
pub(crate) type IsPlace = fn(&Context, &str) -> bool;

/// The places that the rule chooses.
pub(crate) fn chosen(context: &Context, name: &str) -> bool {
    fits(&context.settings, &PLACE, name)
}

/// Every attempt that the rule chooses, in the order in which they were over.
pub(crate) fn attempts(facts: &[Fact], context: &Context, is_place: IsPlace) -> Vec<Attempt> {
    let settings = &context.settings;
    let from = |source| reads(settings, source);
    let [releases, stages, runs] = ["releases", "stages", "runs"].map(from);
    let [pull_requests, tags, work_items] = ["pull_requests", "tags", "work_items"].map(from);
    let mut found = Vec::new();
    let mut jobs = Vec::new();
    let mut builds = HashMap::new();
    for fact in facts {
        match fact {
            Fact::EnvironmentDeployment(own) => jobs.push(own),
            Fact::Deployment(own) if releases => found.extend(of_release(own, context, is_place)),
            Fact::Run(own, timeline) => {
                builds.insert((own.project, own.id), &**own);
                let timeline = timeline.as_ref().filter(|_| stages);
                found.extend(
                    timeline
                        .into_iter()
                        .flat_map(|all| of_stages(own, all, context, is_place)),
                );
                found.extend(of_run(own, context).filter(|_| runs));
            }
            Fact::PullRequest(own, ..) if pull_requests => {
                found.extend(of_pull_request(own, context));
            }
            Fact::Push(own) if tags => found.extend(of_tags(own, context)),
            Fact::WorkItem(own, _) if work_items => found.extend(of_work_item(own, context)),
            _ => {}
        }
    }
    if from("environments") {
        found.extend(of_environments(&jobs, &builds, context, is_place));
    }
    found.sort_by(|a, b| (a.at, &a.link).cmp(&(b.at, &b.link)));
    found
}

/// Jobs of one stage of a run that go to one environment are one attempt: it is over with the last of them, and there only
/// if all of them are.
fn of_environments(
    jobs: &[&EnvironmentDeployment],
    builds: &HashMap<(ProjectId, u64), &Run>,
    context: &Context,
    is_place: IsPlace,
) -> Vec<Attempt> {
    let mut together: BTreeMap<_, Vec<&EnvironmentDeployment>> = BTreeMap::new();
    for job in jobs {
        // A job without a run is one by itself.
        let run = job.run.ok_or(job.id);
        let stage = job.stage.as_deref().unwrap_or_default();
        let place = (job.project, job.environment, run, stage, job.stage_attempt);
        together.entry(place).or_default().push(job);
    }
    let attempt =
        |jobs: &Vec<&EnvironmentDeployment>| of_environment(jobs, builds, context, is_place);
    together.values().filter_map(attempt).collect()
}

fn of_environment(
    jobs: &[&EnvironmentDeployment],
    builds: &HashMap<(ProjectId, u64), &Run>,
    context: &Context,
    is_place: IsPlace,
) -> Option<Attempt> {
    let first = jobs.first()?;
    let known = &context.known;
    let environment = known.environments.get(&(first.project, first.environment));
    let environment =
        environment.map_or_else(|| first.environment.to_string(), |own| own.name.clone());
    let definition = first
        .pipeline
        .and_then(|id| known.definitions.get(&(first.project, id)));
    let build = first.run.and_then(|id| builds.get(&(first.project, id)));
    let pipeline = definition.map(|own| own.name.clone());
    let pipeline = pipeline
        .or_else(|| build.map(|own| own.pipeline.name.clone()))
        .unwrap_or_default();
    let branch = build
        .and_then(|own| own.source_branch.as_deref())
        .map(short);
    let settings = &context.settings;
    let is_wanted = is_place(context, &environment)
        && fits(settings, &PIPELINE, &pipeline)
        && fits(settings, &BRANCH, branch.as_deref().unwrap_or_default());
    if !is_wanted {
        return None;
    }
    // A job that was begun again within the stage counts as it ended at last.
    let mut newest: BTreeMap<&str, &EnvironmentDeployment> = BTreeMap::new();
    for job in jobs {
        let name = job.job.as_deref().unwrap_or_default();
        let own = newest.entry(name).or_insert(job);
        if (own.job_attempt, own.id) < (job.job_attempt, job.id) {
            *own = job;
        }
    }
    let results: Option<Vec<bool>> = newest
        .values()
        .map(|job| succeeded(job.result.as_ref()?))
        .collect();
    let at: Option<Vec<Timestamp>> = newest.values().map(|job| job.finished_at).collect();
    let organization = context.organization(first.project);
    let mut dimensions = vec![
        (Dimension::Project, context.project(first.project)),
        (Dimension::Pipeline, pipeline.clone()),
        (Dimension::Environment, environment.clone()),
    ];
    let is_hotfix = branch
        .as_deref()
        .is_some_and(|name| fits(settings, &HOTFIX, name));
    dimensions.extend(branch.map(|branch| (Dimension::Branch, branch)));
    Some(Attempt {
        at: at?.into_iter().max()?,
        began: jobs
            .iter()
            .map(|job| job.started_at.unwrap_or(job.queued_at))
            .min()?,
        succeeded: results?.into_iter().all(|own| own),
        target: (
            "environments",
            first.project,
            first.pipeline.map(|id| id.to_string()).unwrap_or(pipeline),
            environment,
        ),
        version: first.run.unwrap_or(first.id),
        is_redeployment: false,
        is_hotfix,
        runs: first
            .run
            .map(|run| (organization, run))
            .into_iter()
            .collect(),
        dimensions,
        link: match first.run {
            Some(id) => Link::Run {
                project: first.project,
                id,
            },
            None => Link::Environment {
                project: first.project,
                id: first.environment,
            },
        },
    })
}

/// Whether a job, stage or step did what it was to do; `None` if that was not tried to the end.
fn succeeded(result: &StepResult) -> Option<bool> {
    match result {
        StepResult::Succeeded | StepResult::SucceededWithIssues => Some(true),
        StepResult::Failed | StepResult::Abandoned => Some(false),
        StepResult::Canceled | StepResult::Skipped | StepResult::Unknown(_) => None,
    }
}

fn of_release(own: &Deployment, context: &Context, is_place: IsPlace) -> Option<Attempt> {
    let settings = &context.settings;
    let builds = own
        .release
        .artifacts
        .iter()
        .filter(|own| own.kind == "Build");
    let primary = own.release.artifacts.iter().find(|own| own.is_primary);
    let branch = primary.and_then(|own| own.branch.as_deref()).map(short);
    let is_wanted = is_place(context, &own.stage.name)
        && fits(settings, &PIPELINE, &own.definition.name)
        && fits(settings, &BRANCH, branch.as_deref().unwrap_or_default());
    let succeeded = match own.status {
        DeploymentStatus::Succeeded | DeploymentStatus::PartiallySucceeded => true,
        // What was refused after its work had failed; what was canceled or refused before was never there.
        DeploymentStatus::Failed if own.operation != Operation::Canceled => false,
        _ => return None,
    };
    own.started_at.filter(|_| is_wanted)?;
    let organization = context.organization(own.project);
    let mut dimensions = vec![
        (Dimension::Project, context.project(own.project)),
        (Dimension::Pipeline, own.definition.name.clone()),
        (Dimension::Environment, own.stage.name.clone()),
    ];
    let is_hotfix = branch
        .as_deref()
        .is_some_and(|name| fits(settings, &HOTFIX, name));
    dimensions.extend(branch.map(|branch| (Dimension::Branch, branch)));
    Some(Attempt {
        at: own.completed_at?,
        began: own.started_at?,
        succeeded,
        target: (
            "releases",
            own.project,
            own.definition.id.to_string(),
            own.stage.name.clone(),
        ),
        version: own.release.id,
        is_redeployment: own.reason.as_deref() == Some("redeployTrigger"),
        is_hotfix,
        runs: builds
            .filter_map(|own| Some((organization, own.run?)))
            .collect(),
        dimensions,
        link: Link::Release {
            project: own.project,
            id: own.release.id,
        },
    })
}

fn of_run(own: &Run, context: &Context) -> Option<Attempt> {
    let succeeded = match own.result.as_ref()? {
        RunResult::Succeeded | RunResult::PartiallySucceeded => true,
        RunResult::Failed => false,
        RunResult::Canceled | RunResult::None | RunResult::Unknown(_) => return None,
    };
    let span = (own.started_at?, own.finished_at?);
    run_attempt(own, (span, succeeded), None, context)
}

/// Each attempt of a stage whose name fits.
fn of_stages(own: &Run, timeline: &Timeline, context: &Context, is_place: IsPlace) -> Vec<Attempt> {
    let records = timeline.records.iter();
    let stages = records.filter(|record| record.kind == TimelineKind::Stage);
    let attempt = |record: &model::record::run::TimelineRecord| {
        let name = record.name.as_ref().or(record.identifier.as_ref())?;
        let ended = record.started_at.and(record.finished_at)?;
        let succeeded = succeeded(record.result.as_ref()?)?;
        let span = (record.started_at?, ended);
        is_place(context, name).then(|| run_attempt(own, (span, succeeded), Some(name), context))?
    };
    stages.filter_map(attempt).collect()
}

fn run_attempt(
    own: &Run,
    ((began, at), succeeded): ((Timestamp, Timestamp), bool),
    stage: Option<&String>,
    context: &Context,
) -> Option<Attempt> {
    let settings = &context.settings;
    let branch = own.source_branch.as_deref().map(short);
    let is_wanted = fits(settings, &PIPELINE, &own.pipeline.name)
        && fits(settings, &BRANCH, branch.as_deref().unwrap_or_default());
    if !is_wanted {
        return None;
    }
    let mut dimensions = vec![
        (Dimension::Project, context.project(own.project)),
        (Dimension::Pipeline, own.pipeline.name.clone()),
    ];
    dimensions.extend(stage.map(|stage| (Dimension::Environment, stage.clone())));
    let is_hotfix = branch
        .as_deref()
        .is_some_and(|name| fits(settings, &HOTFIX, name));
    dimensions.extend(branch.map(|branch| (Dimension::Branch, branch)));
    Some(Attempt {
        at,
        began,
        succeeded,
        target: (
            if stage.is_some() { "stages" } else { "runs" },
            own.project,
            own.pipeline.id.to_string(),
            stage.cloned().unwrap_or_default(),
        ),
        version: own.id,
        is_redeployment: false,
        is_hotfix,
        runs: vec![(context.organization(own.project), own.id)],
        dimensions,
        link: Link::Run {
            project: own.project,
            id: own.id,
        },
    })
}

/// A merge deploys; whether it failed is known by what came after it.
fn of_pull_request(own: &PullRequest, context: &Context) -> Option<Attempt> {
    let settings = &context.settings;
    let labels = own.labels.join(",");
    let branch = short(&own.target_branch);
    let is_wanted = own.status == PullRequestStatus::Completed
        && fits(settings, &BRANCH, &branch)
        && fits(settings, &LABEL, &labels);
    let hotfix = [short(&own.source_branch), own.title.clone(), labels];
    let at = own.closed_at.filter(|_| is_wanted)?;
    Some(Attempt {
        at,
        began: at,
        succeeded: true,
        target: (
            "pull_requests",
            own.project,
            own.repository.to_string(),
            branch.clone(),
        ),
        version: moment(at),
        // The service's own way to take a pull request back is a pull request with such a title:
        // <https://learn.microsoft.com/azure/devops/repos/git/revert-changes>
        is_redeployment: own.title.starts_with("Revert "),
        is_hotfix: hotfix.iter().any(|name| fits(settings, &HOTFIX, name)),
        runs: Vec::new(),
        dimensions: vec![
            (Dimension::Project, context.project(own.project)),
            (
                Dimension::Repository,
                context.known.repository(own.repository),
            ),
            (Dimension::Branch, branch),
        ],
        link: Link::PullRequest {
            project: own.project,
            repository: own.repository,
            id: own.id,
        },
    })
}

/// Tags that a push made.
fn of_tags(own: &Push, context: &Context) -> Vec<Attempt> {
    let made = own.ref_updates.iter().filter_map(|moved| {
        let name = moved.name.strip_prefix("refs/tags/")?;
        (moved.old.is_none() && moved.new.is_some()).then_some(name)
    });
    let settings = &context.settings;
    let attempt = |name: &str| Attempt {
        at: own.at,
        began: own.at,
        succeeded: true,
        target: (
            "tags",
            own.project,
            own.repository.to_string(),
            String::new(),
        ),
        version: own.id,
        is_redeployment: false,
        is_hotfix: fits(settings, &HOTFIX, name),
        runs: Vec::new(),
        dimensions: tagged((own.project, own.repository), name, context),
        link: Link::Push {
            project: own.project,
            repository: own.repository,
            id: own.id,
        },
    };
    made.filter(|name| fits(settings, &BRANCH, name))
        .map(attempt)
        .collect()
}

fn tagged(
    (project, repository): (ProjectId, RepositoryId),
    name: &str,
    context: &Context,
) -> Vec<(Dimension, String)> {
    vec![
        (Dimension::Project, context.project(project)),
        (Dimension::Repository, context.known.repository(repository)),
        (Dimension::Branch, name.to_owned()),
    ]
}

/// A work item that was closed, in a state that completes it where its type is known.
fn of_work_item(own: &WorkItem, context: &Context) -> Option<Attempt> {
    let settings = &context.settings;
    let text = |field: &str| own.text(field).unwrap_or_default().to_owned();
    let [project, kind, tags] =
        ["System.TeamProject", "System.WorkItemType", "System.Tags"].map(text);
    let known = context
        .projects
        .iter()
        .find(|(_, own)| own.name == project)?;
    let state = own.state().unwrap_or_default();
    let types = context
        .known
        .types
        .iter()
        .filter(|own| own.project == *known.0 && own.name == kind);
    let mut states = types
        .flat_map(|own| &own.states)
        .filter(|own| own.name == state);
    let is_done = states
        .next()
        .is_none_or(|own| own.category == StateCategory::Completed);
    let is_wanted =
        is_done && own.is_there() && fits(settings, &TYPE, &kind) && fits(settings, &LABEL, &tags);
    let title = own.title.clone().unwrap_or_default();
    let team = match own.fields.get("System.AreaPath") {
        Some(FieldValue::Text(path)) => path.clone(),
        _ => String::new(),
    };
    let at = own.closed_at.filter(|_| is_wanted)?;
    Some(Attempt {
        at,
        began: at,
        succeeded: true,
        target: ("work_items", *known.0, kind.clone(), team.clone()),
        version: moment(at),
        is_redeployment: false,
        is_hotfix: [title, tags]
            .iter()
            .any(|name| fits(settings, &HOTFIX, name)),
        runs: Vec::new(),
        dimensions: vec![
            (Dimension::Project, project),
            (Dimension::Type, kind),
            (Dimension::Area, team),
        ],
        link: Link::WorkItem {
            organization: own.organization,
            id: own.id,
        },
    })
}

/// The version of what has none.
fn moment(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or_default()
}

fn short(name: &str) -> String {
    crate::repos::branch(name)
}

/// The runs in which bugs were found, by the links of work items.
pub(crate) fn found_in(facts: &[Fact]) -> HashSet<RunId> {
    let mut runs = HashSet::new();
    for fact in facts {
        let Fact::WorkItem(own, Some(links)) = fact else {
            continue;
        };
        for link in &links.links {
            let is_found = link
                .name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case("Found in build"));
            if let (true, model::record::artifact::Artifact::Build { id }) =
                (is_found, &link.artifact)
            {
                runs.insert((Some(own.organization), *id));
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests;
