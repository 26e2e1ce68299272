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

/// Says as a problem what axum says in plain text: that a request did not reach its handler, because its address is no text,
/// its query not as it must be, or its body too large. For the router of every function, with `map_response`.
pub async fn in_problems(response: Response) -> Response {
    let status = response.status();
    let media_type = response.headers().get(header::CONTENT_TYPE);
    let is_plain = media_type.is_some_and(|own| own.as_bytes().starts_with(b"text/plain"));
    match status {
        StatusCode::PAYLOAD_TOO_LARGE if is_plain => refuse(Problem::unreadable("it is too large")),
        _ if is_plain && status.is_client_error() => {
            refuse(Problem::unreadable("its address is malformed"))
        }
        _ => response,
    }
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

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, Bytes, to_bytes},
        extract::{DefaultBodyLimit, Path},
        http::Request,
        middleware::map_response,
        routing::post,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, body: &'static str) -> (u16, String, String) {
        let echo = async |Path(name): Path<String>, body: Bytes| format!("{name} {}", body.len());
        let router = Router::new()
            .route("/{name}", post(echo))
            .layer(DefaultBodyLimit::max(4))
            .layer(map_response(in_problems));
        let request = Request::post(path).body(Body::from(body)).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let media_type = &response.headers()[header::CONTENT_TYPE];
        let media_type = media_type.to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (
            status,
            media_type,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn what_does_not_reach_its_handler_is_refused_with_a_problem() {
        for (path, body, why) in [("/%ff", "", "malformed"), ("/a", "12345", "too large")] {
            let (status, media_type, text) = ask(path, body).await;
            assert_eq!((status, media_type.as_str()), (400, MEDIA_TYPE), "{text}");
            assert!(text.contains("/problems/unreadable-request") && text.contains(why));
        }
    }

    #[tokio::test]
    async fn what_a_handler_says_is_left_alone() {
        let (status, media_type, text) = ask("/a", "1234").await;
        assert_eq!((status, text.as_str()), (200, "a 4"));
        assert!(media_type.starts_with("text/plain"));
    }
}
