//! What no list tells: comments on pull requests that are open, and work items that were destroyed.

use std::collections::BTreeSet;

use model::{Facet, Record, record::PullRequestActivity};
use simulator::{Fault, FaultKind};
use storage::StoredRecord;

use crate::deployment::Deployment;

/// The pull requests that are stored as open, each with how many threads are known.
fn open_pull_requests(stored: &[StoredRecord]) -> Vec<(u64, u32)> {
    let open = stored.iter().filter_map(|stored| match &stored.record {
        Record::PullRequest(own) if own.closed_at.is_none() => {
            let threads = stored.details.get(&Facet::Threads)?;
            let activity: PullRequestActivity = serde_json::from_str(threads).ok()?;
            Some((own.id, activity.threads))
        }
        _ => None,
    });
    open.collect()
}

/// A comment changes nothing in the list of pull requests. It is noticed with the daily look at those that are open, and
/// until then nobody is asked again.
pub(crate) async fn a_comment_alone_is_noticed_within_a_day(deployment: &Deployment) {
    let before = open_pull_requests(&deployment.stored().await);
    let (commented, threads) = *before.first().expect("one is open");
    deployment
        .simulator
        .comment(u32::try_from(commented).unwrap());
    deployment.simulator.clear_requests();
    deployment.synchronize().await;
    assert_eq!(deployment.simulator.request_counts().get("threads"), None);
    let known = open_pull_requests(&deployment.stored().await);
    assert!(known.contains(&(commented, threads)), "too early");

    let a_day_ago = r#"{"since":{"time":"2026-01-01T00:00:00Z"}}"#;
    deployment
        .age("pull_request_comments", Some(a_day_ago))
        .await;
    deployment.synchronize().await;

    let asked = deployment.simulator.request_counts()["threads"];
    assert_eq!(asked, before.len() as u64, "each open one once");
    let known = open_pull_requests(&deployment.stored().await);
    assert!(known.contains(&(commented, threads + 1)), "{known:?}");

    let before = deployment.contents().await;
    deployment.simulator.inject(Fault {
        matching: "=threads".to_owned(),
        after: 0,
        times: u32::MAX,
        kind: FaultKind::NotFound404,
    });
    deployment
        .age("pull_request_comments", Some(a_day_ago))
        .await;
    deployment.synchronize().await;
    deployment.simulator.clear_faults();
    let is_kept = deployment.contents().await == before;
    assert!(is_kept, "what was said is forgotten because it is hidden");
}

/// Ids of the work items that are marked as gone.
fn gone(stored: &[StoredRecord]) -> BTreeSet<u64> {
    let gone = stored.iter().filter_map(|stored| match &stored.record {
        Record::WorkItem(item) => item.gone_at.map(|_| item.id),
        _ => None,
    });
    gone.collect()
}

/// An open work item of an area of which others are stored, too.
fn one_of_many(stored: &[StoredRecord]) -> u64 {
    let items = || {
        stored.iter().filter_map(|stored| match &stored.record {
            Record::WorkItem(item) if !item.is_deleted => Some((item, stored.expires_at)),
            _ => None,
        })
    };
    let area = |item: &model::record::WorkItem| item.text("System.AreaPath").map(str::to_owned);
    let has_neighbours = |own: &model::record::WorkItem| {
        items().filter(|(item, _)| area(item) == area(own)).count() > 3
    };
    let mut open = items().filter(|(_, expires_at)| expires_at.is_none());
    let (item, _) = open.find(|(item, _)| has_neighbours(item)).expect("one");
    item.id
}

/// Nothing tells that a work item was destroyed. Two weekly looks find out, and then it expires; one does not.
pub(crate) async fn a_destroyed_work_item_is_marked_after_two_looks(deployment: &Deployment) {
    let destroyed = one_of_many(&deployment.stored().await);
    deployment
        .simulator
        .destroy_work_item(u32::try_from(destroyed).unwrap());
    for (look, marked) in [(1, BTreeSet::new()), (2, BTreeSet::from([destroyed]))] {
        deployment.age("gone_work_items", None).await;
        deployment.simulator.clear_requests();
        deployment.synchronize().await;
        let stored = deployment.stored().await;
        assert_eq!(gone(&stored), marked, "after look {look}");
        let counts = deployment.simulator.request_counts();
        assert_eq!(counts.get("wiql"), Some(&2), "{counts:?}");
        assert_eq!(counts.get("workItemsBatch"), Some(&1), "{counts:?}");
        let own = stored.iter().find(
            |stored| matches!(&stored.record, Record::WorkItem(item) if item.id == destroyed),
        );
        let expires_at = own.expect("nothing is deleted").expires_at;
        assert_eq!(expires_at.is_some(), look == 2);
    }
    deployment.age("gone_work_items", None).await;
    deployment.simulator.clear_requests();
    deployment.synchronize().await;
    let counts = deployment.simulator.request_counts();
    assert_eq!(
        counts.get("workItemsBatch"),
        None,
        "it is known: {counts:?}"
    );
}
