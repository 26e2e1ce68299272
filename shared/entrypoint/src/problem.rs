//! Errors of the HTTP API: `application/problem+json` with a stable type (RFC 9457).

use serde::Serialize;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong with a request, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A stable name, such as `/problems/invalid-field`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem in words.
    pub title: &'static str,
    /// This problem in words: what is wrong and what to do.
    pub detail: String,
    /// The field of the request that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Problem {
    /// A field of the request is wrong.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: "/problems/invalid-field",
            status: 400,
            title: "a field is invalid",
            detail: detail.into(),
            field: Some(field.into()),
        }
    }

    /// The request as a whole makes no sense, so that there is no field to name.
    pub fn unreadable(why: &str) -> Self {
        Self {
            kind: "/problems/unreadable-request",
            status: 400,
            title: "the request cannot be read",
            detail: format!("the request cannot be read: {why}"),
            field: None,
        }
    }

    /// There is no such thing, or it is somebody else's: both answer the same.
    pub fn not_found() -> Self {
        Self {
            kind: "/problems/not-found",
            status: 404,
            title: "not found",
            detail: "there is no such object".into(),
            field: None,
        }
    }

    /// The token does not allow it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self {
            kind: "/problems/forbidden",
            status: 403,
            title: "not allowed",
            detail: detail.into(),
            field: None,
        }
    }

    /// The thing is in a state in which this cannot be done.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self {
            kind: "/problems/conflict",
            status: 409,
            title: "not in this state",
            detail: detail.into(),
            field: None,
        }
    }

    /// Something on our side failed; the log knows more.
    pub fn unavailable() -> Self {
        Self {
            kind: "/problems/unavailable",
            status: 503,
            title: "try again",
            detail: "a part of the service did not answer; try again in a minute".into(),
            field: None,
        }
    }
}
