//! What can go wrong with a job.

use model::Fault;

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The job names a resource that this version does not know.
    #[error("the catalog has no resource `{resource}`")]
    UnknownResource {
        /// The name.
        resource: String,
    },
    /// The job asks a resource for what it does not do.
    #[error("resource `{resource}` does not take this kind of job")]
    WrongWork {
        /// The resource.
        resource: &'static str,
    },
    /// Azure DevOps refused, did not answer, or asked for a pause.
    #[error(transparent)]
    Upstream(#[from] upstream::Error),
    /// A page could not be read.
    #[error(transparent)]
    Page(#[from] ado::Error),
    /// The tables failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] auth::Error),
    /// The follow-up could not be sent.
    #[error(transparent)]
    Queue(#[from] queue::Error),
    /// The credential was refused before all children were fetched.
    #[error("{children} children were not fetched: {reason}")]
    ChildrenLeft {
        /// How many the job still named.
        children: usize,
        /// What was answered.
        reason: String,
        /// Whether the credential is dead, so that trying again is useless until a person has acted.
        dead: bool,
    },
    /// A record could not be written as JSON.
    #[error("a record of `{resource}` cannot be written as json")]
    Unwritable {
        /// The resource.
        resource: &'static str,
    },
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::UnknownResource { .. } | Self::WrongWork { .. } | Self::Unwritable { .. } => {
                Fault::Permanent
            }
            Self::ChildrenLeft { dead: true, .. } => Fault::Permanent,
            Self::ChildrenLeft { dead: false, .. } => Fault::Retryable { after: None },
            Self::Upstream(error) => error.fault(),
            Self::Page(error) => error.fault(),
            Self::Storage(error) => error.fault(),
            Self::Secret(error) => error.fault(),
            Self::Queue(error) => error.fault(),
        }
    }

    /// Whether a table did not do what it was asked.
    pub(crate) fn is_of_storage(&self) -> bool {
        matches!(
            self,
            Self::Storage(_) | Self::Upstream(upstream::Error::Storage(_))
        )
    }

    /// The answer of Azure DevOps behind this error, if it is one.
    pub(crate) fn answer(&self) -> Option<&ado::Error> {
        match self {
            Self::Upstream(upstream::Error::Ado(error)) | Self::Page(error) => Some(error),
            _ => None,
        }
    }
}
