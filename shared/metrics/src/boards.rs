//! Work items: how many there are, how they flow, and how long it takes.

mod alignment;
mod assignees;
mod counts;
mod durations;
mod hygiene;
pub(crate) mod items;
mod levels;
pub(crate) mod life;
mod planning;
mod sprints;
mod states;

#[cfg(test)]
mod laws;
#[cfg(test)]
pub(crate) mod samples;

pub use self::{alignment::Profile, planning::Planning, sprints::Outcome};
use crate::{Context, Metric};

/// The metrics of this family.
pub(crate) const METRICS: &[&[Metric]] = &[
    counts::METRICS,
    durations::METRICS,
    states::METRICS,
    assignees::METRICS,
    levels::METRICS,
    sprints::METRICS,
    sprints::DAY_BY_DAY,
    sprints::CAPACITY,
    hygiene::METRICS,
    alignment::METRICS,
];

impl Context {
    /// What states and iterations mean.
    pub(crate) fn planning(&self) -> &Planning {
        self.planning.get_or_init(|| Planning::of(self))
    }

    /// The categories of business alignment that were chosen.
    pub(crate) fn profile(&self) -> &Profile {
        self.planning().profile()
    }
}
