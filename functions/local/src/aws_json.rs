//! The awsJson protocol that SQS (1.0) and Secrets Manager (1.1) share: one POST, the operation in `X-Amz-Target`.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::iam::{Iam, Places, needs};
use crate::secrets::Secrets;
use crate::sqs::Sqs;

/// An answer that the SDK turns into a typed error.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct AwsError {
    status: StatusCode,
    code: String,
    query_code: Option<&'static str>,
    message: String,
}

impl AwsError {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.into(),
            query_code: None,
            message: message.into(),
        }
    }

    /// Adds the code that SQS' older protocol used, which its clients still look for.
    pub(crate) fn with_query_code(self, code: &'static str) -> Self {
        Self {
            query_code: Some(code),
            ..self
        }
    }

    /// The emulator itself failed, for example because the disk is full.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "the embedded service failed");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            status,
            code: "InternalFailure".to_owned(),
            query_code: None,
            message: error.to_string(),
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.code.rsplit('#').next().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for AwsError {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message }).to_string();
        let mut response = (self.status, body).into_response();
        if let Some(value) = self
            .query_code
            .and_then(|code| format!("{code};Sender").parse().ok())
        {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}

/// The two services behind one address.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) sqs: Sqs,
    pub(crate) secrets: Secrets,
    pub(crate) iam: Iam,
    pub(crate) places: Places,
}

/// Returns the router that answers the SDKs; signatures are not verified.
pub(crate) fn router(services: Services) -> Router {
    // Ten messages of the largest size, and the JSON around them.
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(16 << 20))
        .with_state(services)
}

async fn answer(State(services): State<Services>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if let Err(refused) = services
        .iam
        .check(&headers, &needs(&services.places, target, &body))
    {
        return refused.into_response();
    }
    let (content_type, answer) = match target.split_once('.') {
        Some(("AmazonSQS", operation)) => (
            "application/x-amz-json-1.0",
            crate::sqs::api::call(&services.sqs, operation, &body).await,
        ),
        Some(("secretsmanager", operation)) => (
            "application/x-amz-json-1.1",
            crate::secrets::api::call(&services.secrets, operation, &body),
        ),
        _ => ("application/x-amz-json-1.0", Err(unknown_operation(target))),
    };
    let mut response = match answer {
        Ok(body) => body.to_string().into_response(),
        Err(error) => error.into_response(),
    };
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}

pub(crate) fn unknown_operation(operation: &str) -> AwsError {
    AwsError::new(
        "UnknownOperationException",
        format!("the embedded service has no operation {operation:?}"),
    )
}

/// Parses a request body.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body)
        .map_err(|error| AwsError::new("SerializationException", error.to_string()))
}

/// Answers an operation that returns nothing.
pub(crate) fn nothing() -> Value {
    json!({})
}
