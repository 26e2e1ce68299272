//! One id leads from what began something through everything that it set going.

use serde_json::Value;

use crate::{deployment::Deployment, regressions::tiny};

/// The lines of our own that functions wrote, without measurements.
fn lines(deployment: &Deployment, functions: &[&str]) -> Vec<Value> {
    let logs = functions.iter().map(|name| deployment.stack.log(name));
    let logs: String = logs.collect();
    let lines = logs.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["_aws"].is_null())
        .collect()
}

/// The id of a line: of its own, or of a span that it is in.
fn trace(line: &Value) -> Option<&str> {
    let spans = line["spans"].as_array().into_iter().flatten();
    let mut ids = spans.map(|span| &span["trace.id"]);
    ids.find_map(Value::as_str)
        .or(line["fields"]["trace.id"].as_str())
}

fn with_message<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    let said = |line: &&Value| line["fields"]["message"] == message;
    lines.iter().filter(said).collect()
}

/// The run log of the integration that reads pipelines, the newest first.
async fn run_log(deployment: &Deployment) -> Vec<Value> {
    let connection = deployment.connection().await;
    let mut integrations = connection["integrations"].as_array().unwrap().iter();
    let pipelines = integrations.find(|own| own["service"] == "pipelines");
    let id = pipelines.unwrap()["id"].as_str().unwrap();
    let path = format!("/api/v1/integrations/{id}/runs");
    let list = (reqwest::Method::GET, path.as_str());
    let (status, answer) = deployment.call(("contoso", &["viewer"]), list, None).await;
    assert_eq!(status, 200, "{answer}");
    answer["runs"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_leads_from_the_request_or_the_tick_to_what_was_fetched() {
    const WORKERS: [&str; 5] = [
        "FanOut",
        "FetchBoards",
        "FetchPipelines",
        "FetchRepos",
        "FetchTfvc",
    ];
    let deployment = Deployment::start(tiny()).await;
    let (status, answer) = deployment.connect(deployment.simulator.default_pat()).await;
    assert_eq!(status, 201, "{answer}");
    deployment.settle().await;

    let asked = lines(&deployment, &["Connections"]);
    let asked = with_message(&asked, "a synchronization was asked for");
    let request = trace(asked[0]).unwrap();
    assert_eq!(request.len(), 36, "an id and nothing else: {request}");
    let first = lines(&deployment, &WORKERS);
    for said in ["fanned out", "pass complete", "children visited"] {
        assert!(!with_message(&first, said).is_empty(), "nobody {said}");
    }
    for line in &first {
        assert_eq!(trace(line), Some(request), "{line}");
    }
    // Whoever looks at a pass is led to the same lines.
    let passes = run_log(&deployment).await;
    assert!(!passes.is_empty());
    for pass in &passes {
        assert_eq!(pass["trace_id"], request, "{pass}");
    }

    deployment.age("builds", None).await;
    for schedule in deployment.stack.schedules() {
        deployment.stack.run_schedule_now(schedule).await.unwrap();
    }
    deployment.settle().await;
    let all = lines(&deployment, &WORKERS);
    let ticked = with_message(&all, "ticked");
    let tick = trace(ticked[0]).unwrap();
    assert_ne!(tick, request);
    let later: Vec<Value> = all
        .iter()
        .filter(|line| trace(line) != Some(request))
        .cloned()
        .collect();
    assert!(!with_message(&later, "pass complete").is_empty());
    for line in &later {
        assert_eq!(trace(line), Some(tick), "{line}");
    }
    let passes = run_log(&deployment).await;
    let newest = passes.iter().find(|pass| pass["resource"] == "builds");
    assert_eq!(newest.unwrap()["trace_id"], tick);
}
