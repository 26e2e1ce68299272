//! Connections and the integrations made of them.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionId, IntegrationId, OrganizationName, Service, TenantId};

/// The day from which no personal access token for *all accessible organizations* works any more:
/// <https://devblogs.microsoft.com/devops/retirement-of-global-personal-access-tokens-in-azure-devops>.
pub const GLOBAL_PATS_END: Date = Date::constant(2026, 12, 1);

/// A credential and the organizations it is for. The credential itself is in Secrets Manager, never here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id; also the name of its secret.
    pub id: ConnectionId,
    /// As the user called it.
    pub name: String,
    /// How it authenticates.
    pub method: Method,
    /// The organizations that it reads.
    pub organizations: Vec<OrganizationName>,
    /// Whether it works.
    pub status: ConnectionStatus,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Whether it also reads organizations that the user did not name, as they appear; only a sign-in can list them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub every_organization: bool,
    /// When parts of the credential end, as far as anybody said. Azure DevOps does not tell a token its own expiry:
    /// <https://learn.microsoft.com/rest/api/azure/devops/tokens/pats>.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expiries: Vec<Expiry>,
    /// Whom the credential acted as in each organization when it was saved, so that another person's is noticed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<OrganizationName, Uuid>,
}

/// The first day on which a credential, or the part of it that is for one organization, does not work any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// Where it ends; `None` for everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationName>,
    /// When.
    pub on: Date,
}

// The signature that serde asks for.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How a connection authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Personal access tokens: one for each organization, or one for all.
    Pat,
    /// A person's sign-in to Microsoft Entra ID.
    #[serde(rename = "oauth")]
    OAuth,
    /// An application of Microsoft Entra ID that acts for itself.
    ServicePrincipal,
}

/// Whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// The credential was accepted when it was last used.
    Active,
    /// The credential is dead: a person has to give a new one.
    ReauthorizationNeeded,
}

/// A connection applied to one service. All integrations of a connection are made together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id: the first part of the key of every record it owns.
    pub id: IntegrationId,
    /// The connection whose credential it uses.
    pub connection: ConnectionId,
    /// What it reads.
    pub service: Service,
    /// `<connection's name> - <service>`.
    pub name: String,
    /// Whether it is visited.
    pub status: IntegrationStatus,
}

/// Whether an integration is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Visited whenever one of its streams is due.
    Active,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was stored before credentials had more than one kind. Writes are conditional on the text that was read, so it
    /// has to be written as it was.
    #[test]
    fn a_connection_of_an_earlier_version_reads_and_writes_back_the_same() {
        let stored = r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat","organizations":["fabrikam"],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#;
        let connection: Connection = serde_json::from_str(stored).unwrap();
        assert!(connection.expiries.is_empty() && !connection.every_organization);
        assert_eq!(serde_json::to_string(&connection).unwrap(), stored);
    }

    #[test]
    fn methods_have_the_names_that_the_api_shows() {
        let names = [Method::Pat, Method::OAuth, Method::ServicePrincipal]
            .map(|method| serde_json::to_value(method).unwrap());
        assert_eq!(names, ["pat", "oauth", "service_principal"]);
    }
}
