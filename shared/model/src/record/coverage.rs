//! How much of the code the tests of a run touched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Aggregate, hash_bucket, ticks};
use crate::ProjectId;

/// The code coverage of a run, from the tests that it published.
/// <https://learn.microsoft.com/rest/api/azure/devops/testresults/codecoverage/get>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCoverage {
    /// The project.
    pub project: ProjectId,
    /// The run of a pipeline, unique in the organization.
    pub run: u64,
    /// The pipeline.
    pub pipeline: Option<u64>,
    /// When the newest of its test runs ended that it was asked for.
    pub tested_at: Timestamp,
    /// How far the service is; `None` if it knows nothing of the run.
    pub status: Option<CoverageStatus>,
    /// What was counted; empty if the run publishes no coverage.
    pub counts: Vec<CoverageCount>,
}

/// How far the service is with putting the coverage of a run together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageStatus {
    /// There is nothing to do.
    None,
    /// It is at it.
    InProgress,
    /// It is done, and may begin again.
    Completed,
    /// It is done for good.
    Finalized,
    /// It has not begun.
    Pending,
    /// It is at it, and will begin again.
    UpdateRequestQueued,
    /// A status that is not known to this version.
    Unknown(String),
}

/// How much of something was touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageCount {
    /// What was counted: `Lines`, `Blocks`, `Branches` ...
    pub label: String,
    /// How many were touched.
    pub covered: u64,
    /// How many there are.
    pub total: u64,
    /// The flavor of the build, such as `Debug`, where a run tests several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// The platform of the build, such as `Any CPU`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl CoverageStatus {
    /// Whether what came with it will be another in a moment.
    pub fn is_under_way(&self) -> bool {
        matches!(
            self,
            Self::InProgress | Self::Pending | Self::UpdateRequestQueued
        )
    }
}

impl RunCoverage {
    /// The version of the coverage of a run whose newest test run ended then.
    pub fn version_at(tested_at: Timestamp) -> i64 {
        ticks(tested_at)
    }
}

impl Aggregate for RunCoverage {
    /// By the id of the run, because a test run names nothing else of it.
    fn place(&self) -> (String, String) {
        (
            hash_bucket(self.run),
            format!("{}#{}", self.project, self.run),
        )
    }

    fn version(&self) -> Option<i64> {
        Some(Self::version_at(self.tested_at))
    }

    fn last_event(&self) -> Option<Timestamp> {
        Some(self.tested_at)
    }
}
