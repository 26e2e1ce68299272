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

/// One synchronization serves them all: they only read.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_is_what_happened_in_the_world() {
    let deployment = Deployment::synchronized(Config::default()).await;
    durations_are_those_of_the_world(&deployment).await;
    pull_requests_take_as_long_as_in_the_world(&deployment).await;
    every_record_is_exported_once_as_it_is_stored(&deployment).await;
    what_failed_and_was_restored_is_what_the_world_made_fail(&deployment).await;
    changes_reach_production_when_they_did_in_the_world(&deployment).await;
}

async fn durations_are_those_of_the_world(deployment: &Deployment) {
    let to = deployment.simulator.now();
    let from = to - SignedDuration::from_hours(24 * 60);
    let range = format!("from={from}&to={to}");
    let inside = |at: Timestamp| from <= at && at < to;
    let times = deployment.simulator.run_times();
    let ended: Vec<_> = times.iter().filter(|run| inside(run.finished)).collect();

    let (status, found) = ask(deployment, "contoso", &format!("/run_total_time?{range}")).await;
    assert_eq!(status, 200, "{found}");
    let values = ended.iter().map(|run| seconds(run.queued, run.finished));
    assert_same(&found["total"], values.collect(), "run_total_time");
    assert!(found["freshness"]["complete_as_of"].is_string(), "{found}");

    let (_, found) = ask(deployment, "contoso", &format!("/run_queue_time?{range}")).await;
    let values = ended
        .iter()
        .filter_map(|run| Some(seconds(run.queued, run.started?)));
    assert_same(&found["total"], values.collect(), "run_queue_time");

    let query = format!("/stage_duration?{range}&group_by=stage");
    let (_, found) = ask(deployment, "contoso", &query).await;
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
        deployment,
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

    let (status, nothing) = ask(deployment, "globex", &format!("/run_total_time?{range}")).await;
    assert_eq!(status, 200);
    assert_eq!(nothing["total"]["count"], 0, "another tenant sees nothing");
    assert_eq!(nothing["total"]["value"], Value::Null);
    let (status, problem) = ask(deployment, "contoso", "/colour").await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &"metric".into()),
        "{problem}"
    );
}

async fn pull_requests_take_as_long_as_in_the_world(deployment: &Deployment) {
    let to = deployment.simulator.now();
    let from = to - SignedDuration::from_hours(24 * 60);
    let range = format!("from={from}&to={to}");
    let inside = |at: Timestamp| from <= at && at < to;
    let times = deployment.simulator.pull_request_times();
    let merged: Vec<_> = times
        .iter()
        .filter_map(|own| Some((own, own.merged.filter(|at| inside(*at))?)))
        .collect();
    let ask = async |metric: &str| {
        let path = format!("/{metric}?{range}&group_by=phase");
        let path = match metric {
            "pull_request_stage_time" => path,
            _ => path.replace("&group_by=phase", ""),
        };
        ask(deployment, "contoso", &path).await.1
    };

    let found = ask("pull_request_merge_time").await;
    let values = merged.iter().map(|(own, at)| seconds(own.opened, *at));
    assert_same(&found["total"], values.collect(), "merge time");

    let found = ask("pull_request_first_review_time").await;
    let reviewed = times
        .iter()
        .filter_map(|own| Some((own.opened, own.first_review?)));
    let reviewed = reviewed.filter(|(_, at)| inside(*at));
    let values = reviewed.map(|(opened, at)| seconds(opened, at));
    assert_same(&found["total"], values.collect(), "first review");

    let found = ask("pull_request_lead_time").await;
    let begins = merged
        .iter()
        .map(|(own, at)| (own.first_commit.unwrap_or(own.opened), *at));
    let values = begins.map(|(from, at)| seconds(from, at));
    assert_same(&found["total"], values.collect(), "lead time");

    let found = ask("pull_request_stage_time").await;
    let approved = merged.iter().filter_map(|(own, _)| {
        let before = own.first_review.unwrap_or(own.opened);
        Some(seconds(before, own.first_approval?))
    });
    let groups = found["groups"].as_array().unwrap();
    let group = groups
        .iter()
        .find(|group| group["by"]["phase"] == "approved");
    assert_same(group.unwrap(), approved.collect(), "approved");
}

async fn every_record_is_exported_once_as_it_is_stored(deployment: &Deployment) {
    let stored = deployment.stored().await;
    let mut by_kind: BTreeMap<&str, BTreeMap<(String, String), Value>> = BTreeMap::new();
    for own in &stored {
        let key = (own.integration.to_string(), own.key.sort.clone());
        let record = serde_json::from_str(&own.body).unwrap();
        let of_kind = by_kind.entry(own.key.kind.name()).or_default();
        of_kind.insert(key, record);
    }
    assert!(by_kind.len() > 20, "{:?}", by_kind.keys());
    for (kind, expected) in by_kind {
        let mut found = BTreeMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/insights/export/{kind}?{cursor}");
            let (next, text) = deployment.text(&path).await;
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                let own = |name: &str| line[name].as_str().unwrap().to_owned();
                let key = (own("integration"), own("key"));
                assert_eq!(line["kind"], kind);
                let before = found.insert(key, line["record"].clone());
                assert_eq!(before, None, "{kind} came twice");
            }
            match next {
                Some(next) => cursor = format!("cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{kind}");
    }
    let (status, problem) = ask(deployment, "contoso", "/export/colour").await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &"kind".into()),
        "{problem}"
    );
}

async fn what_failed_and_was_restored_is_what_the_world_made_fail(deployment: &Deployment) {
    let to = deployment.simulator.now();
    let days = 60;
    let from = to - SignedDuration::from_hours(24 * days);
    let range = format!("from={from}&to={to}");
    let inside = |at: Timestamp| from <= at && at < to;
    let outcomes = deployment.simulator.deployment_outcomes();
    let ended: Vec<_> = outcomes.iter().filter(|own| inside(own.at)).collect();
    let failed = |own: &&&simulator::DeploymentOutcome| own.failed;
    let count = ended.iter().filter(failed).count();
    assert!(
        count > 5,
        "{count} failures of {} prove little",
        ended.len()
    );

    let ask = async |question: &str| {
        let path = format!("/{question}{range}");
        ask(deployment, "contoso", &path).await.1
    };
    let found = ask("deployment_count?").await;
    assert_eq!(found["total"]["count"], ended.len(), "{}", found["total"]);

    let found = ask("change_failure_rate?").await;
    let rate = found["total"]["value"].as_f64().unwrap();
    let expected = count as f64 / ended.len() as f64;
    assert!((rate - expected).abs() < 1e-9, "{rate}, not {expected}");
    assert!(found["grade"].is_string(), "{found}");

    let found = ask("deployment_frequency?").await;
    let frequency = found["total"]["value"].as_f64().unwrap();
    let expected = (ended.len() - count) as f64 / days as f64;
    assert!(
        (frequency - expected).abs() < 1e-9,
        "{frequency}, not {expected}"
    );

    let found = ask("time_to_restore?").await;
    let restored = outcomes.iter().filter(|own| !own.continues);
    let restored =
        restored.filter_map(|own| Some((own.at, own.restored.filter(|at| inside(*at))?)));
    let values = restored.map(|(from, at)| seconds(from, at));
    assert_same(&found["total"], values.collect(), "time to restore");

    let found = ask("change_failure_rate?failure=rollback&").await;
    let rate = found["total"]["value"].as_f64().unwrap();
    let rolled_back = ended
        .iter()
        .filter(|own| !own.failed && own.rolled_back)
        .count();
    let expected = rolled_back as f64 / ended.len() as f64;
    assert!((rate - expected).abs() < 1e-9, "{rate}, not {expected}");

    let (status, problem) = self::ask(deployment, "contoso", "/deployment_count?source=x").await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &"source".into()),
        "{problem}"
    );
}

async fn changes_reach_production_when_they_did_in_the_world(deployment: &Deployment) {
    let to = deployment.simulator.now();
    let from = to - SignedDuration::from_hours(24 * 60);
    let range = format!("from={from}&to={to}");
    let inside = |at: Timestamp| from <= at && at < to;
    let deliveries = deployment.simulator.change_deliveries();
    let values = deliveries.iter().filter_map(|own| {
        let deployed = own.deployed.filter(|at| inside(*at))?;
        Some(seconds(own.committed?, deployed))
    });
    let values: Vec<f64> = values.collect();
    assert!(values.len() > 20, "{} prove little", values.len());
    let path = format!("/lead_time_for_changes?{range}");
    let (_, found) = ask(deployment, "contoso", &path).await;
    assert_same(&found["total"], values, "lead time for changes");
    assert!(found["grade"].is_string(), "{found}");

    let path = format!("/lead_time/rows?{range}&end=merged&limit=10000");
    let (_, found) = ask(deployment, "contoso", &path).await;
    let rows = found["rows"].as_array().unwrap();
    assert!(rows.len() > 5, "{} rows", rows.len());
    for row in rows {
        assert!(
            row["link"].as_str().unwrap().contains("/_workitems/edit/"),
            "{row}"
        );
        let evidence = row["evidence"].as_array().unwrap();
        assert!(!evidence.is_empty(), "{row}");
        assert!(
            evidence
                .iter()
                .all(|own| own["reason"].is_string() && own["link"].is_string()),
            "{row}"
        );
    }
    let path = format!("/lead_time_stages?{range}&end=merged&group_by=phase");
    let (_, stages) = ask(deployment, "contoso", &path).await;
    let mean = |found: &Value| found["mean"].as_f64().unwrap() * found["count"].as_f64().unwrap();
    let sum: f64 = stages["groups"].as_array().unwrap().iter().map(mean).sum();
    let whole: f64 = rows.iter().map(|row| row["value"].as_f64().unwrap()).sum();
    assert!(
        (sum - whole).abs() < 1.0,
        "stages add up to {sum}, not {whole}"
    );
}
