//! Sprints: what was promised, what was added, what was done.

mod replay;
