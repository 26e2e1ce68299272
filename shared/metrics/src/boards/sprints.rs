//! Sprints: what was promised, what was added, what was done.

mod burndown;
mod capacity;
mod metrics;
mod replay;

pub use self::replay::Outcome;
pub(super) use self::{
    burndown::METRICS as DAY_BY_DAY, capacity::METRICS as CAPACITY, metrics::METRICS,
    replay::Sprint,
};
