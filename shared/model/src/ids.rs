//! Newtypes for ids, parsed at the border.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// A credential and the organizations it is for.
    ConnectionId
}
uuid_id! {
    /// A connection applied to one service.
    IntegrationId
}
uuid_id! {
    /// The `instanceId` of an organization: it stays when the organization is renamed.
    OrganizationId
}
uuid_id! {
    /// A project of an organization; names change, this does not.
    ProjectId
}
uuid_id! {
    /// A Git repository.
    RepositoryId
}
uuid_id! {
    /// A tenant of Microsoft Entra ID, which its pages call *Directory (tenant) ID*. Not our own [`TenantId`].
    DirectoryId
}
uuid_id! {
    /// An application that is registered in Microsoft Entra ID: its *Application (client) ID*.
    ApplicationId
}

/// One customer of a deployment, as the verified token names it. Never taken from input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Wraps a tenant claim; `None` if it is empty or holds a character that separates the parts of a key.
    pub fn new(claim: &str) -> Option<Self> {
        let usable = !claim.is_empty()
            && claim.len() <= 128
            && claim
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
        usable.then(|| Self(claim.to_owned()))
    }

    /// The claim as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name of an organization, safe to put into a URL.
///
/// Letters, digits and hyphens, at most 50, the first and the last a letter or digit:
/// <https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions#organization-names>.
/// Case does not matter to the service, so names compare in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationName(String);

/// Why a text is not an organization's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrganizationName {
    /// Nothing was given.
    #[error("an organization name is empty")]
    Empty,
    /// More than 50 characters.
    #[error("an organization name has at most 50 characters, this one has {0}")]
    TooLong(usize),
    /// An address was given where a name is wanted.
    #[error("this is an address; the organization name in it is `{0}`")]
    Address(String),
    /// A character that no organization name has.
    #[error(
        "an organization name has letters, digits and inner hyphens only, `{0}` is none of them"
    )]
    Character(char),
}

impl OrganizationName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganizationName {
    type Err = InvalidOrganizationName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidOrganizationName::Empty);
        }
        if let Some(name) = name_in_address(text) {
            return Err(InvalidOrganizationName::Address(name));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && *c != '-')
        {
            return Err(InvalidOrganizationName::Character(bad));
        }
        if text.len() > 50 {
            return Err(InvalidOrganizationName::TooLong(text.len()));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidOrganizationName::Character('-'));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The organization that an address names: `https://dev.azure.com/name/...` or `https://name.visualstudio.com`.
fn name_in_address(text: &str) -> Option<String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let rest = rest.unwrap_or(text);
    let name = match rest.split_once('/') {
        Some(("dev.azure.com", path)) => path.split('/').next()?,
        Some((host, _)) => host.split_once(".visualstudio.com")?.0,
        None => rest.strip_suffix(".visualstudio.com")?,
    };
    name.parse::<OrganizationName>().ok().map(|name| name.0)
}

impl TryFrom<String> for OrganizationName {
    type Error = InvalidOrganizationName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OrganizationName> for String {
    fn from(name: OrganizationName) -> Self {
        name.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An organization as jobs name it: the id for keys, the name for addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Organization {
    /// Stable over renames.
    pub id: OrganizationId,
    /// As it stands in addresses.
    pub name: OrganizationName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_service_accepts_are_accepted() {
        for name in ["fabrikam", "Contoso-2", "a", "0-0", &"x".repeat(50)] {
            assert_eq!(name.parse::<OrganizationName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn hostile_names_never_become_part_of_an_address() {
        for name in [
            "",
            " ",
            "-a",
            "a-",
            "a/b",
            "a.b",
            "a b",
            "a%2f",
            "a\n",
            "..",
            "@evil",
            "a?x",
            "é",
            &"x".repeat(51),
        ] {
            let parsed = name.parse::<OrganizationName>();
            assert!(
                parsed.is_err() || parsed.unwrap().as_str() == "a",
                "{name:?}"
            );
        }
    }

    #[test]
    fn an_address_is_answered_with_the_name_in_it() {
        for text in [
            "https://dev.azure.com/fabrikam",
            "dev.azure.com/fabrikam/Project",
            "https://fabrikam.visualstudio.com",
            "https://fabrikam.visualstudio.com/x",
        ] {
            assert_eq!(
                text.parse::<OrganizationName>(),
                Err(InvalidOrganizationName::Address("fabrikam".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn a_tenant_cannot_break_out_of_its_key() {
        assert!(TenantId::new("contoso").is_some());
        for claim in ["", "a#b", "a/b", "a b"] {
            assert!(TenantId::new(claim).is_none(), "{claim:?}");
        }
    }
}
