//! What a request is signed with.

use std::fmt;

use secrecy::SecretString;

/// A secret that Azure DevOps accepts in the `Authorization` header.
///
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/authentication-guidance>
#[derive(Clone)]
pub enum Credential {
    /// A personal access token, sent as the password of an empty user name:
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate>.
    Pat(SecretString),
    /// An access token of Microsoft Entra ID:
    /// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/entra-oauth>.
    Bearer(SecretString),
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Pat(_) => "Pat",
            Self::Bearer(_) => "Bearer",
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
