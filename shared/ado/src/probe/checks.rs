//! The requests that prove a scope: the smallest answer of an endpoint that needs exactly that scope.

use model::{OrganizationName, ProjectId, Service};

use crate::{Request, probe::SAMPLE};

/// A scope, as the two places where it is granted call it.
///
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// Where an application asks for it.
    pub(super) name: &'static str,
    /// On the page where a token is made.
    pub(super) label: &'static str,
}

/// What listing projects needs.
pub(super) const PROJECTS: Scope = Scope {
    name: "vso.project",
    label: "Project and Team (Read)",
};

/// What reading a service needs.
pub(super) const fn scope(service: Service) -> Scope {
    match service {
        Service::Boards => Scope {
            name: "vso.work",
            label: "Work Items (Read)",
        },
        Service::Pipelines => Scope {
            name: "vso.build",
            label: "Build (Read)",
        },
        Service::Repos | Service::Tfvc => Scope {
            name: "vso.code",
            label: "Code (Read)",
        },
    }
}

/// The first projects that a credential sees.
/// <https://learn.microsoft.com/rest/api/azure/devops/core/projects/list>
pub(super) fn projects(organization: &OrganizationName) -> Request {
    Request::get(organization, "_apis/projects")
        .query("stateFilter", "wellFormed")
        .query("$top", SAMPLE.to_string())
        .query("api-version", "7.1")
}

/// The first page of what a service has in a project.
///
/// - Boards: <https://learn.microsoft.com/rest/api/azure/devops/wit/classification-nodes/get-root-nodes>
/// - Pipelines: <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list>
/// - Repos: <https://learn.microsoft.com/rest/api/azure/devops/git/repositories/list>
/// - TFVC: <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>
pub(super) fn first_page(
    service: Service,
    organization: &OrganizationName,
    project: ProjectId,
) -> Request {
    let (area, one) = match service {
        Service::Boards => ("wit/classificationnodes", None),
        Service::Pipelines => ("build/builds", Some("1")),
        Service::Repos => ("git/repositories", None),
        Service::Tfvc => ("tfvc/changesets", Some("1")),
    };
    let mut request = Request::get(organization, &format!("{project}/_apis/{area}"));
    if let Some(one) = one {
        request = request.query("$top", one);
    }
    request.query("api-version", "7.1")
}
