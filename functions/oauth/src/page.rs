//! The pages that a sign-in ends on: plain HTML that every browser and screen reader can use, without any script.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::session::no_cookie;

/// Nothing is loaded, nothing is run, nobody may frame it.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// One paragraph each.
    pub(crate) sentences: Vec<String>,
}

impl Page {
    /// A sign-in that came to nothing: what is wrong, then what to do.
    pub(crate) fn failed(
        status: StatusCode,
        reason: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            status,
            title: "Not connected",
            sentences: vec![reason.into(), next_step.into()],
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let title = self.title;
        let paragraphs: String = self
            .sentences
            .iter()
            .map(|sentence| format!("<p>{}</p>", escaped(sentence)))
            .collect();
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} - ado-lens</title></head>\
             <body><main><h1>{title}</h1>{paragraphs}<p><a href=\"/\">To the console</a></p></main></body></html>"
        );
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            (header::SET_COOKIE, no_cookie()),
        ];
        (self.status, headers, html).into_response()
    }
}

/// A text as it stands between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_wrote_is_text_on_a_page_that_runs_nothing() {
        let page = Page::failed(
            StatusCode::BAD_REQUEST,
            "<script>alert(1)</script>",
            "a & b",
        );
        let response = page.into_response();
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(body.contains("&lt;script&gt;") && !body.contains("<script"));
        assert!(body.contains("<html lang=\"en\">") && body.contains("<h1>Not connected</h1>"));
    }
}
