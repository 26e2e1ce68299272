//! Why `cargo run` gave up; each message is one sentence for a person.

use std::path::PathBuf;

use crate::dynamodb::DynamoDbError;
use crate::gateway::issuer::IssuerError;
use crate::lambda::InvokeError;
use crate::stack::StackError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("the operating system refused: {0}")]
    Runtime(std::io::Error),
    #[error("interrupted; run it again to continue where it stopped")]
    Interrupted,
    #[error("cannot write the token to {path}: {source}")]
    TokenFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the tenant of this machine has no usable name")]
    Tenant,
    #[error("cannot read the token file {path}: {source}")]
    PatFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the token file {0} is empty")]
    EmptyPatFile(PathBuf),
    #[error(
        "the data directory holds {kept}, not {wanted}; choose another --data-dir, or forget it with --fresh"
    )]
    OtherOrigin { kept: String, wanted: String },
    #[error("cannot use {path}: {reason}")]
    Origin { path: PathBuf, reason: String },
    #[error("cannot mint a token: {0}")]
    Issuer(#[from] IssuerError),
    #[error("the API does not answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the API refused to {wish} ({status}): {reason}")]
    Refused {
        wish: String,
        status: u16,
        reason: String,
    },
    #[error("the API's answer makes no sense: {0}")]
    Answer(#[from] serde_json::Error),
    #[error("the schedule's function failed: {0}")]
    Tick(InvokeError),
    #[error("cannot measure how {binary} starts: {reason}")]
    ColdStart { binary: String, reason: String },
    #[error("cannot read the tables: {0}")]
    Storage(#[from] storage::Error),
    #[error("cannot read the tables: {0}")]
    Scan(String),
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
}
