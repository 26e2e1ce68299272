//! What really happened, for tests of numbers that are calculated from what was told.

use jiff::Timestamp;

use crate::world::{World, timeline};

/// When a run that is over was asked for, began and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTimes {
    /// The run.
    pub id: u32,
    /// When it was asked for.
    pub queued: Timestamp,
    /// When it began; `None` if it never did.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Timestamp,
    /// The stages that ran, those of attempts that were replaced included: name, beginning and end.
    pub stages: Vec<(String, Timestamp, Timestamp)>,
}

/// The times of every run that is over.
pub(crate) fn run_times(world: &World) -> Vec<RunTimes> {
    let times = world.builds.iter().filter_map(|build| {
        let finished = build.finished()?;
        let mut records = timeline::newest(world, build);
        records.extend(timeline::earlier(world, build).into_iter().flatten());
        let stages = records.into_iter().filter(|record| record.kind == "Stage");
        let stages = stages.filter_map(|stage| {
            let (start, finish) = stage.span?;
            Some((stage.name, start, finish))
        });
        Some(RunTimes {
            id: build.id,
            queued: build.queued,
            started: build.started(),
            finished,
            stages: stages.collect(),
        })
    });
    times.collect()
}
