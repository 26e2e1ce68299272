//! The ledger against a sync written from the reference alone: what can be read through HTTP is exactly what it lists.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Config, Expected, PageCaps};
use support::{Client, config};

/// What identifies an entry of the ledger, and what is to be compared.
type Entry = (&'static str, String, String);
type Found = BTreeMap<Entry, (String, u64)>;

struct Sync<'a> {
    client: &'a Client,
    since: Timestamp,
    found: Found,
}

fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        other => panic!("no {pointer}, but {other:?}"),
    }
}

fn time(value: &Value, pointer: &str) -> Timestamp {
    text(value, pointer).parse().expect("an instant")
}

impl Sync<'_> {
    fn put(&mut self, kind: &'static str, scope: &str, id: String, version: String, children: u64) {
        self.found
            .insert((kind, scope.to_owned(), id), (version, children));
    }

    async fn all(&mut self) {
        let organization = self
            .client
            .get("_apis/connectionData?api-version=7.1-preview.1")
            .await
            .json();
        let organization = text(&organization, "/instanceId");
        let projects = self.client.all_by_token("_apis/projects").await;
        self.work_items(&organization).await;
        self.links(&organization).await;
        for project in projects.iter().map(|project| text(project, "/id")) {
            self.open_items(&organization, &project).await;
            self.metadata(&project).await;
            self.runs(&project).await;
            self.pull_requests(&project).await;
            self.deployments(&project).await;
            self.environments(&project).await;
            self.policies(&project).await;
            self.tfvc(&project).await;
            self.deleted_repositories(&project).await;
            self.test_runs(&project).await;
        }
        self.artifacts(&organization).await;
        for field in self.client.get("_apis/wit/fields").await.items() {
            let name = text(&field, "/referenceName");
            self.put("work_item_field", &organization, name, String::new(), 0);
        }
        let teams = "_apis/teams?api-version=7.1-preview.3";
        for team in self.client.all_by_skip(teams).await {
            let project = text(&team, "/projectId");
            let id = text(&team, "/id");
            self.planning(&project, &id).await;
            self.put("team", &project, id, String::new(), 0);
        }
        for repository in self.client.get("_apis/git/repositories").await.items() {
            let (project, id) = (text(&repository, "/project/id"), text(&repository, "/id"));
            self.put(
                "repository",
                &project,
                id.clone(),
                text(&repository, "/name"),
                0,
            );
            if repository.get("defaultBranch").is_some() && repository["isDisabled"] == false {
                self.pushes(&project, &id).await;
                self.refs(&project, &id).await;
            }
        }
        let path = format!(
            "_apis/tfvc/changesets?$orderby=id%20asc&searchCriteria.fromDate={}",
            self.since
        );
        for changeset in self.client.all_by_skip(&path).await {
            let id = text(&changeset, "/changesetId");
            let path = format!("_apis/tfvc/changesets/{id}?includeWorkItems=true");
            let items = self.client.get(&path).await.json()["workItems"].clone();
            let items = items.as_array().expect("work items").len();
            let path = format!("_apis/tfvc/changesets/{id}/changes");
            let changes = self.client.all_by_skip(&path).await.len();
            let parts = (items + changes) as u64;
            self.put("changeset", &organization, id, String::new(), parts);
        }
        for own in self.client.get("_apis/tfvc/shelvesets").await.items() {
            let (id, created) = (text(&own, "/id"), text(&own, "/createdDate"));
            self.put("shelveset", &organization, id, created, 0);
        }
    }

    async fn planning(&mut self, project: &str, team: &str) {
        let base = format!("{project}/{team}/_apis/work/teamsettings");
        let settings = self.client.get(&base).await.json();
        let days = settings["workingDays"].as_array().expect("days").len();
        let backlogs = settings["backlogVisibilities"].as_object();
        let shown = backlogs.expect("backlogs").values();
        let shown = shown.filter(|shown| **shown == true).count();
        let parts = (days + shown) as u64;
        self.put(
            "team_settings",
            project,
            team.to_owned(),
            String::new(),
            parts,
        );
        let areas = self.client.get(&format!("{base}/teamfieldvalues")).await;
        let areas = areas.json()["values"].as_array().expect("areas").len();
        self.put(
            "team_areas",
            project,
            team.to_owned(),
            String::new(),
            areas as u64,
        );
        for sprint in self.client.get(&format!("{base}/iterations")).await.items() {
            let iteration = text(&sprint, "/id");
            let id = format!("{team}/{iteration}");
            self.put("sprint", project, id.clone(), String::new(), 0);
            let finish = time(&sprint, "/attributes/finishDate");
            let own = format!("{base}/iterations/{iteration}");
            let capacity = self.client.get(&format!("{own}/capacities")).await.json();
            let members = capacity["teamMembers"].as_array().expect("members");
            if members.is_empty() || finish + SignedDuration::from_hours(24) <= self.since {
                continue;
            }
            let off = |own: &Value| own["daysOff"].as_array().expect("days").len();
            let team_off = self.client.get(&format!("{own}/teamdaysoff")).await.json();
            let days_off = members.iter().map(off).sum::<usize>() + off(&team_off);
            let parts = (members.len() + days_off) as u64;
            self.put("sprint_capacity", project, id, finish.to_string(), parts);
        }
    }

    async fn tfvc(&mut self, project: &str) {
        let path =
            format!("{project}/_apis/tfvc/branches?includeChildren=true&includeDeleted=true");
        for root in self.client.get(&path).await.items() {
            let children = root["children"].as_array().expect("children").clone();
            for own in std::iter::once(root).chain(children) {
                let is_deleted = own.get("isDeleted").is_some();
                let version = if is_deleted { "deleted" } else { "" };
                let path = text(&own, "/path");
                self.put("tfvc_branch", project, path, version.to_owned(), 0);
            }
        }
        let path = format!("{project}/_apis/tfvc/labels");
        for own in self.client.all_by_skip(&path).await {
            if time(&own, "/modifiedDate") >= self.since {
                let (id, name) = (text(&own, "/id"), text(&own, "/name"));
                self.put("tfvc_label", project, id, name, 0);
            }
        }
    }

    async fn work_items(&mut self, organization: &str) {
        let start = format!("startDateTime={}", self.since);
        let path = "_apis/wit/reporting/workitemrevisions?includeDeleted=true";
        let (revisions, _) = self.client.all_by_batch(path, &start).await;
        let mut items: BTreeMap<String, (u64, BTreeSet<u64>)> = BTreeMap::new();
        for revision in &revisions {
            let entry = items.entry(text(revision, "/id")).or_default();
            let rev = revision["rev"].as_u64().expect("rev");
            entry.0 = entry.0.max(rev);
            entry.1.insert(rev);
        }
        for (id, (rev, revs)) in items {
            self.put(
                "work_item",
                organization,
                id,
                rev.to_string(),
                revs.len() as u64,
            );
        }
    }

    async fn open_items(&mut self, organization: &str, project: &str) {
        let types = self
            .client
            .get(&format!("{project}/_apis/wit/workitemtypes"))
            .await
            .items();
        let states = types
            .iter()
            .flat_map(|kind| kind["states"].as_array().expect("states"));
        let done = states
            .filter(|state| matches!(state["category"].as_str(), Some("Completed" | "Removed")));
        let done: BTreeSet<String> = done
            .map(|state| format!("'{}'", text(state, "/name")))
            .collect();
        let done: Vec<String> = done.into_iter().collect();
        let query = format!(
            "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.State] NOT IN ({}) ORDER BY [System.Id]",
            done.join(", ")
        );
        let answer = self
            .client
            .post(
                &format!("{project}/_apis/wit/wiql"),
                &json!({ "query": query }),
            )
            .await
            .json();
        let ids: Vec<u64> = answer["workItems"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|item| item["id"].as_u64())
            .collect();
        for ids in ids.chunks(200) {
            let batch = self
                .client
                .post("_apis/wit/workitemsbatch", &json!({ "ids": ids }))
                .await
                .items();
            for item in batch {
                let key = ("work_item", organization.to_owned(), text(&item, "/id"));
                self.found
                    .entry(key)
                    .or_insert_with(|| (text(&item, "/rev"), 1));
            }
        }
    }

    /// Adds the links to artifacts to the parts of every item that shows them.
    async fn artifacts(&mut self, organization: &str) {
        let found = self.found.keys();
        let ids: Vec<u64> = found
            .filter(|(kind, ..)| *kind == "work_item")
            .map(|(.., id)| id.parse().expect("an id"))
            .collect();
        for ids in ids.chunks(200) {
            let wish = json!({ "ids": ids, "$expand": "relations", "errorPolicy": "omit" });
            let batch = self.client.post("_apis/wit/workitemsbatch", &wish).await;
            for item in batch.items().iter().filter(|item| !item.is_null()) {
                let relations = item["relations"].as_array().expect("relations");
                let is_artifact = |own: &&Value| own["rel"] == "ArtifactLink";
                let key = ("work_item", organization.to_owned(), text(item, "/id"));
                let (_, children) = self.found.get_mut(&key).expect("found before");
                *children += relations.iter().filter(is_artifact).count() as u64;
            }
        }
    }

    async fn links(&mut self, organization: &str) {
        let start = format!("startDateTime={}", self.since);
        let (links, _) = self
            .client
            .all_by_batch("_apis/wit/reporting/workitemlinks", &start)
            .await;
        for link in links {
            let id = format!(
                "{}/{}/{}",
                link["sourceId"],
                text(&link, "/rel"),
                link["targetId"]
            );
            let active = u64::from(link["isActive"] == true);
            self.put(
                "work_item_link",
                organization,
                id,
                text(&link, "/changedDate"),
                active,
            );
        }
    }

    async fn metadata(&mut self, project: &str) {
        for kind in self
            .client
            .get(&format!("{project}/_apis/wit/workitemtypes"))
            .await
            .items()
        {
            let states = kind["states"].as_array().expect("states").len() as u64;
            self.put(
                "work_item_type",
                project,
                text(&kind, "/name"),
                String::new(),
                states,
            );
        }
        let mut waiting = self
            .client
            .get(&format!(
                "{project}/_apis/wit/classificationnodes?$depth=20"
            ))
            .await
            .items();
        while let Some(node) = waiting.pop() {
            self.put(
                "classification_node",
                project,
                text(&node, "/identifier"),
                String::new(),
                0,
            );
            waiting.extend(node["children"].as_array().cloned().unwrap_or_default());
        }
    }

    async fn runs(&mut self, project: &str) {
        let path = format!(
            "{project}/_apis/build/builds?statusFilter=completed&queryOrder=finishTimeAscending&minTime={}",
            self.since
        );
        for build in self.client.all_by_token(&path).await {
            let id = text(&build, "/id");
            let timeline = self
                .client
                .get(&format!("{project}/_apis/build/builds/{id}/timeline"))
                .await;
            let mut records = 0;
            if timeline.status != StatusCode::NOT_FOUND {
                let newest = timeline.json()["records"].clone();
                let newest = newest.as_array().expect("records");
                records += newest.len() as u64;
                for earlier in earlier_timelines(newest) {
                    let path = format!("{project}/_apis/build/builds/{id}/timeline/{earlier}");
                    let body = self.client.get(&path).await.json();
                    records += body["records"].as_array().expect("records").len() as u64;
                }
            }
            self.put("run", project, id, text(&build, "/finishTime"), records);
        }
        let path = format!(
            "{project}/_apis/build/builds?statusFilter=inProgress,notStarted&queryOrder=queueTimeAscending"
        );
        for build in self.client.all_by_token(&path).await {
            self.put("run", project, text(&build, "/id"), String::new(), 0);
        }
        let path = format!("{project}/_apis/build/definitions?queryOrder=definitionNameAscending");
        for definition in self.client.all_by_token(&path).await {
            let (id, revision) = (text(&definition, "/id"), text(&definition, "/revision"));
            self.put("definition", project, id, revision, 0);
        }
        let path = format!("{project}/_apis/build/retention");
        assert!(self.client.get(&path).await.json()["purgeRuns"]["value"].is_number());
        self.put(
            "run_retention",
            project,
            "runs".to_owned(),
            String::new(),
            0,
        );
    }

    async fn pull_requests(&mut self, project: &str) {
        let base = format!("{project}/_apis/git/pullrequests?searchCriteria.status");
        let closed = format!(
            "searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={}",
            self.since
        );
        for path in [
            format!("{base}=active"),
            format!("{base}=completed&{closed}"),
            format!("{base}=abandoned&{closed}"),
        ] {
            for pull in self.client.all_by_skip(&path).await {
                let (id, repository) =
                    (text(&pull, "/pullRequestId"), text(&pull, "/repository/id"));
                let threads = self
                    .client
                    .get(&format!(
                        "_apis/git/repositories/{repository}/pullRequests/{id}/threads"
                    ))
                    .await;
                let threads = threads.items().len() as u64;
                let links = self.links_of(project, &text(&pull, "/artifactId")).await;
                let status = text(&pull, "/status");
                self.put("pull_request", project, id, status, threads + links);
            }
        }
    }

    /// How many work items link to an artifact.
    async fn links_of(&self, project: &str, artifact: &str) -> u64 {
        let path = format!("{project}/_apis/wit/artifacturiquery");
        let query = json!({ "artifactUris": [artifact] });
        let answer = self.client.post(&path, &query).await.json();
        let found = answer["artifactUrisQueryResult"][artifact].as_array();
        found.map_or(0, |items| items.len() as u64)
    }

    async fn policies(&mut self, project: &str) {
        let path = format!("{project}/_apis/policy/configurations");
        for policy in self.client.all_by_token(&path).await {
            let branches = policy["settings"]["scope"].as_array().expect("scope");
            let (id, revision) = (text(&policy, "/id"), text(&policy, "/revision"));
            self.put("policy", project, id, revision, branches.len() as u64);
        }
    }

    async fn deleted_repositories(&mut self, project: &str) {
        let path = format!("{project}/_apis/git/recycleBin/repositories");
        for own in self.client.get(&path).await.items() {
            let (id, name) = (text(&own, "/id"), text(&own, "/name"));
            self.put("repository", project, id, name, 0);
        }
    }

    async fn refs(&mut self, project: &str, repository: &str) {
        for namespace in ["heads", "tags"] {
            let path =
                format!("_apis/git/repositories/{repository}/refs?filter={namespace}/&$top=7");
            let refs = self.client.all_by_token(&path).await;
            let sum = refs.iter().fold(0, |sum: u64, own| {
                let start = text(own, "/objectId")[..15].to_owned();
                sum.wrapping_add(u64::from_str_radix(&start, 16).expect("hexadecimal"))
            });
            let id = format!("{repository}/{namespace}");
            self.put("ref_list", project, id, sum.to_string(), refs.len() as u64);
        }
    }

    async fn pushes(&mut self, project: &str, repository: &str) {
        let base = format!("_apis/git/repositories/{repository}");
        for push in self
            .client
            .all_by_skip(&format!(
                "{base}/pushes?searchCriteria.fromDate={}",
                self.since
            ))
            .await
        {
            assert!(time(&push, "/date") >= self.since);
            let id = text(&push, "/pushId");
            for commit in self
                .client
                .all_by_skip(&format!("{base}/commits?pushId={id}"))
                .await
            {
                self.put(
                    "commit",
                    project,
                    format!("{repository}/{}", text(&commit, "/commitId")),
                    String::new(),
                    0,
                );
            }
            self.put(
                "push",
                project,
                format!("{repository}/{id}"),
                String::new(),
                0,
            );
        }
    }
}

impl Sync<'_> {
    async fn test_runs(&mut self, project: &str) {
        let (mut from, mut tested) = (self.since, BTreeMap::new());
        while from < self.client.simulator.now() {
            let until = from + SignedDuration::from_hours(7 * 24);
            let path = format!(
                "{project}/_apis/test/runs?minLastUpdatedDate={from}&maxLastUpdatedDate={until}"
            );
            for own in self.client.all_by_token(&path).await {
                let tests = own["totalTests"].as_u64().expect("a count");
                let (id, version) = (text(&own, "/id"), text(&own, "/lastUpdatedDate"));
                self.put("test_run", project, id, version, tests);
                if let (Some(run), Some(completed)) =
                    (own["build"]["id"].as_str(), own["completedDate"].as_str())
                {
                    let newest: &mut String = tested.entry(run.to_owned()).or_default();
                    *newest = completed.to_owned().max(newest.clone());
                }
            }
            from = until;
        }
        self.coverage(project, tested).await;
    }

    async fn coverage(&mut self, project: &str, tested: BTreeMap<String, String>) {
        for (run, completed) in tested {
            let path = format!("{project}/_apis/testresults/codecoverage");
            let query = format!("buildId={run}&api-version=7.1-preview.1");
            let path = format!("_host/vstmr.dev.azure.com/{path}?{query}");
            let answer = self.client.get(&path).await.json();
            let data = answer["coverageData"].as_array().expect("data").iter();
            let stats = data.flat_map(|own| own["coverageStats"].as_array().expect("stats"));
            let children = stats.count() as u64;
            self.put("run_coverage", project, run, completed, children);
        }
    }

    async fn environments(&mut self, project: &str) {
        let path = format!("{project}/_apis/distributedtask/environments");
        for environment in self.client.all_by_token(&path).await {
            let id = text(&environment, "/id");
            self.put("environment", project, id.clone(), String::new(), 0);
            let path = format!("{path}/{id}/environmentdeploymentrecords");
            for own in self.client.all_by_token(&path).await {
                let finished = own.get("finishTime").map(|_| time(&own, "/finishTime"));
                if finished.is_none_or(|at| at >= self.since) {
                    let id = format!("{id}/{}", text(&own, "/id"));
                    let version = finished.map_or_else(String::new, |at| at.to_string());
                    self.put("environment_deployment", project, id, version, 0);
                }
            }
        }
    }

    async fn deployments(&mut self, project: &str) {
        let path = format!(
            "_host/vsrm.dev.azure.com/{project}/_apis/release/deployments?queryOrder=ascending&minModifiedTime={}",
            self.since
        );
        for own in self.client.all_by_token(&path).await {
            let words = |key: &str| own[key].as_array().expect("approvals").len() as u64;
            self.put(
                "deployment",
                project,
                text(&own, "/id"),
                text(&own, "/lastModifiedOn"),
                words("preDeployApprovals") + words("postDeployApprovals"),
            );
        }
    }
}

fn ninety_days_ago(client: &Client) -> Timestamp {
    client.simulator.now() - SignedDuration::from_hours(24 * 90)
}

/// The timelines of what was retried, as the newest records name them.
fn earlier_timelines(records: &[Value]) -> BTreeSet<String> {
    let attempts = records
        .iter()
        .filter_map(|record| record["previousAttempts"].as_array());
    attempts
        .flatten()
        .map(|attempt| text(attempt, "/timelineId"))
        .collect()
}

async fn synced(client: &Client, since: Timestamp) -> Found {
    let mut sync = Sync {
        client,
        since,
        found: Found::new(),
    };
    sync.all().await;
    sync.found
}

/// What is owed but people: they are in the answers that are read for the rest.
fn owed(client: &Client, since: Timestamp, token: &secrecy::SecretString) -> Found {
    let entry = |own: Expected| {
        (
            (own.kind, own.scope.to_string(), own.id),
            (own.version, own.children),
        )
    };
    client
        .simulator
        .ledger(since, token)
        .into_iter()
        .filter(|own| own.kind != "person")
        .map(entry)
        .collect()
}

/// Checks that answers name whoever must be known.
fn assert_names(client: &Client, since: Timestamp, token: &secrecy::SecretString) {
    let said = client.said();
    let people = client.simulator.ledger(since, token);
    let people = people.into_iter().filter(|own| own.kind == "person");
    let (named, others): (Vec<_>, Vec<_>) = people.partition(|own| own.children == 1);
    let unsaid: Vec<_> = named.iter().filter(|own| !said.contains(&own.id)).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
    assert!(named.len() > others.len(), "most people did something");
}

#[tokio::test]
async fn a_complete_sync_finds_exactly_what_the_ledger_lists() {
    let client = Client::new(config());
    let since = ninety_days_ago(&client);
    let (found, owed) = (
        synced(&client, since).await,
        owed(&client, since, &client.simulator.default_pat()),
    );
    let kinds: BTreeSet<&str> = owed.keys().map(|(kind, ..)| *kind).collect();
    assert!(kinds.len() >= 22, "every kind occurs: {kinds:?}");
    assert_eq!(found, owed);
    assert_names(&client, since, &client.simulator.default_pat());
}

#[tokio::test]
async fn small_pages_lose_and_add_nothing() {
    let client = Client::new(Config {
        pages: PageCaps::all(7),
        days: 3,
        seed: 5,
        ..config()
    });
    let since = ninety_days_ago(&client);
    assert_eq!(
        synced(&client, since).await,
        owed(&client, since, &client.simulator.default_pat())
    );
}

#[tokio::test]
async fn the_ledger_knows_what_a_credential_may_not_see() {
    let client = Client::new(Config {
        seed: 9,
        ..config()
    });
    let mut pat = client.simulator.make_pat(1);
    pat.denied_projects.insert(client.simulator.projects()[0].0);
    let token = pat.token.clone();
    client.simulator.add_pat(pat);
    let limited = client.with_token(&token);
    let since = ninety_days_ago(&client);
    let (found, owed_to_it) = (synced(&limited, since).await, owed(&client, since, &token));
    assert_eq!(found, owed_to_it);
    assert_names(&limited, since, &token);
    assert!(owed_to_it.len() < owed(&client, since, &client.simulator.default_pat()).len());
}

#[test]
fn a_ledger_for_a_token_without_scopes_is_empty() {
    let client = Client::new(config());
    let mut pat = client.simulator.make_pat(2);
    pat.scopes = BTreeSet::from(["vso.project".to_owned()]);
    let token = pat.token.clone();
    client.simulator.add_pat(pat);
    assert_eq!(client.simulator.ledger(Timestamp::MIN, &token), []);
    assert_eq!(
        client
            .simulator
            .ledger(Timestamp::MIN, &secrecy::SecretString::from("unknown")),
        []
    );
}
