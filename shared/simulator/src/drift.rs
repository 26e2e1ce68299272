//! Life that goes on while a list is being read.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets days pass between the pages of lists.
///
/// A day passes right before a page that continues a list (one with a `$skip` or a continuation token) is answered, as long as
/// there are days left: pull requests close, runs finish, pushes arrive, revisions and changesets appear, and what is skipped is
/// no longer what was read. A whole day is longer than a list ever takes to read; what survives it survives minutes. In the end
/// the world is the one of so many days later, whatever the order of the requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Matches when the request's path or resource name contains it, letter case aside; empty matches everything.
    pub matching: String,
    /// How many days pass in all, one before each matching page.
    pub days: u32,
}

#[derive(Debug)]
pub(crate) struct Drifting(Mutex<Drift>);

impl Drifting {
    pub(crate) fn new(drift: Drift) -> Self {
        Self(Mutex::new(drift))
    }

    pub(crate) fn set(&self, drift: Drift) {
        *self.lock() = drift;
    }

    /// Whether a day passes before this page of a list is answered; it is then used up.
    pub(crate) fn take(&self, path: &str, resource: &str) -> bool {
        let mut drift = self.lock();
        let needle = drift.matching.to_ascii_lowercase();
        let is_meant = path.to_ascii_lowercase().contains(&needle)
            || resource.to_ascii_lowercase().contains(&needle);
        if !is_meant || drift.days == 0 {
            return false;
        }
        drift.days -= 1;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Drift> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
