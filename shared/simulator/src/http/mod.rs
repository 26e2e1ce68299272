//! The HTTP surface: everything between the socket and the answer.

mod analytics;
mod arrival;
mod artifact_links;
mod artifacts;
mod bearer;
mod build_filter;
mod builds;
mod call;
mod changesets;
mod classification;
mod commit_criteria;
mod commits;
mod control;
mod coverage;
mod definitions;
mod deployments;
mod discovery;
mod endpoint_table;
mod endpoints;
mod entra;
mod environments;
mod fault;
mod identity;
mod item_fields;
mod locations;
mod metering;
mod odata;
mod path;
mod planning;
mod policies;
mod profile;
mod projects;
mod pull_requests;
mod pushes;
mod query;
mod refs;
mod refusal;
mod reply;
mod reporting;
mod repositories;
mod sign_in;
mod teams;
mod test_runs;
mod tfvc;
mod threads;
mod timeline;
mod version;
mod wiql;
mod wiql_syntax;
mod work_item_types;
mod work_items;

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use crate::faults::FaultKind;
use crate::simulator::Simulator;
use arrival::Arrival;
pub(crate) use item_fields::FIELDS;
use reply::Reply;

const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// Everything that goes to the simulator.
pub(crate) fn router(simulator: Simulator) -> Router {
    Router::new().fallback(answer).with_state(simulator)
}

async fn answer(State(simulator): State<Simulator>, request: Request) -> Response {
    let accept_gzip = accepts_gzip(request.headers());
    if let Some(reply) = control::answer(&simulator, &request) {
        return reply.into_response(accept_gzip);
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await else {
        return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE).into_response(false);
    };
    if let Some(reply) = entra::answer(&simulator, &parts, &body) {
        return reply.into_response(false);
    }
    let simulator = simulator.serving(parts.uri.path());
    let arrival = Arrival::new(&simulator, parts, body);
    pause(simulator.latency() + arrival.admission.delay).await;
    let fault = if arrival.admission.is_blocked {
        None
    } else {
        simulator
            .faults()
            .take(arrival.parts.uri.path(), arrival.resource())
    };
    if let Some(FaultKind::RateLimitHeaders { delay_ms, .. }) = &fault {
        pause(Duration::from_millis(*delay_ms)).await;
    }
    if arrival.continues() {
        simulator.drift(arrival.parts.uri.path(), arrival.resource());
    }
    let (reply, violation) = arrival.reply(&simulator, fault.as_ref());
    let reply = match arrival.identity() {
        Some(identity) => metering::label(&simulator, identity, &arrival.admission, reply),
        None => reply,
    };
    arrival.log(&simulator, &reply, violation);
    arrival.finish(&simulator, reply).into_response(accept_gzip)
}

/// The organization that a path names.
pub(crate) fn organization_of(path: &str) -> Option<String> {
    path::ApiPath::parse(path)?.organization
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"))
}

/// Sleeps, but not at all for nothing: even an elapsed timer costs a turn of the clock.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
