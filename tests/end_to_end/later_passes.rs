//! Passes after the first: what has changed, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{Kind, Retention, RowKey};

use crate::deployment::Deployment;

/// What the organization's truth says of each thing, by kind and sort key.
fn truth(deployment: &Deployment) -> BTreeMap<(Kind, String), (String, u64)> {
    let since = Retention::default().window_start(Timestamp::now());
    let expected = deployment
        .simulator
        .ledger(since, &deployment.simulator.default_pat());
    expected
        .into_iter()
        .map(|entry| {
            let kind = Kind::from_name(entry.kind).unwrap();
            (
                (kind, format!("{}#{}", entry.scope, entry.id)),
                (entry.version, entry.children),
            )
        })
        .collect()
}

/// Some days later exactly what has changed is stored. Three days, because two of them may be a weekend.
pub(crate) async fn days_later_exactly_what_has_changed_is_stored(deployment: &Deployment) {
    let (before, truth_before) = (deployment.contents().await, truth(deployment));

    deployment.simulator.advance(3);
    deployment.synchronize().await;
    deployment.assert_complete().await;

    let (after, truth_after) = (deployment.contents().await, truth(deployment));
    let changed: BTreeSet<(Kind, String)> = after
        .iter()
        .filter(|(key, content)| before.get(*key) != Some(*content))
        .map(|(RowKey { kind, sort, .. }, _)| (*kind, sort.clone()))
        .collect();
    let must_change: BTreeSet<(Kind, String)> = truth_after
        .iter()
        .filter(|(key, state)| truth_before.get(*key) != Some(*state))
        .map(|(key, _)| key.clone())
        .collect();
    assert!(
        must_change.len() > 20,
        "quiet days prove little: {}",
        must_change.len()
    );
    let missed: Vec<_> = must_change.difference(&changed).collect();
    assert!(missed.is_empty(), "{missed:?}");
    // The truth tells versions, not fields: an open pull request may change its votes without a new version.
    let needless: Vec<_> = changed
        .difference(&must_change)
        .filter(|(kind, _)| *kind != Kind::PullRequest)
        .collect();
    assert!(needless.is_empty(), "{needless:?}");
    println!(
        "{} records changed in three days, {} are stored",
        changed.len(),
        after.len()
    );
}

/// Looking for news where there is none asks each stream once that has no wider scope, as the plan says, and nothing else.
pub(crate) async fn no_news_costs_one_request_for_each_stream(deployment: &Deployment) {
    let before = deployment.contents().await;
    deployment.simulator.clear_requests();

    deployment.look_for_news().await;

    assert_eq!(deployment.contents().await, before);
    let plan = (deployment.simulator).idle_floor(&deployment.simulator.default_pat());
    let planned: BTreeMap<&str, u64> = plan
        .iter()
        .map(|(name, own)| (*name, own.requests))
        .collect();
    let counts = deployment.simulator.request_counts();
    let sent: BTreeMap<&str, u64> = counts.iter().map(|(name, sent)| (&**name, *sent)).collect();
    assert_eq!(sent, planned);
}

/// A pass with nothing new asks for no single work item, run, pull request or push, and changes nothing.
pub(crate) async fn a_pass_with_nothing_new_asks_for_no_single_thing(deployment: &Deployment) {
    let before = deployment.contents().await;
    deployment.simulator.clear_requests();

    deployment.synchronize().await;

    assert_eq!(deployment.contents().await, before);
    let counts = deployment.simulator.request_counts();
    println!("requests of a pass with nothing new: {counts:?}");
    for single in [
        "timeline",
        "threads",
        "workItems",
        "workItemsBatch",
        "wiql",
        "commits",
        "commitsBatch",
    ] {
        assert_eq!(counts.get(single), None, "{counts:?}");
    }
    // Lists that the service may have cut short are asked once more; nothing else is asked twice.
    let connection = deployment.connection().await;
    let integrations = connection["integrations"].as_array().unwrap().iter();
    let streams = integrations.map(|each| each["streams"]["total"].as_u64().unwrap());
    let (total, streams): (u64, u64) = (counts.values().sum(), streams.sum());
    assert!(
        total <= 2 * streams,
        "{total} requests for {streams} streams: {counts:?}"
    );
}
