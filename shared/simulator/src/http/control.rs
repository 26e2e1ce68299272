//! `/_simulator/`: the truth and the clock for shell scripts, to loopback peers only.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::drift::Drift;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::simulator::Simulator;
use crate::throttle::{Throttle, UnknownThrottle};

const PREFIX: &str = "/_simulator/";

/// Answers a control request; `None` when the request is not one.
pub(crate) fn answer(simulator: &Simulator, request: &Request) -> Option<Reply> {
    let command = request.uri().path().strip_prefix(PREFIX)?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if peer.is_some_and(|ConnectInfo(address)| !address.ip().is_loopback()) {
        return Some(Reply::empty(StatusCode::NOT_FOUND));
    }
    let query = Query::parse(request.uri().query().unwrap_or_default());
    Some(run(simulator, request.method(), command, &query).unwrap_or_else(Refusal::into_reply))
}

fn run(
    simulator: &Simulator,
    method: &Method,
    command: &str,
    query: &Query,
) -> Result<Reply, Refusal> {
    let token = simulator.default_pat();
    match (method, command) {
        (&Method::POST, "advance") => {
            simulator.advance(query.number(&["days"])?.unwrap_or(1));
            Ok(Reply::json(
                &json!({ "days": simulator.days(), "now": simulator.now() }),
            ))
        }
        (&Method::GET, "ledger") => {
            let since = query
                .time(&["since"])?
                .unwrap_or_else(|| days_ago(simulator.now(), 90));
            Ok(Reply::json(&simulator.ledger(since, &token)))
        }
        (&Method::GET, "totals") => Ok(Reply::json(&simulator.totals(&token))),
        (&Method::GET, "throttle") => Ok(Reply::json(&simulator.throttling())),
        (&Method::POST, "throttle") => {
            simulator.set_throttle(throttle(query)?);
            Ok(Reply::json(&simulator.throttling()))
        }
        (&Method::POST, "drift") => {
            let matching = query.text(&["matching"]).unwrap_or_default().to_owned();
            let days = query.number(&["days"])?.unwrap_or(1);
            simulator.set_drift(Drift { matching, days });
            Ok(Reply::json(
                &json!({ "days": simulator.days(), "now": simulator.now() }),
            ))
        }
        (&Method::GET, "requests") => Ok(Reply::json(&simulator.requests())),
        _ => Err(Refusal::no_such_route(command)),
    }
}

/// The metering that `model` and `speed` name.
fn throttle(query: &Query) -> Result<Option<Throttle>, Refusal> {
    let name = query.text(&["model"]).unwrap_or("off");
    if name == "off" {
        return Ok(None);
    }
    let model: Throttle = name
        .parse()
        .map_err(|error: UnknownThrottle| Refusal::bad_request(error.to_string()))?;
    Ok(Some(model.at_speed(query.number(&["speed"])?.unwrap_or(1))))
}

fn days_ago(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MIN)
}
