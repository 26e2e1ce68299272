//! Real bodies of Azure DevOps become records.
//!
//! The bodies are beside the project, not in it; without them the test says so and passes. What cannot become a record
//! is listed in the output, and every such item must be named below with the reason why no user would call it valid.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests have names instead of documentation, fail by panics and print what they found"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use model::{
    Kind, Organization, OrganizationId, ProjectId, Record, RepositoryId, Scope,
    record::{Team, Workflows},
};
use resources::{
    Fetch, Map, MapError, Target, changeset_details, discovery, find, open_work_items,
    sprint_capacities,
};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

/// Directories of fixtures, the resource that reads them, and the key of their lists.
const DIRECTORIES: &[(&str, &str, &str)] = &[
    ("builds", "builds", "value"),
    ("deployments", "deployments", "value"),
    ("releases", "release of a deployment", "value"),
    ("release-definitions", "definition of a deployment", "value"),
    ("release-approvals", "approval of a deployment", "value"),
    ("environments", "environments", "value"),
    ("build-definitions", "definitions", "value"),
    ("build-timeline", "timelines", "records"),
    ("test-runs", "test_runs", "value"),
    ("pull-requests", "pull_requests_active", "value"),
    ("pr-threads", "pull_request_threads", "value"),
    ("pushes", "pushes", "value"),
    ("commits", "commits", "value"),
    ("refs", "branches", "value"),
    ("policies", "policies", "value"),
    ("tfvc-changesets", "changesets", "value"),
    ("tfvc-changes", "changeset_changes", "value"),
    ("tfvc-branches", "tfvc_branches", "value"),
    ("tfvc-labels", "tfvc_labels", "value"),
    ("tfvc-shelvesets", "shelvesets", "value"),
    ("work-items", "open_work_items", "value"),
    ("work-items-batch", "open_work_items", "value"),
    ("work-item-revisions", "work_item_revisions", "value"),
    (
        "work-item-revisions-reporting",
        "work_item_revisions",
        "values",
    ),
    ("work-item-links-reporting", "work_item_links", "values"),
    ("work-item-types", "work_item_types", "value"),
    ("classification-nodes", "classification_nodes", "value"),
    ("teams", "teams", "value"),
    ("iterations", "sprints", "value"),
    ("team-settings", "settings of a team", ""),
    ("projects", "projects", "value"),
    ("repositories", "repositories", "value"),
    ("wiql", "wiql", "workItems"),
];

/// Directories of which nothing is ingested, and why; a new directory must be named here or above.
const NOT_INGESTED: &[(&str, &str)] = &[
    (
        "accounts",
        "the names of organizations are given by the user",
    ),
    ("approvals-checks", "the timeline of a run has them"),
    ("boards", "work items carry their column and lane"),
    (
        "build-changes",
        "commits of a run follow from its source version",
    ),
    (
        "build-logs-artifacts",
        "one request per run, and logs carry secrets",
    ),
    ("commit-changes", "commits carry the counts"),
    ("commit-statuses", "one request per commit"),
    ("connection-data", "read by the crate `ado`"),
    ("deployment-groups", "machines, not work"),
    ("errors", "read by the crate `ado`"),
    ("git-items", "the code itself is not ingested"),
    ("graph-groups", "people come with what they do"),
    ("graph-memberships", "people come with what they do"),
    ("graph-users", "people come with what they do"),
    ("identities", "people come with what they do"),
    ("operations", "receipts for changes, and nothing is changed"),
    ("pipelines", "runs come by the list of builds"),
    (
        "pr-iterations",
        "the threads of a pull request name each push",
    ),
    ("pr-reviewers", "pull requests carry them"),
    ("pr-statuses", "one request per pull request"),
    ("pr-work-items", "they come in batches by their addresses"),
    ("processes", "the types of a project say what is needed"),
    ("profile", "nobody's profile is needed"),
    ("queries", "saved queries are not work"),
    ("queues-pools", "machines, not work"),
    ("resource-areas", "hosts are known"),
    ("service-hook-events", "there are no hooks"),
    ("service-hook-publishers", "there are no hooks"),
    ("service-hook-subscriptions", "there are no hooks"),
    ("test-results", "test runs carry the counts"),
    ("tfvc-items", "the code itself is not ingested"),
    ("user-entitlements", "licences are not work"),
    ("variable-groups", "they hold secrets"),
    (
        "work-item-comments",
        "work items carry their number; texts come with revisions",
    ),
    (
        "work-item-recycle-bin",
        "revisions say that an item was deleted",
    ),
    ("work-item-tags", "work items carry them"),
    ("work-item-updates", "revisions come as a whole"),
];

/// Bodies that are not of the resource although they lie in its directory, or that nobody would call valid.
const NOT_OURS: &[(&str, &str)] = &[
    ("builds/azcli-3.json", "the tags of a build"),
    ("builds/docsprev-2.json", "the tags of a build"),
    ("builds/spec71-1.json", "the tags of a build"),
    ("builds/vsteam-2.json", "the tags of a build"),
    (
        "classification-nodes/docsprev-1.json",
        "of 2014, before nodes had identifiers",
    ),
    (
        "classification-nodes/docsprev-2.json",
        "of 2014, before nodes had identifiers",
    ),
    (
        "classification-nodes/docsprev-3.json",
        "of 2014, before nodes had identifiers",
    ),
    (
        "classification-nodes/docsprev-4.json",
        "of 2014, before nodes had identifiers",
    ),
    (
        "classification-nodes/spec71-2.json",
        "nodes by id, with null for those that are not there",
    ),
    ("projects/docsprev-3.json", "the receipt for a new project"),
    ("projects/spec71-3.json", "the receipt for a new project"),
    (
        "pull-requests/faros-1.json",
        "not the wire: Microsoft's Node client made numbers of enums",
    ),
    (
        "repositories/docsprev-2.json",
        "what a Git remote says of itself",
    ),
    (
        "repositories/spec71-2.json",
        "what a Git remote says of itself",
    ),
    (
        "release-definitions/docsprev-2.json",
        "the revisions of a definition",
    ),
    (
        "release-definitions/spec71-3.json",
        "the revisions of a definition",
    ),
    ("release-approvals/spec71-3.json", "an intervention by hand"),
    ("releases/spec71-1.json", "a stage of a release"),
    ("releases/spec71-2.json", "an older revision, as text"),
    ("test-runs/docsprev-1.json", "the coverage of a build"),
    ("test-runs/docsprev-2.json", "the log of a test run"),
    ("test-runs/faros-1.json", "the coverage of a build"),
    ("test-runs/spec71-1.json", "the coverage of a build"),
    ("teams/docsprev-3.json", "the members of a team"),
    ("iterations/spec71-4.json", "the order of work items"),
    ("wiql/docsprev-2.json", "a query for links, not for items"),
    (
        "work-item-types/spec71-6.json",
        "what would happen to an item on check-in",
    ),
    ("work-items/docsprev-1.json", "items by artifact"),
    (
        "work-items/docsprev-5.json",
        "a template for a new item, which has no id",
    ),
    ("policies/docsprev-4.json", "types of policies"),
    ("policies/docsprev-5.json", "types of policies"),
    ("policies/vsteam-1.json", "types of policies"),
    ("refs/azcli-2.json", "the receipt for a new branch"),
    ("refs/azcli-3.json", "the receipt for a locked branch"),
    ("refs/dependabot-2.json", "the statistics of a branch"),
    ("refs/dependabot-3.json", "the statistics of a branch"),
    ("refs/docsprev-2.json", "the statistics of branches"),
    ("refs/docsprev-3.json", "the statistics of a branch"),
    ("refs/faros-1.json", "the statistics of branches"),
    ("refs/spec71-2.json", "the statistics of branches"),
    ("refs/vsteam-2.json", "the statistics of branches"),
    (
        "tfvc-changes/spec71-2.json",
        "the work items of a changeset",
    ),
    ("tfvc-labels/docsprev-1.json", "the files of a label"),
    ("tfvc-labels/spec71-1.json", "the files of a label"),
    ("tfvc-labels/spec71-2.json", "the files of a label"),
    (
        "tfvc-shelvesets/docsprev-1.json",
        "the files of a shelveset",
    ),
    (
        "tfvc-shelvesets/docsprev-3.json",
        "the work items of a shelveset",
    ),
];

/// An answer to a request that asked for a few fields; ours ask for all, and these leave the date of change out.
fn is_partial(item: &Value) -> bool {
    item.get("fields")
        .is_some_and(|fields| fields.get("System.ChangedDate").is_none())
}

fn root() -> Option<PathBuf> {
    let root = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/azure-devops"
    ));
    root.is_dir().then_some(root)
}

fn map(resource: &str, target: &Target<'_>, item: &RawValue) -> Result<usize, MapError> {
    match resource {
        "projects" => discovery::project(item).map(|_| 1),
        "repositories" => {
            discovery::repository(item).and_then(|_| map_listed("repositories", target, item))
        }
        "changeset_changes" => changeset_details::map_change(item).map(|_| 1),
        "wiql" => open_work_items::id(item).map(|_| 1),
        "sprints" if item.get().contains("\"daysOff\"") => {
            sprint_capacities::team_days_off(item).map(|_| 1)
        }
        "settings of a team" if item.get().contains("\"values\"") => {
            map_listed("team_areas", target, item)
        }
        "settings of a team" => map_listed("team_settings", target, item),
        "open_work_items" => open_work_items::item(target, &Workflows::default(), item).map(|_| 1),
        "release of a deployment" => map_part("release", item.get(), target),
        "definition of a deployment" => map_part("releaseDefinition", item.get(), target),
        "approval of a deployment" => {
            map_part("preDeployApprovals", &format!("[{}]", item.get()), target)
        }
        name => map_listed(name, target, item),
    }
}

/// Maps what has no list of its own here as a part of a deployment.
fn map_part(name: &str, part: &str, target: &Target<'_>) -> Result<usize, MapError> {
    let mut deployment: Value = serde_json::from_str(DEPLOYMENT).unwrap();
    deployment[name] = serde_json::from_str(part).unwrap();
    let item = serde_json::value::to_raw_value(&deployment).unwrap();
    map_listed("deployments", target, &item)
}

const DEPLOYMENT: &str = r#"{
    "id": 1,
    "release": { "id": 2 },
    "releaseDefinition": { "id": 3 },
    "releaseEnvironment": { "id": 4 },
    "deploymentStatus": "succeeded",
    "operationStatus": "Approved",
    "queuedOn": "2026-11-20T10:00:00Z",
    "lastModifiedOn": "2026-11-20T10:05:00Z"
}"#;

fn map_listed(name: &str, target: &Target<'_>, item: &RawValue) -> Result<usize, MapError> {
    match find(name).unwrap().fetch {
        Fetch::List(list) => map_one(list.map, target, item),
        Fetch::Windows(windows) => map_one(windows.map, target, item),
        Fetch::Each(each) => (each.map)(target, &parent(each.of, target), item).map(|_| 1),
        Fetch::Details(details) => (details.map)(&[item]).map(|_| 1),
        other => unreachable!("{name} is {other:?}, and has no map of single items"),
    }
}

fn map_one(map: Map, target: &Target<'_>, item: &RawValue) -> Result<usize, MapError> {
    match map {
        Map::One(map) => map(target, item).map(|_| 1),
        Map::Many(map) => map(target, item).map(|records| records.len()),
        Map::Page(map) => map(target, &[item]).map(|_| 1),
    }
}

/// A record that has a list; nothing of an item depends on which one it is.
fn parent(kind: Kind, target: &Target<'_>) -> Record {
    match kind {
        Kind::Team => Record::Team(Team {
            organization: target.organization.id,
            project: ProjectId(Uuid::nil()),
            id: Uuid::nil(),
            name: "Fabrikam Team".into(),
            description: None,
        }),
        other => unreachable!("no recorded list belongs to a {other}"),
    }
}

/// The items of a body: of its list, which is `values` in examples of 2015, or the body itself.
fn items(body: &Value, key: &str) -> Vec<Value> {
    if key.is_empty() {
        return vec![body.clone()];
    }
    match body {
        Value::Array(items) => items.clone(),
        Value::Object(object) => match object.get(key).or_else(|| object.get("values")) {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![body.clone()],
        },
        _ => Vec::new(),
    }
}

#[test]
fn real_bodies_become_records() {
    let Some(root) = root() else {
        println!("skipped: the recorded bodies are not beside the project");
        return;
    };
    let index: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(root.join("index.json")).unwrap()).unwrap();
    let organization = Organization {
        id: OrganizationId(Uuid::nil()),
        name: "fabrikam".parse().unwrap(),
    };
    let scope = Scope::Repository {
        project: ProjectId(Uuid::nil()),
        repository: RepositoryId(Uuid::nil()),
    };
    let target = Target {
        organization: &organization,
        scope: &scope,
    };
    let mut read: BTreeMap<&str, usize> = BTreeMap::new();
    let mut partial: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    let (mut unknown, mut directories) = (BTreeSet::new(), BTreeSet::new());
    for entry in &index {
        let file = entry["file"].as_str().unwrap();
        let directory = file.split('/').next().unwrap();
        let known = DIRECTORIES.iter().find(|(name, ..)| *name == directory);
        let Some((_, resource, key)) = known else {
            if !NOT_INGESTED.iter().any(|(name, _)| *name == directory) {
                unknown.insert(directory);
            }
            continue;
        };
        directories.insert(directory);
        if NOT_OURS.iter().any(|(name, _)| *name == file) {
            continue;
        }
        let text = fs::read_to_string(root.join(file)).unwrap();
        let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let body = document
            .pointer(entry["body"].as_str().unwrap())
            .unwrap_or(&Value::Null);
        for item in items(body, key) {
            if matches!(*resource, "open_work_items" | "work_item_revisions") && is_partial(&item) {
                *partial.entry(directory).or_default() += 1;
                continue;
            }
            let raw = serde_json::value::to_raw_value(&item).unwrap();
            match map(resource, &target, &raw) {
                Ok(records) => *read.entry(directory).or_default() += records,
                Err(error) => refused.push(format!("{file}: {error}")),
            }
        }
    }
    for (directory, records) in &read {
        println!("{directory}: {records} records");
    }
    println!("left out, with a few fields only: {partial:?}");
    for (file, reason) in NOT_OURS {
        println!("left out, {file}: {reason}");
    }
    println!("refused: {}", refused.len());
    for line in &refused {
        println!("  {line}");
    }
    assert!(
        refused.is_empty(),
        "{} real items were refused",
        refused.len()
    );
    assert!(unknown.is_empty(), "neither read nor named: {unknown:?}");
    assert_eq!(
        read.keys().copied().collect::<BTreeSet<_>>(),
        directories,
        "a directory without a single record"
    );
    assert_eq!(
        directories.len(),
        DIRECTORIES.len(),
        "an entry is of no use"
    );
    assert!(
        read.values().sum::<usize>() > 400,
        "too few to prove anything: {read:?}"
    );
}
