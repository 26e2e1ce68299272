//! What really happened, for tests of numbers that are calculated from what was told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::world::{
    World,
    people::PersonKind,
    pull_requests::{Event, EventKind, PullRequest, Status},
    releases::{Outcome, PRODUCTION, Phase},
    timeline::{self, RecordResult},
};

/// When a run that is over was asked for, began and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTimes {
    /// The run.
    pub id: u32,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When it began; `None` if it never did.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Timestamp,
    /// The stages that ran, those of attempts that were replaced included: name, beginning and end.
    pub stages: Vec<(String, Timestamp, Timestamp)>,
}

/// The times of every run that is over.
pub(crate) fn run_times(world: &World) -> Vec<RunTimes> {
    let times = world.builds.iter().filter_map(|build| {
        let finished = build.finished()?;
        let mut records = timeline::newest(world, build);
        records.extend(timeline::earlier(world, build).into_iter().flatten());
        let stages = records.into_iter().filter(|record| record.kind == "Stage");
        let stages = stages.filter_map(|stage| {
            let (start, finish) = stage.span?;
            Some((stage.name, start, finish))
        });
        Some(RunTimes {
            id: build.id,
            queued: build.queued,
            started: build.started(),
            finished,
            stages: stages.collect(),
        })
    });
    times.collect()
}

/// When what happened to a pull request, as far as it did, without what services say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestTimes {
    /// The pull request.
    pub id: u32,
    /// When the first commit was written that its branch was pushed with.
    pub first_commit: Option<Timestamp>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When somebody other than its author first commented or voted while it was open.
    pub first_review: Option<Timestamp>,
    /// When somebody other than its author first approved while it was open.
    pub first_approval: Option<Timestamp>,
    /// When it was merged.
    pub merged: Option<Timestamp>,
}

/// The times of every pull request.
pub(crate) fn pull_request_times(world: &World) -> Vec<PullRequestTimes> {
    let times = world.pull_requests.iter().map(|own| {
        let others = by_others(world, own);
        let approvals = others
            .iter()
            .filter(|(_, vote)| vote.is_some_and(|vote| vote >= 5));
        PullRequestTimes {
            id: own.id,
            first_commit: first_commit(world, own),
            opened: own.created,
            first_review: others.iter().map(|(at, _)| *at).min(),
            first_approval: approvals.map(|(at, _)| *at).min(),
            merged: own.closed().filter(|_| own.status() == Status::Completed),
        }
    });
    times.collect()
}

/// Comments and votes of people other than the author while it was open.
fn by_others(world: &World, own: &PullRequest) -> Vec<(Timestamp, Option<i8>)> {
    let said = |event: &Event| match &event.kind {
        EventKind::Vote(vote) => vec![(event.at, event.by, Some(*vote))],
        EventKind::Discussion { replies, .. } => {
            let replies = replies.iter().map(|(at, by)| (*at, *by, None));
            std::iter::once((event.at, event.by, None))
                .chain(replies)
                .collect()
        }
        _ => Vec::new(),
    };
    let end = own.closed();
    let counts = |(at, by, vote): (Timestamp, _, Option<i8>)| {
        let is_other = by != own.author && world.people.get(by).kind == PersonKind::Human;
        let is_open = end.is_none_or(|end| at <= end);
        (is_other && is_open && vote != Some(0)).then_some((at, vote))
    };
    own.events
        .iter()
        .flat_map(said)
        .filter_map(counts)
        .collect()
}

fn first_commit(world: &World, own: &PullRequest) -> Option<Timestamp> {
    let history = &world.histories[own.repository];
    let end = own.closed();
    let commits = history.commits.iter().filter(|commit| {
        let push = &history.pushes[commit.push];
        let is_own = push.refs.iter().any(|moved| moved.name == own.branch);
        is_own && end.is_none_or(|end| push.at <= end)
    });
    commits.map(|commit| commit.authored).min()
}

/// What became of something that was brought to production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentOutcome {
    /// When it was over.
    pub at: Timestamp,
    /// Whether it failed.
    pub failed: bool,
    /// Whether the one before it at the same place had failed, too.
    pub continues: bool,
    /// Whether the next one at the same place brought back an older version.
    pub rolled_back: bool,
    /// When production was whole again; `None` if it did not fail, or is not whole yet.
    pub restored: Option<Timestamp>,
}

/// Something that was brought to a place: when that was over, its version, and whether it failed.
type Brought = (Timestamp, u32, bool);

/// What became of every classic release and every run that was brought to production, apart for each project and way.
pub(crate) fn deployment_outcomes(world: &World) -> Vec<DeploymentOutcome> {
    let mut by_place: BTreeMap<(bool, usize), Vec<Brought>> = BTreeMap::new();
    for own in world
        .deployments
        .iter()
        .filter(|own| own.stage == PRODUCTION)
    {
        let failed = match own.phase() {
            Phase::Over(Outcome::Succeeded | Outcome::PartiallySucceeded) => false,
            Phase::Over(Outcome::Failed) | Phase::Withdrawn => true,
            _ => continue,
        };
        let release = &world.releases[own.release];
        if let Some(at) = own.completed() {
            let place = by_place.entry((true, release.definition)).or_default();
            place.push((at, release.id, failed));
        }
    }
    let mut runs: BTreeMap<(usize, usize, u32), Vec<_>> = BTreeMap::new();
    for own in &world.deployment_records {
        if world.environments[own.environment].name == "production" {
            let stage = (own.environment, own.build, own.attempt);
            runs.entry(stage).or_default().push(own.finished);
        }
    }
    for ((_, build, _), jobs) in runs {
        // One that has not ended, or was canceled, has brought nothing yet.
        let ended = |own: Option<(Timestamp, RecordResult)>| {
            let (at, result) = own?;
            match result {
                RecordResult::Succeeded | RecordResult::SucceededWithIssues => Some((at, false)),
                RecordResult::Failed => Some((at, true)),
                _ => None,
            }
        };
        let jobs: Option<Vec<(Timestamp, bool)>> = jobs.into_iter().map(ended).collect();
        let Some(jobs) = jobs else {
            continue;
        };
        let failed = jobs.iter().any(|(_, failed)| *failed);
        if let Some(at) = jobs.iter().map(|(at, _)| *at).max() {
            let place = by_place
                .entry((false, world.builds[build].definition))
                .or_default();
            place.push((at, world.builds[build].id, failed));
        }
    }
    by_place.into_values().flat_map(outcomes).collect()
}

fn outcomes(mut place: Vec<Brought>) -> Vec<DeploymentOutcome> {
    place.sort_unstable();
    let outcome = |(number, (at, version, failed)): (usize, &Brought)| {
        let later = &place[number + 1..];
        let restored = later.iter().find(|(_, _, failed)| !failed);
        DeploymentOutcome {
            at: *at,
            failed: *failed,
            continues: *failed && number > 0 && place[number - 1].2,
            rolled_back: later.first().is_some_and(|(_, next, _)| next < version),
            restored: restored.map(|(at, ..)| *at).filter(|_| *failed),
        }
    };
    place.iter().enumerate().map(outcome).collect()
}

/// What became of a change that was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDelivery {
    /// When its first commit was written.
    pub committed: Option<Timestamp>,
    /// When it was first in production.
    pub deployed: Option<Timestamp>,
}

/// What became of every pull request that was merged.
pub(crate) fn change_deliveries(world: &World) -> Vec<ChangeDelivery> {
    let arrivals = arrivals(world);
    let merged = world
        .pull_requests
        .iter()
        .filter(|own| own.status() == Status::Completed);
    let deliveries = merged.filter_map(|own| {
        let at = own.closed()?;
        let has_it = |build: &usize| {
            let build = &world.builds[*build];
            let repository = world.definitions[build.definition].repository;
            let is_its_branch = build.pull_request.is_none() && build.branch == own.target_name();
            let is_later = build.queued >= at || own.merge == Some(build.version);
            repository == own.repository && is_its_branch && is_later
        };
        let deployed = arrivals.iter().filter(|(_, build)| has_it(build));
        Some(ChangeDelivery {
            committed: first_commit(world, own),
            deployed: deployed.map(|(at, _)| *at).min(),
        })
    });
    deliveries.collect()
}

/// When a run was in production: by a classic release, or by all of its own jobs that deploy there.
fn arrivals(world: &World) -> Vec<(Timestamp, usize)> {
    let mut arrivals = Vec::new();
    for own in world
        .deployments
        .iter()
        .filter(|own| own.stage == PRODUCTION)
    {
        let is_there = matches!(
            own.phase(),
            Phase::Over(Outcome::Succeeded | Outcome::PartiallySucceeded)
        );
        let at = own.completed().filter(|_| is_there);
        arrivals.extend(at.map(|at| (at, world.releases[own.release].build)));
    }
    let mut jobs: BTreeMap<(usize, u32), Vec<_>> = BTreeMap::new();
    for own in &world.deployment_records {
        if world.environments[own.environment].name == "production" {
            jobs.entry((own.build, own.attempt))
                .or_default()
                .push(own.finished);
        }
    }
    for ((build, _), jobs) in jobs {
        let fine = |own: Option<(Timestamp, RecordResult)>| {
            let (at, result) = own?;
            let is_fine = matches!(
                result,
                RecordResult::Succeeded | RecordResult::SucceededWithIssues
            );
            is_fine.then_some(at)
        };
        let jobs: Option<Vec<Timestamp>> = jobs.into_iter().map(fine).collect();
        let at = jobs.and_then(|jobs| jobs.into_iter().max());
        arrivals.extend(at.map(|at| (at, build)));
    }
    arrivals
}
