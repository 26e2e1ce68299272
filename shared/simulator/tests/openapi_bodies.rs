//! Every body that the simulator sends has the shape that Microsoft's OpenAPI files describe.
#![expect(
    clippy::print_stdout,
    reason = "how much was checked, and that a check was skipped, belongs into the output"
)]

mod openapi;
#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use openapi::Specs;
use serde_json::{Value, json};
use simulator::Config;
use support::{Client, config};

const SPECS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/specs/azure-devops/7.1"
);

/// Checks answers and counts what was checked.
struct Checker<'a> {
    client: &'a Client,
    specs: &'a Specs,
    bodies: usize,
    operations: BTreeSet<String>,
    problems: Vec<String>,
}

impl Checker<'_> {
    async fn get(&mut self, path: &str) -> Value {
        let body = self.client.get(path).await.json();
        self.check("GET", path, "", &body);
        body
    }

    async fn post(&mut self, path: &str, request: &Value) -> Value {
        let body = self.client.post(path, request).await.json();
        self.check("POST", path, &request.to_string(), &body);
        body
    }

    fn check(&mut self, method: &str, path: &str, request: &str, body: &Value) {
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        let mut query: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        query.push(("api-version".to_owned(), "7.1".to_owned()));
        assert_eq!(
            body.get("typeKey"),
            None,
            "{method} {path} is refused: {body}"
        );
        match self
            .specs
            .check_request(method, &support::address(route), &query, request)
        {
            Err(problems) => self
                .problems
                .push(format!("request {method} {path}: {problems:?}")),
            Ok(None) => {}
            Ok(Some(operation)) => {
                self.bodies += 1;
                self.operations.insert(operation.name.clone());
                if let Err(problems) = self.specs.check_answer(operation, body) {
                    self.problems
                        .push(format!("answer to {method} {path}: {problems:#?}"));
                }
            }
        }
    }

    async fn boards(&mut self, project: &str) {
        self.get(
            "_apis/wit/reporting/workitemrevisions?includeIdentityRef=true&includeDeleted=true",
        )
        .await;
        self.get("_apis/wit/reporting/workitemrevisions?$expand=fields&includeTagRef=true")
            .await;
        self.get(&format!(
            "{project}/_apis/wit/reporting/workitemrevisions?includeLatestOnly=true&types=Bug"
        ))
        .await;
        self.post(
            "_apis/wit/reporting/workitemrevisions",
            &json!({ "fields": ["System.Id"], "includeDeleted": true }),
        )
        .await;
        self.get("_apis/wit/reporting/workitemlinks").await;
        let query = json!({ "query": "SELECT [System.Id] FROM WorkItems ORDER BY [System.Id]" });
        let found = self
            .post("_apis/wit/wiql?timePrecision=true&$top=150", &query)
            .await;
        let ids: Vec<u64> = found["workItems"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|item| item["id"].as_u64())
            .collect();
        self.post(
            "_apis/wit/workitemsbatch",
            &json!({ "ids": ids, "$expand": "relations", "errorPolicy": "omit" }),
        )
        .await;
        self.post(
            "_apis/wit/workitemsbatch",
            &json!({ "ids": ids, "fields": ["System.Id", "System.AssignedTo"] }),
        )
        .await;
        self.get(&format!(
            "_apis/wit/workitems?ids={},{}&$expand=all",
            ids[0], ids[1]
        ))
        .await;
        self.get(&format!("_apis/wit/workitems/{}", ids[0])).await;
        self.get(&format!("{project}/_apis/wit/workitemtypes"))
            .await;
        self.get(&format!("{project}/_apis/wit/workitemtypes/User%20Story"))
            .await;
        self.get(&format!(
            "{project}/_apis/wit/classificationnodes?$depth=20"
        ))
        .await;
        self.get(&format!(
            "{project}/_apis/wit/classificationnodes/Iterations/Release%201/Sprint%201"
        ))
        .await;
        self.get("_apis/wit/fields").await;
        self.get("_apis/teams?$top=1000&api-version=7.1-preview.3")
            .await;
        let iterations = "Platform%20%26%20Outils/_apis/work/teamsettings/iterations";
        for query in ["", "?$timeframe=current"] {
            self.get(&format!("{project}/{iterations}{query}")).await;
        }
        let settings = format!("{project}/Platform%20%26%20Outils/_apis/work/teamsettings");
        self.get(&settings).await;
        self.get(&format!("{settings}/teamfieldvalues")).await;
        let path = format!("{project}/{iterations}?$timeframe=current");
        for sprint in self.client.get(&path).await.items() {
            let id = sprint["id"].as_str().expect("id");
            let totals = format!("{project}/_apis/work/iterations/{id}/iterationcapacities");
            self.get(&totals).await;
            for part in ["capacities", "teamdaysoff"] {
                self.get(&format!("{settings}/iterations/{id}/{part}"))
                    .await;
            }
        }
    }

    async fn pipelines(&mut self, project: &str) {
        self.get(&format!("{project}/_apis/build/definitions"))
            .await;
        self.get(&format!(
            "{project}/_apis/build/definitions?includeAllProperties=true&queryOrder=definitionNameAscending&$top=1000"
        ))
        .await;
        self.get(&format!("{project}/_apis/build/retention")).await;
        for query in [
            "?statusFilter=completed&queryOrder=finishTimeAscending&$top=5000",
            "?queryOrder=queueTimeDescending",
            "",
        ] {
            let builds = self
                .get(&format!("{project}/_apis/build/builds{query}"))
                .await;
            for build in builds["value"]
                .as_array()
                .expect("builds")
                .iter()
                .step_by(7)
            {
                let id = &build["id"];
                self.get(&format!("{project}/_apis/build/builds/{id}"))
                    .await;
                let answer = self
                    .client
                    .get(&format!("{project}/_apis/build/builds/{id}/timeline"))
                    .await;
                if answer.status == 200 {
                    self.check(
                        "GET",
                        &format!("{project}/_apis/build/builds/{id}/timeline"),
                        "",
                        &answer.json(),
                    );
                }
            }
        }
    }

    async fn tests(&mut self, project: &str) {
        let path = format!("{project}/_apis/test/runs");
        self.get(&format!("{path}?$top=1")).await;
        let week =
            "minLastUpdatedDate=2026-10-20T00:00:00Z&maxLastUpdatedDate=2026-10-27T00:00:00Z";
        let runs = self.get(&format!("{path}?{week}&$top=100")).await;
        let runs = runs["value"].as_array().expect("test runs").iter();
        for build in runs.filter_map(|own| own["build"]["id"].as_str()) {
            let path =
                format!("_host/vstmr.dev.azure.com/{project}/_apis/testresults/codecoverage");
            let query = format!("buildId={build}&api-version=7.1-preview.1");
            self.get(&format!("{path}?{query}")).await;
        }
    }

    async fn environments(&mut self, project: &str) {
        let path = format!("{project}/_apis/distributedtask/environments");
        let found = self.get(&format!("{path}?$top=1000")).await;
        for own in found["value"].as_array().expect("environments") {
            let records = format!("{path}/{}/environmentdeploymentrecords", own["id"]);
            self.get(&format!("{records}?top=1000")).await;
        }
    }

    async fn releases(&mut self, project: &str) {
        let path = format!("_host/vsrm.dev.azure.com/{project}/_apis/release/deployments");
        for query in [
            "",
            "?queryOrder=ascending&$top=100&deploymentStatus=all&operationStatus=all&latestAttemptsOnly=false",
            "?deploymentStatus=failed&minModifiedTime=2026-09-01T00:00:00Z",
        ] {
            self.get(&format!("{path}{query}")).await;
        }
    }

    async fn repos(&mut self, project: &str) {
        for query in [
            "",
            "?searchCriteria.status=all&$top=1000",
            "?searchCriteria.status=completed&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime=2026-09-01T00:00:00Z",
        ] {
            self.get(&format!("{project}/_apis/git/pullrequests{query}"))
                .await;
        }
        let pulls = self
            .client
            .get(&format!(
                "{project}/_apis/git/pullrequests?searchCriteria.status=all"
            ))
            .await
            .items();
        for pull in pulls.iter().step_by(3) {
            let (id, repository) = (
                &pull["pullRequestId"],
                pull["repository"]["id"].as_str().expect("id"),
            );
            self.get(&format!("{project}/_apis/git/pullrequests/{id}"))
                .await;
            let own = format!("_apis/git/repositories/{repository}/pullRequests/{id}");
            self.get(&format!(
                "{own}?includeCommits=true&includeWorkItemRefs=true"
            ))
            .await;
            self.get(&format!("{own}/threads")).await;
        }
        self.get(&format!("{project}/_apis/git/recycleBin/repositories"))
            .await;
        self.get(&format!(
            "{project}/_apis/tfvc/branches?includeChildren=true&includeDeleted=true"
        ))
        .await;
        self.get(&format!("{project}/_apis/tfvc/labels?$top=1000"))
            .await;
        self.get(&format!("{project}/_apis/policy/configurations"))
            .await;
        let uris: Vec<&str> = pulls
            .iter()
            .filter_map(|pull| pull["artifactId"].as_str())
            .collect();
        let answer = self
            .post(
                &format!("{project}/_apis/wit/artifacturiquery"),
                &json!({ "artifactUris": uris }),
            )
            .await;
        assert!(answer["artifactUrisQueryResult"].is_object(), "{answer}");
        for repository in self.get(&format!("{project}/_apis/git/repositories")).await["value"]
            .as_array()
            .expect("repositories")
        {
            if repository["defaultBranch"].is_string() && repository["isDisabled"] == false {
                self.repository(repository["id"].as_str().expect("id"))
                    .await;
            }
        }
    }

    async fn repository(&mut self, id: &str) {
        let base = format!("_apis/git/repositories/{id}");
        self.get(&base).await;
        let pushes = self
            .get(&format!(
                "{base}/pushes?searchCriteria.includeRefUpdates=true&$top=1000"
            ))
            .await;
        for push in pushes["value"]
            .as_array()
            .expect("pushes")
            .iter()
            .step_by(9)
        {
            self.get(&format!(
                "{base}/pushes/{}?includeCommits=10&includeRefUpdates=true",
                push["pushId"]
            ))
            .await;
            self.get(&format!("{base}/commits?pushId={}", push["pushId"]))
                .await;
        }
        let commits = self.get(&format!("{base}/commits?searchCriteria.includePushData=true&searchCriteria.includeWorkItems=true")).await;
        self.get(&format!(
            "{base}/commits/{}",
            commits["value"][0]["commitId"].as_str().expect("sha")
        ))
        .await;
        let criteria = json!({ "includePushData": true, "includeWorkItems": true, "$top": 500 });
        self.post(&format!("{base}/commitsbatch?$top=500"), &criteria)
            .await;
        for filter in ["heads/", "tags/"] {
            self.get(&format!("{base}/refs?filter={filter}&peelTags=true"))
                .await;
        }
    }

    async fn tfvc(&mut self) {
        let list = self.get("_apis/tfvc/changesets?$orderby=id%20asc&searchCriteria.fromId=1&$top=200&maxCommentLength=4000").await;
        let ids: Vec<u64> = list["value"]
            .as_array()
            .expect("list")
            .iter()
            .filter_map(|own| own["changesetId"].as_u64())
            .collect();
        self.get(&format!(
            "_apis/tfvc/changesets/{}?maxChangeCount=100&includeDetails=true&includeWorkItems=true",
            ids[0]
        ))
        .await;
        self.get(&format!("_apis/tfvc/changesets/{}/changes?$top=5", ids[0]))
            .await;
        self.get("_apis/tfvc/shelvesets").await;
        self.post(
            "_apis/tfvc/changesetsbatch",
            &json!({ "changesetIds": ids, "commentLength": 400 }),
        )
        .await;
    }
}

#[tokio::test]
async fn every_body_has_the_shape_of_its_operation() {
    let Some(specs) = Specs::load(Path::new(SPECS)) else {
        println!("skipped: no OpenAPI files beside this checkout");
        return;
    };
    let client = Client::new(Config {
        days: 2,
        ..config()
    });
    let mut checker = Checker {
        client: &client,
        specs: &specs,
        bodies: 0,
        operations: BTreeSet::new(),
        problems: Vec::new(),
    };
    checker
        .get("_apis/projects?stateFilter=wellFormed&$top=500")
        .await;
    checker.get("_apis/git/repositories").await;
    checker.tfvc().await;
    for (id, _) in client.simulator.projects() {
        let project = id.to_string();
        checker
            .get(&format!(
                "_apis/projects/{project}?includeCapabilities=true"
            ))
            .await;
        checker.boards(&project).await;
        checker.pipelines(&project).await;
        checker.repos(&project).await;
        checker.releases(&project).await;
        checker.environments(&project).await;
        checker.tests(&project).await;
    }
    println!(
        "{} bodies of {} operations validated ({} known)",
        checker.bodies,
        checker.operations.len(),
        specs.len()
    );
    for operation in &checker.operations {
        println!("  {operation}");
    }
    assert!(
        checker.problems.is_empty(),
        "{} problems, first: {}",
        checker.problems.len(),
        checker.problems[0]
    );
    assert!(checker.operations.len() >= 25, "an endpoint was not driven");
}

#[test]
fn a_wrong_request_is_told_apart_from_a_right_one() {
    let Some(specs) = Specs::load(Path::new(SPECS)) else {
        println!("skipped: no OpenAPI files beside this checkout");
        return;
    };
    let check = |path: &str, query: &[(&str, &str)]| {
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        specs.check_request("GET", path, &query, "").map(|_| ())
    };
    let version = ("api-version", "7.1");
    assert_eq!(
        check(
            "/fabrikam/p/_apis/build/builds",
            &[version, ("queryOrder", "finishTimeAscending")]
        ),
        Ok(())
    );
    assert!(
        check("/fabrikam/p/_apis/build/builds", &[]).is_err(),
        "the version is required"
    );
    assert!(
        check(
            "/fabrikam/p/_apis/build/builds",
            &[version, ("queryOrder", "byName")]
        )
        .is_err(),
        "no such order"
    );
    assert!(
        check("/fabrikam/p/_apis/build/builds", &[version, ("$topp", "5")]).is_err(),
        "no such parameter"
    );
    assert!(
        check("/fabrikam/p/_apis/build/bilds", &[version]).is_err(),
        "no such path"
    );
}

#[test]
fn a_wrong_body_is_told_apart_from_a_right_one() {
    let Some(specs) = Specs::load(Path::new(SPECS)) else {
        println!("skipped: no OpenAPI files beside this checkout");
        return;
    };
    let query = [("api-version".to_owned(), "7.1".to_owned())];
    let found = specs
        .check_request("GET", "/fabrikam/_apis/projects", &query, "")
        .expect("a right request");
    let operation = found.expect("a described operation");
    let answer =
        |project: Value| specs.check_answer(operation, &json!({ "count": 1, "value": [project] }));
    assert_eq!(
        answer(
            json!({ "id": "6ce9", "revision": 3, "state": "unheardOf", "description": null, "new": {} })
        ),
        Ok(())
    );
    assert!(
        answer(json!({ "revision": "many" })).is_err(),
        "a wrong type"
    );
    assert!(
        answer(json!({ "lastUpdateTime": "yesterday" })).is_err(),
        "not a date"
    );
    assert!(
        specs
            .check_answer(operation, &json!({ "count": 2, "value": [] }))
            .is_err(),
        "a wrong count"
    );
}
