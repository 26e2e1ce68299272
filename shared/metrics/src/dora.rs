//! The four keys of DevOps Research and Assessment: deployment frequency, lead time for changes, change failure rate and time to
//! restore. <https://dora.dev/guides/dora-metrics-four-keys/>

pub(crate) mod attempts;
mod bands;
mod failures;
mod keys;
pub(crate) mod rule;

use crate::Metric;

pub use bands::{Band, bands, grade};

/// The metrics of this family.
pub(crate) const METRICS: &[&[Metric]] = &[keys::METRICS];
