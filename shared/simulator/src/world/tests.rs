//! Test runs: how many tests a run of a pipeline passed, and what people tried by hand.

use jiff::{SignedDuration, Timestamp};

use crate::world::World;
use crate::world::builds::{Attempt, Build, Outcome, Shape};
use crate::world::random::Random;

const HOUR_MS: i64 = 3_600_000;

/// One test run.
#[derive(Clone, Debug)]
pub(crate) struct TestRun {
    pub(crate) id: u32,
    pub(crate) project: u16,
    /// Position in `World::builds`; what people try by hand belongs to none.
    pub(crate) build: Option<usize>,
    pub(crate) attempt: u32,
    pub(crate) started: Timestamp,
    /// `None` while it goes on.
    pub(crate) completed: Option<Timestamp>,
    /// When it was last touched: failures are analyzed hours later.
    pub(crate) updated: Timestamp,
    pub(crate) counts: Counts,
}

/// How the tests ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
    /// Failures that nobody has looked at yet.
    pub(crate) unanalyzed: u32,
}

impl Counts {
    pub(crate) fn total(self) -> u32 {
        self.passed + self.failed + self.skipped
    }
}

/// How much of something the tests of a run touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched {
    pub(crate) label: &'static str,
    pub(crate) covered: u32,
    pub(crate) total: u32,
}

/// What the tests of a run touched, if its pipeline publishes that: every other one does.
pub(crate) fn coverage(world: &World, position: usize) -> Vec<Touched> {
    let build = &world.builds[position];
    let is_tested = world
        .test_runs
        .iter()
        .any(|own| own.build == Some(position) && own.completed.is_some());
    if !is_tested || build.id % 4 == 3 {
        return Vec::new();
    }
    let mut random = Random::stream(&[world.seed, 0x7E59, build.key]);
    let mut touched = |label, total: u32| Touched {
        label,
        covered: total * random.between(55, 90) as u32 / 100,
        total,
    };
    vec![touched("Lines", 4_000), touched("Blocks", 1_500)]
}

/// Whether the pipelines of a project publish their tests.
pub(crate) fn publishes(project: u16) -> bool {
    project.is_multiple_of(3)
}

/// Every test run that began by the end of the last finished day, in the order of their ids.
pub(crate) fn test_runs(world: &World) -> Vec<TestRun> {
    let mut runs = Vec::new();
    for (position, build) in world.builds.iter().enumerate() {
        let definition = &world.definitions[build.definition];
        if definition.shape == Shape::Ci && publishes(definition.project) {
            for (attempt, number) in build.attempts.iter().zip(1..) {
                runs.extend(published(world, (position, build), attempt, number));
            }
        }
    }
    runs.extend(by_hand(world));
    runs.sort_by_key(|own| (own.started, own.build));
    for (own, id) in runs.iter_mut().zip(1..) {
        own.id = id;
    }
    runs
}

/// The test run of one attempt of a run, if it came as far as its tests.
fn published(
    world: &World,
    (position, build): (usize, &Build),
    attempt: &Attempt,
    number: u32,
) -> Option<TestRun> {
    if matches!(attempt.outcome, Outcome::Canceled | Outcome::InvalidYaml) {
        return None;
    }
    let mut random = Random::stream(&[world.seed, 0x7E57, build.key, u64::from(number)]);
    let boundary = world.calendar.boundary();
    let part = |percent: i64| {
        let micros = attempt.finish.as_microsecond() - attempt.start.as_microsecond();
        attempt.start + SignedDuration::from_micros(micros * percent / 100)
    };
    let (started, completed) = (part(50), part(80));
    if started > boundary {
        return None;
    }
    // A suite grows as the months go by.
    let size = 180 + build.definition as u32 * 7 + world.calendar.days_since_start(started) as u32;
    let failed = match attempt.outcome {
        Outcome::Failed => random.between(1, 9) as u32,
        // A flaky test fails and the run is green all the same.
        _ => u32::from(random.chance(8)),
    };
    let skipped = random.between(0, 6) as u32;
    let analyzed = world
        .calendar
        .minutes_later(completed, random.between(20, 900));
    let is_analyzed = failed > 0 && random.chance(60) && analyzed <= boundary;
    let counts = Counts {
        passed: size - failed - skipped,
        failed,
        skipped,
        unanalyzed: if is_analyzed { 0 } else { failed },
    };
    let is_over = completed <= boundary;
    Some(TestRun {
        id: 0,
        project: world.definitions[build.definition].project,
        build: Some(position),
        attempt: number,
        started,
        completed: Some(completed).filter(|_| is_over),
        updated: match (is_over, is_analyzed) {
            (false, _) => started,
            (true, false) => completed,
            (true, true) => analyzed,
        },
        counts: if is_over { counts } else { Counts::default() },
    })
}

/// What a person tries by hand every tenth day.
fn by_hand(world: &World) -> Vec<TestRun> {
    let days = world.calendar.days().filter(|day| day.rem_euclid(10) == 2);
    days.map(|day| {
        let mut random = Random::stream(&[world.seed, 0x7E58, day as u64]);
        let moment = random.between(HOUR_MS, 15 * HOUR_MS);
        let started = world.calendar.moment(day, moment);
        let completed = world.calendar.moment(day, moment + HOUR_MS);
        TestRun {
            id: 0,
            project: 0,
            build: None,
            attempt: 1,
            started,
            completed: Some(completed),
            updated: completed,
            counts: Counts {
                passed: random.between(8, 12) as u32,
                ..Counts::default()
            },
        }
    })
    .collect()
}
