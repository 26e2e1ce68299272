//! What an error means for the job that met it and for the integration it works for.

use std::time::Duration;

/// The one question every error of the product answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The same job may succeed later; `after` is the earliest moment worth trying, where it is known.
    Retryable {
        /// How long to wait, or `None` for the queue's own visibility timeout.
        after: Option<Duration>,
    },
    /// The credential is dead or was withdrawn: a person has to act, and trying again only annoys the remote side.
    Reauthorize,
    /// Trying again cannot help: no permission, gone, or not understandable.
    Permanent,
}
