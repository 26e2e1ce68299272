//! Editing a connection: what goes out is neither asked for nor counted, what comes in is there, and the log says who did it.

use std::collections::BTreeSet;

use model::{ProjectId, Record};
use reqwest::Method;
use serde_json::{Value, json};
use simulator::Simulator;
use uuid::Uuid;

use crate::{deployment::Deployment, regressions::tiny};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// The path of the one connection.
async fn path(deployment: &Deployment) -> String {
    let connection = deployment.connection().await;
    format!("/api/v1/connections/{}", connection["id"].as_str().unwrap())
}

async fn edit(deployment: &Deployment, body: Value) -> Value {
    let path = path(deployment).await;
    let (status, answer) = deployment
        .call(ADMIN, (Method::PATCH, &path), Some(body))
        .await;
    assert_eq!(status, 200, "{answer}\n{}", deployment.logs());
    deployment.settle().await;
    answer
}

async fn preview(deployment: &Deployment, body: Value) -> Value {
    let path = format!("{}/preview", path(deployment).await);
    let (status, answer) = deployment
        .call(ADMIN, (Method::POST, &path), Some(body))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// How many values a metric is made of.
async fn count(deployment: &Deployment, metric: &str) -> u64 {
    let (_, text) = deployment.text(&format!("/api/v1/insights/{metric}")).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let found = answer["total"]["count"].as_u64();
    found.unwrap_or_else(|| panic!("{answer}"))
}

/// The projects that something is stored of.
async fn projects(deployment: &Deployment) -> BTreeSet<ProjectId> {
    let stored = deployment.stored().await.into_iter();
    let projects = stored.filter_map(|stored| match stored.record {
        Record::Run(own) => Some(own.project),
        Record::PullRequest(own) => Some(own.project),
        Record::Push(own) => Some(own.project),
        Record::Team(own) => Some(own.project),
        _ => None,
    });
    projects.collect()
}

/// The projects that requests name.
fn asked_for(simulator: &Simulator) -> BTreeSet<Uuid> {
    let requests = simulator.requests();
    let parts = requests
        .iter()
        .flat_map(|own| own.path.split('/').filter_map(|part| part.parse().ok()));
    let known: BTreeSet<Uuid> = simulator.projects().into_iter().map(|(id, _)| id).collect();
    parts.filter(|id| known.contains(id)).collect()
}

/// Name, description and tags are as they were given, in the log, and cost no request.
async fn what_it_is_called(deployment: &Deployment) {
    deployment.simulator.clear_requests();
    let body =
        json!({ "name": "Web", "description": "What the web team does", "tags": ["web", "eu"] });
    let answer = edit(deployment, body).await;
    assert_eq!(
        (&answer["name"], &answer["tags"]),
        (&json!("Web"), &json!(["web", "eu"]))
    );
    assert_eq!(
        answer["integrations"][0]["name"], "Web - Boards",
        "{answer}"
    );
    assert_eq!(deployment.simulator.requests().len(), 0);
    let answer = edit(
        deployment,
        json!({ "description": null, "story_points_field": "Custom.CostCenter" }),
    )
    .await;
    assert_eq!(answer["description"], Value::Null);
    let answer = edit(deployment, json!({ "story_points_field": null })).await;
    assert_eq!(answer["integrations"][0]["story_points_field"], Value::Null);
    let (_, log) = deployment
        .call(ADMIN, (Method::GET, "/api/v1/audit"), None)
        .await;
    let entries = log["entries"].as_array().unwrap_or_else(|| panic!("{log}"));
    let fields: Vec<Value> = (entries.iter())
        .filter(|own| own["action"] == "edited")
        .map(|own| own["fields"].clone())
        .collect();
    let expected = [
        json!(["story_points_field"]),
        json!(["description", "story_points_field"]),
        json!(["name", "description", "tags"]),
    ];
    assert_eq!(fields, expected, "{log}");
}

/// What makes no sense changes nothing.
async fn what_is_refused(deployment: &Deployment) {
    let path = path(deployment).await;
    let before = deployment.connection().await;
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (
            json!({ "selection": { "projects": { "exclude": [""] } } }),
            "selection.projects.exclude[0]",
        ),
        (
            json!({ "story_points_field": "Custom.Nothing" }),
            "story_points_field",
        ),
        (json!({ "method": "pat" }), "method"),
    ] {
        for (method, path) in [
            (Method::PATCH, path.clone()),
            (Method::POST, format!("{path}/preview")),
        ] {
            let (status, problem) = deployment
                .call(ADMIN, (method, &path), Some(body.clone()))
                .await;
            assert_eq!(
                (status, problem["field"].as_str()),
                (400, Some(field)),
                "{problem}"
            );
        }
    }
    let after = deployment.connection().await;
    for field in ["name", "description", "tags", "selection"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

/// A project goes out: it is not asked for and not counted, and what is stored stays. It comes in again, and is whole.
async fn a_project_goes_out_and_comes_in(deployment: &Deployment) {
    let all = projects(deployment).await;
    let simulated = deployment.simulator.projects();
    let (left_out, name) = simulated
        .iter()
        .find(|(id, _)| all.contains(&ProjectId(*id)) && all.len() > 1)
        .expect("a project with something in it");
    let selection = json!({ "selection": { "projects": { "exclude": [name] } } });
    let (before, contents) = (
        count(deployment, "run_count").await,
        deployment.contents().await,
    );

    let effect = preview(deployment, selection.clone()).await;
    assert_eq!(effect["fields"], json!(["selection"]));
    assert_eq!(effect["projects"]["goes_out"], 1, "{effect}");
    assert_eq!(effect["projects"]["excluded_sample"], json!([name]));
    assert_eq!(
        effect["projects"]["included"],
        simulated.len() - 1,
        "{effect}"
    );
    assert!(effect["streams_ended"].as_u64().unwrap() > 5, "{effect}");
    assert_eq!(
        count(deployment, "run_count").await,
        before,
        "a preview changed something"
    );

    edit(deployment, selection).await;
    assert!(
        deployment.contents().await == contents,
        "what goes out stays stored"
    );
    let without = count(deployment, "run_count").await;
    assert!(without < before, "{without} of {before}");
    deployment.simulator.clear_requests();
    deployment.simulator.advance(3);
    deployment.synchronize().await;
    let asked = asked_for(&deployment.simulator);
    assert!(!asked.contains(left_out) && !asked.is_empty(), "{asked:?}");
    let status = &deployment.connection().await["integrations"];
    for integration in status.as_array().unwrap() {
        assert_eq!(integration["status"], "healthy", "{integration}");
    }
    let query = run_of(deployment, *left_out).await;
    let (_, answer) = deployment.call(ADMIN, (Method::GET, &query), None).await;
    assert_eq!(
        answer["verdict"], "equal",
        "an old run is as it was: {answer}"
    );

    let effect = preview(deployment, json!({ "selection": null })).await;
    assert_eq!(effect["projects"]["comes_in"], 1, "{effect}");
    assert!(
        effect["streams_read_again"].as_u64().unwrap() > 0,
        "{effect}"
    );
    edit(deployment, json!({ "selection": null })).await;
    deployment.assert_complete_at_least(200).await;
    assert!(count(deployment, "run_count").await > without);
}

/// A spot check of a stored run of a project.
async fn run_of(deployment: &Deployment, project: Uuid) -> String {
    let stored = deployment.stored().await;
    let id = stored.iter().find_map(|stored| match &stored.record {
        Record::Run(own) if own.project == ProjectId(project) => Some(own.id),
        _ => None,
    });
    let path = path(deployment).await;
    format!(
        "{path}/spot-check?kind=run&id={}&project={project}",
        id.unwrap()
    )
}

/// Pipelines and repositories go out one by one, out of lists that hold others, and come in again.
async fn pipelines_and_repositories_go_out_and_come_in(deployment: &Deployment) {
    let stored = deployment.stored().await;
    let pipeline = stored.iter().find_map(|stored| match &stored.record {
        Record::Run(own) => Some(own.pipeline.name.clone()),
        _ => None,
    });
    let repository = stored.iter().find_map(|stored| match &stored.record {
        Record::GitRepository(own) if own.default_branch.is_some() => {
            Some((own.id, own.name.clone()))
        }
        _ => None,
    });
    let (pipeline, (repository, name)) = (pipeline.unwrap(), repository.unwrap());
    let (runs, changes) = (
        count(deployment, "run_count").await,
        count(deployment, "pull_request_count").await,
    );
    let selection = json!({ "selection": {
        "pipelines": { "exclude": [pipeline] }, "repositories": { "exclude": [name] },
    } });
    let effect = preview(deployment, selection.clone()).await;
    for part in ["pipelines", "repositories"] {
        assert!(effect[part]["goes_out"].as_u64().unwrap() > 0, "{effect}");
    }
    edit(deployment, selection).await;
    assert!(count(deployment, "run_count").await < runs);
    assert!(count(deployment, "pull_request_count").await < changes);
    let before = deployment.contents().await;
    deployment.simulator.clear_requests();
    deployment.simulator.advance(3);
    deployment.synchronize().await;
    let requests = deployment.simulator.requests();
    let names = |own: &simulator::LoggedRequest| own.path.contains(&repository.to_string());
    assert!(!requests.iter().any(names), "the repository is asked for");
    let stored = deployment.stored().await;
    let new = stored.iter().filter(|own| !before.contains_key(&own.key));
    for record in new.map(|own| &own.record) {
        match record {
            Record::Run(own) => assert_ne!(own.pipeline.name, pipeline),
            Record::PullRequest(own) => assert_ne!(own.repository, repository),
            _ => {}
        }
    }
    edit(deployment, json!({ "selection": {} })).await;
    deployment.assert_complete_at_least(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_edited() {
    let deployment = &Deployment::synchronized_ago(7, tiny()).await;
    what_it_is_called(deployment).await;
    what_is_refused(deployment).await;
    a_project_goes_out_and_comes_in(deployment).await;
    pipelines_and_repositories_go_out_and_come_in(deployment).await;
}
