//! The code coverage of runs with tests.

use std::{collections::BTreeMap, time::Duration};

use ado::{Host, Request, parse_page};
use jiff::Timestamp;
use model::{
    Child, Kind, ProjectId, Record, Service,
    record::{
        RunCoverage, TestRun,
        coverage::{CoverageCount, CoverageStatus},
    },
};
use serde::Deserialize;

use crate::{
    Every, FanOut, Fetch, MapError, Resource, Target, When,
    plan::address,
    wire::{Text, is, some},
};

/// The coverage of each run whose tests have ended: there is no list of it. A later test run of the same run, as a retry
/// brings one, sends for it again; an analysis of its failures does not.
/// <https://learn.microsoft.com/rest/api/azure/devops/testresults/codecoverage/get>
pub(crate) static RUN_COVERAGE: Resource = Resource {
    name: "run_coverage",
    service: Service::Pipelines,
    kind: Kind::RunCoverage,
    fan_out: FanOut::Children {
        of: &["test_runs"],
        when: When::Tested,
    },
    every: Every::Period,
    fetch: Fetch::RunCoverage,
};

/// How long after the tests the service is given to put the coverage together.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// The runs whose tests have ended, each with when the newest of them did.
pub fn tested(records: &[Record]) -> Vec<Child> {
    let mut newest: BTreeMap<(ProjectId, u64), (Timestamp, &TestRun)> = BTreeMap::new();
    for record in records {
        if let Record::TestRun(own) = record
            && own.is_automated
            && let (Some(run), Some(at)) = (own.run, own.completed_at)
        {
            let known = newest.entry((own.project, run)).or_insert((at, own));
            if known.0 <= at {
                *known = (at, own);
            }
        }
    }
    let runs = newest.into_iter();
    runs.map(|((project, run), (at, own))| Child {
        id: run.to_string(),
        repository: None,
        row: Record::RunCoverage(unread(project, run, own.pipeline, at)).key(),
        marker: marker(at, own.pipeline),
    })
    .collect()
}

/// When the tests ended, and the pipeline: what the answer does not say.
fn marker(at: Timestamp, pipeline: Option<u64>) -> String {
    format!("{at}/{}", pipeline.unwrap_or_default())
}

/// When the tests ended that a child is wanted for, and its pipeline.
fn of_marker(child: &Child) -> Option<(Timestamp, Option<u64>)> {
    let (at, pipeline) = child.marker.split_once('/')?;
    let pipeline = pipeline.parse().ok().filter(|id| *id != 0);
    Some((at.parse().ok()?, pipeline))
}

/// Whether a stored record of this version is older than what the child is wanted for.
pub fn is_newer(child: &Child, stored: i64) -> bool {
    of_marker(child).is_some_and(|(at, _)| RunCoverage::version_at(at) > stored)
}

/// The request for the coverage of a run.
pub fn request(target: &Target<'_>, child: &Child) -> Request {
    let path = "{project}/_apis/testresults/codecoverage";
    address((Host::TestResults, path), target, Some(child))
        .query("buildId", child.id.as_str())
        .query("api-version", "7.1-preview.1")
}

fn unread(
    project: ProjectId,
    run: u64,
    pipeline: Option<u64>,
    tested_at: Timestamp,
) -> RunCoverage {
    RunCoverage {
        project,
        run,
        pipeline,
        tested_at,
        status: None,
        counts: Vec::new(),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    coverage_data: Option<Vec<WireData<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireData<'a> {
    #[serde(borrow, default)]
    build_flavor: Option<Text<'a>>,
    #[serde(borrow, default)]
    build_platform: Option<Text<'a>>,
    #[serde(borrow, default)]
    coverage_stats: Option<Vec<WireCount<'a>>>,
}

#[derive(Deserialize)]
struct WireCount<'a> {
    #[serde(borrow)]
    label: Text<'a>,
    covered: u64,
    total: u64,
}

/// The coverage of a run; an empty body is a run of which the service knows none.
///
/// # Errors
/// It is no coverage, or the child is not a run whose tests ended.
pub fn map(target: &Target<'_>, child: &Child, body: &[u8]) -> Result<RunCoverage, MapError> {
    let run = child.id.parse();
    let run = run.map_err(|_| MapError::new("its run has no id"))?;
    let wanted = of_marker(child).ok_or_else(|| MapError::new("its tests have no end"))?;
    let page = parse_page(body, "").map_err(|error| MapError::new(error.to_string()))?;
    let wire: Wire<'_> = match page.items.first() {
        Some(item) => serde_json::from_str(item.get())?,
        None => Wire::default(),
    };
    let mut coverage = unread(target.project()?, run, wanted.1, wanted.0);
    coverage.status = some(wire.status).map(status);
    for data in wire.coverage_data.unwrap_or_default() {
        let (flavor, platform) = (some(data.build_flavor), some(data.build_platform));
        let counts = data.coverage_stats.unwrap_or_default().into_iter();
        coverage.counts.extend(counts.map(|count| CoverageCount {
            label: count.label.owned(),
            covered: count.covered,
            total: count.total,
            flavor: flavor.clone(),
            platform: platform.clone(),
        }));
    }
    Ok(coverage)
}

/// Whether the service is still at it, so that it is worth while to ask again.
pub fn is_under_way(coverage: &RunCoverage, now: Timestamp) -> bool {
    let is_fresh = coverage
        .tested_at
        .checked_add(PATIENCE)
        .is_ok_and(|end| now < end);
    let status = coverage.status.as_ref();
    is_fresh && status.is_some_and(CoverageStatus::is_under_way)
}

fn status(text: String) -> CoverageStatus {
    match text.as_str() {
        own if is(own, "none") => CoverageStatus::None,
        own if is(own, "inProgress") => CoverageStatus::InProgress,
        own if is(own, "completed") => CoverageStatus::Completed,
        own if is(own, "finalized") => CoverageStatus::Finalized,
        own if is(own, "pending") => CoverageStatus::Pending,
        own if is(own, "updateRequestQueued") => CoverageStatus::UpdateRequestQueued,
        _ => CoverageStatus::Unknown(text),
    }
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, Scope, record::test_run::TestRunState};

    use super::*;

    const PROJECT: ProjectId = ProjectId(uuid::Uuid::from_u128(5));

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn test_run(id: u64, run: Option<u64>, ended: Option<&str>) -> Record {
        let started_at = at("2026-11-20T10:00:00Z");
        Record::TestRun(Box::new(TestRun {
            id,
            project: PROJECT,
            name: "VSTest".into(),
            is_automated: true,
            state: TestRunState::Completed,
            started_at,
            completed_at: ended.map(at),
            updated_at: at("2026-11-22T10:00:00Z"),
            run,
            pipeline: Some(7),
            branch: None,
            stage: None,
            stage_attempt: None,
            job: None,
            release: None,
            total: 3,
            passed: 3,
            incomplete: 0,
            not_applicable: 0,
            unanalyzed: 0,
            outcomes: Vec::new(),
        }))
    }

    /// The run 12, whose tests ended at noon.
    fn child() -> Child {
        let [child] = <[_; 1]>::try_from(tested(&[
            test_run(1, Some(12), Some("2026-11-20T11:00:00Z")),
            test_run(2, Some(12), Some("2026-11-20T12:00:00Z")),
            test_run(3, Some(13), None),
            test_run(4, None, Some("2026-11-20T12:00:00Z")),
        ]))
        .unwrap();
        child
    }

    fn read(body: &str) -> Result<RunCoverage, MapError> {
        let organization = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let target = Target {
            organization: &organization,
            scope: &Scope::Project(PROJECT),
        };
        map(&target, &child(), body.as_bytes())
    }

    #[test]
    fn a_run_is_asked_for_once_its_tests_have_ended_and_again_after_later_ones() {
        let child = child();
        assert_eq!(child.id, "12");
        let version = |text: &str| RunCoverage::version_at(at(text));
        assert!(is_newer(&child, version("2026-11-20T11:59:59Z")));
        assert!(!is_newer(&child, version("2026-11-20T12:00:00Z")));
    }

    #[test]
    fn every_flavor_and_label_is_kept() {
        let body = r#"{"coverageData":[{"buildFlavor":"Debug","buildPlatform":"","coverageStats":[
            {"label":"Lines","position":4,"total":200,"covered":150,"isDeltaAvailable":false,"delta":0},
            {"label":"Blocks","total":90,"covered":60}]}],"status":"finalized","build":{"id":"12"}}"#;
        let coverage = read(body).unwrap();
        assert_eq!((coverage.run, coverage.pipeline), (12, Some(7)));
        assert_eq!(coverage.status, Some(CoverageStatus::Finalized));
        let counts = coverage.counts.iter();
        let counts = counts.map(|own| (own.label.as_str(), own.covered, own.total));
        assert_eq!(
            counts.collect::<Vec<_>>(),
            [("Lines", 150, 200), ("Blocks", 60, 90)]
        );
        assert_eq!(coverage.counts[0].flavor.as_deref(), Some("Debug"));
        assert_eq!(Record::RunCoverage(coverage).key(), child().row);
    }

    #[test]
    fn a_run_without_coverage_is_known_to_have_none() {
        for body in ["", r#"{"coverageData":[],"build":{"id":"12"}}"#] {
            let coverage = read(body).unwrap();
            assert!(coverage.counts.is_empty(), "{body}");
            assert_eq!(coverage.status, None);
        }
        assert!(read(r#"{"coverageData":7}"#).is_err());
    }

    #[test]
    fn what_is_under_way_is_waited_for_and_not_for_ever() {
        let status = |status: &str| read(&format!(r#"{{"status":"{status}"}}"#)).unwrap();
        let (soon, late) = (at("2026-11-20T13:59:59Z"), at("2026-11-20T14:00:00Z"));
        for waiting in ["inProgress", "pending", "updateRequestQueued"] {
            assert!(is_under_way(&status(waiting), soon), "{waiting}");
            assert!(!is_under_way(&status(waiting), late), "{waiting}");
        }
        for done in ["none", "completed", "finalized", "somethingNew"] {
            assert!(!is_under_way(&status(done), soon), "{done}");
        }
    }
}
