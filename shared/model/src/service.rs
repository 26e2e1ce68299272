//! The services of Azure DevOps that an integration is made for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One service of Azure DevOps; a connection has one integration for each that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Work items, their types, areas and iterations.
    Boards,
    /// Runs of build pipelines with their stages and jobs.
    Pipelines,
    /// Git repositories: pushes, commits, pull requests.
    Repos,
    /// Team Foundation Version Control: changesets.
    Tfvc,
}

impl Service {
    /// Every service, in the order in which the console shows them.
    pub const ALL: [Self; 4] = [Self::Boards, Self::Pipelines, Self::Repos, Self::Tfvc];

    /// The name used in keys, logs and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boards => "boards",
            Self::Pipelines => "pipelines",
            Self::Repos => "repos",
            Self::Tfvc => "tfvc",
        }
    }

    /// The name that people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Boards => "Boards",
            Self::Pipelines => "Pipelines",
            Self::Repos => "Repos",
            Self::Tfvc => "TFVC",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
