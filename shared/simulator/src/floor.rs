//! How few requests can do: the least that any client must send, endpoint by endpoint, from what there is and how long a
//! page may be.
//!
//! A client that sends fewer than this has not seen everything; one that sends more could have sent fewer. The caps are the
//! simulator's own ([`crate::PageCaps`]), which a client has to find out, so the floor is that of a client that knows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::config::{AnalyticsAccess, Config, PageCaps};
use crate::pat::Pat;
use crate::world::World;
use crate::world::activities;
use crate::world::builds::Build;
use crate::world::projects::RepositoryState;
use crate::world::pull_requests::{PullRequest, Status};
use crate::world::teams;
use crate::world::tests::TestRun;

/// Most ids that a WIQL query may find, less one, because 20,000 is an error:
/// <https://learn.microsoft.com/azure/devops/boards/queries/wiql-syntax#limits-on-wiql-length>.
const WIQL_IDS: usize = 19_999;
/// Most work items by id: <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch>.
const WORK_ITEMS_BATCH: usize = 200;
/// Commits asked for at once; `$top` may be up to 50,000, and an answer of that length is too large to be useful:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch>.
const COMMITS_BATCH: usize = 5_000;

/// Addresses asked for at once. Microsoft documents no limit; 200 is that of other batches:
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/artifact-uri-query/query>.
const ARTIFACTS_BATCH: usize = 200;

/// Changes that come with a changeset:
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get#uri-parameters>.
const CHANGES_WITH_CHANGESET: usize = 100;

/// The least number of requests to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Floor {
    /// How many.
    pub requests: u64,
    /// Why not fewer.
    pub because: Because,
}

/// What a [`Floor`] follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// There is one answer for the whole organization or project.
    Once,
    /// Every stream must be asked whether it has anything, and takes so many pages.
    Pages,
    /// It can be asked for one by one only.
    PerItem,
}

/// The floor by endpoint, in the names of [`crate::LoggedRequest::resource`].
pub type Floors = BTreeMap<&'static str, Floor>;

/// The floor of a first synchronization of everything since `since`.
pub(crate) fn first_sync(world: &World, config: &Config, pat: &Pat, since: Timestamp) -> Floors {
    let pages = &config.pages;
    let surveyor = Surveyor { world, pat, since };
    let mut floors = surveyor.discovery(pages);
    if pat.has_scope("vso.work") {
        floors.extend(surveyor.boards(pages));
        floors.extend(surveyor.plans());
    }
    if pat.has_scope("vso.build") {
        floors.extend(surveyor.pipelines(pages));
        floors.extend(surveyor.timelines(config));
    }
    if pat.has_scope("vso.code") {
        floors.extend(surveyor.code(pages));
    }
    if pat.has_scope("vso.test") {
        floors.insert("testRuns", surveyor.test_runs(pages));
        floors.insert("codeCoverage", one_each(surveyor.tested()));
    }
    if pat.has_scope("vso.release") {
        floors.insert("deployments", surveyor.deployments(pages));
    }
    floors
}

/// What a pass may cost that finds nothing new: one request for each stream that has no wider scope.
pub(crate) fn idle_pass(world: &World, pat: &Pat) -> Floors {
    let surveyor = Surveyor {
        world,
        pat,
        since: Timestamp::MAX,
    };
    let projects = surveyor.projects();
    let mut floors = Floors::new();
    if pat.has_scope("vso.work") {
        floors.extend([("workItemRevisions", once(1)), ("workItemLinks", once(1))]);
    }
    if pat.has_scope("vso.build") {
        floors.insert("builds", probes(projects));
    }
    if pat.has_scope("vso.code") {
        // Active, completed and abandoned pull requests are three lists.
        floors.insert("pullRequests", probes(3 * projects));
        floors.insert("pushes", probes(surveyor.repositories().count() as u64));
        floors.insert("changesets", once(1));
    }
    if pat.has_scope("vso.release") {
        // Deployments need no build, so nothing else tells of them; a project without any is asked once a day.
        floors.insert("deployments", probes(surveyor.releasing().count() as u64));
    }
    floors
}

struct Surveyor<'a> {
    world: &'a World,
    pat: &'a Pat,
    since: Timestamp,
}

impl<'a> Surveyor<'a> {
    fn sees(&self, project: u16) -> bool {
        let id = self.world.projects[usize::from(project)].id;
        !self.pat.denied_projects.contains(&id)
    }

    fn visible(&self) -> impl Iterator<Item = u16> {
        let all = 0..u16::try_from(self.world.projects.len()).unwrap_or(u16::MAX);
        all.filter(|project| self.sees(*project))
    }

    fn projects(&self) -> u64 {
        self.visible().count() as u64
    }

    fn teams(&self) -> u64 {
        let all = teams::all(&self.world.projects).into_iter();
        all.filter(|team| self.sees(team.project)).count() as u64
    }

    /// Positions of the repositories that answer and were ever pushed to.
    fn repositories(&self) -> impl Iterator<Item = usize> {
        let all = self.world.repositories.iter().enumerate();
        all.filter(|(_, own)| self.sees(own.project) && own.state == RepositoryState::Live)
            .map(|(position, _)| position)
    }

    fn discovery(&self, pages: &PageCaps) -> Floors {
        let projects = self.visible().count();
        Floors::from([
            ("connectionData", once(1)),
            ("projects", paged([projects], pages.projects.max)),
            ("repositories", once(1)),
        ])
    }

    fn boards(&self, pages: &PageCaps) -> Floors {
        let items = || {
            let all = self.world.work_items.iter();
            all.filter(|item| self.sees(item.project()))
        };
        let is_recent = |at: Timestamp| at >= self.since;
        let revisions = items()
            .flat_map(|item| &item.revisions)
            .filter(|revision| is_recent(revision.at))
            .count();
        let sees_item = |item: usize| self.sees(self.world.work_items[item].project());
        let links =
            self.world.links.iter().filter(|link| {
                is_recent(link.at) && sees_item(link.source) && sees_item(link.target)
            });
        let untouched = items()
            .filter(|item| {
                let latest = item.latest();
                latest.fields.state.is_open() && !item.is_deleted() && !is_recent(latest.at)
            })
            .count();
        let linked = items()
            .filter(|item| is_recent(item.latest().at) && !item.is_deleted())
            .filter(|item| item.artifacts().next().is_some())
            .count();
        let by_id = batches(untouched, WORK_ITEMS_BATCH).requests
            + batches(linked, WORK_ITEMS_BATCH).requests;
        Floors::from([
            ("workItemRevisions", paged([revisions], pages.revisions.max)),
            ("workItemLinks", paged([links.count()], pages.links.max)),
            ("wiql", paged([untouched, linked], WIQL_IDS)),
            ("workItemsBatch", probes(by_id)),
            ("workItemTypes", once(self.projects())),
            ("classificationNodes", once(self.projects())),
            ("fields", once(1)),
            ("teams", once(1)),
            ("teamIterations", once(self.teams())),
            ("teamSettings", once(self.teams())),
            ("teamAreas", once(self.teams())),
        ])
    }

    /// What teams have planned: whether any has is one question for each sprint of the window and of the month ahead.
    fn plans(&self) -> Floors {
        let horizon = self.world.calendar.boundary() + SignedDuration::from_hours(31 * 24);
        let (mut sprints, mut plans) = (BTreeSet::new(), 0);
        for team in teams::all(&self.world.projects) {
            let position = usize::from(team.project);
            if !self.sees(team.project) {
                continue;
            }
            let (project, [_, iterations]) = (
                &self.world.projects[position],
                &self.world.classification[position],
            );
            for (sprint, _) in team.sprints(project, iterations) {
                let day = SignedDuration::from_hours(24);
                let matters = |(first, last)| last + day > self.since && first <= horizon;
                if sprint.dates.is_some_and(matters) {
                    sprints.insert(sprint.identifier);
                    plans += usize::from(self.world.plan(&team, sprint).is_some());
                }
            }
        }
        Floors::from([
            ("iterationCapacities", probes(sprints.len() as u64)),
            ("teamCapacities", one_each(plans)),
            ("teamDaysOff", one_each(plans)),
        ])
    }

    fn pipelines(&self, pages: &PageCaps) -> Floors {
        let is_done = |build: &&Build| build.finished().is_some_and(|at| at >= self.since);
        let finished = || self.world.builds.iter().filter(is_done);
        let of = |project| finished().filter(move |build| self.world.project_of(build) == project);
        let ended = paged(self.visible().map(|own| of(own).count()), pages.builds.max);
        let is_open = |build: &&Build| build.finished().is_none();
        let open = self.visible().map(|own| {
            let all = self.world.builds.iter().filter(is_open);
            all.filter(|build| self.world.project_of(build) == own)
                .count()
        });
        // Runs that have not ended have no end to be listed by.
        let open = paged(open, pages.builds.max);
        let definitions = self.visible().map(|own| {
            let all = self.world.definitions.iter();
            all.filter(|definition| definition.project == own).count()
        });
        Floors::from([
            ("builds", probes(ended.requests + open.requests)),
            ("definitions", paged(definitions, pages.definitions.max)),
            ("runRetention", once(self.projects())),
            ("environments", self.environments(pages)),
            ("deploymentRecords", self.deployment_records(pages)),
        ])
    }

    /// The timelines of runs, one by one or, where that takes fewer requests, in bulk from Analytics. Even then a run that
    /// was retried is asked for itself: only its timelines tell its attempts apart. A run that never had a plan has no
    /// timeline, and its list item shows it.
    fn timelines(&self, config: &Config) -> Floors {
        let is_served = config.analytics.access == AnalyticsAccess::Served;
        let in_bulk = is_served && self.pat.has_scope("vso.analytics");
        let keeps_retries = config.unverified.analytics_keeps_retries;
        let (mut singly, mut pages) = (0, 0);
        for project in self.visible() {
            let planned = || {
                self.world.builds.iter().filter(move |build| {
                    self.world.project_of(build) == project
                        && build.has_timeline()
                        && build.finished().is_some_and(|at| at >= self.since)
                })
            };
            let all: usize = planned().map(timelines).sum();
            let rows = |build| activities::of_run(self.world, build, keeps_retries).len();
            let rows: usize = planned().map(rows).sum();
            let retried =
                planned().filter(|build| activities::needs_timeline(build, keeps_retries));
            let retried: usize = retried.map(timelines).sum();
            let bulk = rows.div_ceil(config.pages.activities.max);
            if in_bulk && bulk + retried < all {
                singly += retried;
                pages += bulk;
            } else {
                singly += all;
            }
        }
        let mut floors = Floors::from([("timeline", one_each(singly))]);
        if pages > 0 {
            floors.insert("pipelineRunActivities", probes(pages as u64));
        }
        floors
    }

    fn code(&self, pages: &PageCaps) -> Floors {
        let pull_requests = || {
            let all = self.world.pull_requests.iter();
            all.filter(|own| own.closed().is_none_or(|closed| closed >= self.since))
        };
        let project = |own: &PullRequest| self.world.repositories[own.repository].project;
        let lists = self.visible().flat_map(|wanted| {
            [Status::Active, Status::Completed, Status::Abandoned].map(|status| {
                let is_listed =
                    |own: &&PullRequest| project(own) == wanted && own.status() == status;
                pull_requests().filter(is_listed).count()
            })
        });
        let histories = || self.repositories().map(|own| &self.world.histories[own]);
        // Every pull request is asked for, because nothing else tells that it has no links.
        let links = self
            .visible()
            .map(|wanted| {
                let own = pull_requests().filter(|own| project(own) == wanted);
                own.count().div_ceil(ARTIFACTS_BATCH) as u64
            })
            .sum();
        let pushes = histories().map(|own| {
            own.pushes
                .iter()
                .filter(|push| push.at >= self.since)
                .count()
        });
        let commits = histories().map(|own| {
            let pushed = own.commits.iter().map(|commit| own.pushes[commit.push].at);
            pushed.filter(|at| *at >= self.since).count()
        });
        let changesets = self
            .world
            .changesets
            .iter()
            .filter(|own| own.created >= self.since && self.sees(own.project));
        // A changeset comes with its first changes; the rest of a large one is a list of its own.
        let rest = |changes: usize| changes.saturating_sub(CHANGES_WITH_CHANGESET);
        let of_large = changesets.clone().map(|own| rest(own.changes()));
        let of_large = of_large.filter(|rest| *rest > 0);
        let commits_page = pages.commits_batch.max.min(COMMITS_BATCH);
        let threads = pull_requests().filter(|own| self.sees(project(own)));
        Floors::from([
            ("pullRequests", paged(lists, pages.pull_requests.max)),
            ("threads", one_each(threads.count())),
            ("artifactUriQuery", probes(links)),
            ("refs", once(2 * self.repositories().count() as u64)),
            ("changeset", one_each(changesets.clone().count())),
            (
                "changesetChanges",
                Floor {
                    because: Because::PerItem,
                    ..paged(of_large, pages.changeset_changes.max)
                },
            ),
            ("tfvcBranches", once(self.projects())),
            ("tfvcLabels", once(self.projects())),
            ("shelvesets", once(1)),
            ("deletedRepositories", once(self.projects())),
            ("policies", once(self.projects())),
            ("pushes", paged(pushes, pages.pushes.max)),
            ("commitsBatch", paged(commits, commits_page)),
            (
                "changesets",
                seek(paged([changesets.count()], pages.changesets.max)),
            ),
        ])
    }
}

impl Surveyor<'_> {
    /// The visible projects that have classic releases.
    fn releasing(&self) -> impl Iterator<Item = u16> {
        let definitions = self.world.release_definitions.iter();
        let projects = definitions.map(|own| own.project);
        projects.filter(|project| self.sees(*project))
    }

    /// Whether there is any is one question to each project; the answer to when is for a week at most:
    /// <https://learn.microsoft.com/rest/api/azure/devops/test/runs/query>.
    fn test_runs(&self, pages: &PageCaps) -> Floor {
        let mut requests = self.projects();
        let end = self.world.calendar.boundary();
        for project in self.visible() {
            let runs = || {
                self.world
                    .test_runs
                    .iter()
                    .filter(|own| own.project == project)
            };
            let mut from = match runs().map(|own| own.updated).min() {
                Some(first) => first.max(self.since),
                None => continue,
            };
            while from < end {
                let until = from + SignedDuration::from_hours(7 * 24);
                let is_within = |own: &&TestRun| own.updated >= from && own.updated < until;
                let count = runs().filter(is_within).count();
                requests += count.div_ceil(pages.test_runs.max).max(1) as u64;
                from = until;
            }
        }
        probes(requests)
    }

    /// How many runs have tests that have ended: there is no list of their coverage.
    fn tested(&self) -> usize {
        let test_runs = self.world.test_runs.iter();
        let ended = test_runs.filter(|own| {
            self.sees(own.project) && own.completed.is_some_and(|at| at >= self.since)
        });
        ended
            .filter_map(|own| own.build)
            .collect::<BTreeSet<_>>()
            .len()
    }

    fn environments(&self, pages: &PageCaps) -> Floor {
        let of = |project: u16| {
            let all = self.world.environments.iter();
            all.filter(move |own| own.project == project).count()
        };
        paged(self.visible().map(of), pages.environments.max)
    }

    /// Nothing says that one of them has nothing new but its own list.
    fn deployment_records(&self, pages: &PageCaps) -> Floor {
        let environments = self.world.environments.iter().enumerate();
        let seen = environments.filter(|(_, own)| self.sees(own.project));
        let recent = |(environment, _): (usize, _)| {
            let all = self.world.deployment_records.iter();
            all.filter(|own| own.environment == environment)
                .filter(|own| own.finished.is_none_or(|(at, _)| at >= self.since))
                .count()
        };
        paged(seen.map(recent), pages.deployment_records.max)
    }

    fn deployments(&self, pages: &PageCaps) -> Floor {
        let of = |project: u16| {
            let all = self.world.deployments.iter();
            all.filter(move |own| {
                let definition = self.world.releases[own.release].definition;
                let is_own = self.world.release_definitions[definition].project == project;
                is_own && own.modified() >= self.since
            })
        };
        let counts = self.visible().map(|project| of(project).count());
        paged(counts, pages.deployments.max)
    }
}

/// A retry leaves a timeline of its own behind.
fn timelines(build: &Build) -> usize {
    build.attempts.len().max(1)
}

fn once(requests: u64) -> Floor {
    let because = Because::Once;
    Floor { requests, because }
}

fn probes(requests: u64) -> Floor {
    let because = Because::Pages;
    Floor { requests, because }
}

/// Pages of several streams. An empty stream costs one request, too: to know that it is empty.
fn paged(streams: impl IntoIterator<Item = usize>, page: usize) -> Floor {
    let pages = streams.into_iter().map(|items| items.div_ceil(page).max(1));
    probes(pages.sum::<usize>() as u64)
}

/// Batches of things whose number is known.
fn batches(items: usize, batch: usize) -> Floor {
    probes(items.div_ceil(batch) as u64)
}

fn one_each(items: usize) -> Floor {
    Floor {
        requests: items as u64,
        because: Because::PerItem,
    }
}

/// One more request to find the id that a stream begins with.
fn seek(floor: Floor) -> Floor {
    Floor {
        requests: floor.requests + 1,
        ..floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_stream_costs_one_request_and_a_full_page_no_second_one() {
        assert_eq!(paged([0, 1, 1000, 1001], 1000).requests, 1 + 1 + 1 + 2);
        assert_eq!(batches(0, 200).requests, 0);
        assert_eq!(batches(201, 200).requests, 2);
    }
}
