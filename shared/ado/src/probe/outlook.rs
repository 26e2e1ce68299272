//! What a first synchronization will find, as far as a few requests can tell.

use jiff::Timestamp;
use model::{
    OrganizationName, ProjectId, Retention, Selection, Service, Share,
    record::pipeline::RunRetention,
};
use serde::{Deserialize, Serialize};
use tokio::join;

use super::{Finding, OrganizationReport, Project, SAMPLE, Visit, amount::Amount};
use crate::{Error, Request, paging::parse_json};

/// The most ids that are asked for; more are "at least".
const IDS: usize = 10_000;
/// The most runs and pull requests of a project that are asked for; beyond that their pace tells.
const PAGE: usize = 200;

/// What is wanted of an outlook.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// How long records are kept.
    pub retention: Retention,
    /// Seen from when.
    pub now: Timestamp,
}

/// What a first synchronization will find. `None` is what could not be found out, or was not asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlook {
    /// Projects that the credential sees.
    pub projects: Option<Amount>,
    /// Git repositories.
    pub repositories: Option<Amount>,
    /// Work items that were changed within the window.
    pub work_items: Option<Amount>,
    /// Runs that were queued within the window.
    pub runs: Option<Amount>,
    /// Pull requests that were opened within the window.
    pub pull_requests: Option<Amount>,
    /// Projects of the sample that delete runs before we would.
    pub short_retention: Vec<ShortRetention>,
    /// What the selection takes and leaves out, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<Selected>,
}

/// What a selection takes and leaves out of what was listed. `None` is what could not be listed, or was not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// Projects, the first thousand.
    pub projects: Option<Share>,
    /// Git repositories; those of a project that is left out are left out, too.
    pub repositories: Option<Share>,
}

/// A project whose older runs are gone before they can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShortRetention {
    /// The project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Days until it deletes a run.
    pub days: u32,
    /// What that means, one sentence.
    pub reason: String,
    /// What to do about it, one sentence.
    pub next_step: String,
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
struct Anything {}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
    project: Named,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    queue_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    creation_date: Option<Timestamp>,
}

/// Looks as far as the report says that the credential can read. What fails is left out: it is an estimate.
pub(super) async fn look(
    visit: &Visit<'_>,
    report: &OrganizationReport,
    (window, selection): (Window, Option<&Selection>),
) -> Outlook {
    let reads = |service| report.reads(service);
    let projects = projects(visit).await;
    let (repositories, work_items, pipelines, pull_requests) = join!(
        when(reads(Service::Repos), repositories(visit)),
        when(reads(Service::Boards), work_items(visit, window)),
        when(reads(Service::Pipelines), pipelines(visit, report, window)),
        when(reads(Service::Repos), pull_requests(visit, report, window)),
    );
    let selected = selection.map(|wanted| Selected {
        projects: projects.as_ref().map(|(listed, _)| {
            share(listed, |own| {
                (own.name.clone(), wanted.projects.select(&own.name))
            })
        }),
        repositories: repositories.as_ref().map(|listed| {
            share(listed, |own| {
                let (project, name) = (&own.project.name, &own.name);
                let is_in = wanted.projects.select(project) && wanted.repositories.select(name);
                (format!("{project}/{name}"), is_in)
            })
        }),
    });
    let projects = projects.map(|(_, amount)| amount);
    let all = projects.unwrap_or(Amount::AtLeast(0));
    let (runs, short_retention) = pipelines.unwrap_or_default();
    Outlook {
        projects,
        repositories: repositories.map(|listed| Amount::Exact(listed.len() as u64)),
        work_items,
        runs: Amount::of_all(&runs, all),
        pull_requests: pull_requests.and_then(|sampled| Amount::of_all(&sampled, all)),
        short_retention,
        selected,
    }
}

/// How many of these are read, by their names.
fn share<T>(listed: &[T], read: impl Fn(&T) -> (String, bool)) -> Share {
    let mut share = Share::default();
    for (name, is_read) in listed.iter().map(read) {
        share.count(&name, is_read);
    }
    share
}

async fn when<T>(wanted: bool, found: impl Future<Output = Option<T>>) -> Option<T> {
    match wanted {
        true => found.await,
        false => None,
    }
}

async fn projects(visit: &Visit<'_>) -> Option<(Vec<Named>, Amount)> {
    let request = get(visit.organization, "_apis/projects")
        .query("stateFilter", "wellFormed")
        .query("$top", "1000");
    let body = visit.ask(&request).await.ok()?;
    let list: List<Named> = parse_json(&body.bytes, "value").ok()?;
    let count = list.value.len() as u64;
    let amount = match body.continuation {
        None => Amount::Exact(count),
        Some(_) => Amount::AtLeast(count),
    };
    Some((list.value, amount))
}

/// <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
async fn repositories(visit: &Visit<'_>) -> Option<Vec<Repository>> {
    let request = get(visit.organization, "_apis/git/repositories");
    let list: List<Repository> = read(visit, &request).await.ok()?;
    Some(list.value)
}

/// <https://learn.microsoft.com/rest/api/azure/devops/wit/wiql/query-by-wiql>
async fn work_items(visit: &Visit<'_>, window: Window) -> Option<Amount> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(rename = "workItems")]
        items: Vec<Anything>,
    }
    let since = window.retention.window_start(window.now);
    let query =
        format!("SELECT [System.Id] FROM WorkItems WHERE [System.ChangedDate] >= '{since}'");
    let body = format!(r#"{{"query":"{query}"}}"#);
    let request = Request::post(visit.organization, "_apis/wit/wiql", body)
        .query("timePrecision", "true")
        .query("$top", IDS.to_string())
        .query("api-version", "7.1");
    let body = visit.ask(&request).await.ok()?;
    let found: Found = parse_json(&body.bytes, "workItems").ok()?;
    Some(match found.items.len() {
        IDS.. => Amount::AtLeast(IDS as u64),
        count => Amount::Exact(count as u64),
    })
}

/// The runs of each project of the sample, and where they are deleted early.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>
async fn pipelines(
    visit: &Visit<'_>,
    report: &OrganizationReport,
    window: Window,
) -> Option<(Vec<Amount>, Vec<ShortRetention>)> {
    let since = window.retention.window_start(window.now);
    let (mut amounts, mut short) = (Vec::new(), Vec::new());
    for project in readable(report, Service::Pipelines) {
        let path = format!("{}/_apis/build", project.id);
        let request = get(visit.organization, &format!("{path}/builds"))
            .query("queryOrder", "queueTimeDescending")
            .query("minTime", since.to_string())
            .query("$top", PAGE.to_string());
        if let Ok(list) = read::<List<Run>>(visit, &request).await {
            let times = list.value.iter().map(|run| run.queue_time);
            amounts.push(Amount::of_page(times.collect(), PAGE, window));
        }
        let request = get(visit.organization, &format!("{path}/retention"));
        let days = match read::<Settings>(visit, &request).await {
            Ok(settings) => settings.of(project.id).shorter_than(window.retention),
            Err(_) => None,
        };
        short.extend(days.map(|days| ShortRetention::new(visit.organization, &project, days)));
    }
    Some((amounts, short))
}

/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>
async fn pull_requests(
    visit: &Visit<'_>,
    report: &OrganizationReport,
    window: Window,
) -> Option<Vec<Amount>> {
    let since = window.retention.window_start(window.now);
    let mut amounts = Vec::new();
    for project in readable(report, Service::Repos) {
        let path = format!("{}/_apis/git/pullrequests", project.id);
        let request = get(visit.organization, &path)
            .query("searchCriteria.status", "all")
            .query("$top", PAGE.to_string());
        if let Ok(list) = read::<List<PullRequest>>(visit, &request).await {
            let pages = list.value.iter().map(|request| request.creation_date);
            let is_full = list.value.len() >= PAGE;
            let times: Vec<_> = pages.filter(|at| at.is_none_or(|at| at >= since)).collect();
            // One that is older than the window means that all newer ones are on the page.
            let page = match is_full && times.len() == list.value.len() {
                true => PAGE,
                false => usize::MAX,
            };
            amounts.push(Amount::of_page(times, page, window));
        }
    }
    Some(amounts)
}

/// The projects of the sample in which a service can be read.
fn readable(report: &OrganizationReport, service: Service) -> Vec<Project> {
    let reports = report.services.iter().filter(|own| own.service == service);
    let projects = reports.flat_map(|report| &report.projects);
    projects
        .filter(|project| project.finding == Finding::Readable)
        .take(SAMPLE)
        .map(|project| Project {
            id: project.id,
            name: project.name.clone(),
        })
        .collect()
}

/// <https://learn.microsoft.com/rest/api/azure/devops/build/retention/get>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    purge_runs: Option<Setting>,
    purge_pull_request_runs: Option<Setting>,
}

#[derive(Deserialize)]
struct Setting {
    value: Option<u32>,
}

impl Settings {
    fn of(self, project: ProjectId) -> RunRetention {
        let value = |setting: Option<Setting>| setting.and_then(|setting| setting.value);
        RunRetention {
            project,
            run_days: value(self.purge_runs),
            pull_request_run_days: value(self.purge_pull_request_runs),
            artifact_days: None,
            runs_per_protected_branch: None,
        }
    }
}

impl ShortRetention {
    fn new(organization: &OrganizationName, Project { id, name }: &Project, days: u32) -> Self {
        Self {
            project: *id,
            name: name.clone(),
            days,
            reason: format!(
                "The project {name} deletes runs after {days} days, so that older ones cannot be fetched any more."
            ),
            next_step: format!(
                "What is fetched is kept all the same; to have more at the beginning next time, raise the days at https://dev.azure.com/{organization}/{id}/_settings/settings."
            ),
        }
    }
}

fn get(organization: &OrganizationName, path: &str) -> Request {
    Request::get(organization, path).query("api-version", "7.1")
}

async fn read<T: serde::de::DeserializeOwned>(
    visit: &Visit<'_>,
    request: &Request,
) -> Result<T, Error> {
    let body = visit.ask(request).await?;
    parse_json(&body.bytes, "value")
}
