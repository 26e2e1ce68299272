//! Test runs of pipelines and of people.

use ado::{Host, Paging};
use model::{
    Kind, Record, Service,
    record::test_run::{Outcome, TestRun, TestRunState},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, Every, FanOut, Fetch, Map, MapError, Resource, Target,
    windows::Windows,
    wire::{Text, Time, is, some},
};

/// Test runs by the time of their last change, asked for when a run of the project has ended, and once a day for what
/// people try by hand. A range of times is a week at most, and a page 100.
/// <https://learn.microsoft.com/rest/api/azure/devops/test/runs/query>
pub(crate) static TEST_RUNS: Resource = Resource {
    name: "test_runs",
    service: Service::Pipelines,
    kind: Kind::TestRun,
    fan_out: FanOut::ProjectWith("builds"),
    every: Every::Day,
    fetch: Fetch::Windows(Windows {
        host: Host::Core,
        path: "{project}/_apis/test/runs",
        query: &[API_VERSION, ("$top", "100")],
        from: "minLastUpdatedDate",
        until: "maxLastUpdatedDate",
        probe: &[API_VERSION, ("$top", "1")],
        items: "value",
        paging: Paging::HeaderToken,
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    id: u64,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(default)]
    is_automated: Option<bool>,
    #[serde(borrow, default)]
    state: Option<Text<'a>>,
    #[serde(default)]
    created_date: Time,
    #[serde(default)]
    started_date: Time,
    #[serde(default)]
    completed_date: Time,
    #[serde(default)]
    last_updated_date: Time,
    #[serde(default)]
    total_tests: Option<u32>,
    #[serde(default)]
    passed_tests: Option<u32>,
    #[serde(default)]
    incomplete_tests: Option<u32>,
    #[serde(default)]
    not_applicable_tests: Option<u32>,
    #[serde(default)]
    unanalyzed_tests: Option<u32>,
    #[serde(borrow, default)]
    run_statistics: Option<Vec<WireStatistic<'a>>>,
    #[serde(borrow, default)]
    build: Option<WireBuild<'a>>,
    #[serde(borrow, default)]
    build_configuration: Option<WireConfiguration<'a>>,
    #[serde(default)]
    release: Option<WireId>,
    #[serde(borrow, default)]
    pipeline_reference: Option<WirePipeline<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatistic<'a> {
    #[serde(borrow, default)]
    outcome: Option<Text<'a>>,
    #[serde(borrow, default)]
    result_metadata: Option<Text<'a>>,
    #[serde(default)]
    count: Option<u32>,
}

/// A shallow reference, whose id is a text.
#[derive(Deserialize)]
struct WireBuild<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireId {
    #[serde(default)]
    id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireConfiguration<'a> {
    #[serde(default)]
    build_definition_id: Option<u64>,
    #[serde(borrow, default)]
    branch_name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePipeline<'a> {
    #[serde(default)]
    pipeline_id: Option<u64>,
    #[serde(borrow, default)]
    stage_reference: Option<WireStage<'a>>,
    #[serde(borrow, default)]
    job_reference: Option<WireJob<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStage<'a> {
    #[serde(borrow, default)]
    stage_name: Option<Text<'a>>,
    #[serde(default)]
    attempt: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireJob<'a> {
    #[serde(borrow, default)]
    job_name: Option<Text<'a>>,
}

fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    // The summary of a run names fewer times than the run itself.
    let times = [
        wire.started_date.0,
        wire.created_date.0,
        wire.completed_date.0,
    ];
    let started_at = times
        .into_iter()
        .flatten()
        .next()
        .or(wire.last_updated_date.0);
    let started_at = Time(started_at).required("startedDate")?;
    let updated_at = wire.last_updated_date.0.or(wire.completed_date.0);
    let configuration = wire.build_configuration;
    let (pipeline, branch) = match configuration {
        Some(own) => (own.build_definition_id, some(own.branch_name)),
        None => (None, None),
    };
    let (pipeline_id, stage, job) = match wire.pipeline_reference {
        Some(own) => (own.pipeline_id, own.stage_reference, own.job_reference),
        None => (None, None, None),
    };
    let build = wire.build.and_then(|build| some(build.id));
    let (stage, stage_attempt) = match stage {
        Some(stage) => (some(stage.stage_name), stage.attempt),
        None => (None, None),
    };
    Ok(Record::TestRun(Box::new(TestRun {
        id: wire.id,
        project: target.project()?,
        name: some(wire.name).unwrap_or_default(),
        is_automated: wire.is_automated.unwrap_or(false),
        state: state(wire.state.as_ref().map_or("", |state| &state.0)),
        started_at,
        completed_at: wire.completed_date.0,
        updated_at: updated_at.unwrap_or(started_at),
        run: build.and_then(|id| id.parse().ok()).or(pipeline_id),
        pipeline,
        branch,
        stage,
        stage_attempt,
        job: job.and_then(|job| some(job.job_name)),
        release: wire
            .release
            .and_then(|release| release.id)
            .filter(|id| *id > 0),
        total: wire.total_tests.unwrap_or(0),
        passed: wire.passed_tests.unwrap_or(0),
        incomplete: wire.incomplete_tests.unwrap_or(0),
        not_applicable: wire.not_applicable_tests.unwrap_or(0),
        unanalyzed: wire.unanalyzed_tests.unwrap_or(0),
        outcomes: outcomes(wire.run_statistics.unwrap_or_default()),
    })))
}

fn outcomes(statistics: Vec<WireStatistic<'_>>) -> Vec<Outcome> {
    let outcome = |own: WireStatistic<'_>| Outcome {
        outcome: some(own.outcome).unwrap_or_default(),
        remark: some(own.result_metadata),
        count: own.count.unwrap_or(0),
    };
    statistics.into_iter().map(outcome).collect()
}

fn state(text: &str) -> TestRunState {
    match text {
        text if is(text, "notStarted") => TestRunState::NotStarted,
        text if is(text, "inProgress") => TestRunState::InProgress,
        text if is(text, "completed") => TestRunState::Completed,
        text if is(text, "aborted") => TestRunState::Aborted,
        text if is(text, "waiting") => TestRunState::Waiting,
        text if is(text, "needsInvestigation") => TestRunState::NeedsInvestigation,
        text => TestRunState::Unknown(text.to_owned()),
    }
}
