//! Why a stack does not start.

use crate::data_dir::DataDirError;
use crate::dynamodb::DynamoDbError;
use crate::secrets::SecretsError;
use crate::sqs::SqsError;
use crate::template::TemplateError;

/// Why a stack cannot start; each message is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The tables cannot be used.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// The queues cannot be used.
    #[error(transparent)]
    Sqs(#[from] SqsError),
    /// The secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The port of the HTTP API is taken.
    #[error("port {0} is in use; choose another one with --port, or any free one with --port 0")]
    PortInUse(u16),
    /// This machine does not let the runner listen.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(std::io::Error),
}
