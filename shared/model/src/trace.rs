//! By which everything that was done for one reason is found again.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What one tick or one request of a user has set going: made there, carried by every message that follows from it, and a
/// field of every line that is logged on the way. It says nothing of anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace(Option<Uuid>);

impl Trace {
    /// A trace with an id that nothing else has.
    pub fn new(id: Uuid) -> Self {
        Self(Some(id))
    }

    /// Whether it is of a message that was sent before there were traces.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(formatter, "{id}"),
            None => formatter.write_str("-"),
        }
    }
}
