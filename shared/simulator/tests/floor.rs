//! The floor against a client that knows the page caps: what it needs is exactly what the floor says.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulator::{Analytics, AnalyticsAccess, Because, Config, PageCap, PageCaps};
use support::{Client, config};

/// Pages so small that every kind of stream has several.
const PAGE: usize = 7;

struct Reader {
    client: Client,
    since: Timestamp,
}

impl Reader {
    fn new() -> Self {
        Self::with(PageCaps::all(PAGE))
    }

    fn with(pages: PageCaps) -> Self {
        let client = Client::new(Config { pages, ..config() });
        let since = client.simulator.now() - SignedDuration::from_hours(24 * 90);
        Self { client, since }
    }

    fn floor(&self, resource: &str) -> u64 {
        let token = self.client.simulator.default_pat();
        self.client.simulator.floor(self.since, &token)[resource].requests
    }

    fn sent(&self, resource: &str) -> u64 {
        self.client.simulator.request_counts()[resource]
    }

    async fn projects(&self) -> Vec<Value> {
        self.client.all_by_token("_apis/projects").await
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

#[tokio::test]
async fn lists_with_tokens_take_exactly_the_floor() {
    let reader = Reader::new();
    let (client, since) = (&reader.client, reader.since);
    for project in reader.projects().await {
        let query = "statusFilter=completed&queryOrder=finishTimeAscending&minTime";
        let path = format!("{}/_apis/build/builds?{query}={since}", id(&project));
        client.all_by_token(&path).await;
        let open = "statusFilter=inProgress,notStarted&queryOrder=queueTimeAscending";
        let path = format!("{}/_apis/build/builds?{open}", id(&project));
        client.all_by_token(&path).await;
        let path = format!("{}/_apis/build/definitions", id(&project));
        client.all_by_token(&path).await;
    }
    let start = format!("startDateTime={since}");
    let revisions = "_apis/wit/reporting/workitemrevisions?includeDeleted=true";
    client.all_by_batch(revisions, &start).await;
    let links = "_apis/wit/reporting/workitemlinks?linkTypes=System.LinkTypes.Hierarchy";
    client.all_by_batch(links, &start).await;
    for resource in ["projects", "builds", "definitions", "workItemRevisions"] {
        assert_eq!(reader.sent(resource), reader.floor(resource), "{resource}");
        assert!(reader.floor(resource) > 0);
    }
    // One kind of link takes fewer pages than all kinds do.
    assert!(reader.sent("workItemLinks") < reader.floor("workItemLinks"));
}

/// A client that does not know the caps needs one empty page behind each list that is not empty.
#[tokio::test]
async fn lists_that_skip_take_the_floor_and_an_empty_page_each() {
    let reader = Reader::new();
    let (client, since) = (&reader.client, reader.since);
    let (mut lists, mut pushed) = (0, 0);
    for project in reader.projects().await {
        let base = format!(
            "{}/_apis/git/pullrequests?searchCriteria.status",
            id(&project)
        );
        let closed =
            format!("searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={since}");
        for path in [
            format!("{base}=active"),
            format!("{base}=completed&{closed}"),
            format!("{base}=abandoned&{closed}"),
        ] {
            lists += u64::from(!client.all_by_skip(&path).await.is_empty());
        }
    }
    for repository in client.get("_apis/git/repositories").await.items() {
        if repository.get("defaultBranch").is_none() || repository["isDisabled"] == true {
            continue;
        }
        let path = format!(
            "_apis/git/repositories/{}/pushes?searchCriteria.fromDate={since}",
            id(&repository)
        );
        pushed += u64::from(!client.all_by_skip(&path).await.is_empty());
    }
    assert!(lists > 0 && pushed > 0);
    assert_eq!(
        reader.sent("pullRequests"),
        reader.floor("pullRequests") + lists
    );
    assert_eq!(reader.sent("pushes"), reader.floor("pushes") + pushed);
}

/// The rest of a large changeset is read behind what came with it, by a client that knows how long a page may be.
#[tokio::test]
async fn changes_that_did_not_come_with_their_changeset_take_the_floor() {
    let pages = PageCaps {
        changeset_changes: PageCap::new(30, 30),
        ..PageCaps::default()
    };
    let reader = Reader::with(pages);
    let (client, since) = (&reader.client, reader.since);
    let path = format!("_apis/tfvc/changesets?searchCriteria.fromDate={since}");
    let mut large = 0;
    for changeset in client.all_by_skip(&path).await {
        let path = format!("_apis/tfvc/changesets/{}", changeset["changesetId"]);
        let whole = client.get(&format!("{path}?maxChangeCount=100")).await;
        let mut skip = 100;
        let mut has_more = whole.json()["hasMoreChanges"] == true;
        large += u64::from(has_more);
        while has_more {
            let rest = format!("{path}/changes?$top=30&$skip={skip}");
            let came = client.get(&rest).await.items().len();
            assert!(came > 0, "it said that there is more");
            (skip, has_more) = (skip + came, came == 30);
        }
    }
    assert!(large > 0);
    // A list whose last page is full looks as if it went on.
    let (sent, floor) = (
        reader.sent("changesetChanges"),
        reader.floor("changesetChanges"),
    );
    assert_eq!(sent, floor);
    assert!(floor > large);
}

/// How many runs of the window point to an earlier timeline.
async fn retried(reader: &Reader) -> u64 {
    let (client, mut retried) = (&reader.client, 0);
    for project in reader.projects().await {
        let project = id(&project);
        let query = "statusFilter=completed&queryOrder=finishTimeAscending&minTime";
        let path = format!("{project}/_apis/build/builds?{query}={}", reader.since);
        for build in client.all_by_token(&path).await {
            let path = format!("{project}/_apis/build/builds/{}/timeline", build["id"]);
            let timeline = client.get(&path).await.json();
            let records = timeline["records"].as_array().into_iter().flatten();
            let mut attempts = records.map(|record| &record["previousAttempts"]);
            retried += u64::from(attempts.any(|own| own.get(0).is_some()));
        }
    }
    assert!(retried > 0);
    retried
}

#[tokio::test]
async fn what_exists_one_by_one_is_counted_like_the_ledger_counts_it() {
    let reader = Reader::new();
    let simulator = &reader.client.simulator;
    let ledger = simulator.ledger(reader.since, &simulator.default_pat());
    let count = |kind: &str, has_parts: bool| {
        let entries = ledger.iter().filter(|entry| entry.kind == kind);
        entries
            .filter(|entry| !has_parts || entry.children > 0)
            .count() as u64
    };
    // A retry leaves a timeline of its own behind.
    let (planned, timelines) = (count("run", true), reader.floor("timeline"));
    assert_eq!(timelines, planned + retried(&reader).await);
    assert_eq!(reader.floor("threads"), count("pull_request", false));
    assert_eq!(reader.floor("codeCoverage"), count("run_coverage", false));
    assert!(count("run_coverage", false) > count("run_coverage", true));
    let floors = simulator.floor(reader.since, &simulator.default_pat());
    assert_eq!(floors["threads"].because, Because::PerItem);
    assert!(
        count("run", false) > count("run", true),
        "some never had a plan"
    );
}

/// Analytics tells of all runs in few pages, and of retried runs too little.
#[tokio::test]
async fn in_bulk_only_what_was_retried_is_counted_one_by_one() {
    let reader = Reader::with(PageCaps::default());
    let floors = |analytics| {
        let config = Config {
            analytics,
            ..config()
        };
        let simulator = simulator::Simulator::new(config);
        simulator.floor(reader.since, &simulator.default_pat())
    };
    let served = floors(Analytics::default());
    assert_eq!(
        served["timeline"].requests,
        2 * retried(&reader).await,
        "the newest timeline and the one before"
    );
    let projects = reader.projects().await.len() as u64;
    assert_eq!(served["pipelineRunActivities"].requests, projects);
    let refused = floors(Analytics {
        access: AnalyticsAccess::NoPermission403,
        ..Analytics::default()
    });
    assert!(!refused.contains_key("pipelineRunActivities"));
    assert!(refused["timeline"].requests > served["timeline"].requests + projects);
}

/// How many projects have classic releases.
async fn releasing(reader: &Reader) -> u64 {
    let mut releasing = 0;
    for project in reader.projects().await {
        let path = format!(
            "_host/vsrm.dev.azure.com/{}/_apis/release/deployments",
            id(&project)
        );
        let answer = reader.client.get(&path).await;
        releasing += u64::from(!answer.items().is_empty());
    }
    releasing
}

#[tokio::test]
async fn an_idle_pass_may_ask_each_stream_once() {
    let reader = Reader::new();
    let simulator = &reader.client.simulator;
    let idle = simulator.idle_floor(&simulator.default_pat());
    let projects = reader.projects().await.len() as u64;
    let repositories = reader.client.get("_apis/git/repositories").await.items();
    let live = repositories
        .iter()
        .filter(|own| own.get("defaultBranch").is_some() && own["isDisabled"] == false);
    let total: u64 = idle.values().map(|floor| floor.requests).sum();
    // https://learn.microsoft.com/rest/api/azure/devops/ has no wider scope for runs, pull requests and pushes.
    assert_eq!(
        total,
        3 + 4 * projects + live.count() as u64 + releasing(&reader).await
    );
}

/// Most teams have planned the sprints behind them and the one under way; of those to come there is nothing to ask.
#[tokio::test]
async fn plans_cost_one_question_for_each_sprint_that_matters_and_two_for_each_plan() {
    let reader = Reader::new();
    let (client, now) = (&reader.client, reader.client.simulator.now());
    let day = SignedDuration::from_hours(24);
    let (mut sprints, mut plans) = (0, 0);
    for project in reader.projects().await {
        let base = format!("{}/_apis/work", id(&project));
        let path = format!("{base}/teamsettings/iterations");
        for sprint in client.get(&path).await.items() {
            let at = |end: &str| -> Timestamp {
                let text = sprint["attributes"][end].as_str().expect("a date");
                text.parse().expect("an instant")
            };
            if at("finishDate") + day <= reader.since || at("startDate") > now + 31 * day {
                continue;
            }
            sprints += 1;
            let totals = format!("{base}/iterations/{}/iterationcapacities", id(&sprint));
            let totals = client.get(&totals).await.json();
            let teams = totals["teams"].as_array().expect("teams").iter();
            let planning = teams.filter(|team| team["teamCapacityPerDay"] != 0.0);
            plans += planning.count() as u64;
        }
    }
    assert!(sprints < plans && plans < 2 * sprints, "{plans} plans");
    assert_eq!(reader.floor("iterationCapacities"), sprints);
    assert_eq!(reader.floor("teamCapacities"), plans);
    assert_eq!(reader.floor("teamDaysOff"), plans);
}
