//! Environments of YAML pipelines: what was deployed to them, and in which order it is listed.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use simulator::{Config, PageCaps, Unverified};
use support::{Client, config};

async fn environments(client: &Client) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (project, _) in client.simulator.projects() {
        let path = format!("{project}/_apis/distributedtask/environments");
        for own in client.all_by_token(&path).await {
            found.push((format!("{path}/{}", own["id"]), own));
        }
    }
    found
}

async fn records(client: &Client) -> BTreeMap<u64, Value> {
    let mut found = BTreeMap::new();
    for (path, _) in environments(client).await {
        let path = format!("{path}/environmentdeploymentrecords");
        for own in client.all_by_token(&path).await {
            let id = own["id"].as_u64().expect("an id");
            assert!(found.insert(id, own).is_none(), "{id} comes twice");
        }
    }
    found
}

#[tokio::test]
async fn retried_stages_deploy_again_and_some_deployments_fail() {
    let found = records(&Client::new(config())).await;
    let has = |key: &str, value: Value| found.values().any(|own| own[key] == value);
    assert!(has("stageAttempt", 2.into()), "a stage was retried");
    assert!(has("result", "failed".into()) && has("result", "succeeded".into()));
    assert!(has("stageName", "Deploy".into()) && has("stageName", "Test".into()));
}

#[tokio::test]
async fn either_order_and_any_page_size_list_the_same() {
    let newest_first = records(&Client::new(config())).await;
    let client = Client::new(Config {
        pages: PageCaps::all(3),
        unverified: Unverified {
            deployments_newest_first: false,
            ..Unverified::default()
        },
        ..config()
    });
    assert_eq!(records(&client).await, newest_first);
    let (path, _) = &environments(&client).await[0];
    let page = client
        .get(&format!("{path}/environmentdeploymentrecords?top=2"))
        .await;
    let ids: Vec<u64> = page
        .items()
        .iter()
        .filter_map(|own| own["id"].as_u64())
        .collect();
    assert!(ids[0] < ids[1], "oldest first");
}

#[tokio::test]
async fn what_was_deployed_stays_the_same_as_days_pass() {
    let client = Client::new(config());
    let before = records(&client).await;
    client.simulator.advance(10);
    let after = records(&client).await;
    for (id, own) in &before {
        if own.get("finishTime").is_some() {
            assert_eq!(after[id], *own);
        }
    }
    assert!(
        after.len() > before.len(),
        "nothing was deployed in ten days"
    );
}

#[tokio::test]
async fn an_environment_of_another_project_is_not_found() {
    let client = Client::new(config());
    let other = client.simulator.projects()[1].0.to_string();
    let (path, _) = environments(&client).await.swap_remove(0);
    let own = client.simulator.projects()[0].0.to_string();
    let path = path.replace(&own, &other);
    let answer = client
        .get(&format!("{path}/environmentdeploymentrecords"))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
