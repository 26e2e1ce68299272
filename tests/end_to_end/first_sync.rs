//! The first synchronization, what it asked for, and that it does not depend on the way there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use simulator::{Config, LoggedRequest, PageCap, PageCaps};

use crate::{deployment::Deployment, openapi::Specs, timelines::sources};

/// Everything upstream is stored and nothing else, and the connection's viewers see that.
pub(crate) async fn everything_is_there(deployment: &Deployment) {
    deployment.assert_complete().await;
    let connection = deployment.connection().await;
    let services: BTreeSet<&str> = connection["integrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|integration| {
            assert_eq!(integration["status"], "healthy", "{integration}");
            assert!(
                integration["counts"]["records"].as_u64().unwrap() > 0,
                "{integration}"
            );
            integration["service"].as_str().unwrap()
        })
        .collect();
    assert_eq!(services.len(), 4, "{services:?}");
}

/// Every request that was sent so far is one that Microsoft describes.
pub(crate) fn every_request_is_described(deployment: &Deployment) {
    let requests = deployment.simulator.requests();
    assert!(
        requests.len() > 100,
        "{} requests prove little",
        requests.len()
    );
    for request in &requests {
        assert_eq!(
            request.strict_violation, None,
            "{} {}",
            request.method, request.path
        );
    }
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/specs/azure-devops/7.1"
    ));
    let Some(specs) = Specs::load(folder) else {
        println!("skipped: Microsoft's descriptions are not beside the project");
        return;
    };
    let mut operations = BTreeSet::new();
    // Analytics describes itself, in another language.
    let described = |own: &&LoggedRequest| !own.path.contains("/_odata/");
    for request in requests.iter().filter(described) {
        let query = url::form_urlencoded::parse(request.query.as_bytes());
        let query: Vec<_> = query.into_owned().collect();
        match specs.check_request(&request.method, &request.path, &query, &request.body) {
            Ok(operation) => operations.extend(operation.map(|operation| operation.name.clone())),
            Err(error) => panic!("{} {}: {error:?}", request.method, request.path),
        }
    }
    println!(
        "{} requests name {} operations",
        requests.len(),
        operations.len()
    );
    assert!(operations.len() >= 14, "{operations:?}");
}

/// The template with invocations that are over as soon as they have fetched something.
fn hasty_template() -> PathBuf {
    let template = include_str!("../../template.yaml");
    assert_eq!(
        template.matches("Timeout: 300").count(),
        4,
        "four fetch functions"
    );
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join("hasty-template.yaml");
    fs::write(&path, template.replace("Timeout: 300", "Timeout: 20")).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_one_invocation_goes_on_in_the_next() {
    let pages = PageCaps {
        activities: PageCap::new(300, 300),
        ..PageCaps::undocumented(40)
    };
    let config = Config {
        pages,
        ..Config::default()
    };
    let hasty = Deployment::start_from(config, &hasty_template()).await;
    let (status, answer) = hasty.connect(hasty.simulator.default_pat()).await;
    assert_eq!(status, 201, "{answer}");
    hasty.settle().await;
    hasty.assert_complete().await;
    let handed_over = hasty.logs().matches("pass goes on later").count();
    println!("{handed_over} passes went on in another invocation");
    assert!(handed_over > 20, "{handed_over}");
    let in_bulk = hasty.simulator.request_counts()["pipelineRunActivities"];
    assert!(in_bulk > 12, "{in_bulk} pages of activities");
    let (in_bulk, one_by_one) = sources(&hasty).await;
    assert!(in_bulk > 5 * one_by_one, "{in_bulk}, {one_by_one}");
}
