//! The only reader and writer of secrets: one secret in Secrets Manager per connection.
//!
//! A [`Secret`] is in Secrets Manager and in memory, nowhere else: it has no `Serialize`, and its `Debug` shows nothing.
//! OAuth and service principals join here; they differ in the secret's content, not in who touches it.

mod secret;

pub use secret::{Pats, Secret};

use ado::Credential;
use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use model::{ConnectionId, Fault, OrganizationName, TenantId};
use secrecy::{ExposeSecret, SecretString};

use secret::Stored;

/// What signs requests of a connection to an organization.
///
/// # Errors
/// [`Error::NoToken`] if the secret holds nothing for it.
pub fn credential(secret: &Secret, organization: &OrganizationName) -> Result<Credential, Error> {
    secret
        .credential(organization)
        .ok_or_else(|| Error::NoToken {
            organization: organization.clone(),
        })
}

/// The secrets of a deployment.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Client,
    prefix: String,
}

/// A secret could not be read or written. The message never holds a part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none for this connection.
    #[error("connection {connection} has no secret")]
    Missing {
        /// The connection.
        connection: ConnectionId,
    },
    /// It is not one of ours.
    #[error("the secret of connection {connection} is not readable")]
    Unreadable {
        /// The connection.
        connection: ConnectionId,
    },
    /// It holds nothing for this organization.
    #[error("there is no token for organization {organization}")]
    NoToken {
        /// The organization.
        organization: OrganizationName,
    },
    /// Secrets Manager refused or was out of reach.
    #[error("secrets manager {operation} failed: {code}")]
    SecretsManager {
        /// The operation.
        operation: &'static str,
        /// Its own code.
        code: String,
    },
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } | Self::NoToken { .. } => {
                Fault::Reauthorize
            }
            Self::SecretsManager { .. } => Fault::Retryable { after: None },
        }
    }

    fn new<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> Self {
        let code = error.code().unwrap_or("out of reach").to_owned();
        Self::SecretsManager { operation, code }
    }
}

impl Secrets {
    /// The secrets whose names begin with `prefix`.
    pub fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix }
    }

    /// Keeps the secret of a new connection.
    ///
    /// # Errors
    /// Secrets Manager refused; nothing is kept.
    pub async fn create(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
        secret: &Secret,
    ) -> Result<(), Error> {
        let text = serde_json::to_string(&Stored::from(secret))
            .map_err(|_| Error::Unreadable { connection })?;
        self.client
            .create_secret()
            .name(self.name(tenant, connection))
            .secret_string(text)
            .send()
            .await
            .map_err(|error| Error::new("CreateSecret", &error))?;
        Ok(())
    }

    /// The secret of a connection.
    ///
    /// # Errors
    /// There is none, it is not readable, or Secrets Manager refused.
    pub async fn get(&self, tenant: &TenantId, connection: ConnectionId) -> Result<Secret, Error> {
        let result = self
            .client
            .get_secret_value()
            .secret_id(self.name(tenant, connection))
            .send()
            .await;
        let output = result.map_err(|error| match error.as_service_error() {
            Some(service) if service.is_resource_not_found_exception() => {
                Error::Missing { connection }
            }
            _ => Error::new("GetSecretValue", &error),
        })?;
        let text = SecretString::from(output.secret_string.unwrap_or_default());
        serde_json::from_str::<Stored>(text.expose_secret())
            .map(Secret::from)
            .map_err(|_| Error::Unreadable { connection })
    }

    /// Forgets the secret of a connection at once.
    ///
    /// # Errors
    /// Secrets Manager refused.
    pub async fn delete(&self, tenant: &TenantId, connection: ConnectionId) -> Result<(), Error> {
        self.client
            .delete_secret()
            .secret_id(self.name(tenant, connection))
            .force_delete_without_recovery(true)
            .send()
            .await
            .map_err(|error| Error::new("DeleteSecret", &error))?;
        Ok(())
    }

    fn name(&self, tenant: &TenantId, connection: ConnectionId) -> String {
        format!("{}{tenant}/{connection}", self.prefix)
    }
}
