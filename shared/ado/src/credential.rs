//! What a request is signed with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

/// A secret that Azure DevOps accepts in the `Authorization` header.
///
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/authentication-guidance>
#[derive(Clone)]
pub enum Credential {
    /// A personal access token, sent as the password of an empty user name:
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate>.
    Pat(SecretString),
    /// An access token of Microsoft Entra ID, for a person who signed in:
    /// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/entra-oauth>.
    Bearer(SecretString),
    /// An access token of Microsoft Entra ID, for an application that acts for itself:
    /// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity>.
    Application(SecretString),
}

impl Credential {
    /// The secret itself.
    pub fn token(&self) -> &SecretString {
        match self {
            Self::Pat(token) | Self::Bearer(token) | Self::Application(token) => token,
        }
    }

    /// The id under which an organization has to know an application: the claim `oid` of its access token. It is for a
    /// message only; whether the token is good is for the service to say.
    ///
    /// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
    pub(crate) fn object_id(&self) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Claims {
            oid: Uuid,
        }
        let Self::Application(token) = self else {
            return None;
        };
        let body = token.expose_secret().split('.').nth(1)?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        Some(claims.oid)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Pat(_) => "Pat",
            Self::Bearer(_) => "Bearer",
            Self::Application(_) => "Application",
        };
        write!(formatter, "{kind}([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_credential_shows_its_kind_and_nothing_of_the_secret() {
        let pat = Credential::Pat("s3cret".to_owned().into());
        let bearer = Credential::Bearer("s3cret".to_owned().into());
        assert_eq!(
            format!("{pat:?} {bearer:?}"),
            "Pat([REDACTED]) Bearer([REDACTED])"
        );
    }
}
