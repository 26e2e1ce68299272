//! Scripted misbehaviour: what to answer instead of, or on top of, the truth.

use std::sync::Mutex;
use std::time::Duration;

/// One scripted fault. The first fault in the queue that matches a request and is not used up decides.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Matches when the request's path or resource name contains it, letter case aside; empty matches everything, and
    /// `=name` the resource of exactly that name.
    pub matching: String,
    /// Matching requests that pass unharmed first.
    pub after: u32,
    /// Matching requests that are then hit.
    pub times: u32,
    /// What happens to them.
    pub kind: FaultKind,
}

/// What a [`Fault`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `429` with the service's `TF400733` body, and `Retry-After` when given (whole seconds).
    TooManyRequests429 {
        /// Seconds, or no header.
        retry_after: Option<u32>,
    },
    /// `503`, and `Retry-After` when given.
    Unavailable503 {
        /// Seconds, or no header.
        retry_after: Option<u32>,
    },
    /// `503` with the `TF24668` body of an organization that was switched off.
    Stopped503,
    /// `500` with a JSON error.
    ServerError500,
    /// The true answer with a `Retry-After` header.
    RetryAfterOn200 {
        /// Seconds.
        seconds: u32,
    },
    /// The true answer with `X-RateLimit-*` headers.
    RateLimitHeaders {
        /// Throughput units left of 200.
        remaining: u32,
        /// The delay this request is said to have suffered, in milliseconds; it is really waited (tokio time).
        delay_ms: u64,
    },
    /// `203` with the HTML sign-in page.
    Html203,
    /// `302` to the sign-in page.
    Redirect302,
    /// `401` with an empty body.
    Unauthorized401,
    /// `403` with a `TF401027` body.
    Forbidden403,
    /// `404` with a JSON error.
    NotFound404,
    /// `200` with an HTML page.
    Html200,
    /// `200` with no body at all.
    EmptyBody,
    /// An empty page with a token for what it left out, before the first page of a list of runs or of a reporting stream.
    ///
    /// Only the absence of a token ends a list
    /// (<https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#uri-parameters>).
    EmptyPage,
    /// The true answer, but with the token that it was asked with; nothing happens to a first page.
    RepeatedToken,
    /// The true answer, cut off in the middle by a closed connection.
    CutBody,
    /// The true answer as valid HTTP, but with half of its JSON missing.
    TruncatedJson,
    /// The true answer, with an item before all others of its list that says nothing at all.
    BlankItem,
    /// The true answer, with a pause before each chunk (tokio time).
    SlowBody {
        /// The pause.
        pause: Duration,
    },
}

#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Mutex<Vec<Fault>>);

impl FaultQueue {
    pub(crate) fn push(&self, fault: Fault) {
        self.lock().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// The fault to apply to a request, after counting the request against every fault before it.
    pub(crate) fn take(&self, path: &str, resource: &str) -> Option<FaultKind> {
        let mut faults = self.lock();
        let hit = faults
            .iter_mut()
            .filter(|fault| fault.matches(path, resource))
            .find_map(Fault::spend);
        faults.retain(|fault| fault.times > 0);
        hit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Fault {
    fn matches(&self, path: &str, resource: &str) -> bool {
        if let Some(name) = self.matching.strip_prefix('=') {
            return resource.eq_ignore_ascii_case(name);
        }
        let needle = self.matching.to_ascii_lowercase();
        path.to_ascii_lowercase().contains(&needle)
            || resource.to_ascii_lowercase().contains(&needle)
    }

    fn spend(&mut self) -> Option<FaultKind> {
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        Some(self.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_can_be_for_one_resource_alone() {
        let queue = FaultQueue::default();
        queue.push(Fault {
            matching: "=builds".to_owned(),
            after: 0,
            times: 1,
            kind: FaultKind::Html203,
        });
        assert_eq!(
            queue.take("/x/_apis/build/builds/7/timeline", "timeline"),
            None
        );
        assert!(queue.take("/x/_apis/build/builds", "builds").is_some());
    }

    #[test]
    fn a_fault_waits_hits_and_is_used_up() {
        let queue = FaultQueue::default();
        queue.push(Fault {
            matching: "Builds".to_owned(),
            after: 1,
            times: 1,
            kind: FaultKind::Html203,
        });
        assert_eq!(queue.take("/fabrikam/_apis/projects", "projects"), None);
        assert_eq!(
            queue.take("/x/_apis/build/builds", "builds"),
            None,
            "the first match passes"
        );
        assert_eq!(
            queue.take("/x/_apis/build/builds", "builds"),
            Some(FaultKind::Html203)
        );
        assert_eq!(
            queue.take("/x/_apis/build/builds", "builds"),
            None,
            "it is used up"
        );
    }
}
