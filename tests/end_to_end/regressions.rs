//! What other tools have got wrong, each once more, in organizations that are as small as the mistake allows.
//!
//! | Mistake | Where it is looked for |
//! |---|---|
//! | pull requests stop at 101, the service's page | [`trouble_on_the_way_leaves_no_trace`]: it is 3 there; `resources::plan`: any number |
//! | not more than 200 repositories | [`every_repository_of_many_is_read`] |
//! | a pull request opened before the cursor and closed after it | [`later_days_are_read_while_they_happen`] |
//! | a run seen in progress and finished later | [`later_days_are_read_while_they_happen`] |
//! | a run queued before the cursor that finishes after it | [`later_days_are_read_while_they_happen`]: each of those was |
//! | failed runs have no stages and jobs | [`failed_runs_have_stages_and_jobs`] |
//! | a timeline that is 204, 404 or a page of HTML | [`trouble_on_the_way_leaves_no_trace`] for 204 and the page; 404 in all others |
//! | equal timestamps across the border of a page | [`trouble_on_the_way_leaves_no_trace`]: a page is 3 runs |
//! | an empty page with a token | [`trouble_on_the_way_leaves_no_trace`] |
//! | a token that repeats | [`trouble_on_the_way_leaves_no_trace`] |
//! | three 429s in the middle of any stream | [`trouble_on_the_way_leaves_no_trace`] |
//! | project names with spaces, `+`, `#`, quotes and accents | [`names_are_kept_as_they_are`] |
//! | a whole organization that answers `503 TF24668` | [`a_stopped_organization_loses_nothing`] |
//! | a late push with old commit dates | [`commits_are_filed_under_their_push`] |
//! | abandoned is taken for merged | [`abandoned_is_not_merged`] |
//! | a list that changes while it is read | [`later_days_are_read_while_they_happen`] |
//! | WIQL above 20,000 | `fetch::query`: a full answer is read on; the simulator refuses more (`wiql_refuses_more_than_it_may_return`) |
//! | more than 200 work items by id | `resources`: `no_batch_of_work_items_is_longer_than_the_service_takes`; the simulator refuses more (`work_item_batches_have_their_limits`) |
//! | an item that moves to another project or changes its type is two | [`items_that_moved_or_changed_their_type_stay_one`] |
//! | an item that was restored stays deleted | `model::record::work_item`: `a_restored_item_is_in_the_recycle_bin_no_more` |

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{
    Facet, Record, Retention,
    record::{
        Timeline, WorkItem,
        pull_request::PullRequestStatus,
        run::{RunResult, StepResult, TimelineKind},
        work_item::Tracked,
    },
};
use simulator::{
    Config, Drift, Fault, FaultKind, PageCap, PageCaps, Scale, Simulator, Sizes, TimelineAbsence,
    Unverified,
};
use storage::StoredRecord;

use crate::{deployment::Deployment, timelines::alike};

const NAME: &str = "R+D #1 \"Größe\" & 50 %";

/// A company that is just large enough: whatever the weekday, some pull requests are open and some abandoned.
pub(crate) fn tiny() -> Config {
    Config {
        seed: 6,
        scale: Scale::Custom(Sizes {
            projects: 3,
            repositories_per_project: 2,
            people: 6,
            work_items: 90,
            pull_requests: 150,
            direct_pushes: 80,
            other_runs: 10,
            changesets: 60,
            releases: 40,
        }),
        project_names: vec![NAME.to_owned()],
        ..Config::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_other_tools_lost_is_lost() {
    let quiet = Deployment::synchronized(tiny()).await;
    quiet.assert_complete_at_least(200).await;
    let stored = quiet.stored().await;
    failed_runs_have_stages_and_jobs(&stored);
    abandoned_is_not_merged(&stored);
    commits_are_filed_under_their_push(&stored);
    items_that_moved_or_changed_their_type_stay_one(&stored);
    names_are_kept_as_they_are(&quiet, &stored);
    let counts = quiet.simulator.request_counts();
    a_stopped_organization_loses_nothing(&quiet).await;
    let contents = alike(quiet.contents().await);
    drop(quiet);

    let troubled = trouble_on_the_way_leaves_no_trace(&counts).await;
    // The last day came one by one there, and in bulk here.
    let same = alike(troubled.contents().await) == contents;
    assert!(same, "trouble leaves a trace");
    later_days_are_read_while_they_happen(&troubled).await;
}

/// A failed run says which job and which stage failed. Only one that was rejected before it began has neither.
fn failed_runs_have_stages_and_jobs(stored: &[StoredRecord]) {
    let (mut failed_jobs, mut failed_stages, mut rejected) = (0, 0, 0);
    for record in stored {
        let Record::Run(run) = &record.record else {
            continue;
        };
        if run.result != Some(RunResult::Failed) {
            continue;
        }
        // The list says that a run was refused, so its timeline is not asked for.
        let Some(timeline) = record.details.get(&Facet::Timeline) else {
            assert!(!run.problems.is_empty(), "{run:?}");
            rejected += 1;
            continue;
        };
        let timeline: Timeline = serde_json::from_str(timeline).unwrap();
        let has_failed = |kind| {
            let mut own = timeline.records.iter();
            own.any(|own| own.kind == kind && own.result == Some(StepResult::Failed))
        };
        rejected += usize::from(timeline.records.is_empty());
        failed_jobs += usize::from(has_failed(TimelineKind::Job));
        failed_stages += usize::from(has_failed(TimelineKind::Stage));
        assert!(
            timeline.records.is_empty() || has_failed(TimelineKind::Job),
            "{run:?}"
        );
    }
    // How many are rejected depends on the day that the world is drawn for.
    assert!(
        failed_jobs > 5 && failed_stages > 3 && rejected < failed_jobs,
        "{failed_jobs}, {failed_stages}, {rejected}"
    );
}

/// Who gave up has not merged.
fn abandoned_is_not_merged(stored: &[StoredRecord]) {
    let all = stored.iter().filter_map(|record| match &record.record {
        Record::PullRequest(own) => Some(own),
        _ => None,
    });
    let (abandoned, others): (Vec<_>, Vec<_>) =
        all.partition(|own| own.status == PullRequestStatus::Abandoned);
    assert!(!abandoned.is_empty() && !others.is_empty());
    for own in abandoned {
        assert!(own.closed_at.is_some(), "{own:?}");
        assert_eq!(own.merge_strategy, None, "{own:?}");
    }
}

/// A push of today may bring commits of last year: they are filed under the push.
fn commits_are_filed_under_their_push(stored: &[StoredRecord]) {
    let late = stored.iter().filter_map(|record| match &record.record {
        Record::Commit(own) => {
            let committed = own.committer.as_ref()?.at?;
            let days = own.pushed_at.duration_since(committed).as_hours() / 24;
            Some((days, own.pushed_at, &record.key.bucket))
        }
        _ => None,
    });
    let late: Vec<_> = late.filter(|(days, ..)| *days > 90).collect();
    assert!(!late.is_empty(), "no commit is older than its push");
    for (_, pushed_at, bucket) in late {
        assert_eq!(*bucket, model::record::day(pushed_at));
    }
}

/// Ids are unique in the organization: whatever becomes of an item, it is one record whose history says so.
fn items_that_moved_or_changed_their_type_stay_one(stored: &[StoredRecord]) {
    let items = || {
        stored.iter().filter_map(|record| match &record.record {
            Record::WorkItem(item) => Some(item.as_ref()),
            _ => None,
        })
    };
    let ids: BTreeSet<u64> = items().map(|item| item.id).collect();
    assert_eq!(ids.len(), items().count());
    let has_changed = |tracked| {
        let later = |item: &&WorkItem| {
            let mut later = item.revisions.iter().skip(1);
            later.any(|revision| revision.changes.contains_key(&tracked))
        };
        items().filter(later).count()
    };
    assert!(has_changed(Tracked::Project) > 0 && has_changed(Tracked::Type) > 0);
    let deleted = stored
        .iter()
        .filter(|record| matches!(&record.record, Record::WorkItem(item) if item.is_deleted));
    let expiring = deleted.clone().filter(|own| own.expires_at.is_some());
    assert!(deleted.count() > 0);
    assert!(expiring.count() > 0);
}

/// A name with every sign that needs an escape somewhere.
fn names_are_kept_as_they_are(deployment: &Deployment, stored: &[StoredRecord]) {
    assert!(
        deployment
            .simulator
            .projects()
            .iter()
            .any(|(_, name)| name == NAME)
    );
    let area = stored.iter().any(
        |record| matches!(&record.record, Record::ClassificationNode(node) if node.path == NAME),
    );
    let item = stored.iter().any(|record| {
        matches!(&record.record, Record::WorkItem(_)) && record.body.contains("Größe")
    });
    assert!(area && item, "in areas: {area}, in work items: {item}");
}

/// Somebody switched the organization off, and on again: that is no dead credential, and no empty organization.
async fn a_stopped_organization_loses_nothing(deployment: &Deployment) {
    let before = deployment.contents().await;
    deployment.simulator.inject(Fault {
        matching: String::new(),
        after: 0,
        times: u32::MAX,
        kind: FaultKind::Stopped503,
    });
    deployment.synchronize().await;
    deployment.simulator.clear_faults();
    assert_eq!(deployment.contents().await, before);
    let connection = deployment.connection().await;
    assert_eq!(connection["status"], "active", "{connection}");

    deployment.simulator.advance(1);
    deployment.synchronize().await;
    deployment.assert_complete_at_least(200).await;
}

/// Small pages, three 429s in every stream, pages without items, tokens that lead nowhere, pages of HTML.
async fn trouble_on_the_way_leaves_no_trace(streams: &BTreeMap<String, u64>) -> Deployment {
    let troubled = Deployment::start(Config {
        pages: PageCaps {
            pull_requests: PageCap::new(3, 1_000),
            ..PageCaps::undocumented(3)
        },
        days: 1,
        unverified: Unverified {
            timeline_absence: TimelineAbsence::NoContent204,
            ..Unverified::default()
        },
        ..tiny()
    })
    .await;
    let (status, answer) = troubled.connect(troubled.simulator.default_pat()).await;
    assert_eq!(status, 201, "{answer}");
    let inject = |matching: &str, after, times, kind| {
        troubled.simulator.inject(Fault {
            matching: format!("={matching}"),
            after,
            times,
            kind,
        });
    };
    for stream in ["builds", "workItemRevisions", "workItemLinks"] {
        inject(stream, 0, 1, FaultKind::EmptyPage);
        inject(stream, 3, 1, FaultKind::RepeatedToken);
    }
    inject("timeline", 2, 1, FaultKind::Html200);
    let busy = FaultKind::TooManyRequests429 {
        retry_after: Some(0),
    };
    for (stream, requests) in streams {
        // In the middle, where there is one.
        inject(stream, u32::from(*requests > 1), 3, busy.clone());
    }
    troubled.settle().await;
    let left = troubled.simulator.faults_left();
    assert!(
        left.iter()
            .all(|fault| DISCOVERY.contains(&&fault.matching[1..])),
        "not everything went wrong: {left:?}"
    );
    let requests = troubled.simulator.requests();
    for stream in streams
        .keys()
        .filter(|name| !DISCOVERY.contains(&name.as_str()))
    {
        let own = requests.iter().filter(|request| request.resource == stream);
        let refused = own.filter(|request| request.status == 429).count();
        assert_eq!(refused, 3, "{stream}");
    }
    troubled.assert_complete_at_least(200).await;
    troubled
}

/// What is asked before anything can go wrong here.
const DISCOVERY: [&str; 3] = ["connectionData", "projects", "repositories"];

/// The status of each pull request, as upstream has it now.
fn pull_requests(deployment: &Deployment) -> BTreeMap<String, String> {
    let since = Retention::default().window_start(Timestamp::now());
    let truth = deployment
        .simulator
        .ledger(since, &deployment.simulator.default_pat());
    let own = truth
        .into_iter()
        .filter(|entry| entry.kind == "pull_request");
    own.map(|entry| (entry.id, entry.version)).collect()
}

/// The runs that are stored as not ended.
async fn runs_under_way(deployment: &Deployment) -> BTreeSet<u64> {
    let stored = deployment.stored().await.into_iter();
    let open = stored.filter_map(|record| match record.record {
        Record::Run(run) if run.finished_at.is_none() => Some(run.id),
        _ => None,
    });
    open.collect()
}

/// How many days from now on it takes until a run is under way at the end of one, and a pull request is open that will be
/// closed soon. Which days those are depends on the day that the world is drawn for, so another world of the same kind
/// lives ahead.
fn days_until_something_is_about_to_end(deployment: &Deployment) -> u32 {
    let days = deployment.simulator.days();
    let today = deployment.simulator.now().as_second() / 86_400 - i64::from(days);
    let scout = Simulator::new(Config {
        epoch: Timestamp::from_second(today * 86_400).unwrap(),
        days,
        ..tiny()
    });
    let since = Retention::default().window_start(Timestamp::now());
    let open = |kind: &str, version: &str| -> BTreeSet<String> {
        let truth = scout.ledger(since, &scout.default_pat()).into_iter();
        let open = truth.filter(|entry| entry.kind == kind && entry.version == version);
        open.map(|entry| entry.id).collect()
    };
    let mut before: Vec<BTreeSet<String>> = Vec::new();
    loop {
        let (runs, pull_requests) = (open("run", ""), open("pull_request", "active"));
        // Two days ago somebody was at it who is not any more, and a run was under way.
        if let [.., of_then, _] = before.as_slice()
            && !of_then.is_subset(&pull_requests)
        {
            return scout.days() - 2 - days;
        }
        before.push(if runs.is_empty() {
            BTreeSet::new()
        } else {
            pull_requests
        });
        assert!(scout.days() < 60, "nothing ends");
        scout.advance(1);
    }
}

/// Pull requests that were open and runs that were under way at the last look are over now, and while all that is read,
/// two more days pass.
async fn later_days_are_read_while_they_happen(deployment: &Deployment) {
    let days = days_until_something_is_about_to_end(deployment);
    deployment.simulator.advance(days);
    deployment.synchronize().await;
    let before = pull_requests(deployment);
    let under_way = runs_under_way(deployment).await;
    assert!(!under_way.is_empty(), "no run was seen in progress");
    let is_closed = |(id, status): &(&String, &String)| {
        *status != "active" && before.get(*id).is_some_and(|old| old == "active")
    };
    while !pull_requests(deployment).iter().any(|own| is_closed(&own)) {
        assert!(deployment.simulator.days() < 60, "nothing closes");
        deployment.simulator.advance(1);
    }
    let days = deployment.simulator.days();
    deployment.simulator.set_drift(Drift {
        matching: String::new(),
        days: 2,
    });
    deployment.synchronize().await;
    assert_eq!(deployment.simulator.days(), days + 2, "life went on");
    deployment.synchronize().await;
    deployment.assert_complete_at_least(200).await;
    let still = runs_under_way(deployment).await;
    assert!(
        !still.is_superset(&under_way),
        "no run has ended: {still:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_repository_of_many_is_read() {
    let many = Deployment::synchronized(Config {
        scale: Scale::Custom(Sizes {
            projects: 1,
            repositories_per_project: 206,
            people: 4,
            work_items: 0,
            pull_requests: 0,
            direct_pushes: 30,
            other_runs: 0,
            changesets: 0,
            releases: 0,
        }),
        ..Config::default()
    })
    .await;
    many.assert_complete_at_least(20).await;
    let requests = many.simulator.requests();
    let pushes = requests
        .iter()
        .filter(|request| request.resource == "pushes");
    let repositories: BTreeSet<_> = pushes.map(|request| &request.path).collect();
    // The last one is empty: nothing was ever pushed to it.
    assert_eq!(repositories.len(), 205);
}
