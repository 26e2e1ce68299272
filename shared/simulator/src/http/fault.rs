//! Turns scripted faults into answers.
//!
//! Throttling: <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits>

use http::StatusCode;
use serde_json::Value;

use crate::faults::FaultKind;
use crate::http::refusal::Refusal;
use crate::http::reply::{Reply, Transport};
use crate::http::sign_in;

/// The answer that a fault puts in place of the truth; `None` when the truth is served (and perhaps spoilt by [`spoil`]).
pub(crate) fn replacement(kind: &FaultKind, path: &str) -> Option<Reply> {
    match kind {
        FaultKind::TooManyRequests429 { retry_after } => {
            Some(wait(too_many_requests(), *retry_after))
        }
        FaultKind::Unavailable503 { retry_after } => Some(wait(unavailable(), *retry_after)),
        FaultKind::Stopped503 => Some(
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "CollectionStoppedException",
                "TF24668: The following team project collection is stopped: fabrikam. Start the collection and then try again.",
            )
            .into_reply(),
        ),
        FaultKind::ServerError500 => Some(
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Exception",
                "TF246017: The database could not be reached.",
            )
            .into_reply(),
        ),
        FaultKind::Html203 => Some(sign_in::page()),
        FaultKind::Redirect302 => Some(sign_in::redirect()),
        FaultKind::Unauthorized401 => Some(sign_in::unauthorized()),
        FaultKind::Forbidden403 => Some(sign_in::forbidden()),
        FaultKind::NotFound404 => Some(Refusal::no_such_route(path).into_reply()),
        FaultKind::Html200 => Some(Reply::html(
            StatusCode::OK,
            "<html><body>Down for maintenance.</body></html>",
        )),
        FaultKind::EmptyBody => Some(Reply::empty(StatusCode::OK)),
        FaultKind::RetryAfterOn200 { .. }
        | FaultKind::RateLimitHeaders { .. }
        | FaultKind::EmptyPage
        | FaultKind::RepeatedToken
        | FaultKind::CutBody
        | FaultKind::TruncatedJson
        | FaultKind::BlankItem
        | FaultKind::SlowBody { .. } => None,
    }
}

/// Changes a true answer as the fault says.
pub(crate) fn spoil(kind: &FaultKind, mut reply: Reply, now_second: i64) -> Reply {
    match kind {
        FaultKind::RetryAfterOn200 { seconds } => wait(reply, Some(*seconds)),
        FaultKind::RateLimitHeaders {
            remaining,
            delay_ms,
        } => rate_limit(reply, *remaining, *delay_ms, now_second),
        FaultKind::CutBody => {
            reply.transport = Transport::CutInTheMiddle;
            reply
        }
        FaultKind::SlowBody { pause } => {
            reply.transport = Transport::Slow(*pause);
            reply
        }
        FaultKind::TruncatedJson => {
            reply.body.truncate(reply.body.len() / 2);
            reply
        }
        FaultKind::BlankItem => blank_item(reply),
        _ => reply,
    }
}

/// An answer whose list begins with an item that says nothing.
fn blank_item(mut reply: Reply) -> Reply {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body)
        && let Some(items) = body.get_mut("value").and_then(Value::as_array_mut)
    {
        items.insert(0, Value::Object(serde_json::Map::new()));
        reply.body = body.to_string().into_bytes();
    }
    reply
}

/// An answer that gives back the token that it was asked with.
pub(crate) fn repeat_token(mut reply: Reply, sent: &str) -> Reply {
    for (name, value) in &mut reply.headers {
        if *name == "x-ms-continuationtoken" {
            sent.clone_into(value);
        }
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body)
        && body.get("continuationToken").is_some()
    {
        body["continuationToken"] = sent.into();
        body["isLastBatch"] = false.into();
        reply.body = body.to_string().into_bytes();
    }
    reply
}

/// The seconds that the caller is told to stay away.
pub(crate) fn announced_wait(kind: &FaultKind) -> Option<u32> {
    match kind {
        FaultKind::TooManyRequests429 { retry_after }
        | FaultKind::Unavailable503 { retry_after } => *retry_after,
        FaultKind::RetryAfterOn200 { seconds } => Some(*seconds),
        _ => None,
    }
}

fn wait(reply: Reply, seconds: Option<u32>) -> Reply {
    match seconds {
        Some(seconds) => reply.header("retry-after", seconds.to_string()),
        None => reply,
    }
}

fn rate_limit(reply: Reply, remaining: u32, delay_ms: u64, now_second: i64) -> Reply {
    let reset = now_second + 300;
    let reply = reply
        .header("x-ratelimit-resource", "Core")
        .header("x-ratelimit-limit", "200")
        .header("x-ratelimit-remaining", remaining.to_string())
        .header("x-ratelimit-reset", reset.to_string());
    if delay_ms == 0 {
        return reply;
    }
    reply.header(
        "x-ratelimit-delay",
        format!("{}.{:03}", delay_ms / 1_000, delay_ms % 1_000),
    )
}

/// What a blocked caller gets.
pub(crate) fn too_many_requests() -> Reply {
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "RequestBlockedException",
        "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Concurrency' in namespace \
         'User'. For more information on why your request was blocked, see the topic \"Rate limits\" on the Microsoft Web site \
         (https://go.microsoft.com/fwlink/?LinkId=823950).",
    )
    .into_reply()
}

fn unavailable() -> Reply {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "VssServiceException",
        "TF400898: The service is unavailable. Please try again.",
    )
    .into_reply()
}
