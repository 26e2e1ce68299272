//! A signal that something observable changed, so that waiting for quiet needs no polling.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts changes of queues and invocations.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<watch::Sender<u64>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Activity {
    /// Says that something changed.
    pub(crate) fn bump(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Returns a receiver that sees every later change.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
