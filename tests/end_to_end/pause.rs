//! Pauses: nothing is asked while one lasts, and nothing is missing after it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::{PATIENCE, deployment::Deployment, regressions::tiny};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

impl Deployment {
    /// Sends a command about the connection or integration with this path, and returns what it answers.
    async fn command(&self, path: &str, expected: u16) -> Value {
        let (status, answer) = self.call(ADMIN, (Method::POST, path), None).await;
        assert_eq!(status, expected, "{path}: {answer}");
        answer
    }

    async fn tick(&self) {
        let schedules: Vec<String> = self.stack.schedules().map(str::to_owned).collect();
        for schedule in schedules {
            self.stack.run_schedule_now(&schedule).await.unwrap();
        }
    }

    /// Waits until nobody works and nothing can be worked on: what is left waits for a time to come.
    pub(crate) async fn quiet(&self) {
        let quiet = async {
            loop {
                let depths = self.stack.depths();
                let visible: usize = depths.values().map(|depth| depth.visible).sum();
                if self.stack.lambda().is_quiet() && visible == self.stack.dead_letters().len() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, quiet).await.is_err() {
            panic!("still busy: {:?}\n{}", self.stack.depths(), self.logs());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_during_a_pause_and_nothing_is_missing_after_it() {
    let deployment = Deployment::start(tiny()).await;
    let (_, answer) = deployment.connect(deployment.simulator.default_pat()).await;
    let connection = format!("/api/v1/connections/{}", answer["id"].as_str().unwrap());
    // In the middle of the first pass: there are messages, and workers that have begun.
    while deployment.simulator.requests().len() < 40 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let paused = deployment
        .command(&format!("{connection}/pause"), 200)
        .await;
    assert_eq!(paused["status"], "paused", "{paused}");
    assert_eq!(paused["integrations"][0]["status"], "paused", "{paused}");
    deployment.quiet().await;
    let stored = deployment.stored().await.len();
    let asked = deployment.simulator.requests().len();
    assert!(asked > 0 && stored > 0);

    deployment.tick().await;
    deployment.stack.advance_queues(Duration::from_secs(901));
    deployment.quiet().await;
    assert_eq!(
        deployment.simulator.requests().len(),
        asked,
        "{}",
        deployment.logs()
    );
    let (status, problem) = deployment
        .call(ADMIN, (Method::POST, &format!("{connection}/sync")), None)
        .await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (409, Some("/problems/conflict"))
    );

    let resumed = deployment
        .command(&format!("{connection}/resume"), 202)
        .await;
    assert_eq!(resumed["status"], "active", "{resumed}");
    deployment.settle().await;
    deployment.assert_complete_at_least(200).await;
    assert!(
        stored < deployment.stored().await.len(),
        "the pause came too late to prove anything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_integration_pauses_alone() {
    let deployment = Deployment::synchronized(tiny()).await;
    let view = deployment.connection().await;
    let boards = view["integrations"].as_array().unwrap().iter();
    let boards = boards
        .clone()
        .find(|own| own["service"] == "boards")
        .unwrap();
    let integration = format!("/api/v1/integrations/{}", boards["id"].as_str().unwrap());
    let paused = deployment
        .command(&format!("{integration}/pause"), 200)
        .await;
    assert_eq!(paused["status"], "paused", "{paused}");

    let before = deployment.simulator.requests().len();
    deployment.synchronize().await;
    let requests = deployment.simulator.requests();
    let asked: Vec<&str> = requests[before..]
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    assert!(
        asked.iter().any(|path| path.contains("/_apis/git/")),
        "{asked:?}"
    );
    assert!(
        !asked.iter().any(|path| path.contains("/_apis/wit/")),
        "{asked:?}"
    );

    let before = deployment.simulator.requests().len();
    deployment
        .command(&format!("{integration}/resume"), 202)
        .await;
    deployment.synchronize().await;
    let requests = deployment.simulator.requests();
    assert!(
        requests[before..]
            .iter()
            .any(|request| request.path.contains("/_apis/wit/"))
    );
    let (_, log) = deployment
        .call(ADMIN, (Method::GET, "/api/v1/audit"), None)
        .await;
    let actions: Vec<&str> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["resumed", "paused", "created"], "{log}");
    assert_eq!(log["entries"][0]["by"]["subject"], "local-user");
    assert_eq!(log["entries"][0]["integration"], boards["id"]);
}
