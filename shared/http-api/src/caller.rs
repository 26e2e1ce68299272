//! Who asks: tenant and roles, from the claims of the token that API Gateway has verified, and from nothing else.

use std::collections::HashMap;

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Response},
};
use entrypoint::problem::Problem;
use lambda_http::request::RequestContext;
use model::{Actor, TenantId};

use crate::refuse;

/// A caller who may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Whose things these are.
    pub tenant: TenantId,
}

/// A caller who may change things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Whose things these are.
    pub tenant: TenantId,
    /// Who is responsible for the change.
    pub by: Actor,
}

/// A request without a verified token, or whose token lacks a role.
#[derive(Debug)]
pub struct NotAllowed(Problem);

impl IntoResponse for NotAllowed {
    fn into_response(self) -> Response {
        refuse(self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = NotAllowed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotAllowed> {
        let tenant = caller(parts, &["viewer", "admin"])?;
        Ok(Self { tenant })
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = NotAllowed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotAllowed> {
        let tenant = caller(parts, &["admin"])?;
        let by = actor(parts);
        Ok(Self { tenant, by })
    }
}

/// The tenant of the `tid` claim, if the `roles` claim has one of these.
fn caller(parts: &Parts, roles: &[&str]) -> Result<TenantId, NotAllowed> {
    let forbidden = |detail: &str| NotAllowed(Problem::forbidden(detail));
    let claims = claims(parts).ok_or_else(|| forbidden("the request has no verified token"))?;
    let tenant = claims.get("tid").and_then(|claim| TenantId::new(claim));
    let tenant = tenant.ok_or_else(|| forbidden("the token names no tenant (claim `tid`)"))?;
    let held = claims.get("roles").map_or("", String::as_str);
    // API Gateway passes a list as `[admin viewer]`.
    let mut held = held.split(|c: char| c.is_whitespace() || "[],".contains(c));
    if held.any(|role| roles.contains(&role)) {
        Ok(tenant)
    } else {
        Err(forbidden(&format!(
            "the token lacks the role `{}`",
            roles[roles.len() - 1]
        )))
    }
}

fn claims(parts: &Parts) -> Option<&HashMap<String, String>> {
    match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let authorizer = context.authorizer.as_ref()?;
            authorizer.jwt.as_ref().map(|jwt| &jwt.claims)
        }
        _ => None,
    }
}

/// The longest name that is kept of anybody.
const NAME_CHARACTERS: usize = 200;

/// Whom the token names. Entra ID's `oid` is the same for all applications of a directory, `sub` is not:
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#payload-claims>.
fn actor(parts: &Parts) -> Actor {
    let claim = |name: &str| {
        let text = claims(parts)?.get(name)?;
        Some(text.chars().take(NAME_CHARACTERS).collect::<String>())
    };
    Actor {
        subject: claim("oid")
            .or_else(|| claim("sub"))
            .unwrap_or_else(|| "unnamed".to_owned()),
        name: claim("name"),
    }
}
