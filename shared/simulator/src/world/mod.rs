//! The truth: everything that exists in the simulated organization at the end of its last finished day.
//!
//! A world is built from scratch for a number of advanced days. Each (day, project) plans whole lives (a pull request with its
//! votes and its merge next week) out of its own random stream; what lies after the last finished day is then left out.
//! Identifiers are ranks in time, so they never change as days are added.

pub(crate) mod activities;
pub(crate) mod artifacts;
pub(crate) mod builds;
pub(crate) mod calendar;
pub(crate) mod changesets;
pub(crate) mod classification;
mod code_lives;
pub(crate) mod deeds;
pub(crate) mod environments;
pub(crate) mod git;
mod life_writer;
mod lives;
mod own_process;
pub(crate) mod people;
pub(crate) mod planning;
pub(crate) mod process;
pub(crate) mod projects;
pub(crate) mod pull_requests;
mod pushing;
pub(crate) mod random;
pub(crate) mod releases;
mod releasing;
pub(crate) mod repository_facts;
mod review_system;
mod reviews;
mod running;
pub(crate) mod teams;
pub(crate) mod tests;
pub(crate) mod text;
pub(crate) mod tfvc_facts;
pub(crate) mod timeline;
mod timeline_writer;
pub(crate) mod work_items;

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::{Config, Sizes};
use builds::{Build, Definition};
use calendar::Calendar;
use changesets::Changeset;
use classification::Node;
use code_lives::{CodePlanner, PushPlan, RunPlan};
use environments::{DeploymentRecord, Environment};
use git::History;
use lives::Planner;
use people::People;
use projects::{Project, Repository};
use pull_requests::{EventKind, PullRequest};
use pushing::Pusher;
use releases::{Deployment, Release, ReleaseDefinition};
use releasing::Releaser;
use running::Runner;
use tests::TestRun;
use work_items::{LinkChange, LinkKind, WorkItem};

const FIRST_WORK_ITEM: u32 = 101;
const FIRST_PULL_REQUEST: u32 = 17;
/// Days of long ago are this much quieter, in percent.
const OLD_LIFE: u32 = 15;
const WEEKEND_LIFE: u32 = 10;

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
    /// Area and iteration tree of each project.
    pub(crate) classification: Vec<[Node; 2]>,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) definitions: Vec<Definition>,
    /// By id.
    pub(crate) work_items: Vec<WorkItem>,
    /// Every revision in the order it was committed: positions of the item and of the revision in it. The position here,
    /// counted from 1, is the revision's watermark.
    pub(crate) revisions: Vec<(u32, u32)>,
    /// In the order they happened.
    pub(crate) links: Vec<LinkChange>,
    /// By id.
    pub(crate) builds: Vec<Build>,
    /// By id.
    pub(crate) pull_requests: Vec<PullRequest>,
    /// By repository.
    pub(crate) histories: Vec<History>,
    /// By id.
    pub(crate) changesets: Vec<Changeset>,
    pub(crate) release_definitions: Vec<ReleaseDefinition>,
    /// By id.
    pub(crate) releases: Vec<Release>,
    /// By id.
    pub(crate) deployments: Vec<Deployment>,
    /// By id.
    pub(crate) environments: Vec<Environment>,
    /// What YAML pipelines deployed to them, by id.
    pub(crate) deployment_records: Vec<DeploymentRecord>,
    /// By id.
    pub(crate) test_runs: Vec<TestRun>,
}

impl World {
    pub(crate) fn new(config: &Config, days: u32) -> Self {
        let sizes = config.scale.sizes();
        let calendar = Calendar::new(config.epoch, days);
        let namespace = namespace(config.seed, &config.organization);
        let mut projects = projects::projects(namespace, config.seed, sizes, &calendar);
        for (project, name) in projects.iter_mut().zip(&config.project_names) {
            project.name.clone_from(name);
        }
        let names: Vec<String> = projects
            .iter()
            .map(|project| project.name.clone())
            .collect();
        let repositories = projects::repositories(namespace, config.seed, sizes, &projects);
        let mut world = Self {
            organization: config.organization.clone(),
            instance_id: Uuid::new_v5(&namespace, b"instance"),
            seed: config.seed,
            calendar,
            people: People::new(namespace, config.seed, sizes.people.max(4), &names),
            classification: trees(&projects, &calendar),
            definitions: builds::definitions(&repositories),
            repositories,
            release_definitions: releasing::definitions(&projects),
            projects,
            work_items: Vec::new(),
            revisions: Vec::new(),
            links: Vec::new(),
            builds: Vec::new(),
            pull_requests: Vec::new(),
            histories: Vec::new(),
            changesets: Vec::new(),
            releases: Vec::new(),
            deployments: Vec::new(),
            environments: Vec::new(),
            deployment_records: Vec::new(),
            test_runs: Vec::new(),
        };
        world.environments =
            environments::environments(world.seed, &world.projects, &world.people, &world.calendar);
        world.live_boards(&sizes);
        world.live_code(&sizes);
        world.live_tfvc(&sizes);
        world.live_releases(&sizes);
        artifacts::link_all(&mut world, config.unverified.artifact_links_revise);
        world.settle_revisions();
        world.deployment_records = environments::records(&world);
        world.test_runs = tests::test_runs(&world);
        world
    }

    /// The position of a work item.
    pub(crate) fn work_item(&self, id: u32) -> Option<&WorkItem> {
        self.work_items
            .get(id.checked_sub(FIRST_WORK_ITEM)? as usize)
    }

    pub(crate) fn pull_request(&self, id: u32) -> Option<&PullRequest> {
        self.pull_requests
            .get(id.checked_sub(FIRST_PULL_REQUEST)? as usize)
    }

    pub(crate) fn build(&self, id: u32) -> Option<&Build> {
        self.builds
            .get(id.checked_sub(self.builds.first()?.id)? as usize)
    }

    pub(crate) fn project_of(&self, build: &Build) -> u16 {
        self.definitions[build.definition].project
    }

    fn live_boards(&mut self, sizes: &Sizes) {
        let count = self.projects.len() as u16;
        let mut planner = Planner::new(self.seed, &self.calendar, &self.people, count);
        for (day, project) in turns(&self.calendar, count) {
            planner.plan_day(day, project, rate(&self.calendar, day, sizes.work_items));
        }
        let (lives, links) = (planner.lives, planner.links);
        let order = sorted_by(&lives, |life| life.revisions[0].at);
        let rank = inverse(&order);
        self.links = links
            .into_iter()
            .filter(|link| link.at <= self.calendar.boundary())
            .collect();
        self.links.sort_by_key(|link| link.at);
        for link in &mut self.links {
            (link.source, link.target) = (rank[link.source], rank[link.target]);
        }
        let mut lives: Vec<_> = lives.into_iter().map(Some).collect();
        for (position, id) in order.into_iter().zip(FIRST_WORK_ITEM..) {
            let mut revisions = lives[position]
                .take()
                .map(|life| life.revisions)
                .unwrap_or_default();
            own_process::apply(self.seed, position, &mut revisions);
            revisions.retain(|revision| revision.at <= self.calendar.boundary());
            self.work_items.push(WorkItem {
                id,
                revisions,
                parents: Vec::new(),
                artifact_links: Vec::new(),
                is_destroyed: false,
            });
        }
        self.settle_parents();
    }

    fn settle_parents(&mut self) {
        for link in self
            .links
            .iter()
            .filter(|link| link.kind == LinkKind::Hierarchy)
        {
            let parent = link.is_active.then_some(link.source);
            self.work_items[link.target].parents.push((link.at, parent));
        }
    }

    fn settle_revisions(&mut self) {
        let items = (0_u32..).zip(&self.work_items);
        let mut all: Vec<(Timestamp, u32, u32)> = items
            .flat_map(|(item, own)| {
                (0_u32..)
                    .zip(&own.revisions)
                    .map(move |(rev, revision)| (revision.at, item, rev))
            })
            .collect();
        all.sort_unstable();
        self.revisions = all.into_iter().map(|(_, item, rev)| (item, rev)).collect();
    }

    fn live_code(&mut self, sizes: &Sizes) {
        let mut planner = CodePlanner {
            seed: self.seed,
            calendar: &self.calendar,
            people: &self.people,
            repositories: &self.repositories,
            definitions: &self.definitions,
            pull_requests: Vec::new(),
            pushes: Vec::new(),
            runs: Vec::new(),
        };
        if let Some(first) = self.calendar.days().next() {
            planner.plan_first_pushes(first);
        }
        for (day, project) in turns(&self.calendar, self.projects.len() as u16) {
            planner.plan_day(
                day,
                project,
                &slowed(sizes, |mean| rate(&self.calendar, day, mean)),
            );
        }
        let (pull_requests, pushes, runs) = (planner.pull_requests, planner.pushes, planner.runs);
        let rank = self.settle_pull_requests(&pull_requests);
        self.settle_pushes(pushes, &rank);
        self.settle_runs(runs, &rank);
    }

    /// Numbers the pull requests and returns where each plan went.
    fn settle_pull_requests(&mut self, plans: &[PullRequest]) -> Vec<usize> {
        let order = sorted_by(plans, |own| own.created);
        let boundary = self.calendar.boundary();
        let service = self.people.build_service();
        let visible = |(&position, id): (&usize, u32)| {
            let mut whole = PullRequest {
                id,
                ..plans[position].clone()
            };
            review_system::add(self.seed, service, &mut whole);
            as_of(whole, boundary)
        };
        self.pull_requests = order
            .iter()
            .zip(FIRST_PULL_REQUEST..)
            .map(visible)
            .collect();
        inverse(&order)
    }

    fn settle_pushes(&mut self, mut plans: Vec<PushPlan>, rank: &[usize]) {
        plans.retain(|plan| plan.at <= self.calendar.boundary());
        plans.sort_by_key(|plan| plan.at);
        let repositories = self.repositories.len();
        let mut pusher = Pusher::new(
            self.seed,
            repositories,
            &self.work_items,
            &mut self.pull_requests,
        );
        for plan in &mut plans {
            plan.pull_request = plan.pull_request.map(|position| rank[position]);
            pusher.push(plan);
        }
        self.histories = pusher.histories;
    }

    fn settle_runs(&mut self, mut plans: Vec<RunPlan>, rank: &[usize]) {
        plans.retain(|plan| plan.queued <= self.calendar.boundary());
        plans.sort_by_key(|plan| plan.queued);
        for plan in &mut plans {
            plan.pull_request = plan.pull_request.map(|position| rank[position]);
        }
        let runner = Runner {
            seed: self.seed,
            calendar: &self.calendar,
            definitions: &self.definitions,
            pull_requests: &self.pull_requests,
            histories: &self.histories,
        };
        self.builds = runner.run(&plans);
    }

    fn live_releases(&mut self, sizes: &Sizes) {
        let count = self.projects.len();
        let outputs = releasing::outputs(count, &self.builds, &self.definitions);
        let definitions = &self.release_definitions;
        let mut releaser = Releaser::new(
            self.seed,
            &self.calendar,
            &self.people,
            definitions,
            outputs,
        );
        for (day, project) in turns(&self.calendar, count as u16) {
            releaser.plan_day(day, project, rate(&self.calendar, day, sizes.releases));
        }
        let (releases, mut deployments) = (releaser.releases, releaser.deployments);
        let order = sorted_by(&releases, |own| own.created);
        let rank = inverse(&order);
        let numbered = order.into_iter().zip(1..);
        self.releases = numbered
            .map(|(position, id)| Release {
                id,
                ..releases[position].clone()
            })
            .collect();
        let boundary = self.calendar.boundary();
        deployments.retain(|own| own.queued <= boundary);
        deployments.sort_by_key(|own| own.queued);
        for (own, id) in deployments.iter_mut().zip(1..) {
            own.id = id;
            own.release = rank[own.release];
        }
        let visible = deployments.into_iter().map(|own| own.seen_at(boundary));
        self.deployments = visible.collect();
    }

    fn live_tfvc(&mut self, sizes: &Sizes) {
        let mut changesets = Vec::new();
        for (day, project) in turns(&self.calendar, self.projects.len() as u16) {
            if self.projects[usize::from(project)].has_tfvc {
                let mean = rate(&self.calendar, day, sizes.changesets);
                let planned = changesets::plan_day(
                    self.seed,
                    &self.calendar,
                    &self.people,
                    day,
                    project,
                    mean,
                );
                changesets.extend(planned);
            }
        }
        changesets.sort_by_key(|changeset| changeset.created);
        for (changeset, id) in changesets.iter_mut().zip(1..) {
            changeset.id = id;
        }
        self.changesets = changesets;
    }
}

/// The name space of every fixed GUID of a world.
pub(crate) fn namespace(seed: u64, organization: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("https://dev.azure.com/{organization}#{seed}").as_bytes(),
    )
}

fn trees(projects: &[Project], calendar: &Calendar) -> Vec<[Node; 2]> {
    let tree = |(n, project)| {
        [
            classification::areas(n, project),
            classification::iterations(n, project, calendar),
        ]
    };
    (0_u16..).zip(projects).map(tree).collect()
}

fn turns(calendar: &Calendar, projects: u16) -> impl Iterator<Item = (i32, u16)> + use<> {
    calendar
        .days()
        .flat_map(move |day| (0..projects).map(move |project| (day, project)))
}

fn rate(calendar: &Calendar, day: i32, mean: u32) -> u32 {
    let mean = if Calendar::is_old(day) {
        mean * OLD_LIFE / 100
    } else {
        mean
    };
    if calendar.is_weekend(day) {
        mean * WEEKEND_LIFE / 100
    } else {
        mean
    }
}

fn slowed(sizes: &Sizes, rate: impl Fn(u32) -> u32) -> Sizes {
    Sizes {
        pull_requests: rate(sizes.pull_requests),
        direct_pushes: rate(sizes.direct_pushes),
        other_runs: rate(sizes.other_runs),
        ..*sizes
    }
}

/// A pull request without what has not happened yet.
fn as_of(mut visible: PullRequest, boundary: Timestamp) -> PullRequest {
    visible.events.retain(|event| event.at <= boundary);
    for event in &mut visible.events {
        if let EventKind::Discussion { replies, .. } = &mut event.kind {
            replies.retain(|(at, _)| *at <= boundary);
        }
    }
    visible
}

/// The positions of `items` in the order of `key`; equal keys keep their order, so that added days change nothing.
fn sorted_by<T>(items: &[T], key: impl Fn(&T) -> Timestamp) -> Vec<usize> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&position| key(&items[position]));
    order
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut rank = vec![0; order.len()];
    for (new, &old) in order.iter().enumerate() {
        rank[old] = new;
    }
    rank
}
