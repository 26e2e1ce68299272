//! What stands before the database and asks IAM: it passes on what a role grants, and answers the rest itself.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::response::IntoResponse as _;

use crate::aws_json::AwsError;
use crate::iam::{Iam, Places, needs};

/// DynamoDB's own limit of a request.
const LARGEST_BODY: usize = 16 << 20;

#[derive(Clone, Debug)]
struct Gate {
    iam: Iam,
    places: Places,
    http: reqwest::Client,
    database: String,
}

/// Returns the router that passes requests on to the database at this address.
pub(crate) fn router(iam: Iam, places: Places, database: String) -> Result<Router, reqwest::Error> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let gate = Gate {
        iam,
        places,
        http,
        database,
    };
    Ok(Router::new()
        .fallback(pass)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(gate))
}

async fn pass(State(gate): State<Gate>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let needs = needs(&gate.places, target, &body);
    if let Err(refused) = gate.iam.check(&headers, &needs) {
        return refused.into_response();
    }
    gate.ask(headers, body).await.unwrap_or_else(|error| {
        let problem = format!("the database is out of reach: {error}");
        AwsError::internal(problem).into_response()
    })
}

impl Gate {
    async fn ask(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Body>, reqwest::Error> {
        headers.remove(header::HOST);
        let request = self.http.post(&self.database).headers(headers).body(body);
        let answer = request.send().await?;
        let status = StatusCode::from_u16(answer.status().as_u16());
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = Body::from(answer.bytes().await?);
        Ok(response)
    }
}
