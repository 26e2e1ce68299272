//! What can go wrong with the tables.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use model::Fault;

/// An error of the tables.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB refused, was too slow or out of reach.
    #[error("dynamodb {operation} failed: {code}: {message}")]
    DynamoDb {
        /// The operation.
        operation: &'static str,
        /// DynamoDB's own code, or the way in which it was out of reach.
        code: String,
        /// DynamoDB's own words.
        message: String,
    },
    /// Somebody else has moved the cursor or taken the lease: this worker's view is old.
    #[error("another worker has taken over stream {stream}")]
    Superseded {
        /// The stream.
        stream: String,
    },
    /// A write lost against other writers more often than is believable.
    #[error("item {item} changed under every attempt to write it")]
    Contended {
        /// The item.
        item: String,
    },
    /// An item does not read back.
    #[error("stored item {item} cannot be read: {reason}")]
    Corrupt {
        /// The item.
        item: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The output of a conditional write, or `None` if its condition did not hold.
pub(crate) fn if_held<O, E, R>(
    operation: &'static str,
    result: Result<O, SdkError<E, R>>,
) -> Result<Option<O>, Error>
where
    E: ProvideErrorMetadata,
{
    match result {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(error) => Err(Error::dynamodb(operation, &error)),
    }
}

impl Error {
    /// What the error means for the job that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::DynamoDb { .. } | Self::Contended { .. } | Self::Superseded { .. } => {
                Fault::Retryable { after: None }
            }
            Self::Corrupt { .. } => Fault::Permanent,
        }
    }

    pub(crate) fn dynamodb<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let code = match error {
            SdkError::ServiceError(service) => {
                service.err().code().unwrap_or("unknown error").to_owned()
            }
            SdkError::TimeoutError(_) => "timeout".to_owned(),
            SdkError::DispatchFailure(_) => "out of reach".to_owned(),
            SdkError::ResponseError(_) => "unreadable answer".to_owned(),
            _ => "unsendable request".to_owned(),
        };
        let message = error.message().unwrap_or("no message").to_owned();
        Self::DynamoDb {
            operation,
            code,
            message,
        }
    }
}
