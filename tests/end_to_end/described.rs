//! Requests to the API, each held to its document, and so is each answer: what is answered is declared, and what is taken is
//! allowed.

use std::sync::OnceLock;

use reqwest::{Client, Request, RequestBuilder, header::HeaderMap};
use serde_json::Value;

use crate::checker::{Answer, Document};

/// What was answered.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    /// A header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |own| own.to_str().unwrap())
    }

    /// The body as text.
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.body).unwrap()
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Sends a request, and fails unless the document says so of it and its answer.
pub(crate) async fn send(client: &Client, request: RequestBuilder) -> Answered {
    let request = request.build().unwrap();
    let sent = request.try_clone().unwrap();
    let response = client.execute(request).await.unwrap();
    let answered = Answered {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await.unwrap().to_vec(),
    };
    let problems = problems(&sent, &answered);
    assert!(
        problems.is_empty(),
        "shared/api-document does not say so: {problems:#?}\n{}",
        String::from_utf8_lossy(&answered.body[..answered.body.len().min(2_000)])
    );
    answered
}

fn problems(request: &Request, answered: &Answered) -> Vec<String> {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| Document::parse(api_document::JSON));
    let (method, path) = (request.method().as_str(), request.url().path());
    if !path.starts_with("/api/") && !path.starts_with("/oauth/") {
        return Vec::new();
    }
    let Some(operation) = document.find(method, path) else {
        return vec![format!("there is no {method} {path}")];
    };
    let answer = Answer {
        status: answered.status,
        content_type: answered.header("content-type"),
        body: &answered.body,
    };
    let mut problems = document.answer_problems(operation, &answer);
    if answered.status < 300 {
        let query: Vec<_> = request.url().query_pairs().into_owned().collect();
        problems.extend(document.query_problems(operation, &query));
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let body = body.map(|body| serde_json::from_slice(body).unwrap_or_default());
        problems.extend(document.body_problems(operation, body.as_ref()));
    }
    problems
}
