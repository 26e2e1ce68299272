//! The log of every request that reached the simulator.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::throttle::{Throttling, Tstu};

/// One request and what it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Simulated time of arrival.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// The endpoint's path below `_apis`, for example `git/pullrequests`; empty when nothing matched.
    pub path_template: &'static str,
    /// The endpoint's name, for example `pullRequests`; `unknown` when nothing matched.
    pub resource: &'static str,
    /// The path as sent.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The request's body, for checking it against a schema.
    pub body: String,
    /// Status of the answer.
    pub status: u16,
    /// Items in the answer; 0 for single objects and errors.
    pub items: usize,
    /// Bytes of the answer's body before compression.
    pub bytes: usize,
    /// Who asked; `None` for anonymous callers and dead credentials.
    pub identity: Option<Uuid>,
    /// Units that it cost.
    pub tstu: Tstu,
    /// How long the meter held it back.
    pub delay_ms: u64,
    /// Whether it came before the end of a `Retry-After` that this identity had been told.
    pub inside_retry_after: bool,
    /// What was wrong with the request, if anything.
    pub strict_violation: Option<String>,
    /// The continuation token or `$skip` it was sent with: `None` for a first page.
    pub page: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Vec<LoggedRequest>>);

impl RequestLog {
    pub(crate) fn push(&self, request: LoggedRequest) {
        self.lock().push(request);
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for request in self.lock().iter() {
            *counts.entry(request.resource.to_owned()).or_insert(0) += 1;
        }
        counts
    }

    pub(crate) fn throttling(&self, bound: Duration) -> Throttling {
        let requests = self.lock();
        let count = |is: fn(&LoggedRequest) -> bool| {
            requests.iter().filter(|request| is(request)).count() as u64
        };
        let spent: u64 = requests
            .iter()
            .map(|request| request.tstu.as_thousandths())
            .sum();
        Throttling {
            requests_inside_retry_after: count(|request| request.inside_retry_after),
            throttled_429: count(|request| request.status == 429),
            delayed: count(|request| request.delay_ms > 0),
            tstu_spent: Tstu::thousandths(spent),
            bound_ms: bound.as_millis() as u64,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<LoggedRequest>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
