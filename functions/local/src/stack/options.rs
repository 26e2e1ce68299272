//! What a stack is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::lambda::Programs;

/// What a stack is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The template.
    pub template: PathBuf,
    /// Where state is kept; `None` keeps it in memory and in a temporary directory.
    pub data_dir: Option<PathBuf>,
    /// Whether what the directory kept is forgotten first.
    pub fresh: bool,
    /// The functions' programs.
    pub programs: Programs,
    /// Values of the template's parameters. The token issuer has one by itself.
    pub parameters: BTreeMap<String, String>,
    /// Port of the HTTP API on 127.0.0.1; 0 lets the system choose.
    pub port: u16,
    /// Most environments per function.
    pub concurrency: usize,
    /// Whether schedules run by themselves.
    pub schedules: bool,
    /// Whether functions may do only what their roles grant. Asking costs each request to DynamoDB a step.
    pub roles: bool,
}

impl Options {
    /// Returns options for a stack that leaves nothing behind: no data directory, no fixed port, no schedules.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, programs: Programs) -> Self {
        Self {
            template: template.into(),
            data_dir: None,
            fresh: false,
            programs,
            parameters: BTreeMap::new(),
            port: 0,
            concurrency: default_concurrency(),
            schedules: false,
            roles: true,
        }
    }

    /// Sets a parameter of the template.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }
}

/// Returns the number of processors, but at least two, so that a function can always overlap with itself.
#[must_use]
pub fn default_concurrency() -> usize {
    std::thread::available_parallelism()
        .map_or(2, usize::from)
        .max(2)
}
