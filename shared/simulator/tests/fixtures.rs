//! The bodies have at least the keys that recorded live answers have.
#![expect(
    clippy::print_stdout,
    reason = "that a check was skipped belongs into the output"
)]

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Client, config};

const FIXTURES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/fixtures/azure-devops"
);

/// Every path of object keys in a value; lists count as their elements.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                let path = format!("{path}/{name}");
                found.insert(path.clone());
                keys(inner, &path, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| keys(inner, path, found)),
        _ => {}
    }
}

fn recorded(file: &str) -> Option<Value> {
    let text = fs::read_to_string(Path::new(FIXTURES).join(file)).ok()?;
    let recording: Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).expect("a fixture is JSON");
    Some(
        recording
            .pointer("/response/body")
            .expect("a recording has a body")
            .clone(),
    )
}

/// Keys that only a recording has: what the simulated things do not have, or what was asked for differently.
fn is_other(path: &str) -> bool {
    let unlike = [
        "multilineFieldsFormat",
        "/fields/",
        "lastMergeCommit/",
        "mergeFailure",
        "completionOptions/",
        "autoComplete",
    ];
    unlike.iter().any(|part| path.contains(part))
}

#[tokio::test]
async fn bodies_have_the_keys_of_recorded_answers() {
    if !Path::new(FIXTURES).exists() {
        println!("skipped: no fixtures beside this checkout");
        return;
    }
    let client = Client::new(config());
    let project = client.simulator.projects()[0].0;
    let cases = [
        (
            "connection-data/azcli-1.json",
            "_apis/connectionData?api-version=7.1-preview.1".to_owned(),
        ),
        (
            "projects/azcli-2.json",
            format!("_apis/projects/{project}?includeCapabilities=true"),
        ),
        (
            "repositories/azcli-2.json",
            "_apis/git/repositories".to_owned(),
        ),
        (
            "builds/azcli-1.json",
            format!("{project}/_apis/build/builds"),
        ),
        (
            "pull-requests/azcli-1.json",
            format!("{project}/_apis/git/pullrequests?searchCriteria.status=abandoned"),
        ),
        (
            "pull-requests/azcli-2.json",
            format!("{project}/_apis/git/pullrequests?searchCriteria.status=completed"),
        ),
        (
            "work-items/azcli-1.json",
            "_apis/wit/workitems?ids=104,105,106,107,108&$expand=all&errorPolicy=omit".to_owned(),
        ),
        (
            "classification-nodes/azcli-1.json",
            format!("{project}/_apis/wit/classificationnodes/areas?$depth=2"),
        ),
        (
            "classification-nodes/azcli-2.json",
            format!("{project}/_apis/wit/classificationnodes/iterations?$depth=0"),
        ),
        (
            "resource-areas/azcli-1.json",
            "_apis/resourceAreas".to_owned(),
        ),
    ];
    let mut checked = 0;
    for (file, path) in cases {
        let mut wanted = BTreeSet::new();
        keys(
            &recorded(file).unwrap_or_else(|| panic!("{file} is gone")),
            "",
            &mut wanted,
        );
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let mut own = BTreeSet::new();
        let body = answer.json();
        // A list of ours stands for the single thing of the recording.
        keys(&body, "", &mut own);
        if wanted.iter().all(|key| !key.starts_with("/value")) {
            keys(&body["value"], "", &mut own);
        }
        let missing: Vec<&String> = wanted
            .iter()
            .filter(|key| !is_other(key) && !own.contains(*key))
            .collect();
        assert!(
            missing.is_empty(),
            "{path} lacks keys of {file}: {missing:?}"
        );
        checked += wanted.len();
    }
    println!("{checked} keys of recorded answers looked for");
}
