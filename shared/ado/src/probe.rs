//! Finding out what a credential can read, before anything is saved.
//!
//! A probe reads at most [`SAMPLE`] projects, asks each chosen service for one small page in each of them, respects
//! `Retry-After` like every other reader, and always comes back within its budget with what it knows by then. It uses
//! the requests that a sync begins with, so that what it calls readable is what a sync will read.

mod amount;
mod checks;
mod outlook;
mod report;
mod sentences;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use model::{OrganizationName, ProjectId, Selection, Service};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout_at};

pub use self::amount::Amount;
pub use self::outlook::{Outlook, Selected, ShortRetention, Window};
pub use self::report::{
    Finding, Identity, Lacking, OrganizationReport, Problem, ProblemKind, ProjectReport,
    ServiceReport, compare,
};
use crate::{
    Body, Client, ConnectionData, Credential, Error, Request, connection_data, parse_page,
};

/// The most projects that are looked at in an organization.
pub const SAMPLE: usize = 5;

/// What a probe shall find out.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is to be read.
    pub services: Vec<Service>,
    /// For an outlook on what a first synchronization will find.
    pub window: Option<Window>,
    /// What of it is to be read, if the outlook shall say what that takes and leaves out.
    pub selection: Option<Selection>,
}

/// Finds out what `credential` can read in `organization` within `budget`.
///
/// Never fails: what could not be found out is part of the report.
pub async fn probe(
    client: &Client,
    credential: &Credential,
    organization: &OrganizationName,
    wanted: &Wanted,
    budget: Duration,
) -> OrganizationReport {
    let now = Instant::now();
    let quiet_until = Mutex::new(now);
    let visit = Visit {
        client,
        credential,
        organization,
        deadline: now + budget,
        quiet_until,
    };
    let mut report = OrganizationReport::unreached(organization.clone());
    if let Err(problem) = visit.look(&wanted.services, &mut report).await {
        report.problem = Some(problem);
    } else if let Some(window) = wanted.window {
        let selection = wanted.selection.as_ref();
        report.outlook = Some(outlook::look(&visit, &report, (window, selection)).await);
    }
    report
}

/// One probe of one organization.
struct Visit<'a> {
    client: &'a Client,
    credential: &'a Credential,
    organization: &'a OrganizationName,
    deadline: Instant,
    /// The end of the longest `Retry-After` so far; nothing is sent before it.
    quiet_until: Mutex<Instant>,
}

/// A project of the sample.
#[derive(Clone, Debug, Deserialize)]
struct Project {
    id: ProjectId,
    name: String,
}

impl Visit<'_> {
    async fn look(
        &self,
        services: &[Service],
        report: &mut OrganizationReport,
    ) -> Result<(), Problem> {
        let data = self.sign_in().await?;
        report.reachable = true;
        report.instance_id = Some(data.instance_id);
        report.identity = Some(Identity {
            id: data.identity_id,
            name: data.identity_name,
        });
        let projects = self.projects().await?;
        let check = async |service| match services.contains(&service) {
            true => Some(self.service(service, &projects).await),
            false => None,
        };
        let [boards, pipelines, repos, tfvc] = Service::ALL;
        let reports = tokio::join!(check(boards), check(pipelines), check(repos), check(tfvc));
        report.services = [reports.0, reports.1, reports.2, reports.3]
            .into_iter()
            .flatten()
            .collect();
        Ok(())
    }

    async fn sign_in(&self) -> Result<ConnectionData, Problem> {
        let request = connection_data::request(self.organization);
        let data = self
            .ask(&request)
            .await
            .and_then(|body| connection_data::parse(&body));
        match data {
            Ok(data) if data.anonymous => {
                Err(sentences::refused(self.credential, self.organization))
            }
            Ok(data) => Ok(data),
            Err(error) => Err(sentences::no_sign_in(
                self.credential,
                self.organization,
                &error,
            )),
        }
    }

    async fn projects(&self) -> Result<Vec<Project>, Problem> {
        let body = self.ask(&checks::projects(self.organization)).await;
        let projects = body
            .and_then(|body| read_projects(&body))
            .map_err(|error| {
                sentences::no_project_list(self.credential, self.organization, &error)
            })?;
        if projects.is_empty() {
            return Err(sentences::no_projects(self.organization));
        }
        Ok(projects)
    }

    async fn service(&self, service: Service, projects: &[Project]) -> ServiceReport {
        let mut answers = Vec::with_capacity(projects.len());
        for project in projects {
            let request = checks::first_page(service, self.organization, project.id);
            let answer = self.ask(&request).await;
            answers.push(answer.and_then(|body| parse_page(&body.bytes, "value").map(drop)));
        }
        report::service(
            self.credential,
            self.organization,
            service,
            projects,
            &answers,
        )
    }

    /// Sends a request when the service wants to hear again, unless that is after the deadline.
    async fn ask(&self, request: &Request) -> Result<Body, Error> {
        let host = request.host;
        loop {
            let (now, until) = (Instant::now(), self.quiet_until());
            if until > self.deadline {
                return Err(Error::Throttled {
                    host,
                    after: Some(until.duration_since(now)),
                });
            }
            if until <= now {
                break;
            }
            sleep_until(until).await;
        }
        let answer = timeout_at(self.deadline, self.client.send(self.credential, request))
            .await
            .map_err(|_| Error::Timeout { host })?;
        if let Some(wait) = answer.pacing.retry_after {
            self.be_quiet_until(Instant::now() + wait);
        }
        answer.result
    }

    fn quiet_until(&self) -> Instant {
        *self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn be_quiet_until(&self, until: Instant) {
        let mut quiet_until = self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *quiet_until = until.max(*quiet_until);
    }
}

fn read_projects(body: &Body) -> Result<Vec<Project>, Error> {
    #[derive(Deserialize)]
    struct Wire {
        value: Vec<Project>,
    }
    let mut projects = crate::paging::parse_json::<Wire>(&body.bytes, "value")?.value;
    projects.truncate(SAMPLE);
    Ok(projects)
}

#[cfg(test)]
mod tests;
