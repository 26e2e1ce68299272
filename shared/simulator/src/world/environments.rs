//! Environments that YAML pipelines deploy to, and what was deployed to them.
//!
//! What a deployment is made of stands in the timeline of its run; here it is only filed by environment.

use jiff::{SignedDuration, Timestamp};

use crate::world::World;
use crate::world::builds::{Build, Shape};
use crate::world::calendar::Calendar;
use crate::world::people::{People, PersonId};
use crate::world::projects::Project;
use crate::world::random::Random;
use crate::world::timeline::{self, Record, RecordResult};

/// Names, what they say of themselves, and the stage of a pipeline that deploys there; nothing goes to the last one.
const KINDS: [(&str, Option<&str>, Option<&str>); 3] = [
    ("test", Some("Rebuilt every night"), Some("Test")),
    ("production", Some("What customers see"), Some("Deploy")),
    ("disaster-recovery", None, None),
];

/// A place that pipelines deploy to.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) description: Option<&'static str>,
    stage: Option<&'static str>,
    pub(crate) project: u16,
    pub(crate) created: Timestamp,
    pub(crate) by: PersonId,
}

/// One job of a run that deployed to an environment.
#[derive(Clone, Debug)]
pub(crate) struct DeploymentRecord {
    pub(crate) id: u32,
    /// Position in `World::environments`.
    pub(crate) environment: usize,
    /// Position in `World::builds`.
    pub(crate) build: usize,
    pub(crate) stage: String,
    pub(crate) job: String,
    pub(crate) attempt: u32,
    pub(crate) queued: Timestamp,
    pub(crate) started: Option<Timestamp>,
    pub(crate) finished: Option<(Timestamp, RecordResult)>,
}

/// The environments of all projects.
pub(crate) fn environments(
    seed: u64,
    projects: &[Project],
    people: &People,
    calendar: &Calendar,
) -> Vec<Environment> {
    let mut environments: Vec<Environment> = Vec::new();
    for project in (0_u16..).zip(projects).map(|(project, _)| project) {
        let mut random = Random::stream(&[seed, 0xE17, u64::from(project)]);
        for (name, description, stage) in KINDS {
            let created = calendar.start_plus_days(random.between(0, 20));
            environments.push(Environment {
                id: environments.len() as u32 + 1,
                name,
                description,
                stage,
                project,
                created,
                by: people.member(project, &mut random),
            });
        }
    }
    environments
}

/// Every deployment that was asked for by the end of the last finished day, in the order of their ids.
pub(crate) fn records(world: &World) -> Vec<DeploymentRecord> {
    let boundary = world.calendar.boundary();
    let deploys = |build: &Build| world.definitions[build.definition].shape == Shape::Release;
    let mut records = Vec::new();
    for (position, build) in world.builds.iter().enumerate() {
        if !deploys(build) {
            continue;
        }
        let project = world.project_of(build);
        let earlier = timeline::earlier(world, build).unwrap_or_default();
        for record in timeline::newest(world, build).iter().chain(&earlier) {
            let Some(environment) = environment_of(world, project, record) else {
                continue;
            };
            records.extend(deployed(record, (environment, position), boundary));
        }
    }
    records.sort_by(|a, b| (a.queued, a.build, &a.job).cmp(&(b.queued, b.build, &b.job)));
    for (record, id) in records.iter_mut().zip(1..) {
        record.id = id;
    }
    records
}

/// Where a job deploys to: its identifier begins with its stage.
fn environment_of(world: &World, project: u16, record: &Record) -> Option<usize> {
    let stage = record.identifier.as_deref()?.split('.').next()?;
    let is_job = record.kind == "Job";
    let is_it = |own: &Environment| own.project == project && own.stage == Some(stage);
    is_job.then(|| world.environments.iter().position(is_it))?
}

/// The deployment that a job was, if it was asked for by `boundary`.
fn deployed(
    record: &Record,
    (environment, build): (usize, usize),
    boundary: Timestamp,
) -> Option<DeploymentRecord> {
    let (queued, finish) = record.span.filter(|(queued, _)| *queued <= boundary)?;
    let micros = finish.as_microsecond() - queued.as_microsecond();
    let started = queued + SignedDuration::from_micros(micros / 10);
    let identifier = record.identifier.clone().unwrap_or_default();
    let mut parts = identifier.split('.');
    Some(DeploymentRecord {
        id: 0,
        environment,
        build,
        stage: parts.next().unwrap_or_default().to_owned(),
        job: parts.collect::<Vec<_>>().join("."),
        attempt: record.attempt,
        queued,
        started: Some(started).filter(|at| *at <= boundary),
        finished: Some((finish, record.result)).filter(|(at, _)| *at <= boundary),
    })
}
