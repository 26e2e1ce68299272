//! Connections and the integrations made of them.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionId, IntegrationId, OrganizationName, Selection, Service, TenantId};

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
    /// Since when a user wants nothing to be asked with it; `None` if it is not paused. A pause outlives a dead credential, so
    /// it is no status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Timestamp>,
    /// When it was last given another credential; `None` if it has its first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reauthenticated_at: Option<Timestamp>,
    /// What the user says that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Words by which the user finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Which projects, repositories and pipelines are read; all of them if it says nothing.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub selection: Selection,
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
    /// A user has asked to delete it: nothing is asked or stored any more, and what there is goes. Never left again.
    Deleting,
}

impl Connection {
    /// Whether anything may be asked with it.
    pub fn standing(&self) -> Standing {
        match self.status {
            ConnectionStatus::Deleting => Standing::Gone,
            ConnectionStatus::Active | ConnectionStatus::ReauthorizationNeeded
                if self.paused_at.is_some() =>
            {
                Standing::Paused
            }
            ConnectionStatus::ReauthorizationNeeded => Standing::NeedsPerson,
            ConnectionStatus::Active => Standing::Visited,
        }
    }
}

/// Whether the streams of a connection, or of an integration of it, are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Whenever they are due.
    Visited,
    /// Not until a user resumes it.
    Paused,
    /// Not until a person gives another credential.
    NeedsPerson,
    /// Never again.
    Gone,
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
    /// The reference name of the field that holds the size of a work item, where it is not the one of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story_points_field: Option<String>,
}

/// Whether an integration is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Visited whenever one of its streams is due.
    Active,
    /// Not visited until a user resumes it.
    Paused,
}

impl Integration {
    /// Whether its streams are visited, as part of this connection.
    pub fn standing(&self, connection: &Connection) -> Standing {
        match (connection.standing(), self.status) {
            (Standing::Visited, IntegrationStatus::Paused) => Standing::Paused,
            (standing, _) => standing,
        }
    }
}

#[cfg(test)]
mod standing {
    use uuid::Uuid;

    use super::*;

    fn connection(status: ConnectionStatus, paused: bool) -> Connection {
        let mut connection: Connection = serde_json::from_str(
            r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat",
                "organizations":["fabrikam"],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#,
        )
        .unwrap();
        connection.status = status;
        connection.paused_at = paused.then_some(Timestamp::UNIX_EPOCH);
        connection
    }

    #[test]
    fn deleting_is_stronger_than_a_pause_and_a_pause_than_a_dead_credential() {
        use ConnectionStatus::{Active, Deleting, ReauthorizationNeeded};
        for (status, paused, expected) in [
            (Active, false, Standing::Visited),
            (Active, true, Standing::Paused),
            (ReauthorizationNeeded, false, Standing::NeedsPerson),
            (ReauthorizationNeeded, true, Standing::Paused),
            (Deleting, false, Standing::Gone),
            (Deleting, true, Standing::Gone),
        ] {
            assert_eq!(
                connection(status, paused).standing(),
                expected,
                "{status:?}"
            );
        }
    }

    #[test]
    fn one_paused_integration_leaves_its_siblings_alone() {
        let connection = connection(ConnectionStatus::Active, false);
        let integration = |status| Integration {
            tenant: connection.tenant.clone(),
            id: IntegrationId(Uuid::nil()),
            connection: connection.id,
            service: Service::Boards,
            name: "Fabrikam - Boards".into(),
            status,
            story_points_field: None,
        };
        let standing = |status| integration(status).standing(&connection);
        assert_eq!(standing(IntegrationStatus::Paused), Standing::Paused);
        assert_eq!(standing(IntegrationStatus::Active), Standing::Visited);
    }
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
