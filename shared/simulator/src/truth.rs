//! What really happened, for tests of numbers that are calculated from what was told.

use jiff::Timestamp;

use crate::world::{
    World,
    people::PersonKind,
    pull_requests::{Event, EventKind, PullRequest, Status},
    timeline,
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
