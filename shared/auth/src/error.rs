//! Why there is no credential.

use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use model::{ConnectionId, Fault, OrganizationName};

use crate::explain;

/// A secret could not be read, written, or turned into an access token. The message never holds a part of it.
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
    /// Entra ID refuses to give a token, and will again until a person has done something.
    #[error("entra id refuses a token: {error} (AADSTS{code})")]
    Refused {
        /// Its code of OAuth 2.0, such as `invalid_grant`.
        error: String,
        /// The number behind `AADSTS`; 0 if there is none.
        code: u32,
    },
    /// Entra ID gave no usable answer, or does not accept this deployment's own application.
    #[error("entra id gives no token: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
    /// Asking for a token failed a short time ago; nobody asks again before the pause is over.
    #[error("no token was got a short time ago, trying again in {}s", .after.as_secs())]
    Cooling {
        /// What is left of the pause.
        after: Duration,
    },
    /// This deployment has no application that people can sign in to.
    #[error("no application for sign-ins is set up")]
    NoApplication,
    /// What paces the requests for tokens could not be read or written.
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::NoToken { .. }
            | Self::Refused { .. } => Fault::Reauthorize,
            Self::SecretsManager { .. } | Self::NoApplication => Fault::Retryable { after: None },
            Self::Unavailable { after, .. } => Fault::Retryable { after: *after },
            Self::Cooling { after } => Fault::Retryable {
                after: Some(*after),
            },
            Self::Storage(error) => error.fault(),
        }
    }

    /// What is wrong and what to do, for whoever gave the credential.
    pub fn explanation(&self) -> (String, String) {
        match self {
            Self::Refused { error, code } => explain::refusal(error, *code),
            other => (
                format!("No usable answer: {other}."),
                "Try again in a few minutes.".to_owned(),
            ),
        }
    }

    pub(crate) fn new<E: ProvideErrorMetadata, R>(
        operation: &'static str,
        error: &SdkError<E, R>,
    ) -> Self {
        let code = error.code().unwrap_or("out of reach").to_owned();
        Self::SecretsManager { operation, code }
    }
}
