//! Answers: problems with their media type, and what went wrong inside without its text.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use entrypoint::problem::{MEDIA_TYPE, Problem};

/// A problem as a response.
pub fn refuse(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], Json(problem)).into_response()
}

/// Anything that keeps a handler from answering.
#[derive(Debug)]
pub struct Refusal(pub Problem);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refuse(self.0)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

macro_rules! unavailable_on {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                tracing::error!(error = %error, "a request failed");
                Self(Problem::unavailable())
            }
        }
    )*};
}

unavailable_on!(
    storage::Error,
    auth::Error,
    queue::Error,
    serde_json::Error,
    tokio::task::JoinError
);
