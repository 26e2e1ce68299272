//! Small records for the tests of this crate.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::{Timestamp, tz::TimeZone};
use model::{
    OrganizationId, ProjectId, RepositoryId,
    people::Names,
    record::{
        Changeset, ChangesetDetails, Commit, Deployment, EnvironmentDeployment, Identity,
        PullRequest, PullRequestActivity, Push, Run,
        changeset::Change,
        deployment::{DeploymentStatus, Operation, Release, ReleaseDefinition, Stage},
        git::{FileCounts, RefUpdate, Signature},
        pull_request::{Completion, Event, Happened, PullRequestStatus},
        run::{Pipeline, RunResult, RunStatus, StepResult, TimelineKind, TimelineRecord},
    },
};

use crate::{
    Context, Dimension, Fact, Known, Link, Metric, People, Project, Range, Row, Rows, Settings,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An instant of Monday, 2026-11-23.
pub(crate) fn clock(time: &str) -> Timestamp {
    at(&format!("2026-11-23T{time}:00Z"))
}

pub(crate) fn project() -> ProjectId {
    ProjectId(uuid::Uuid::from_u128(7))
}

pub(crate) fn context() -> Context {
    let shop = Project {
        name: "Shop".to_owned(),
        organization: OrganizationId(uuid::Uuid::nil()),
    };
    Context {
        now: at("2026-11-24T00:00:00Z"),
        range: Range {
            from: at("2026-10-26T00:00:00Z"),
            to: at("2026-11-25T00:00:00Z"),
        },
        zone: TimeZone::UTC,
        settings: Settings::default(),
        projects: BTreeMap::from([(project(), shop)]),
        known: Known {
            people: people(),
            ..Known::default()
        },
        fields: Vec::new(),
        samples: vec![at("2026-11-24T00:00:00Z")],
        planning: OnceLock::new(),
    }
}

pub(crate) fn row(value: f64, when: &str, dimensions: &[(Dimension, &str)]) -> Row {
    let dimensions = dimensions.iter();
    Row {
        at: at(when),
        value,
        dimensions: dimensions
            .map(|(own, value)| (*own, (*value).to_owned()))
            .collect(),
        link: Link::Run {
            project: project(),
            id: 1,
        },
        evidence: Vec::new(),
    }
}

/// A run of `main` that failed.
pub(crate) fn run(queued: &str, started: &str, finished: &str) -> Run {
    Run {
        id: 17,
        project: project(),
        number: "20261123.1".into(),
        pipeline: Pipeline {
            id: 3,
            name: "shop-ci".into(),
            folder: Some("\\".into()),
            revision: Some(1),
        },
        status: RunStatus::Completed,
        result: Some(RunResult::Failed),
        reason: Some("individualCI".into()),
        queued_at: clock(queued),
        started_at: Some(clock(started)),
        finished_at: Some(clock(finished)),
        last_changed_at: None,
        source_branch: Some("refs/heads/main".into()),
        source_version: Some("c0ffee".into()),
        repository: None,
        requested_for: None,
        requested_by: None,
        last_changed_by: None,
        priority: None,
        queue: None,
        plan: None,
        trigger: None,
        problems: Vec::new(),
        kept: false,
        gone_at: None,
        pull_request: None,
        triggered_by: None,
        tags: Vec::new(),
    }
}

/// A record of a timeline that passed; its id is its name.
pub(crate) fn record(
    kind: TimelineKind,
    name: &str,
    started: &str,
    finished: &str,
) -> TimelineRecord {
    TimelineRecord {
        id: name.into(),
        parent: None,
        kind,
        name: Some(name.into()),
        identifier: None,
        order: None,
        attempt: 1,
        state: Some("completed".into()),
        result: Some(StepResult::Succeeded),
        started_at: Some(clock(started)),
        finished_at: Some(clock(finished)),
        worker: None,
        queue: None,
        errors: 0,
        warnings: 0,
        task: None,
        waiting_since: None,
    }
}

/// The values that a metric makes of one record.
pub(crate) fn values(metric: &Metric, fact: &Fact) -> Vec<f64> {
    values_in(metric, fact, &context())
}

/// The values that a metric makes of one record in a context.
pub(crate) fn values_in(metric: &Metric, fact: &Fact, context: &Context) -> Vec<f64> {
    let rows = rows(metric, std::slice::from_ref(fact), context);
    rows.into_iter().map(|row| row.value).collect()
}

/// The rows that a metric makes of records.
pub(crate) fn rows(metric: &Metric, facts: &[Fact], context: &Context) -> Vec<Row> {
    match metric.rows {
        Rows::Each(rows) => facts.iter().flat_map(|fact| rows(fact, context)).collect(),
        Rows::Joined { keep, rows } => {
            let facts = facts.iter().cloned();
            let kept: Vec<Fact> = facts.filter_map(|fact| keep(fact, context)).collect();
            rows(&kept, context)
        }
    }
}

/// A pull request into `main`, opened and perhaps merged, with what somebody did in it.
pub(crate) fn reviewed(
    opened: &str,
    merged: Option<&str>,
    acts: &[(&str, &str, Happened)],
) -> Fact {
    let event = |(at, by, what): &(&str, &str, Happened)| Event {
        at: clock(at),
        by: Some((*by).to_owned()),
        what: what.clone(),
    };
    let activity = PullRequestActivity {
        events: acts.iter().map(event).collect(),
        ..PullRequestActivity::default()
    };
    Fact::PullRequest(Box::new(pull_request(opened, merged)), Some(activity), None)
}

/// A pull request of `feature` into `main`, which `author` opened.
pub(crate) fn pull_request(opened: &str, merged: Option<&str>) -> PullRequest {
    PullRequest {
        id: 5,
        project: project(),
        repository: repository(),
        status: match merged {
            Some(_) => PullRequestStatus::Completed,
            None => PullRequestStatus::Active,
        },
        is_draft: false,
        title: "Sell more".into(),
        description: None,
        description_truncated: false,
        created_by: Some(identity("author")),
        created_at: clock(opened),
        closed_at: merged.map(clock),
        closed_by: None,
        auto_complete_by: None,
        completion_queued_at: None,
        source_branch: "refs/heads/feature".into(),
        target_branch: "refs/heads/main".into(),
        fork: None,
        merge_status: None,
        merge_id: None,
        merge_strategy: None,
        completion: Completion::default(),
        source_commit: Some("5eed".into()),
        target_commit: None,
        merge_commit: merged.map(|_| "3e76e".to_owned()),
        reviewers: Vec::new(),
        labels: Vec::new(),
    }
}

/// Somebody of whom only an id is known.
pub(crate) fn identity(id: &str) -> Identity {
    Identity {
        id: Some(id.to_owned()),
        ..Identity::default()
    }
}

/// The people of these tests: `author` and `peer`, who are unknown, and `bot`, a service.
fn people() -> People {
    People::new([Names {
        ids: ["bot".to_owned()].into(),
        names: ["renovate[bot]".to_owned()].into(),
        ..Names::default()
    }])
}

fn repository() -> RepositoryId {
    RepositoryId(uuid::Uuid::from_u128(9))
}

/// A push of a branch to the repository of [`pull_request`].
pub(crate) fn push(id: u64, at: &str, branch: &str, creates: bool) -> Fact {
    let moved = RefUpdate {
        name: format!("refs/heads/{branch}"),
        old: (!creates).then(|| "01d".to_owned()),
        new: Some("2e3".to_owned()),
    };
    Fact::Push(Push {
        id,
        project: project(),
        repository: repository(),
        at: clock(at),
        by: None,
        ref_updates: vec![moved],
    })
}

/// A commit of Ann's with four files, written and committed at the same time.
pub(crate) fn commit(sha: &str, push: u64, written: &str) -> Fact {
    let ann = Signature {
        name: "Ann".into(),
        email: "ann@x.example".into(),
        at: Some(clock(written)),
    };
    Fact::Commit(Commit {
        sha: sha.into(),
        project: project(),
        repository: repository(),
        push: Some(push),
        pushed_at: clock("23:00"),
        author: Some(ann.clone()),
        committer: Some(ann),
        comment: "Sell more".into(),
        comment_truncated: false,
        files: FileCounts {
            added: 1,
            edited: 2,
            deleted: 1,
        },
        work_items: Vec::new(),
    })
}

/// A deployment of a classic release to production, which was over at some time.
pub(crate) fn release(id: u64, over: &str, status: DeploymentStatus) -> Fact {
    let at = clock(over);
    Fact::Deployment(Box::new(Deployment {
        id: id * 100,
        project: project(),
        release: Release {
            id,
            name: format!("Release-{id}"),
            description: None,
            reason: None,
            created_at: None,
            created_by: None,
            artifacts: Vec::new(),
        },
        definition: ReleaseDefinition {
            id: 3,
            name: "Shop deploy".into(),
            folder: None,
        },
        stage: Stage {
            id: 1,
            name: "Production".into(),
            definition: None,
        },
        attempt: 1,
        reason: None,
        status,
        operation: Operation::Approved,
        queued_at: at,
        started_at: Some(at),
        completed_at: Some(at),
        scheduled_for: None,
        modified_at: at,
        requested_by: None,
        requested_for: None,
        approvals: Vec::new(),
    }))
}

/// A job of a run's stage that deployed to environment 1.
pub(crate) fn environment_job(id: u64, run: u64, job: &str, over: &str, succeeds: bool) -> Fact {
    Fact::EnvironmentDeployment(EnvironmentDeployment {
        id,
        project: project(),
        environment: 1,
        resource: None,
        pipeline: Some(3),
        run: Some(run),
        run_number: None,
        stage: Some("Deploy".into()),
        job: Some(job.into()),
        stage_attempt: 1,
        job_attempt: 1,
        queued_at: clock(over),
        started_at: Some(clock(over)),
        finished_at: Some(clock(over)),
        result: Some(match succeeds {
            true => StepResult::Succeeded,
            false => StepResult::Failed,
        }),
    })
}

/// A changeset of TFVC that changed one file, checked in for work items.
pub(crate) fn changeset(id: u64, at: &str, path: &str, work_items: &[u64]) -> Fact {
    let own = Changeset {
        organization: OrganizationId(uuid::Uuid::nil()),
        id,
        created_at: clock(at),
        author: None,
        checked_in_by: None,
        comment: String::new(),
        comment_truncated: false,
    };
    let details = ChangesetDetails {
        changes: vec![Change {
            path: path.to_owned(),
            kind: "edit".into(),
            is_folder: false,
            sources: Vec::new(),
        }],
        work_items: work_items.to_vec(),
        ..ChangesetDetails::default()
    };
    Fact::Changeset(own, Some(details))
}
