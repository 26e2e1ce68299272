//! What an invocation tells CloudWatch of itself.

use std::time::Duration;

use jiff::Timestamp;
use storage::Counts;
use telemetry::Metric;

/// Measures what an invocation brought, and how long it was made to wait for it. What is mostly zero is left out then.
#[expect(clippy::cast_precision_loss, reason = "no invocation counts to 2^52")]
pub(crate) fn measure(now: Timestamp, counts: Counts, waited: Duration) {
    let always = [
        (Metric::Records, counts.records as f64),
        (Metric::Requests, counts.requests as f64),
    ];
    let seldom = [
        (Metric::Quarantined, counts.quarantined as f64),
        (Metric::ThrottleWait, waited.as_secs_f64()),
    ];
    let seldom = seldom.into_iter().filter(|(_, value)| *value > 0.0);
    let measured: Vec<_> = always.into_iter().chain(seldom).collect();
    telemetry::emit(now, &measured);
}
