//! Work items: how many there are, how they flow, and how long it takes.

mod life;
mod sprints;

#[cfg(test)]
mod samples;
