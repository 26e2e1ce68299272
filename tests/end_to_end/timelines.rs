//! Timelines: many at once from Analytics, or one by one, and both say the same.

use std::collections::BTreeMap;

use ado::parse_page;
use jiff::Timestamp;
use model::{
    Facet, Record, RowKey,
    record::{
        Timeline,
        run::{Run, RunResult, StepResult, TimelineKind, TimelineRecord, TimelineSource},
    },
};
use resources::{
    Fetch, Target, find,
    run_activities::{Activity, Ended, Rows, Untold, activity, request, timeline as told},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use simulator::{Analytics, AnalyticsAccess, Config, Elapsed, MissingScope, Simulator, Unverified};

use crate::{deployment::Deployment, regressions::tiny};

/// What is stored, by key: bodies and details.
type Store = BTreeMap<RowKey, (String, BTreeMap<Facet, String>)>;

/// What both sources know of a stage, a job, a task or an approval: what it is and where, how it ended, and when.
type Known = (
    Vec<Option<String>>,
    String,
    Option<StepResult>,
    Option<(Timestamp, Timestamp)>,
);

/// What both sources know of a run. `None` if it was retried: Analytics mixes its attempts.
fn common(timeline: &Timeline) -> Option<Vec<Known>> {
    if timeline.records.iter().any(|own| own.attempt > 1) {
        return None;
    }
    let by_id: BTreeMap<&str, &TimelineRecord> = timeline
        .records
        .iter()
        .map(|own| (own.id.as_str(), own))
        .collect();
    let place = |own: &TimelineRecord| {
        let mut place = Vec::new();
        let mut next = Some(own);
        while let Some(record) = next {
            // Approvals have no name of their own.
            match record.kind {
                TimelineKind::Stage | TimelineKind::Job | TimelineKind::Task => {
                    place.push(record.name.clone());
                }
                _ => {}
            }
            let parent = record.parent.as_deref();
            next = parent.and_then(|id| by_id.get(id).copied());
        }
        place
    };
    let is_common = |own: &&TimelineRecord| match own.kind {
        TimelineKind::Stage | TimelineKind::Job => own.result != Some(StepResult::Skipped),
        TimelineKind::Task | TimelineKind::Approval => true,
        _ => false,
    };
    let mut known: Vec<Known> = timeline
        .records
        .iter()
        .filter(is_common)
        .map(|own| {
            let span = own.started_at.zip(own.finished_at);
            (
                place(own),
                format!("{:?}", own.kind),
                own.result.clone(),
                span,
            )
        })
        .collect();
    known.sort_by_key(|own| format!("{own:?}"));
    Some(known)
}

/// What is stored, with nothing of a timeline but what both sources know.
pub(crate) fn alike(mut store: Store) -> Store {
    for (_, details) in store.values_mut() {
        if let Some(text) = details.get_mut(&Facet::Timeline)
            && let Some(known) = common(&serde_json::from_str(text).unwrap())
        {
            *text = format!("{known:?}");
        }
    }
    store
}

/// A simulator behind an address, and a token.
struct Upstream {
    simulator: Simulator,
    http: reqwest::Client,
    url: String,
}

impl Upstream {
    async fn start(config: Config) -> Self {
        let simulator = Simulator::new(config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = simulator.clone();
        tokio::spawn(async move { server.serve(listener).await });
        Self {
            simulator,
            http: reqwest::Client::new(),
            url,
        }
    }

    async fn get(&self, path: &str, query: &[(String, String)]) -> String {
        let mut url = url::Url::parse(&format!("{}/{path}", self.url)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        let token = self.simulator.default_pat();
        let request = self.http.get(url);
        let request = request.basic_auth("", Some(token.expose_secret()));
        request.send().await.unwrap().text().await.unwrap()
    }

    async fn runs(&self, project: uuid::Uuid) -> Vec<Run> {
        let path = format!("fabrikam/{project}/_apis/build/builds");
        let query = [
            ("api-version", "7.1"),
            ("statusFilter", "completed"),
            ("$top", "5000"),
        ];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = self.get(&path, &query).await;
        let Some(Fetch::List(list)) = find("builds").map(|builds| builds.fetch) else {
            panic!("runs are a list");
        };
        let resources::Map::One(map) = list.map else {
            panic!("one record for each item");
        };
        let page = parse_page(body.as_bytes(), list.items).unwrap();
        let (organization, scope) = target(project);
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        let runs = page
            .items
            .iter()
            .map(|item| match map(&target, item).unwrap() {
                Record::Run(run) => *run,
                other => panic!("{other:?}"),
            });
        runs.filter(|run| {
            Record::Run(Box::new(run.clone()))
                .marker(Facet::Timeline)
                .is_some()
        })
        .collect()
    }

    async fn timeline(&self, project: uuid::Uuid, run: u64) -> Timeline {
        let Some(Fetch::Details(details)) = find("timelines").map(|own| own.fetch) else {
            panic!("timelines are details");
        };
        let path = format!("fabrikam/{project}/_apis/build/builds/{run}/timeline");
        let query = [("api-version".to_owned(), "7.1".to_owned())];
        let body = self.get(&path, &query).await;
        let page = parse_page(body.as_bytes(), details.items).unwrap();
        serde_json::from_str(&(details.map)(&page.items).unwrap()).unwrap()
    }

    /// The activities of those runs of which all are there.
    async fn activities(&self, project: uuid::Uuid, runs: &[Run]) -> BTreeMap<u64, Vec<Activity>> {
        let (organization, scope) = target(project);
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        let request = request(&target, 0);
        let path = format!(
            "_host/analytics.dev.azure.com/fabrikam/{}",
            request.path.join("/")
        );
        let body = self.get(&path, &request.query).await;
        let page = parse_page(body.as_bytes(), "value").unwrap();
        assert_eq!(page.next_link, None);
        let mut rows = Rows::default();
        for item in page.items {
            rows.take(activity(item).unwrap()).unwrap();
        }
        rows.close();
        let ends: BTreeMap<u64, Timestamp> = runs
            .iter()
            .filter_map(|run| Some((run.id, run.finished_at?)))
            .collect();
        let complete = rows.complete(|run| ends.get(&run).copied());
        complete.into_iter().collect()
    }
}

fn target(project: uuid::Uuid) -> (model::Organization, model::Scope) {
    let organization = model::Organization {
        id: model::OrganizationId(uuid::Uuid::nil()),
        name: "fabrikam".parse().unwrap(),
    };
    (
        organization,
        model::Scope::Project(model::ProjectId(project)),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sources_know_of_a_run_they_say_alike() {
    let upstream = Upstream::start(Config::default()).await;
    let mut results: BTreeMap<String, u32> = BTreeMap::new();
    let (mut retried, mut records) = (0, 0);
    for (project, _) in upstream.simulator.projects() {
        let runs = upstream.runs(project).await;
        let activities = upstream.activities(project, &runs).await;
        assert_eq!(
            activities.len(),
            runs.len() - 1,
            "nothing ended after the last run"
        );
        for run in runs.iter().filter(|run| activities.contains_key(&run.id)) {
            let one_by_one = upstream.timeline(project, run.id).await;
            let ended = Ended::of(run).unwrap();
            let in_bulk = told(&ended, &activities[&run.id]);
            let Some(known) = common(&one_by_one) else {
                assert_eq!(in_bulk, Err(Untold::Retried), "{}", run.id);
                retried += 1;
                continue;
            };
            let in_bulk = in_bulk.unwrap_or_else(|error| panic!("{}: {error}", run.id));
            assert_eq!(common(&in_bulk).as_ref(), Some(&known), "{}", run.id);
            records += known.len();
            *results.entry(format!("{:?}", run.result)).or_default() += 1;
        }
    }
    println!("{results:?}, {records} records alike, {retried} runs were retried");
    assert_eq!(results.len(), 4, "every result occurs");
    assert!(results.values().all(|runs| *runs > 3) && retried > 3);
}

/// A service that forgets what a retry replaced gives away nothing, and the newest attempt is told truly.
#[tokio::test(flavor = "multi_thread")]
async fn where_retries_are_not_told_the_newest_attempt_is() {
    let unverified = Unverified {
        analytics_keeps_retries: false,
        ..Unverified::default()
    };
    let upstream = Upstream::start(Config {
        unverified,
        ..Config::default()
    })
    .await;
    let (project, _) = upstream.simulator.projects()[0];
    let runs = upstream.runs(project).await;
    let activities = upstream.activities(project, &runs).await;
    let mut retried = 0;
    for run in runs.iter().filter(|run| activities.contains_key(&run.id)) {
        let mut newest = upstream.timeline(project, run.id).await;
        let is_retried = newest.records.iter().any(|own| own.attempt > 1);
        if !is_retried || run.result == Some(RunResult::Canceled) {
            continue;
        }
        newest.records.iter_mut().for_each(|own| own.attempt = 1);
        let in_bulk = told(&Ended::of(run).unwrap(), &activities[&run.id]).unwrap();
        assert_eq!(common(&in_bulk), common(&newest), "{}", run.id);
        retried += 1;
    }
    assert!(retried > 0);
}

/// Rows that are not there yet make a run look as if it had ended otherwise or earlier. That is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_a_run_whose_rows_are_late_is_true_or_nothing() {
    let upstream = Upstream::start(Config::default()).await;
    let (project, _) = upstream.simulator.projects()[0];
    let runs = upstream.runs(project).await;
    let (mut told_truly, mut refused) = (0, 0);
    for cut in runs.iter().rev().step_by(runs.len() / 8) {
        let half =
            cut.finished_at.unwrap() - (cut.finished_at.unwrap() - cut.started_at.unwrap()) / 2;
        let lag = upstream.simulator.now().duration_since(half).unsigned_abs();
        let analytics = Analytics {
            lag,
            ..Analytics::default()
        };
        let late = Upstream::start(Config {
            analytics,
            elapsed: Elapsed::frozen(),
            ..Config::default()
        })
        .await;
        let activities = late.activities(project, &runs).await;
        let is_near = |own: &&Run| own.started_at < Some(half) && own.finished_at >= Some(half);
        for run in runs.iter().filter(is_near) {
            let known = common(&upstream.timeline(project, run.id).await);
            let rows = activities.get(&run.id);
            match rows.map(|rows| told(&Ended::of(run).unwrap(), rows)) {
                Some(Ok(timeline)) => {
                    assert_eq!(common(&timeline), known, "{}", run.id);
                    told_truly += 1;
                }
                Some(Err(_)) | None => refused += 1,
            }
        }
    }
    println!("{refused} runs with late rows are asked themselves, {told_truly} were told truly");
    assert!(refused > 4);
}

/// The timelines in a store, by their source.
pub(crate) async fn sources(deployment: &Deployment) -> (usize, usize) {
    let stored = deployment.stored().await;
    let facets = stored
        .iter()
        .filter_map(|own| own.details.get(&Facet::Timeline));
    let all: Vec<Timeline> = facets
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let is_bulk = |own: &&Timeline| own.source == TimelineSource::Analytics;
    let in_bulk = all.iter().filter(is_bulk).count();
    (in_bulk, all.len() - in_bulk)
}

/// The hints in the report on the pipelines.
async fn hints(deployment: &Deployment) -> Vec<String> {
    let connection = deployment.connection().await;
    let path = format!(
        "/api/v1/connections/{}/report",
        connection["id"].as_str().unwrap()
    );
    let report = (reqwest::Method::GET, path.as_str());
    let (status, report) = deployment
        .call(("contoso", &["viewer"]), report, None)
        .await;
    assert_eq!(status, 200, "{report}");
    let integrations = report["integrations"].as_array().unwrap().iter();
    let streams = integrations.flat_map(|own| own["streams"].as_array().unwrap());
    let hint = |own: &Value| own["hint"].as_str().map(str::to_owned);
    streams.filter_map(hint).collect()
}

/// The first sync and a later one of whoever may not read Analytics, and why not.
async fn is_complete_without_analytics(refused: Deployment, pat: SecretString, reason: &str) {
    let (status, answer) = refused.connect(pat).await;
    assert_eq!(status, 201, "{answer}");
    refused.settle().await;
    refused.assert_complete_at_least(200).await;
    let (in_bulk, one_by_one) = sources(&refused).await;
    assert!(in_bulk == 0 && one_by_one > 20, "{in_bulk}, {one_by_one}");
    let requests = refused.simulator.request_counts();
    let projects = refused.simulator.projects().len();
    assert_eq!(requests["pipelineRunActivities"], projects as u64);
    let hints = hints(&refused).await;
    assert_eq!(hints.len(), projects);
    assert!(hints[0].contains(reason), "{hints:?}");
    let connection = refused.connection().await;
    assert_eq!(connection["status"], "active", "{connection}");

    refused.synchronize().await;
    let later = refused.simulator.request_counts();
    assert_eq!(
        later["pipelineRunActivities"], projects as u64,
        "it is not asked again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_analytics_runs_are_asked_one_by_one_and_nothing_is_missing() {
    let analytics = Analytics {
        access: AnalyticsAccess::NoPermission403,
        ..Analytics::default()
    };
    let refused = Deployment::start(Config {
        analytics,
        ..tiny()
    })
    .await;
    let pat = refused.simulator.default_pat();
    is_complete_without_analytics(refused, pat, "Analytics is not to be had").await;
}

/// A 401 for one scope looks like a dead token, and is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_the_scope_of_analytics_is_good_for_everything_else() {
    let refused = Deployment::start(Config {
        missing_scope: MissingScope::Unauthorized401,
        ..tiny()
    })
    .await;
    let mut narrow = refused.simulator.make_pat(9);
    narrow.scopes.remove("vso.analytics");
    let pat = narrow.token.clone();
    refused.simulator.add_pat(narrow);
    is_complete_without_analytics(refused, pat, "closed to this token").await;
}
