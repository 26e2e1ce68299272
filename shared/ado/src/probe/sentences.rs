//! What a person reads: one sentence on what is wrong and one on what to do.

use model::{OrganizationName, Service};

use super::{
    checks::{self, Scope},
    report::{Finding, Lacking, Problem, ProblemKind},
};
use crate::{Credential, Error, connection_data::ANONYMOUS};

const TRY_AGAIN: &str = "Try again in a few minutes.";

/// Why the organization did not accept the credential, or was not reached.
pub(super) fn no_sign_in(
    credential: &Credential,
    organization: &OrganizationName,
    error: &Error,
) -> Problem {
    let problem = |kind, reason, next_step| Problem {
        kind,
        reason,
        next_step,
        detail: detail(error),
    };
    let not_admitted = matches!(error, Error::Forbidden { .. })
        || (error.code() == Some("TF400813") && !names_nobody(error));
    match error {
        Error::Unauthorized { .. } | Error::Forbidden { .. }
            if not_admitted && matches!(credential, Credential::Application(_)) =>
        {
            problem(
                ProblemKind::NotAdmitted,
                format!("The application signed in, and is no user of the organization {organization}."),
                not_a_user(credential, organization),
            )
        }
        Error::Unauthorized { .. } | Error::Forbidden { .. } if not_admitted && matches!(credential, Credential::Bearer(_)) => problem(
            ProblemKind::NotAdmitted,
            format!("The organization {organization} refuses every request of this sign-in: its policy forbids third-party applications, or whoever signed in is not in it."),
            format!("Ask an administrator to switch on \"Third-party application access via OAuth\" at https://dev.azure.com/{organization}/_settings/organizationPolicy, or sign in as a member of {organization}."),
        ),
        Error::Unauthorized { .. } | Error::Forbidden { .. } if not_admitted => problem(
            ProblemKind::NotAdmitted,
            format!("The {} belongs to somebody whom the organization {organization} does not admit.", noun(credential)),
            format!("Make one as a member of {organization}; for an application, an administrator also allows third-party access at https://dev.azure.com/{organization}/_settings/organizationPolicy."),
        ),
        Error::Unauthorized { .. } | Error::SignIn { .. } => {
            Problem { detail: detail(error), ..refused(credential, organization) }
        }
        Error::Missing { .. } => problem(
            ProblemKind::UnknownOrganization,
            format!("There is no organization {organization}."),
            "Enter the name as it stands in the address https://dev.azure.com/<name>.".to_owned(),
        ),
        Error::ConditionalAccess { .. } => problem(
            ProblemKind::ConditionalAccess,
            format!("A Conditional Access policy of {organization} refuses this deployment's network address."),
            "Ask an administrator to add this deployment's outgoing addresses to the policy's allowed locations.".to_owned(),
        ),
        Error::Stopped { .. } => problem(
            ProblemKind::Stopped,
            format!("The organization {organization} is switched off."),
            format!("Ask an administrator to activate it at https://dev.azure.com/{organization}."),
        ),
        other => unreached(other),
    }
}

/// What to do about an application that an organization does not know. Most often the wrong one of its two object ids was
/// added, so the right one is named:
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity#common-errors-and-solutions>.
fn not_a_user(credential: &Credential, organization: &OrganizationName) -> String {
    let object = match credential.object_id() {
        Some(id) => format!("object ID {id}, which is the one of the enterprise application"),
        None => "object ID of the enterprise application".to_owned(),
    };
    format!(
        "Add it as a user with access level Basic at https://dev.azure.com/{organization}/_settings/users, by the {object} and not of the app registration."
    )
}

/// Whether the service says that it saw nobody at all: then the credential is bad, not its owner.
fn names_nobody(error: &Error) -> bool {
    let message = error.message().unwrap_or_default();
    message.contains("The user ''") || message.contains(&format!("The user '{ANONYMOUS}'"))
}

/// The credential is not accepted; one answer does not tell why.
pub(super) fn refused(credential: &Credential, organization: &OrganizationName) -> Problem {
    let (reason, next_step) = match credential {
        Credential::Pat(_) => (
            format!(
                "The organization {organization} does not accept the token: it has expired, was revoked, is mistyped, or was made for another organization."
            ),
            format!(
                "Check its expiry and its organization at {}, or make a new one there.",
                tokens_page(organization)
            ),
        ),
        Credential::Bearer(_) => (
            format!("The organization {organization} does not accept the sign-in."),
            format!("Sign in again as a member of {organization}."),
        ),
        Credential::Application(_) => (
            format!(
                "The organization {organization} does not accept the application's token: it is connected to another directory."
            ),
            format!(
                "Register the application in the directory that https://dev.azure.com/{organization}/_settings/organizationAad names, and give that tenant's id."
            ),
        ),
    };
    Problem {
        kind: ProblemKind::CredentialRefused,
        reason,
        next_step,
        detail: None,
    }
}

/// The credential is accepted elsewhere.
pub(super) fn other_organization(
    organization: &OrganizationName,
    accepted: &OrganizationName,
) -> Problem {
    Problem {
        kind: ProblemKind::OtherOrganization,
        reason: format!("The credential is valid for {accepted} and not for {organization}."),
        next_step: format!(
            "Make a token for {organization} at {}, and connect it on its own.",
            tokens_page(organization)
        ),
        detail: None,
    }
}

/// The list of projects cannot be read.
pub(super) fn no_project_list(
    credential: &Credential,
    organization: &OrganizationName,
    error: &Error,
) -> Problem {
    match error {
        Error::Forbidden { .. }
        | Error::Unauthorized { .. }
        | Error::SignIn { .. }
        | Error::Missing { .. } => Problem {
            kind: ProblemKind::ProjectsForbidden,
            reason: format!(
                "The {} may not list the projects of {organization}, which everything else starts from.",
                noun(credential)
            ),
            next_step: add_scope(credential, organization, checks::PROJECTS),
            detail: detail(error),
        },
        other => unreached(other),
    }
}

/// The list of projects is empty.
pub(super) fn no_projects(organization: &OrganizationName) -> Problem {
    Problem {
        kind: ProblemKind::NoProjects,
        reason: format!("No project of {organization} is visible to the owner of the credential."),
        next_step:
            "Ask a project administrator to add the owner to the projects that are to be read."
                .to_owned(),
        detail: None,
    }
}

/// A service that the credential may not read.
pub(super) fn forbidden(
    credential: &Credential,
    organization: &OrganizationName,
    service: Service,
    missing: Lacking,
    error: &Error,
) -> Finding {
    let (noun, title, scope) = (noun(credential), service.title(), checks::scope(service));
    let add = add_scope(credential, organization, scope);
    let ask = "ask a project administrator to let its owner read here.";
    let (reason, next_step) = match missing {
        // No scope limits an application; code needs more than a stakeholder's licence.
        Lacking::Scope | Lacking::ScopeOrPermission
            if matches!(credential, Credential::Application(_)) =>
        {
            (
                format!("The application has no licence that covers {title}, or no permission."),
                format!("{add} If it has that, {ask}"),
            )
        }
        Lacking::Scope => (
            format!(
                "The {noun} lacks the scope {}, which {title} needs.",
                scope.label
            ),
            add,
        ),
        Lacking::Permission => (
            format!(
                "The owner of the {noun} may read {title} in other projects, and not in this one."
            ),
            format!("If this project is to be read, {ask}"),
        ),
        Lacking::ScopeOrPermission => (
            format!(
                "The {noun} lacks the scope {}, which {title} needs, or its owner has no permission.",
                scope.label
            ),
            format!("{add} If it has the scope, {ask}"),
        ),
    };
    Finding::Forbidden {
        missing,
        scope: scope.name,
        reason,
        next_step,
        detail: detail(error),
    }
}

/// A service that gave no usable answer.
pub(super) fn unreachable(error: &Error) -> Finding {
    let Problem {
        reason, next_step, ..
    } = unreached(error);
    Finding::Unreachable { reason, next_step }
}

fn unreached(error: &Error) -> Problem {
    Problem {
        kind: ProblemKind::Unreachable,
        reason: format!("No usable answer: {error}."),
        next_step: TRY_AGAIN.to_owned(),
        detail: detail(error),
    }
}

fn add_scope(credential: &Credential, organization: &OrganizationName, scope: Scope) -> String {
    match credential {
        Credential::Pat(_) => {
            format!(
                "Edit the token at {} and add {}.",
                tokens_page(organization),
                scope.label
            )
        }
        Credential::Bearer(_) => {
            format!("Grant the application {} and sign in again.", scope.name)
        }
        Credential::Application(_) => format!(
            "Give the application the access level Basic at https://dev.azure.com/{organization}/_settings/users."
        ),
    }
}

/// Where a person sees and edits their tokens.
/// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate#modify-a-pat>
fn tokens_page(organization: &OrganizationName) -> String {
    format!("https://dev.azure.com/{organization}/_usersSettings/tokens")
}

const fn noun(credential: &Credential) -> &'static str {
    match credential {
        Credential::Pat(_) => "token",
        Credential::Bearer(_) => "sign-in",
        Credential::Application(_) => "application",
    }
}

fn detail(error: &Error) -> Option<String> {
    error.message().map(str::to_owned)
}
