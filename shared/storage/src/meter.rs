//! How long reads were waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The time in which at least one of some requests was under way: requests at the same time count once.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    since: Option<Instant>,
    before: Duration,
}

impl Meter {
    /// The time until now.
    pub fn elapsed(&self) -> Duration {
        let state = self.lock();
        state.before + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits for a request.
    pub async fn time<T>(&self, request: impl Future<Output = T>) -> T {
        let _under_way = UnderWay::new(self.clone());
        request.await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way as long as this is there: also if nobody waits for it any more.
struct UnderWay(Meter);

impl UnderWay {
    fn new(meter: Meter) -> Self {
        let mut state = meter.lock();
        state.under_way += 1;
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        Self(meter)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way -= 1;
        if state.under_way == 0
            && let Some(since) = state.since.take()
        {
            state.before += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_at_the_same_time_count_once() {
        let meter = Meter::default();
        let nap = || meter.time(tokio::time::sleep(Duration::from_millis(30)));
        let begun = Instant::now();
        tokio::join!(nap(), nap(), nap());
        let took = begun.elapsed();
        let measured = meter.elapsed();
        assert!(measured >= Duration::from_millis(30), "{measured:?}");
        assert!(measured <= took, "{measured:?} of {took:?}");
        assert_eq!(meter.elapsed(), measured, "nothing is under way");
    }
}
