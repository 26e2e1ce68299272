//! What a probe found, in the form in which the API shows it.

use model::{OrganizationId, OrganizationName, ProjectId, Service};
use serde::Serialize;
use uuid::Uuid;

use super::{Outlook, Project, sentences};
use crate::{Credential, Error};

/// What a credential can read in one organization.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrganizationReport {
    /// As it was asked for.
    pub organization: OrganizationName,
    /// Whether the organization accepted the credential.
    pub reachable: bool,
    /// The organization's id, which a renaming leaves alone.
    pub instance_id: Option<OrganizationId>,
    /// Whom the credential acts as.
    pub identity: Option<Identity>,
    /// Why nothing more could be found out; then there are no services.
    pub problem: Option<Problem>,
    /// One for each service that was asked about.
    pub services: Vec<ServiceReport>,
    /// What a first synchronization will find, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlook: Option<Outlook>,
}

/// Whom a credential acts as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The id in this organization.
    pub id: Uuid,
    /// The name, where the organization shows it.
    pub name: Option<String>,
}

/// What stands in the way of the whole organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs.
    pub kind: ProblemKind,
    /// What is wrong, one sentence.
    pub reason: String,
    /// What to do about it, one sentence.
    pub next_step: String,
    /// Microsoft's own sentence, where it sent one.
    pub detail: Option<String>,
}

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The credential is expired, revoked, mistyped, or another organization's.
    CredentialRefused,
    /// The credential works elsewhere, and not here.
    OtherOrganization,
    /// The service knows the credential's owner, and this organization does not admit them.
    NotAdmitted,
    /// There is no such organization.
    UnknownOrganization,
    /// A Conditional Access policy refuses this deployment's address.
    ConditionalAccess,
    /// The organization is switched off.
    Stopped,
    /// The credential may not list projects.
    ProjectsForbidden,
    /// The credential may list projects, and sees none.
    NoProjects,
    /// No usable answer; trying again may help.
    Unreachable,
}

/// What a credential can read of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceReport {
    /// The service.
    pub service: Service,
    /// The best of what was found in its projects: readable if any of them is.
    #[serde(flatten)]
    pub finding: Finding,
    /// The projects that were looked at.
    pub projects: Vec<ProjectReport>,
}

/// What a credential can read of one service in one project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectReport {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// The result of looking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Finding {
    /// The credential reads it.
    Readable,
    /// It is not there to be read: the project does not use the service.
    Absent,
    /// The credential may not read it.
    Forbidden {
        /// What is lacking.
        missing: Lacking,
        /// The scope that reading needs, such as `vso.work`.
        scope: &'static str,
        /// What is wrong, one sentence.
        reason: String,
        /// What to do about it, one sentence.
        next_step: String,
        /// Microsoft's own sentence, where it sent one.
        detail: Option<String>,
    },
    /// No usable answer; trying again may help.
    Unreachable {
        /// What went wrong, one sentence.
        reason: String,
        /// What to do about it, one sentence.
        next_step: String,
    },
}

/// What a credential lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacking {
    /// The credential was made without the scope.
    Scope,
    /// Its owner may not read here, though elsewhere.
    Permission,
    /// One of the two; the service does not say which.
    ScopeOrPermission,
}

impl OrganizationReport {
    /// A report that knows nothing yet.
    pub(super) fn unreached(organization: OrganizationName) -> Self {
        Self {
            organization,
            reachable: false,
            instance_id: None,
            identity: None,
            problem: None,
            services: Vec::new(),
            outlook: None,
        }
    }

    /// A report on an organization that could not be asked, because there is no access token to ask with: it was refused,
    /// or cannot be had at the moment; and why, and what to do.
    pub fn no_credential(
        organization: OrganizationName,
        is_refused: bool,
        (reason, next_step): (String, String),
    ) -> Self {
        let kind = match is_refused {
            true => ProblemKind::CredentialRefused,
            false => ProblemKind::Unreachable,
        };
        Self {
            problem: Some(Problem {
                kind,
                reason,
                next_step,
                detail: None,
            }),
            ..Self::unreached(organization)
        }
    }

    /// Whether the credential reads this service in at least one of the projects looked at.
    pub fn reads(&self, service: Service) -> bool {
        let finding = self
            .services
            .iter()
            .find(|report| report.service == service);
        finding.is_some_and(|report| report.finding == Finding::Readable)
    }
}

/// Sharpens reports on the same credential by each other: one that is accepted somewhere is alive, so that where it is
/// refused it was made for another organization. A single answer cannot tell that from an expired credential.
pub fn compare(reports: &mut [OrganizationReport]) {
    let accepted = reports
        .iter()
        .find(|report| report.reachable)
        .map(|report| report.organization.clone());
    let Some(accepted) = accepted else { return };
    for report in reports {
        let organization = &report.organization;
        if let Some(problem) = &mut report.problem
            && problem.kind == ProblemKind::CredentialRefused
        {
            *problem = sentences::other_organization(organization, &accepted);
        }
    }
}

/// Puts together what the projects of a sample answered for a service.
pub(super) fn service(
    credential: &Credential,
    organization: &OrganizationName,
    service: Service,
    projects: &[Project],
    answers: &[Result<(), Error>],
) -> ServiceReport {
    let readable_somewhere = answers.iter().any(Result::is_ok);
    let find = |answer: &Result<(), Error>| match answer {
        Ok(()) => Finding::Readable,
        Err(Error::Missing { .. }) if service == Service::Tfvc => Finding::Absent,
        Err(error) => match lacking(error, readable_somewhere) {
            Some(missing) => {
                sentences::forbidden(credential, organization, service, missing, error)
            }
            None => sentences::unreachable(error),
        },
    };
    let projects: Vec<_> = projects
        .iter()
        .zip(answers)
        .map(|(Project { id, name }, answer)| ProjectReport {
            id: *id,
            name: name.clone(),
            finding: find(answer),
        })
        .collect();
    ServiceReport {
        service,
        finding: best(&projects),
        projects,
    }
}

/// What an error says is lacking; `None` if it is not about access.
///
/// The credential was accepted by the organization a moment ago, so that a 401 now is about this scope.
fn lacking(error: &Error, readable_somewhere: bool) -> Option<Lacking> {
    match error {
        Error::Forbidden { .. } | Error::Missing { .. } if readable_somewhere => {
            Some(Lacking::Permission)
        }
        Error::Forbidden { .. } | Error::Missing { .. } => Some(Lacking::ScopeOrPermission),
        Error::Unauthorized { .. } | Error::SignIn { .. } => Some(Lacking::Scope),
        Error::Throttled { .. }
        | Error::Unavailable { .. }
        | Error::Stopped { .. }
        | Error::Network { .. }
        | Error::Timeout { .. }
        | Error::Truncated { .. }
        | Error::ConditionalAccess { .. }
        | Error::Rejected { .. }
        | Error::NotJson { .. }
        | Error::TooLarge { .. }
        | Error::CutPage
        | Error::NotAPage { .. }
        | Error::TokenRepeats
        | Error::ForbiddenUrl { .. }
        | Error::Setup { .. } => None,
    }
}

/// The finding for a service: the best of its projects', and of equals the first.
fn best(projects: &[ProjectReport]) -> Finding {
    let rank = |finding: &Finding| match finding {
        Finding::Readable => 0,
        Finding::Forbidden { .. } => 1,
        Finding::Unreachable { .. } => 2,
        Finding::Absent => 3,
    };
    let best = projects
        .iter()
        .map(|project| &project.finding)
        .min_by_key(|finding| rank(finding));
    best.cloned().unwrap_or(Finding::Absent)
}
