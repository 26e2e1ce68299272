//! Everything that is kept in DynamoDB, in two tables.
//!
//! [`Control`] is small and precious: connections, integrations, what was discovered, streams with their cursors.
//! [`Records`] is large and rebuildable: one item per thing that a user would name.
//!
//! The rules that keep data true are conditions of writes and stand here once: a cursor moves only from the value it
//! was read with and only for the holder of its lease ([`Control::advance`]); an older version never replaces a newer
//! one ([`Records::put`]), nothing is stored of a connection that is being deleted ([`Control::enter`]). Nothing here
//! knows Azure DevOps, and no secret passes through.

mod attributes;
mod audit;
mod change;
mod control;
mod deletion;
mod error;
mod held;
mod meter;
mod page;
mod quarantine;
mod records;
mod run_log;
mod sign_in;
mod stream;
mod throttle;
mod turn;
mod workers;

pub use control::Control;
pub use error::Error;
pub use held::Held;
pub use meter::Meter;
pub use quarantine::Quarantined;
pub use records::{Key, Partition, Raw, Records, Selected, Stored, StoredRecord, Written};
pub use run_log::Run;
pub use sign_in::PendingSignIn;
pub use stream::{Claim, Counts, PassOutcome, PassSoFar, Stream, StreamKey};
pub use throttle::{Throttle, ThrottleKey};
pub use turn::TokenTurn;
pub use workers::Presence;
