//! Timelines: what a run consisted of. Made from the run's own random stream whenever asked, never stored.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;
use crate::world::builds::{self, Attempt, Build};
use crate::world::random::Random;
use crate::world::timeline_writer::Writer;

/// One record of a timeline.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: Uuid,
    pub(crate) parent: Option<Uuid>,
    /// `Stage`, `Phase`, `Job`, `Task`, `Checkpoint` or `Checkpoint.Approval`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Stable between attempts; tasks have none.
    pub(crate) identifier: Option<String>,
    pub(crate) order: u32,
    pub(crate) attempt: u32,
    /// `None` for skipped and pending records.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) result: RecordResult,
    pub(crate) task: Option<&'static str>,
    /// Earlier attempts: number, timeline and record.
    pub(crate) previous: Vec<(u32, Uuid, Uuid)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordResult {
    Succeeded,
    SucceededWithIssues,
    Failed,
    Canceled,
    Skipped,
}

impl RecordResult {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::SucceededWithIssues => "succeededWithIssues",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }
}

/// The id of the timeline that holds what a retry replaced.
pub(crate) fn earlier_id(seed: u64, build: &Build) -> Uuid {
    Random::stream(&[seed, 0x915, build.key]).uuid()
}

/// The newest state of every record; empty when there never was a timeline.
pub(crate) fn newest(world: &World, build: &Build) -> Vec<Record> {
    match (build.has_timeline(), build.attempts.as_slice()) {
        (true, [first]) => Writer::new(world, build, *first, 1).write(),
        (true, [first, .., last]) => retried(world, build, *first, *last),
        (true, []) | (false, _) => Vec::new(),
    }
}

/// The records that a retry replaced; `None` when there was no retry.
pub(crate) fn earlier(world: &World, build: &Build) -> Option<Vec<Record>> {
    let [first, _, ..] = build.attempts.as_slice() else {
        return None;
    };
    let records = Writer::new(world, build, *first, 1).write();
    let failed = failed_stage(&records)?;
    Some(records.into_iter().skip(failed).collect())
}

/// How many records there are, those that a retry replaced included.
pub(crate) fn of_all_attempts(world: &World, build: &Build) -> u64 {
    let earlier = earlier(world, build).map_or(0, |records| records.len());
    (newest(world, build).len() + earlier) as u64
}

/// Whether the record was running at the end of the last finished day, or not even begun.
pub(crate) fn state_of(world: &World, record: &Record) -> &'static str {
    let boundary = world.calendar.boundary();
    match record.span {
        Some((start, _)) if start > boundary => "pending",
        Some((_, finish)) if finish > boundary => "inProgress",
        _ => "completed",
    }
}

/// The first attempt up to the failed stage, the second from there on.
fn retried(world: &World, build: &Build, first: Attempt, last: Attempt) -> Vec<Record> {
    let mut records = Writer::new(world, build, first, 1).write();
    let Some(failed) = failed_stage(&records) else {
        return records;
    };
    let replaced = records.split_off(failed);
    let earlier = earlier_id(world.seed, build);
    let mut writer = Writer::new(world, build, last, 2);
    writer.first_stage = records
        .iter()
        .filter(|record| record.kind == "Stage")
        .count();
    let mut again = writer.write();
    for record in &mut again {
        let old = replaced.iter().find(|old| {
            old.kind == record.kind
                && old.identifier.is_some()
                && old.identifier == record.identifier
        });
        record.previous.extend(old.map(|old| (1, earlier, old.id)));
    }
    records.extend(again);
    records
}

fn failed_stage(records: &[Record]) -> Option<usize> {
    records
        .iter()
        .position(|record| record.kind == "Stage" && record.result == RecordResult::Failed)
}

/// The id of the newest timeline: that of the orchestration plan.
pub(crate) fn newest_id(seed: u64, build: &Build) -> Uuid {
    builds::plan_id(seed, build)
}
