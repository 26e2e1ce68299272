//! Insights: the numbers of the API are those of the world that was simulated.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulator::Config;

use crate::deployment::Deployment;

async fn ask(deployment: &Deployment, tenant: &str, path: &str) -> (u16, Value) {
    let path = format!("/api/v1/insights{path}");
    let get = (reqwest::Method::GET, path.as_str());
    deployment.call((tenant, &["viewer"]), get, None).await
}

/// The median as it is taught: the one in the middle, or the mean of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

fn assert_same(found: &Value, values: Vec<f64>, what: &str) {
    assert!(!values.is_empty(), "nothing to compare for {what}");
    assert_eq!(found["count"], values.len(), "{what}: {found}");
    let close = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() < 0.01;
    let largest = values.iter().copied().fold(f64::MIN, f64::max);
    assert!(
        close(&found["max"], largest),
        "{what}: {found}, not {largest}"
    );
    let median = median(values);
    assert!(
        close(&found["value"], median),
        "{what}: {found}, not {median}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn durations_are_those_of_the_world() {
    let deployment = Deployment::synchronized(Config::default()).await;
    let to = deployment.simulator.now();
    let from = to - SignedDuration::from_hours(24 * 60);
    let range = format!("from={from}&to={to}");
    let inside = |at: Timestamp| from <= at && at < to;
    let times = deployment.simulator.run_times();
    let ended: Vec<_> = times.iter().filter(|run| inside(run.finished)).collect();

    let (status, found) = ask(&deployment, "contoso", &format!("/run_total_time?{range}")).await;
    assert_eq!(status, 200, "{found}");
    let values = ended.iter().map(|run| seconds(run.queued, run.finished));
    assert_same(&found["total"], values.collect(), "run_total_time");
    assert!(found["freshness"]["complete_as_of"].is_string(), "{found}");

    let (_, found) = ask(&deployment, "contoso", &format!("/run_queue_time?{range}")).await;
    let values = ended
        .iter()
        .filter_map(|run| Some(seconds(run.queued, run.started?)));
    assert_same(&found["total"], values.collect(), "run_queue_time");

    let query = format!("/stage_duration?{range}&group_by=stage");
    let (_, found) = ask(&deployment, "contoso", &query).await;
    let mut by_stage: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, start, finish) in times.iter().flat_map(|run| &run.stages) {
        if inside(*finish) {
            by_stage
                .entry(name)
                .or_default()
                .push(seconds(*start, *finish));
        }
    }
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), by_stage.len(), "{found}");
    for group in groups {
        let name = group["by"]["stage"].as_str().unwrap();
        assert_same(group, by_stage.remove(name).unwrap(), name);
    }

    let (_, found) = ask(
        &deployment,
        "contoso",
        &format!("/run_total_time/rows?{range}&limit=1"),
    )
    .await;
    assert_eq!(found["rows_in_all"], ended.len(), "{found}");
    assert_eq!(found["next_offset"], 1);
    let newest = ended.iter().map(|run| run.finished).max().unwrap();
    assert_eq!(found["rows"][0]["at"], newest.to_string());
    let link = found["rows"][0]["link"].as_str().unwrap();
    assert!(link.contains("/_build/results?buildId="), "{link}");

    let (status, nothing) = ask(&deployment, "globex", &format!("/run_total_time?{range}")).await;
    assert_eq!(status, 200);
    assert_eq!(nothing["total"]["count"], 0, "another tenant sees nothing");
    assert_eq!(nothing["total"]["value"], Value::Null);
    let (status, problem) = ask(&deployment, "contoso", "/colour").await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &"metric".into()),
        "{problem}"
    );
}
