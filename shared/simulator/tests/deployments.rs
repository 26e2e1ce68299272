//! Classic releases: what happens to them, and how their list is read.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use serde_json::Value;
use simulator::{Config, PageCaps};
use support::{Client, config};

const LIST: &str = "_apis/release/deployments?queryOrder=ascending";

fn path(project: &str) -> String {
    format!("_host/vsrm.dev.azure.com/{project}/{LIST}")
}

async fn all(client: &Client) -> Vec<Value> {
    let mut found = Vec::new();
    for (project, _) in client.simulator.projects() {
        found.extend(client.all_by_token(&path(&project.to_string())).await);
    }
    found
}

fn id(own: &Value) -> u64 {
    own["id"].as_u64().expect("an id")
}

#[tokio::test]
async fn every_course_of_a_deployment_occurs() {
    let found = all(&Client::new(config())).await;
    let text = |own: &Value, key: &str| own[key].as_str().expect("a text").to_owned();
    let courses: BTreeSet<(String, String)> = found
        .iter()
        .map(|own| (text(own, "deploymentStatus"), text(own, "operationStatus")))
        .collect();
    for (status, operation) in [
        ("notDeployed", "pending"),
        ("notDeployed", "rejected"),
        ("failed", "phaseFailed"),
        ("failed", "rejected"),
        ("succeeded", "Approved"),
    ] {
        let course = (status.to_owned(), operation.to_owned());
        assert!(courses.contains(&course), "{course:?} of {courses:?}");
    }
    let has = |test: &dyn Fn(&Value) -> bool| found.iter().any(test);
    assert!(has(&|own| own["attempt"].as_u64() > Some(1)), "redeployed");
    assert!(
        has(&|own| own["reason"] == "redeployTrigger"),
        "rolled back"
    );
    assert!(has(
        &|own| own["postDeployApprovals"][0]["status"] == "approved"
    ));
    assert!(found.len() > 60, "{}", found.len());
}

#[tokio::test]
async fn pages_of_any_size_hold_every_deployment_once() {
    let whole: Vec<u64> = all(&Client::new(config())).await.iter().map(id).collect();
    let client = Client::new(Config {
        pages: PageCaps::all(3),
        ..config()
    });
    let paged: Vec<u64> = all(&client).await.iter().map(id).collect();
    assert_eq!(paged, whole);
    assert!(paged.windows(2).any(|pair| pair[0] < pair[1]));
}

#[tokio::test]
async fn a_project_without_a_pipeline_has_an_empty_list() {
    let client = Client::new(config());
    let without = client.simulator.projects()[1].0.to_string();
    assert!(client.get(&path(&without)).await.items().is_empty());
}

#[tokio::test]
async fn a_change_of_an_old_deployment_comes_with_a_later_time_and_the_same_id() {
    let client = Client::new(config());
    let before = states(&client).await;
    client.simulator.advance(2);
    let after = states(&client).await;
    let moved = before.iter().filter(|(id, modified)| {
        let now = &after[*id];
        assert!(now >= *modified, "{id} went back");
        now > *modified
    });
    assert!(moved.count() > 0, "nothing was decided in two days");
}

async fn states(client: &Client) -> BTreeMap<u64, jiff::Timestamp> {
    let state = |own: &Value| {
        let modified = own["lastModifiedOn"].as_str().expect("a time");
        (id(own), modified.parse().expect("a time"))
    };
    all(client).await.iter().map(state).collect()
}

#[tokio::test]
async fn releases_are_served_by_their_own_host_to_their_own_scope() {
    let client = Client::new(config());
    let project = client.simulator.projects()[0].0;
    let elsewhere = format!("{project}/{LIST}");
    assert_eq!(client.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    let mut pat = client.simulator.make_pat(3);
    pat.scopes.remove("vso.release");
    let token = pat.token.clone();
    client.simulator.add_pat(pat);
    let narrow = client.with_token(&token);
    let answer = narrow.get(&path(&project.to_string())).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
