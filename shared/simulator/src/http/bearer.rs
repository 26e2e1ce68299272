//! Access tokens of Entra ID at an organization's door.
//!
//! <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/entra>

use std::collections::BTreeSet;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use uuid::Uuid;

use crate::entra::{AccessLevel, Grant, Member, Subject};
use crate::http::endpoints::Endpoint;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::sign_in;
use crate::pat::{ALL_SCOPES, Pat};
use crate::simulator::Simulator;

/// What the access token of a request stands for; `None` if there is none, or it does not work any more.
pub(crate) fn grant(simulator: &Simulator, headers: &HeaderMap, now: Timestamp) -> Option<Grant> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    simulator.entra().tokens().access(token.trim(), now)
}

/// The same rights as a personal access token would have them.
pub(crate) fn rights(simulator: &Simulator, grant: &Grant) -> Pat {
    let member = member(simulator, grant);
    let (Subject::Person(object) | Subject::Principal(object)) = grant.subject;
    let scopes = match grant.subject {
        Subject::Person(_) => grant.scopes.clone(),
        // Scopes are what a person lends to an application; one that acts for itself needs none:
        // <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity>.
        Subject::Principal(_) => ALL_SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
    };
    Pat {
        token: "".into(),
        owner: member.as_ref().map_or(object, |member| member.identity),
        organization: simulator.organization().to_owned(),
        scopes,
        expires_at: grant.expires_at,
        revoked: false,
        denied_projects: member.map_or_else(BTreeSet::new, |member| member.denied_projects),
    }
}

/// Whether the organization lets the token in, and its user's licence covers the endpoint.
pub(crate) fn admit(
    simulator: &Simulator,
    grant: &Grant,
    endpoint: Option<&Endpoint>,
) -> Result<(), Box<Reply>> {
    let organization = simulator.entra().organization(simulator.organization());
    let Some(organization) = organization else {
        return Err(Box::new(sign_in::unauthorized()));
    };
    let (Subject::Person(object) | Subject::Principal(object)) = grant.subject;
    // A token is for one directory; another one's is no token at all here.
    if organization.directory != grant.directory {
        return Err(Box::new(sign_in::unauthorized()));
    }
    if organization.blocks_calls {
        return Err(Box::new(blocked()));
    }
    let is_person = matches!(grant.subject, Subject::Person(_));
    if is_person && !organization.allows_oauth {
        return Err(Box::new(not_authorized(object)));
    }
    let Some(member) = organization.members.get(&object) else {
        return Err(Box::new(not_authorized(object)));
    };
    let is_code = endpoint.is_some_and(|endpoint| endpoint.scopes.contains(&"vso.code"));
    if is_code && member.access == AccessLevel::Stakeholder {
        return Err(Box::new(sign_in::forbidden()));
    }
    Ok(())
}

fn member(simulator: &Simulator, grant: &Grant) -> Option<Member> {
    let (Subject::Person(object) | Subject::Principal(object)) = grant.subject;
    let organization = simulator.entra().organization(simulator.organization())?;
    organization.members.get(&object).cloned()
}

/// What an organization answers whose policy forbids applications, and to whoever is no user of it:
/// <https://learn.microsoft.com/azure/devops/organizations/accounts/change-application-access-policies>.
fn not_authorized(object: Uuid) -> Reply {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "UnauthorizedRequestException",
        format!("TF400813: The user '{object}' is not authorized to access this resource."),
    )
    .into_reply()
}

/// <https://learn.microsoft.com/azure/devops/organizations/accounts/manage-conditional-access>
fn blocked() -> Reply {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "AccessCheckException",
        "VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed.",
    )
    .into_reply()
}
