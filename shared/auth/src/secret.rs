//! What a connection authenticates with, in memory and as Secrets Manager keeps it.

use std::collections::BTreeMap;

use ado::Credential;
use jiff::Timestamp;
use model::{ApplicationId, DirectoryId, Method, OrganizationName};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Access, Authority, Certificate};

/// What a connection authenticates with. Has no `Serialize`, and its `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub enum Secret {
    /// Personal access tokens.
    Pats(Pats),
    /// A person's sign-in.
    SignIn(SignIn),
    /// An application that acts for itself.
    Principal(Principal),
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

/// A person's sign-in to the deployment's application.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The directory that the person signed in to.
    pub directory: DirectoryId,
    /// The application that they agreed to.
    pub client: ApplicationId,
    /// What the next access token is got with; each use gives another one.
    pub refresh_token: SecretString,
    /// The newest access token.
    pub access: Option<Access>,
}

/// An application with a credential of its own.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The directory that it acts in.
    pub directory: DirectoryId,
    /// The application.
    pub client: ApplicationId,
    /// How it proves who it is.
    pub proof: Proof,
    /// The newest access token.
    pub access: Option<Access>,
}

/// How an application proves who it is.
#[derive(Clone, Debug)]
pub enum Proof {
    /// By sending a secret.
    Secret(SecretString),
    /// By signing with a certificate's key.
    Certificate(Certificate),
}

impl Secret {
    /// How it authenticates.
    pub fn method(&self) -> Method {
        match self {
            Self::Pats(_) => Method::Pat,
            Self::SignIn(_) => Method::OAuth,
            Self::Principal(_) => Method::ServicePrincipal,
        }
    }

    /// What signs requests to an organization; `None` if there is nothing for it, or no access token yet.
    pub fn credential(&self, organization: &OrganizationName) -> Option<Credential> {
        match self {
            Self::Pats(pats) => pats.get(organization).cloned().map(Credential::Pat),
            Self::SignIn(SignIn { access, .. }) => {
                let access = access.as_ref()?;
                Some(Credential::Bearer(access.token.clone()))
            }
            Self::Principal(Principal { access, .. }) => {
                let access = access.as_ref()?;
                Some(Credential::Application(access.token.clone()))
            }
        }
    }

    /// Where and as whom access tokens are got; `None` for what needs none.
    pub(crate) fn directory(&self) -> Option<(Authority, ApplicationId)> {
        let (Self::SignIn(SignIn {
            directory, client, ..
        })
        | Self::Principal(Principal {
            directory, client, ..
        })) = self
        else {
            return None;
        };
        Some((Authority::Directory(*directory), *client))
    }

    /// The newest access token.
    pub(crate) fn access(&self) -> Option<&Access> {
        match self {
            Self::Pats(_) => None,
            Self::SignIn(SignIn { access, .. }) | Self::Principal(Principal { access, .. }) => {
                access.as_ref()
            }
        }
    }

    /// The same with a new access token, and the refresh token that came with it.
    pub(crate) fn renewed(self, new: Access, refresh: Option<SecretString>) -> Self {
        match self {
            Self::Pats(pats) => Self::Pats(pats),
            Self::SignIn(sign_in) => Self::SignIn(SignIn {
                access: Some(new),
                refresh_token: refresh.unwrap_or(sign_in.refresh_token),
                ..sign_in
            }),
            Self::Principal(principal) => Self::Principal(Principal {
                access: Some(new),
                ..principal
            }),
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
    /// A person's sign-in.
    #[serde(rename = "oauth")]
    SignIn {
        directory: DirectoryId,
        client: ApplicationId,
        refresh_token: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<StoredAccess>,
    },
    /// An application.
    #[serde(rename = "service_principal")]
    Principal {
        directory: DirectoryId,
        client: ApplicationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<StoredAccess>,
    },
}

/// An access token as it is kept for the other workers.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredAccess {
    token: String,
    expires_at: Timestamp,
}

/// A secret that does not read back.
pub(crate) struct Unreadable;

impl From<&Secret> for Stored {
    fn from(secret: &Secret) -> Self {
        let plain = |token: &SecretString| token.expose_secret().to_owned();
        let kept = |access: &Access| StoredAccess {
            token: plain(&access.token),
            expires_at: access.expires_at,
        };
        match secret {
            Secret::Pats(pats) => Self::Pats {
                by_organization: pats
                    .by_organization
                    .iter()
                    .map(|(organization, token)| (organization.clone(), plain(token)))
                    .collect(),
                global: pats.global.as_ref().map(plain),
            },
            Secret::SignIn(sign_in) => Self::SignIn {
                directory: sign_in.directory,
                client: sign_in.client,
                refresh_token: plain(&sign_in.refresh_token),
                access: sign_in.access.as_ref().map(kept),
            },
            Secret::Principal(principal) => {
                let (secret, certificate) = match &principal.proof {
                    Proof::Secret(secret) => (Some(plain(secret)), None),
                    Proof::Certificate(certificate) => (None, Some(plain(certificate.pem()))),
                };
                Self::Principal {
                    directory: principal.directory,
                    client: principal.client,
                    secret,
                    certificate,
                    access: principal.access.as_ref().map(kept),
                }
            }
        }
    }
}

impl TryFrom<Stored> for Secret {
    type Error = Unreadable;

    fn try_from(stored: Stored) -> Result<Self, Unreadable> {
        let read = |access: StoredAccess| Access {
            token: access.token.into(),
            expires_at: access.expires_at,
        };
        Ok(match stored {
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
            Stored::SignIn {
                directory,
                client,
                refresh_token,
                access,
            } => Self::SignIn(SignIn {
                directory,
                client,
                refresh_token: refresh_token.into(),
                access: access.map(read),
            }),
            Stored::Principal {
                directory,
                client,
                secret,
                certificate,
                access,
            } => {
                let proof = match (secret, certificate) {
                    (Some(secret), _) => Proof::Secret(secret.into()),
                    (None, Some(pem)) => Proof::Certificate(
                        Certificate::from_pem(pem.into()).map_err(|_| Unreadable)?,
                    ),
                    (None, None) => return Err(Unreadable),
                };
                Self::Principal(Principal {
                    directory,
                    client,
                    proof,
                    access: access.map(read),
                })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn name(text: &str) -> OrganizationName {
        text.parse().unwrap()
    }

    fn token(secret: &Secret, organization: &str) -> Option<String> {
        let credential = secret.credential(&name(organization))?;
        Some(credential.token().expose_secret().to_owned())
    }

    fn read(stored: &str) -> Secret {
        let stored = serde_json::from_str::<Stored>(stored).unwrap();
        Secret::try_from(stored).unwrap_or_else(|_| panic!("it does not read back"))
    }

    fn written(secret: &Secret) -> Secret {
        read(&serde_json::to_string(&Stored::from(secret)).unwrap())
    }

    fn sign_in() -> SignIn {
        SignIn {
            directory: DirectoryId(Uuid::from_u128(1)),
            client: ApplicationId(Uuid::from_u128(2)),
            refresh_token: "refresh-s3cret".into(),
            access: Some(Access {
                token: "access-s3cret".into(),
                expires_at: Timestamp::UNIX_EPOCH,
            }),
        }
    }

    #[test]
    fn what_was_stored_before_is_a_token_for_every_organization() {
        let secret = read(r#"{"method":"pat","token":"old"}"#);
        assert_eq!(token(&secret, "fabrikam").as_deref(), Some("old"));
        assert_eq!(secret.method(), Method::Pat);
    }

    #[test]
    fn an_organization_has_its_own_token_before_the_global_one() {
        let mut pats = Pats::global("for all".into());
        pats.insert(&name("Fabrikam"), "its own".into());
        let secret = written(&Secret::Pats(pats));
        assert_eq!(token(&secret, "fabriKAM").as_deref(), Some("its own"));
        assert_eq!(token(&secret, "contoso").as_deref(), Some("for all"));
    }

    #[test]
    fn an_organization_without_a_token_has_no_credential() {
        let mut pats = Pats::default();
        pats.insert(&name("fabrikam"), "its own".into());
        assert_eq!(token(&Secret::Pats(pats), "contoso"), None);
    }

    #[test]
    fn a_sign_in_and_an_application_read_back_as_they_were() {
        let Secret::SignIn(back) = written(&Secret::SignIn(sign_in())) else {
            panic!("another method");
        };
        assert_eq!(back.refresh_token.expose_secret(), "refresh-s3cret");
        let principal = Principal {
            directory: back.directory,
            client: back.client,
            proof: Proof::Secret("client-s3cret".into()),
            access: back.access,
        };
        let back = written(&Secret::Principal(principal));
        assert_eq!(back.method(), Method::ServicePrincipal);
        assert_eq!(token(&back, "any").as_deref(), Some("access-s3cret"));
    }

    #[test]
    fn a_new_refresh_token_replaces_the_old_one_and_none_leaves_it() {
        let access = || Access {
            token: "new".into(),
            expires_at: Timestamp::UNIX_EPOCH,
        };
        for (given, kept) in [(Some("rotated"), "rotated"), (None, "refresh-s3cret")] {
            let renewed = Secret::SignIn(sign_in()).renewed(access(), given.map(Into::into));
            let Secret::SignIn(renewed) = renewed else {
                panic!("another method");
            };
            assert_eq!(renewed.refresh_token.expose_secret(), kept);
        }
    }

    #[test]
    fn a_printed_secret_shows_nothing_of_it() {
        let printed = format!(
            "{:?} {:?}",
            Secret::Pats(Pats::global("s3cret".into())),
            Secret::SignIn(sign_in())
        );
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
