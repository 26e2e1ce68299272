//! What a connection authenticates with, in memory and as Secrets Manager keeps it.

use std::collections::BTreeMap;

use ado::Credential;
use model::{Method, OrganizationName};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What a connection authenticates with. Has no `Serialize`, and its `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// Personal access tokens.
    Pats(Pats),
}

/// Personal access tokens: one for each organization, and perhaps one for all others.
///
/// A token is for one organization, or for all that its owner can reach; those are called global and end on
/// [`model::GLOBAL_PATS_END`].
#[derive(Clone, Debug, Default)]
pub struct Pats {
    by_organization: BTreeMap<String, SecretString>,
    global: Option<SecretString>,
}

impl Secret {
    /// How it authenticates.
    pub fn method(&self) -> Method {
        match self {
            Self::Pats(_) => Method::Pat,
        }
    }

    /// The personal access token for an organization, signed as Azure DevOps wants it; `None` if there is none.
    pub fn credential(&self, organization: &OrganizationName) -> Option<Credential> {
        match self {
            Self::Pats(pats) => pats.get(organization).cloned().map(Credential::Pat),
        }
    }
}

impl Pats {
    /// One token for every organization.
    pub fn global(token: SecretString) -> Self {
        Self {
            by_organization: BTreeMap::new(),
            global: Some(token),
        }
    }

    /// Adds the token of an organization, or replaces it.
    pub fn insert(&mut self, organization: &OrganizationName, token: SecretString) {
        self.by_organization.insert(key(organization), token);
    }

    /// The token for an organization: its own before the global one.
    pub fn get(&self, organization: &OrganizationName) -> Option<&SecretString> {
        self.by_organization
            .get(&key(organization))
            .or(self.global.as_ref())
    }

    /// Whether there is a token for all organizations.
    pub fn has_global(&self) -> bool {
        self.global.is_some()
    }
}

/// Names of organizations compare without regard to case.
fn key(organization: &OrganizationName) -> String {
    organization.as_str().to_ascii_lowercase()
}

/// A secret as Secrets Manager keeps it. Every form that was ever written must stay readable.
#[derive(Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub(crate) enum Stored {
    /// One token for all organizations, as it was written before a connection could hold several.
    Pat { token: String },
    /// Tokens by organization, in lower case.
    Pats {
        #[serde(default)]
        by_organization: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        global: Option<String>,
    },
}

impl From<&Secret> for Stored {
    fn from(secret: &Secret) -> Self {
        let plain = |token: &SecretString| token.expose_secret().to_owned();
        match secret {
            Secret::Pats(pats) => Self::Pats {
                by_organization: pats
                    .by_organization
                    .iter()
                    .map(|(organization, token)| (organization.clone(), plain(token)))
                    .collect(),
                global: pats.global.as_ref().map(plain),
            },
        }
    }
}

impl From<Stored> for Secret {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Pat { token } => Self::Pats(Pats::global(token.into())),
            Stored::Pats {
                by_organization,
                global,
            } => Self::Pats(Pats {
                by_organization: by_organization
                    .into_iter()
                    .map(|(organization, token)| (organization, token.into()))
                    .collect(),
                global: global.map(SecretString::from),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> OrganizationName {
        text.parse().unwrap()
    }

    fn pat(secret: &Secret, organization: &str) -> Option<String> {
        match secret.credential(&name(organization))? {
            Credential::Pat(token) => Some(token.expose_secret().to_owned()),
            Credential::Bearer(_) => None,
        }
    }

    fn read(stored: &str) -> Secret {
        serde_json::from_str::<Stored>(stored).unwrap().into()
    }

    #[test]
    fn what_was_stored_before_is_a_token_for_every_organization() {
        let secret = read(r#"{"method":"pat","token":"old"}"#);
        assert_eq!(pat(&secret, "fabrikam").as_deref(), Some("old"));
        assert_eq!(secret.method(), Method::Pat);
    }

    #[test]
    fn an_organization_has_its_own_token_before_the_global_one() {
        let mut pats = Pats::global("for all".into());
        pats.insert(&name("Fabrikam"), "its own".into());
        let written = serde_json::to_string(&Stored::from(&Secret::Pats(pats))).unwrap();
        let secret = read(&written);
        assert_eq!(pat(&secret, "fabriKAM").as_deref(), Some("its own"));
        assert_eq!(pat(&secret, "contoso").as_deref(), Some("for all"));
    }

    #[test]
    fn an_organization_without_a_token_has_no_credential() {
        let mut pats = Pats::default();
        pats.insert(&name("fabrikam"), "its own".into());
        assert_eq!(pat(&Secret::Pats(pats), "contoso"), None);
    }

    #[test]
    fn a_printed_secret_shows_nothing_of_it() {
        let printed = format!("{:?}", Secret::Pats(Pats::global("s3cret".into())));
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
