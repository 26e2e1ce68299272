//! Test runs: how long a range may be, and what occurs in them.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use http::StatusCode;
use serde_json::Value;
use simulator::{Config, PageCaps};
use support::{Client, config};

fn path(client: &Client, project: usize, query: &str) -> String {
    let project = client.simulator.projects()[project].0;
    format!("{project}/_apis/test/runs{query}")
}

async fn week(client: &Client) -> Vec<Value> {
    let end = client.simulator.now();
    let start = end - jiff::SignedDuration::from_hours(7 * 24);
    let query = format!("?minLastUpdatedDate={start}&maxLastUpdatedDate={end}");
    client.all_by_token(&path(client, 0, &query)).await
}

#[tokio::test]
async fn a_range_is_a_week_at_most() {
    let client = Client::new(config());
    let range = |days: i64| {
        let end = client.simulator.now();
        let start = end - jiff::SignedDuration::from_hours(24 * days);
        path(
            &client,
            0,
            &format!("?minLastUpdatedDate={start}&maxLastUpdatedDate={end}"),
        )
    };
    assert_eq!(client.get(&range(7)).await.status, StatusCode::OK);
    assert_eq!(client.get(&range(8)).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(client.get(&range(-1)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pages_of_any_size_hold_every_test_run_once() {
    let whole = week(&Client::new(config())).await;
    let pages = PageCaps::all(2);
    let paged = week(&Client::new(Config { pages, ..config() })).await;
    assert!(whole.len() > 4, "{}", whole.len());
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn some_projects_test_and_others_do_not() {
    let client = Client::new(config());
    let probe = "?$top=1";
    assert_eq!(client.get(&path(&client, 0, probe)).await.items().len(), 1);
    assert_eq!(client.get(&path(&client, 1, probe)).await.items().len(), 0);
}

#[tokio::test]
async fn people_test_by_hand_and_green_runs_have_flaky_tests() {
    let client = Client::new(config());
    let mut all = Vec::new();
    for skip in [0, 100, 200] {
        let query = format!("?$top=100&$skip={skip}");
        all.extend(client.get(&path(&client, 0, &query)).await.items());
    }
    let has = |test: &dyn Fn(&Value) -> bool| all.iter().any(test);
    assert!(has(
        &|own| own.get("build").is_none() && own["isAutomated"] == false
    ));
    let outcome = |own: &Value| own["runStatistics"][1]["outcome"] == "Failed";
    assert!(has(&outcome), "something failed");
    assert!(
        has(&|own| outcome(own) && own["unanalyzedTests"] == 0),
        "and was looked at"
    );
}
