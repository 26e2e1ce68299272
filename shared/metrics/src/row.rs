//! A row: one value with all that it can be asked by.

use std::fmt;

use jiff::Timestamp;
use model::ProjectId;
use serde::{Serialize, Serializer};

/// One value of a metric, before anything is counted together.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The instant by which it falls into a range and into a day, week or month.
    pub at: Timestamp,
    /// The value, in the unit of the metric.
    pub value: f64,
    /// What it can be grouped and filtered by, each at most once.
    pub dimensions: Vec<(Dimension, String)>,
    /// What in Azure DevOps it is about.
    pub link: Link,
}

impl Row {
    /// The value of a dimension; `None` if this row has none.
    pub fn dimension(&self, wanted: Dimension) -> Option<&str> {
        let found = self.dimensions.iter().find(|(own, _)| *own == wanted);
        found.map(|(_, value)| value.as_str())
    }
}

/// The page in Azure DevOps that shows where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// The results of a run.
    Run {
        /// Its project.
        project: ProjectId,
        /// Its id.
        id: u64,
    },
}

impl Link {
    /// The address below the organization's own, such as `https://dev.azure.com/fabrikam`.
    pub fn path(&self) -> String {
        match self {
            Self::Run { project, id } => format!("{project}/_build/results?buildId={id}"),
        }
    }
}

macro_rules! dimensions {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal;)+) => {
        /// What rows can be grouped and filtered by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Dimension {
            $($(#[$doc])+ $variant,)+
        }

        impl Dimension {
            /// Every dimension.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in the API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

dimensions! {
    /// The name of the project.
    Project = "project";
    /// The name of the repository.
    Repository = "repository";
    /// The name of the pipeline.
    Pipeline = "pipeline";
    /// The folder of the pipeline.
    Folder = "folder";
    /// The branch, without `refs/heads/`.
    Branch = "branch";
    /// What started a run.
    Reason = "reason";
    /// How a run, stage, job or step ended.
    Result = "result";
    /// For whom a run ran.
    Person = "person";
    /// The queue that a run waited in.
    Queue = "queue";
    /// The name of the stage.
    Stage = "stage";
    /// The name of the job.
    Job = "job";
    /// The name of the step.
    Step = "step";
    /// The agent that did the job.
    Agent = "agent";
    /// Which attempt it was, from 1.
    Attempt = "attempt";
}

impl Dimension {
    /// The dimension of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|own| own.name() == name)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_is_found_by_its_name() {
        for dimension in Dimension::ALL.iter().copied() {
            assert_eq!(Dimension::from_name(dimension.name()), Some(dimension));
        }
        assert_eq!(Dimension::from_name("colour"), None);
    }
}
