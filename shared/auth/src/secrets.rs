//! Secrets Manager: one secret for each connection, and one for the deployment's own application.

use std::sync::{Arc, LazyLock};

use aws_sdk_secretsmanager::Client;
use model::{ConnectionId, TenantId};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error, Secret,
    secret::{Stored, Unreadable},
};

/// The name of the secret of the application that people sign in to. A tenant's secrets have a slash behind the prefix.
const APPLICATION: &str = "oauth-client-secret";

/// The secrets of a deployment.
#[derive(Clone, Debug)]
pub struct Secrets {
    client: Arc<LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>>,
    prefix: String,
    key: Option<String>,
}

impl Secrets {
    /// The secrets whose names begin with `prefix`; the client is made when the first of them is wanted.
    pub fn new(client: impl FnOnce() -> Client + Send + 'static, prefix: String) -> Self {
        Self {
            client: Arc::new(LazyLock::new(Box::new(client))),
            prefix,
            key: None,
        }
    }

    /// The same, with this KMS key for those that are created.
    #[must_use]
    pub fn encrypted_with(self, key: String) -> Self {
        Self {
            key: Some(key),
            ..self
        }
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
        self.client
            .create_secret()
            .name(self.name(tenant, connection))
            .set_kms_key_id(self.key.clone())
            .secret_string(text(connection, secret)?.expose_secret())
            .send()
            .await
            .map_err(|error| Error::new("CreateSecret", &error))?;
        Ok(())
    }

    /// Replaces the secret of a connection.
    ///
    /// # Errors
    /// There is none, or Secrets Manager refused; the old one is still kept.
    pub async fn put(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
        secret: &Secret,
    ) -> Result<(), Error> {
        let result = self
            .client
            .put_secret_value()
            .secret_id(self.name(tenant, connection))
            .secret_string(text(connection, secret)?.expose_secret())
            .send()
            .await;
        result
            .map(drop)
            .map_err(|error| match error.as_service_error() {
                Some(service) if service.is_resource_not_found_exception() => {
                    Error::Missing { connection }
                }
                _ => Error::new("PutSecretValue", &error),
            })
    }

    /// The secret of a connection.
    ///
    /// # Errors
    /// There is none, it is not readable, or Secrets Manager refused.
    pub async fn get(&self, tenant: &TenantId, connection: ConnectionId) -> Result<Secret, Error> {
        let text = self.read(self.name(tenant, connection)).await?;
        let text = text.ok_or(Error::Missing { connection })?;
        serde_json::from_str::<Stored>(text.expose_secret())
            .map_err(|_| Unreadable)
            .and_then(Secret::try_from)
            .map_err(|Unreadable| Error::Unreadable { connection })
    }

    /// The client secret of the application that people sign in to.
    ///
    /// # Errors
    /// [`Error::NoApplication`] if none was put there; or Secrets Manager refused.
    pub async fn application(&self) -> Result<SecretString, Error> {
        let text = self.read(format!("{}{APPLICATION}", self.prefix)).await?;
        text.ok_or(Error::NoApplication)
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

    async fn read(&self, name: String) -> Result<Option<SecretString>, Error> {
        let result = self.client.get_secret_value().secret_id(name).send().await;
        match result {
            Ok(output) => Ok(output.secret_string.map(SecretString::from)),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_resource_not_found_exception() => Ok(None),
                _ => Err(Error::new("GetSecretValue", &error)),
            },
        }
    }

    fn name(&self, tenant: &TenantId, connection: ConnectionId) -> String {
        format!("{}{tenant}/{connection}", self.prefix)
    }
}

fn text(connection: ConnectionId, secret: &Secret) -> Result<SecretString, Error> {
    serde_json::to_string(&Stored::from(secret))
        .map(SecretString::from)
        .map_err(|_| Error::Unreadable { connection })
}
