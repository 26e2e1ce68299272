//! Analytics: what it tells of runs, whom it answers, and how far it is behind.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use simulator::{Analytics, AnalyticsAccess, Config, PageCap, PageCaps, Unverified};
use support::{Answer, Client, config};

const HOST: &str = "/_host/analytics.dev.azure.com/fabrikam";
const SELECT: &str = "$select=PipelineRunId,PipelineJobSK,ActivityType,ActivityStartedDate,ActivityCompletedDate,TaskDisplayName,\
     TaskOutcome,PipelineRunOutcome&$expand=PipelineJob($select=StageName,JobName)";

fn query(client: &Client, more: &str) -> String {
    let project = client.simulator.projects()[0].0;
    let query = format!("{SELECT}{more}").replace(' ', "%20");
    format!("{HOST}/{project}/_odata/v4.0-preview/PipelineRunActivityResults?{query}")
}

async fn ask(client: &Client, path: &str) -> Answer {
    client.send(http::Request::get(path), "").await
}

/// All rows, page after page.
async fn rows(client: &Client, more: &str) -> Vec<Value> {
    let mut path = query(client, more);
    let mut rows = Vec::new();
    loop {
        let answer = ask(client, &path).await;
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        rows.extend(body["value"].as_array().expect("rows").iter().cloned());
        match body["@odata.nextLink"].as_str() {
            Some(next) => {
                let rest = next.strip_prefix("https://analytics.dev.azure.com/fabrikam");
                path = format!("{HOST}{}", rest.expect("an absolute address"));
            }
            None => return rows,
        }
    }
}

fn run(row: &Value) -> u64 {
    row["PipelineRunId"].as_u64().expect("a run")
}

#[tokio::test]
async fn pages_of_any_size_hold_every_row_once_in_the_order_of_runs() {
    let order = "&$orderby=PipelineRunId asc";
    let whole = rows(&Client::new(config()), order).await;
    let pages = PageCaps {
        activities: PageCap::new(97, 97),
        ..PageCaps::default()
    };
    let client = Client::new(Config { pages, ..config() });
    assert_eq!(rows(&client, order).await, whole);
    assert!(whole.is_sorted_by_key(run));
    let requests = client.simulator.requests();
    assert_eq!(requests.len(), whole.len().div_ceil(97));
    assert!(requests.iter().all(|own| own.strict_violation.is_none()));
}

#[tokio::test]
async fn rows_are_the_tasks_and_approvals_of_the_timelines_and_the_waits_of_their_jobs() {
    let client = Client::new(config());
    let project = client.simulator.projects()[0].0;
    let mut by_run: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for row in rows(&client, "").await {
        by_run.entry(run(&row)).or_default().push(row);
    }
    let (mut compared, mut retried) = (0, 0);
    for (run, rows) in by_run.iter().step_by(5) {
        let path = format!("{project}/_apis/build/builds/{run}/timeline");
        let timeline = client.get(&path).await.json();
        let records = timeline["records"].as_array().expect("records");
        let is_retried = |own: &Value| own["previousAttempts"].get(0).is_some();
        if records.iter().any(is_retried) {
            retried += 1;
            continue;
        }
        let outcomes = |kind: &str| {
            let rows = rows.iter().filter(|row| row["ActivityType"] == kind);
            let mut outcomes: Vec<String> = rows
                .map(|row| format!("{} {}", row["TaskDisplayName"], row["TaskOutcome"]))
                .collect();
            outcomes.sort();
            outcomes.join(",").to_lowercase()
        };
        let results = |kind: &str| {
            let records = records.iter().filter(|own| own["type"] == kind);
            let mut results: Vec<String> = records
                .map(|own| format!("{} {}", own["name"], own["result"]))
                .collect();
            results.sort();
            results.join(",").to_lowercase()
        };
        assert_eq!(outcomes("Task"), results("Task"), "{run}");
        let count = |kind: &str| records.iter().filter(|own| own["type"] == kind).count();
        let waits = rows.iter().filter(|row| row["ActivityType"] == "AgentWait");
        assert_eq!(waits.count(), count("Job"), "{run}");
        let approvals = rows.iter().filter(|row| row["ActivityType"] == "Approval");
        assert_eq!(approvals.count(), count("Checkpoint.Approval"), "{run}");
        compared += 1;
    }
    assert!(compared > 20 && retried > 0, "{compared}, {retried}");
}

#[tokio::test]
async fn instants_are_in_the_zone_of_the_organization() {
    let client = Client::new(config());
    let rows = rows(&client, "").await;
    let started = rows
        .iter()
        .find_map(|row| row["ActivityStartedDate"].as_str());
    assert!(started.expect("an instant").ends_with("+02:00"));
    let skipped = rows.iter().find(|row| row["TaskOutcome"] == "Skipped");
    assert_eq!(skipped.expect("one")["ActivityStartedDate"], Value::Null);
}

#[tokio::test]
async fn a_filter_bounds_runs_and_days() {
    let client = Client::new(config());
    let all = rows(&client, "").await;
    let runs: BTreeSet<u64> = all.iter().map(run).collect();
    let (first, last) = (
        runs.iter().nth(3).expect("a run"),
        runs.iter().nth(9).expect("a run"),
    );
    let filter = format!("&$filter=PipelineRunId ge {first} and PipelineRunId lt {last}");
    let some: BTreeSet<u64> = rows(&client, &filter).await.iter().map(run).collect();
    assert_eq!(some.len(), 6);
    let later = rows(&client, "&$filter=PipelineRunCompletedDateSK ge 20261025").await;
    assert!(!later.is_empty() && later.len() < all.len());
}

#[tokio::test]
async fn what_is_not_a_column_or_a_clause_is_refused() {
    let client = Client::new(config());
    for more in [
        ",NoColumn",
        "&$filter=NoColumn ge 1",
        "&$filter=TaskDisplayName ge 1",
        "&$orderby=TaskDisplayName",
        "&$top=5",
        "&api-version=7.1",
    ] {
        let answer = ask(&client, &query(&client, more)).await;
        let wanted = match more {
            "&api-version=7.1" => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        assert_eq!(answer.status, wanted, "{more}");
    }
    let path = query(&client, "");
    let bare = path.split('?').next().expect("an address");
    assert_eq!(ask(&client, bare).await.status, StatusCode::BAD_REQUEST);
    let long = query(
        &client,
        &format!(
            "&$filter={}PipelineRunId ge 1",
            "PipelineRunId ge 1 and ".repeat(150)
        ),
    );
    assert_eq!(ask(&client, &long).await.status, StatusCode::NOT_FOUND);
    let released = path.replace("v4.0-preview", "v2.0");
    assert_eq!(ask(&client, &released).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whom_analytics_does_not_answer_it_refuses_in_one_of_several_ways() {
    for (access, wanted) in [
        (AnalyticsAccess::NoPermission403, StatusCode::FORBIDDEN),
        (AnalyticsAccess::NotEnabled404, StatusCode::NOT_FOUND),
        (AnalyticsAccess::Removed410, StatusCode::GONE),
        (AnalyticsAccess::Renamed400, StatusCode::BAD_REQUEST),
    ] {
        let analytics = Analytics {
            access,
            ..Analytics::default()
        };
        let client = Client::new(Config {
            analytics,
            ..config()
        });
        assert_eq!(
            ask(&client, &query(&client, "")).await.status,
            wanted,
            "{access:?}"
        );
        let metadata = query(&client, "").replace("PipelineRunActivityResults", "$metadata");
        let metadata = ask(&client, metadata.split('?').next().expect("an address")).await;
        let text = String::from_utf8_lossy(&metadata.bytes).into_owned();
        let is_documented = text.contains("\"PipelineRunId\"");
        assert!(
            !is_documented,
            "{access:?} describes what it does not serve"
        );
    }
    let client = Client::new(config());
    let mut pat = client.simulator.make_pat(7);
    pat.scopes.remove("vso.analytics");
    client.simulator.add_pat(pat.clone());
    let client = client.with_token(&pat.token);
    assert_eq!(
        ask(&client, &query(&client, "")).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn what_ended_lately_is_not_there_yet() {
    let all = rows(&Client::new(config()), "").await;
    let analytics = Analytics {
        lag: Duration::from_secs(5 * 24 * 3600),
        ..Analytics::default()
    };
    let late = rows(
        &Client::new(Config {
            analytics,
            ..config()
        }),
        "",
    )
    .await;
    assert!(!late.is_empty() && late.len() < all.len());
    let known: BTreeSet<String> = all.iter().map(Value::to_string).collect();
    assert!(late.iter().all(|row| known.contains(&row.to_string())));
}

#[tokio::test]
async fn what_a_retry_replaced_is_told_or_not() {
    let unverified = Unverified {
        analytics_keeps_retries: false,
        ..Unverified::default()
    };
    let newest = rows(
        &Client::new(Config {
            unverified,
            ..config()
        }),
        "",
    )
    .await;
    let all = rows(&Client::new(config()), "").await;
    assert!(newest.len() < all.len());
    let runs = |rows: &[Value]| rows.iter().map(run).collect::<BTreeSet<u64>>();
    assert_eq!(runs(&newest), runs(&all));
}
