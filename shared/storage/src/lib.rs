//! Everything that is kept in DynamoDB, in two tables.
//!
//! [`Control`] is small and precious: connections, integrations, what was discovered, streams with their cursors.
//! [`Records`] is large and rebuildable: one item per thing that a user would name.
//!
//! The rules that keep data true are conditions of writes and stand here once: a cursor moves only from the value it
//! was read with and only for the holder of its lease ([`Control::advance`]); an older version never replaces a newer
//! one ([`Records::put`]). Nothing here knows Azure DevOps, and no secret passes through.

mod attributes;
mod control;
mod error;
mod meter;
mod quarantine;
mod records;
mod sign_in;
mod stream;
mod throttle;
mod turn;

pub use control::Control;
pub use error::Error;
pub use meter::Meter;
pub use quarantine::Quarantined;
pub use records::{Raw, Records, Selected, Stored, StoredRecord, Written};
pub use sign_in::PendingSignIn;
pub use stream::{Claim, Counts, PassOutcome, PassSoFar, Stream, StreamKey};
pub use throttle::{Throttle, ThrottleKey};
pub use turn::TokenTurn;
