//! What the functions behind the HTTP API have in common: who asks, and how it is refused.

mod answer;
mod caller;
pub mod cursor;

pub use answer::{Refusal, in_problems, refuse};
pub use caller::{Admin, NotAllowed, Viewer};
