//! What metrics are made of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    ProjectId,
    record::{Run, Timeline},
};

/// A record with those of its details that a metric asked for.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A run, with its timeline where it is wanted and was fetched.
    Run(Box<Run>, Option<Timeline>),
}

/// What is known besides the records.
#[derive(Clone, Debug)]
pub struct Context {
    /// Now: ages are counted up to it.
    pub now: Timestamp,
    /// The names of projects.
    pub projects: BTreeMap<ProjectId, String>,
}

impl Context {
    /// The name of a project, or its id if the project is gone.
    pub fn project(&self, id: ProjectId) -> String {
        let name = self.projects.get(&id).cloned();
        name.unwrap_or_else(|| id.to_string())
    }
}
