//! Life that goes on while a list is being read.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeSet;

use http::Request;
use jiff::SignedDuration;
use simulator::{Config, Drift, PageCaps, Simulator};
use support::{Client, config};

const ACTIVE: &str = "git/pullrequests?searchCriteria.status=active";

fn drifting(matching: &str, days: u32) -> Client {
    Client::new(Config {
        pages: PageCaps::all(2),
        drift: Drift {
            matching: matching.to_owned(),
            days,
        },
        ..config()
    })
}

/// The ids on the pages of a list that is read with `$skip`.
async fn read_by_skip(client: &Client, path: &str, id: &str) -> Vec<u64> {
    let mut ids = Vec::new();
    loop {
        let page = client.get(&format!("{path}&$skip={}", ids.len())).await;
        let items = page.items();
        if items.is_empty() {
            return ids;
        }
        ids.extend(items.iter().filter_map(|item| item[id].as_u64()));
    }
}

async fn active(client: &Client) -> Vec<u64> {
    let project = client.simulator.projects()[0].0;
    read_by_skip(
        client,
        &format!("{project}/_apis/{ACTIVE}"),
        "pullRequestId",
    )
    .await
}

#[tokio::test]
async fn only_matching_pages_that_continue_a_list_bring_a_new_day() {
    let client = drifting("pullRequests", 2);
    client
        .get("_apis/projects?$top=1&continuationToken=1")
        .await;
    let project = client.simulator.projects()[0].0;
    client.get(&format!("{project}/_apis/{ACTIVE}")).await;
    client
        .get(&format!("{project}/_apis/{ACTIVE}&$skip=0"))
        .await;
    assert_eq!(client.simulator.days(), 0);
    client
        .get(&format!("{project}/_apis/{ACTIVE}&$skip=2"))
        .await;
    assert_eq!(client.simulator.days(), 1);
    for _ in 0..3 {
        client
            .get(&format!("{project}/_apis/{ACTIVE}&$skip=2"))
            .await;
    }
    assert_eq!(client.simulator.days(), 2, "no more days than asked for");
}

/// What is open before and after, and on no page that is read meanwhile.
async fn overlooked(client: &Client) -> Vec<u64> {
    let before: BTreeSet<u64> = active(client).await.into_iter().collect();
    client.simulator.set_drift(Drift {
        matching: "pullRequests".to_owned(),
        days: 2,
    });
    let seen = active(client).await;
    let after = active(client).await;
    after
        .into_iter()
        .filter(|id| before.contains(id) && !seen.contains(id))
        .collect()
}

#[tokio::test]
async fn pull_requests_that_close_hide_others_from_who_skips() {
    let client = drifting("", 0);
    let mut found = Vec::new();
    while found.is_empty() && client.simulator.days() < 40 {
        found = overlooked(&client).await;
    }
    assert!(!found.is_empty(), "nothing was overlooked in 40 days");
}

#[tokio::test]
async fn pushes_that_arrive_come_twice_to_who_skips() {
    let client = drifting("pushes", 3);
    let repository = client.get("_apis/git/repositories").await.items()[0]["id"].clone();
    let id = repository.as_str().expect("an id");
    let path = format!("_apis/git/repositories/{id}/pushes?$top=2");
    let mut seen = read_by_skip(&client, &path, "pushId").await;
    let pages = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() < pages, "{} of {pages}", seen.len());
}

#[tokio::test]
async fn in_the_end_the_world_is_the_one_of_so_many_days_later() {
    let client = drifting("", 2);
    active(&client).await;
    let later = Simulator::new(Config {
        days: 2,
        ..config()
    });
    let since = later.now() - SignedDuration::from_hours(24 * 90);
    let owed = |simulator: &Simulator| simulator.ledger(since, &simulator.default_pat());
    assert_eq!(owed(&client.simulator), owed(&later));
}

#[tokio::test]
async fn scripts_choose_the_drift() {
    let client = drifting("", 0);
    let request = Request::post("/_simulator/drift?matching=pushes&days=1");
    assert_eq!(client.send(request, "").await.json()["days"], 0);
    active(&client).await;
    assert_eq!(client.simulator.days(), 0);
    let repository = client.get("_apis/git/repositories").await.items()[0]["id"].clone();
    let id = repository.as_str().expect("an id");
    client
        .get(&format!("_apis/git/repositories/{id}/pushes?$skip=1"))
        .await;
    assert_eq!(client.simulator.days(), 1);
}
