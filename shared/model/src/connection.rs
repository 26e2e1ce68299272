//! Connections and the integrations made of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectionId, IntegrationId, OrganizationName, Service, TenantId};

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
}

/// How a connection authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A personal access token.
    Pat,
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
