//! What roles grant is all that functions may do, and they are told so as AWS would tell them.

use std::path::PathBuf;

use simulator::Config;

use crate::deployment::Deployment;

/// The project's template without a text.
fn template_without(text: &str) -> (tempfile::TempDir, PathBuf) {
    let whole = include_str!("../../template.yaml");
    assert!(whole.contains(text), "the template has no {text}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    std::fs::write(&path, whole.replace(text, "")).unwrap();
    (directory, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_template_does_not_grant_is_refused() {
    let grant = "secretsmanager:CreateSecret, ";
    let (_directory, template) = template_without(grant);
    let deployment = Deployment::start_from(Config::default(), &template).await;
    let (status, answer) = deployment.connect(deployment.simulator.default_pat()).await;
    assert_eq!(status, 503, "{answer}");
    let refused = deployment.stack.iam().refused();
    let refused: Vec<_> = refused
        .iter()
        .map(|refused| (refused.function.as_str(), refused.grant.action.as_str()))
        .collect();
    assert_eq!(
        refused,
        [("Connections", "secretsmanager:CreateSecret")],
        "{}",
        deployment.logs()
    );
    assert!(deployment.secrets().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_may_not_read_its_queue_is_not_deployed() {
    let (_directory, template) = template_without("sqs:ReceiveMessage, ");
    let options = local::stack::Options::new(
        template,
        local::lambda::Programs::Separate(PathBuf::from("/nowhere")),
    );
    let error = local::stack::Stack::start(options).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("does not grant sqs:ReceiveMessage"),
        "{error}"
    );
}
