//! The truth: everything that exists in the simulated organization at the end of its last finished day.
//!
//! A world is built from scratch for a number of advanced days. Each (day, project) plans whole lives (a pull request with its
//! votes and its merge next week) out of its own random stream; what lies after the last finished day is then left out.
//! Identifiers are ranks in time, so they never change as days are added.

pub(crate) mod calendar;
pub(crate) mod people;
pub(crate) mod projects;
pub(crate) mod random;

use uuid::Uuid;

use crate::config::Config;
use calendar::Calendar;
use people::People;
use projects::{Project, Repository};

/// Everything that exists.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) organization: String,
    /// `connectionData.instanceId`: the organization's stable key.
    pub(crate) instance_id: Uuid,
    pub(crate) seed: u64,
    pub(crate) calendar: Calendar,
    pub(crate) people: People,
    pub(crate) projects: Vec<Project>,
    pub(crate) repositories: Vec<Repository>,
}

impl World {
    pub(crate) fn new(config: &Config, days: u32) -> Self {
        let sizes = config.scale.sizes();
        let calendar = Calendar::new(config.epoch, days);
        let namespace = namespace(config.seed, &config.organization);
        let projects = projects::projects(namespace, config.seed, sizes, &calendar);
        let names: Vec<String> = projects
            .iter()
            .map(|project| project.name.clone())
            .collect();
        Self {
            organization: config.organization.clone(),
            instance_id: Uuid::new_v5(&namespace, b"instance"),
            seed: config.seed,
            calendar,
            people: People::new(namespace, config.seed, sizes.people.max(2), &names),
            repositories: projects::repositories(namespace, config.seed, sizes, &projects),
            projects,
        }
    }
}

/// The name space of every fixed GUID of a world.
pub(crate) fn namespace(seed: u64, organization: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("https://dev.azure.com/{organization}#{seed}").as_bytes(),
    )
}
