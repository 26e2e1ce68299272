//! What answers say about the limit.
//!
//! <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits#api-client-experience>

use std::time::Duration;

use jiff::SignedDuration;
use uuid::Uuid;

use crate::http::reply::Reply;
use crate::meter::Admission;
use crate::simulator::Simulator;
use crate::throttle::decimal;

/// Adds the headers that the answer to a request of `identity` carries near the limit.
pub(crate) fn label(
    simulator: &Simulator,
    identity: Uuid,
    admission: &Admission,
    mut reply: Reply,
) -> Reply {
    let Some((model, notice)) = simulator.depart(identity) else {
        return reply;
    };
    let reset = SignedDuration::try_from(notice.reset).unwrap_or(SignedDuration::MAX);
    let reset = simulator.now().as_duration().saturating_add(reset);
    reply = reply
        .header("x-ratelimit-resource", "TSTUs in namespace User")
        .header("x-ratelimit-limit", model.budget.to_string())
        .header("x-ratelimit-remaining", decimal(notice.remaining))
        .header("x-ratelimit-reset", decimals(reset.unsigned_abs()));
    if !admission.delay.is_zero() {
        let delay = admission.delay;
        let text = format!("{}.{:03}", delay.as_secs(), delay.subsec_millis());
        reply = reply.header("x-ratelimit-delay", text);
    }
    match notice.retry_after {
        // A scripted fault that names a time has said it already.
        Some(wait) if !reply.has_header("retry-after") => {
            reply.header("retry-after", decimals(wait))
        }
        _ => reply,
    }
}

/// Seconds, rounded up to a thousandth.
fn decimals(time: Duration) -> String {
    decimal(time.as_nanos().div_ceil(1_000_000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_decimals_only_where_they_need_them() {
        let text = |nanos| decimals(Duration::from_nanos(nanos));
        assert_eq!(text(5_000_000_000), "5");
        assert_eq!(text(4_983_333_334), "4.984");
    }
}
