//! What a complete sync must have stored.

mod people;

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use uuid::Uuid;

use crate::config::Unverified;
use crate::http::FIELDS;
use crate::pat::Pat;
use crate::world::classification::Node;
use crate::world::process::ItemType;
use crate::world::projects::RepositoryState;
use crate::world::pull_requests::PullRequest;
use crate::world::teams::{self, Team};
use crate::world::work_items::{LinkChange, WorkItem};
use crate::world::{World, activities, tests, timeline};

/// One record that a complete sync must have stored.
///
/// | `kind` | `scope` | `id` | `version` | `children` |
/// |---|---|---|---|---|
/// | `work_item` | organization | id | latest `rev` | revisions changed since; 1 for one untouched since but still open; and links to artifacts |
/// | `work_item_link` | organization | `{source}/{rel}/{target}` | `changedDate` of the newest change since | 1 if active, else 0 |
/// | `work_item_type` | project | name | empty | states |
/// | `work_item_field` | organization | reference name | empty | 0 |
/// | `team` | project | team GUID | empty | 0 |
/// | `sprint` | project | `{team}/{iteration}` GUIDs | empty | 0 |
/// | `team_settings` | project | team GUID | empty | working days and backlogs |
/// | `team_areas` | project | team GUID | empty | areas |
/// | `sprint_capacity` | project | `{team}/{iteration}` GUIDs | `finishDate` | members, and spans of days off |
/// | `classification_node` | project | node GUID | empty | 0 |
/// | `pull_request` | project | id | `status` | threads, and work items that link to it |
/// | `repository` | project | repository GUID | name | 0 |
/// | `ref_list` | project | `{repository}/heads` or `/tags` | sum of the objects' first 15 hexadecimal digits | refs |
/// | `policy` | project | id | `revision` | branches that it is for |
/// | `run` | project | build id | `finishTime`; empty for one that has not ended | timeline records of all attempts |
/// | `definition` | project | id | `revision` | 0 |
/// | `run_retention` | project | `runs` | empty | 0 |
/// | `push` | project | `{repository}/{pushId}` | empty | 0 |
/// | `commit` | project | `{repository}/{sha}` | empty | 0 |
/// | `changeset` | organization | id | empty | changes, and work items that it was checked in for |
/// | `tfvc_branch` | project | path | `deleted`, or empty | 0 |
/// | `tfvc_label` | project | id | name | 0 |
/// | `shelveset` | organization | `{name};{owner}` | `createdDate` | 0 |
/// | `deployment` | project | id | `lastModifiedOn` | approvals |
/// | `test_run` | project | id | `lastUpdatedDate` | tests |
/// | `run_coverage` | project | build id | `completedDate` of its last test run | counts |
/// | `environment` | project | id | empty | 0 |
/// | `person` | organization | GUID | `human`, `group` or `service` | 1 if something since names them; with 0 it may be missing |
/// | `environment_deployment` | project | `{environment}/{id}` | `finishTime`, empty while it runs | 0 |
///
/// Instants are RFC 3339 in UTC, as [`Timestamp`] prints them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Expected {
    /// What it is.
    pub kind: &'static str,
    /// The project's GUID, or the organization's `instanceId`.
    pub scope: Uuid,
    /// Its natural key within the scope.
    pub id: String,
    /// Which state of it; empty where it has no versions.
    pub version: String,
    /// How many parts it has.
    pub children: u64,
    /// How many parts it has if they came from Analytics, which knows fewer of a run; `None` where they cannot.
    pub in_analytics: Option<u64>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// How many of each thing a credential can see, whatever its age.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Projects.
    pub projects: u64,
    /// Git repositories, empty and disabled ones included.
    pub repositories: u64,
    /// Work items that are not deleted.
    pub work_items: u64,
    /// Revisions of work items, deleted items included.
    pub work_item_revisions: u64,
    /// Changes of links.
    pub work_item_link_changes: u64,
    /// Runs in any state.
    pub builds: u64,
    /// Timeline records of all runs, newest attempts only.
    pub timeline_records: u64,
    /// Pull requests in any state.
    pub pull_requests: u64,
    /// Their threads.
    pub threads: u64,
    /// Pushes.
    pub pushes: u64,
    /// Commits.
    pub commits: u64,
    /// TFVC changesets.
    pub changesets: u64,
}

/// Lists what a complete sync with `pat` since `since` must have stored, in order of kind, scope and id.
pub(crate) fn expected(
    world: &World,
    unverified: &Unverified,
    pat: &Pat,
    since: Timestamp,
) -> Vec<Expected> {
    let clerk = Clerk {
        world,
        pat,
        since,
        keeps_retries: unverified.analytics_keeps_retries,
    };
    let mut all = Vec::new();
    if pat.has_scope("vso.work") {
        clerk.work_items(&mut all);
        clerk.links(&mut all);
        clerk.boards(&mut all);
    }
    if pat.has_scope("vso.build") {
        clerk.runs(&mut all);
        clerk.environments(&mut all);
        clerk.definitions(&mut all);
    }
    if pat.has_scope("vso.code") {
        clerk.pull_requests(&mut all);
        clerk.repositories(&mut all);
        clerk.refs(&mut all);
        clerk.policies(&mut all);
        clerk.pushes(&mut all);
        clerk.changesets(&mut all);
        clerk.tfvc(&mut all);
    }
    if pat.has_scope("vso.test") {
        clerk.test_runs(&mut all);
        clerk.coverage(&mut all);
    }
    if pat.has_scope("vso.release") {
        clerk.deployments(&mut all);
    }
    clerk.people(&mut all);
    all.sort_unstable();
    all
}

struct Clerk<'a> {
    world: &'a World,
    pat: &'a Pat,
    since: Timestamp,
    keeps_retries: bool,
}

impl Clerk<'_> {
    fn sees(&self, project: u16) -> bool {
        !self.pat.denied_projects.contains(&self.project_id(project))
    }

    fn project_id(&self, project: u16) -> Uuid {
        self.world.projects[usize::from(project)].id
    }

    fn work_items(&self, all: &mut Vec<Expected>) {
        for item in self
            .world
            .work_items
            .iter()
            .filter(|item| self.sees(item.project()))
        {
            let latest = item.latest();
            let touched = item
                .revisions
                .iter()
                .filter(|revision| revision.at >= self.since)
                .count() as u64;
            let is_open = latest.fields.state.is_open() && !item.is_deleted();
            if touched > 0 || is_open {
                all.push(Expected {
                    kind: "work_item",
                    scope: self.world.instance_id,
                    id: item.id.to_string(),
                    version: item.revisions.len().to_string(),
                    children: touched.max(1) + self.artifacts(item),
                    in_analytics: None,
                    changed_at: latest.at,
                });
            }
        }
    }

    /// How many links an item has to what is built for it; those of a deleted item cannot be read.
    fn artifacts(&self, item: &WorkItem) -> u64 {
        match item.is_deleted() {
            true => 0,
            false => item.artifacts().count() as u64,
        }
    }

    fn links(&self, all: &mut Vec<Expected>) {
        let mut newest = BTreeMap::new();
        for link in self.world.links.iter().filter(|link| link.at >= self.since) {
            let (source, target) = (
                &self.world.work_items[link.source],
                &self.world.work_items[link.target],
            );
            if self.sees(source.project()) && self.sees(target.project()) {
                let id = format!("{}/{}/{}", source.id, link.kind.reporting_name(), target.id);
                newest.insert(id, (link.at, link.is_active));
            }
        }
        all.extend(newest.into_iter().map(|(id, (at, is_active))| Expected {
            kind: "work_item_link",
            scope: self.world.instance_id,
            id,
            version: at.to_string(),
            children: u64::from(is_active),
            in_analytics: None,
            changed_at: at,
        }));
    }

    fn boards(&self, all: &mut Vec<Expected>) {
        let plain = |kind, scope, id: String| Expected {
            kind,
            scope,
            id,
            version: String::new(),
            children: 0,
            in_analytics: None,
            changed_at: self.world.calendar.start_plus_days(0),
        };
        let organization = self.world.instance_id;
        let fields = FIELDS.iter();
        all.extend(
            fields.map(|(name, ..)| plain("work_item_field", organization, (*name).to_owned())),
        );
        if self.pat.has_scope("vso.project") || self.pat.has_scope("vso.profile") {
            let teams = teams::all(&self.world.projects).into_iter();
            let visible = teams.filter(|team| self.sees(team.project));
            for team in visible.clone() {
                let position = usize::from(team.project);
                let (project, [_, iterations]) = (
                    &self.world.projects[position],
                    &self.world.classification[position],
                );
                let sprints = team.sprints(project, iterations).into_iter();
                let id = |sprint: &Node| format!("{}/{}", team.id, sprint.identifier);
                for (sprint, _) in sprints {
                    all.push(plain("sprint", project.id, id(sprint)));
                    all.extend(
                        self.plan(&team, sprint)
                            .map(|(version, children)| Expected {
                                version,
                                children,
                                ..plain("sprint_capacity", project.id, id(sprint))
                            }),
                    );
                }
                let [settings, areas] = ["team_settings", "team_areas"];
                all.push(Expected {
                    children: (team.working_days().len() + team.backlogs().len()) as u64,
                    ..plain(settings, project.id, team.id.to_string())
                });
                all.push(Expected {
                    children: team.areas(project).len() as u64,
                    ..plain(areas, project.id, team.id.to_string())
                });
            }
            let expected =
                |team: Team| plain("team", self.project_id(team.project), team.id.to_string());
            all.extend(visible.map(expected));
        }
        for (project, trees) in (0_u16..)
            .zip(&self.world.classification)
            .filter(|(project, _)| self.sees(*project))
        {
            let scope = self.project_id(project);
            let changed_at = self.world.projects[usize::from(project)].last_update;
            all.extend(ItemType::ALL.iter().map(|kind| Expected {
                kind: "work_item_type",
                scope,
                id: kind.name().to_owned(),
                version: String::new(),
                children: kind.states().len() as u64,
                in_analytics: None,
                changed_at,
            }));
            all.extend(trees.iter().flat_map(Node::walk).map(|node| Expected {
                kind: "classification_node",
                scope,
                id: node.identifier.to_string(),
                version: String::new(),
                children: 0,
                in_analytics: None,
                changed_at,
            }));
        }
    }

    /// The last day of a sprint that was not over before, and how many parts the team's plan for it has.
    fn plan(&self, team: &Team, sprint: &Node) -> Option<(String, u64)> {
        let (_, finish) = sprint.dates?;
        let is_over = finish + 24.hours() <= self.since;
        let plan = self.world.plan(team, sprint).filter(|_| !is_over)?;
        Some((finish.to_string(), plan.parts()))
    }

    fn runs(&self, all: &mut Vec<Expected>) {
        for build in self
            .world
            .builds
            .iter()
            .filter(|build| self.sees(self.world.project_of(build)))
        {
            let finished = build.finished();
            if finished.is_some_and(|finished| finished < self.since) {
                continue;
            }
            let (parts, in_analytics) = match finished {
                Some(_) => (
                    timeline::of_all_attempts(self.world, build),
                    activities::parts(self.world, build, self.keeps_retries),
                ),
                None => (0, None),
            };
            all.push(Expected {
                kind: "run",
                scope: self.project_id(self.world.project_of(build)),
                id: build.id.to_string(),
                version: finished.map_or_else(String::new, |finished| finished.to_string()),
                children: parts,
                in_analytics,
                changed_at: build.changed(),
            });
        }
    }

    fn definitions(&self, all: &mut Vec<Expected>) {
        let definitions = self.world.definitions.iter();
        let visible = definitions.filter(|own| self.sees(own.project));
        all.extend(visible.map(|own| Expected {
            kind: "definition",
            scope: self.project_id(own.project),
            id: own.id.to_string(),
            version: own.revision.to_string(),
            children: 0,
            in_analytics: None,
            changed_at: own.revised(self.world).0,
        }));
        let projects = (0_u16..).zip(&self.world.projects);
        let visible = projects.filter(|(project, _)| self.sees(*project));
        all.extend(visible.map(|(_, project)| Expected {
            kind: "run_retention",
            scope: project.id,
            id: "runs".to_owned(),
            version: String::new(),
            children: 0,
            in_analytics: None,
            changed_at: project.last_update,
        }));
    }

    fn pull_requests(&self, all: &mut Vec<Expected>) {
        for own in &self.world.pull_requests {
            let project = self.world.repositories[own.repository].project;
            if self.sees(project) && own.closed().is_none_or(|closed| closed >= self.since) {
                all.push(Expected {
                    kind: "pull_request",
                    scope: self.project_id(project),
                    id: own.id.to_string(),
                    version: own.status().name().to_owned(),
                    children: own.threads() + self.linked_work_items(own),
                    in_analytics: None,
                    changed_at: own.changed(),
                });
            }
        }
    }

    /// Links are asked of Boards, which is another permission.
    fn linked_work_items(&self, own: &PullRequest) -> u64 {
        if self.pat.has_scope("vso.work") {
            self.world.work_items_of(own).len() as u64
        } else {
            0
        }
    }

    fn repositories(&self, all: &mut Vec<Expected>) {
        let entry = |project, id: Uuid, name: &str, changed_at| Expected {
            kind: "repository",
            scope: self.project_id(project),
            id: id.to_string(),
            version: name.to_owned(),
            children: 0,
            in_analytics: None,
            changed_at,
        };
        let there = self.world.repositories.iter();
        all.extend(
            there
                .filter(|own| self.sees(own.project))
                .map(|own| entry(own.project, own.id, &own.name, self.since)),
        );
        let gone = self.world.deleted_repositories().into_iter();
        all.extend(
            gone.filter(|own| self.sees(own.project) && own.deleted >= self.since)
                .map(|own| entry(own.project, own.id, own.name, own.deleted)),
        );
    }

    fn refs(&self, all: &mut Vec<Expected>) {
        for (position, repository) in self.world.repositories.iter().enumerate() {
            if !self.sees(repository.project) || repository.state != RepositoryState::Live {
                continue;
            }
            let refs = self.world.refs(position);
            for namespace in ["heads", "tags"] {
                let prefix = format!("refs/{namespace}/");
                let own = || refs.iter().filter(|own| own.name.starts_with(&prefix));
                let sum = own().fold(0, |sum: u64, own| {
                    let start = own.object.to_string()[..15].to_owned();
                    sum.wrapping_add(u64::from_str_radix(&start, 16).unwrap_or(0))
                });
                all.push(Expected {
                    kind: "ref_list",
                    scope: self.project_id(repository.project),
                    id: format!("{}/{namespace}", repository.id),
                    version: sum.to_string(),
                    children: own().count() as u64,
                    in_analytics: None,
                    changed_at: self.since,
                });
            }
        }
    }

    fn policies(&self, all: &mut Vec<Expected>) {
        let policies = self.world.policies().into_iter();
        let seen = policies.filter(|own| self.sees(own.project));
        all.extend(seen.map(|own| Expected {
            kind: "policy",
            scope: self.project_id(own.project),
            id: own.id.to_string(),
            version: own.revision.to_string(),
            children: 1,
            in_analytics: None,
            changed_at: own.created,
        }));
    }

    fn pushes(&self, all: &mut Vec<Expected>) {
        for (repository, history) in self.world.repositories.iter().zip(&self.world.histories) {
            if !self.sees(repository.project) {
                continue;
            }
            let scope = self.project_id(repository.project);
            let expected = |kind, id: String, changed_at| Expected {
                kind,
                scope,
                id: format!("{}/{id}", repository.id),
                version: String::new(),
                children: 0,
                in_analytics: None,
                changed_at,
            };
            let recent = history.pushes.iter().filter(|push| push.at >= self.since);
            all.extend(recent.map(|push| expected("push", push.id.to_string(), push.at)));
            let commits = history
                .commits
                .iter()
                .map(|commit| (commit, history.pushes[commit.push].at));
            let recent = commits.filter(|(_, pushed)| *pushed >= self.since);
            all.extend(
                recent.map(|(commit, pushed)| expected("commit", commit.sha.to_string(), pushed)),
            );
        }
    }

    fn tfvc(&self, all: &mut Vec<Expected>) {
        let entry = |kind, scope, id, version: &str, changed_at| Expected {
            kind,
            scope,
            id,
            version: version.to_owned(),
            children: 0,
            in_analytics: None,
            changed_at,
        };
        for project in (0..self.world.projects.len() as u16).filter(|own| self.sees(*own)) {
            let roots = self.world.tfvc_branches(project);
            for own in roots
                .iter()
                .flat_map(|root| std::iter::once(root).chain(&root.children))
            {
                let (id, scope) = (own.path.clone(), self.project_id(project));
                let version = if own.is_deleted { "deleted" } else { "" };
                all.push(entry("tfvc_branch", scope, id, version, own.created));
            }
        }
        for own in self.world.tfvc_labels() {
            if self.sees(own.project) && own.modified >= self.since {
                let (id, scope) = (own.id.to_string(), self.project_id(own.project));
                all.push(entry("tfvc_label", scope, id, &own.name, own.modified));
            }
        }
        for own in self.world.shelvesets() {
            if self.sees(own.project) && own.created >= self.since {
                let (id, scope) = (self.world.shelveset_id(&own), self.world.instance_id);
                let version = own.created.to_string();
                all.push(entry("shelveset", scope, id, &version, own.created));
            }
        }
    }

    fn changesets(&self, all: &mut Vec<Expected>) {
        let recent = self
            .world
            .changesets
            .iter()
            .filter(|own| own.created >= self.since && self.sees(own.project));
        all.extend(recent.map(|changeset| Expected {
            kind: "changeset",
            scope: self.world.instance_id,
            id: changeset.id.to_string(),
            version: String::new(),
            children: changeset.changes() as u64
                + self.world.work_items_of_changeset(changeset).len() as u64,
            in_analytics: None,
            changed_at: changeset.created,
        }));
    }
}

impl Clerk<'_> {
    fn test_runs(&self, all: &mut Vec<Expected>) {
        let test_runs = self.world.test_runs.iter();
        let recent = test_runs.filter(|own| self.sees(own.project) && own.updated >= self.since);
        all.extend(recent.map(|own| Expected {
            kind: "test_run",
            scope: self.project_id(own.project),
            id: own.id.to_string(),
            version: own.updated.to_string(),
            children: own.counts.total().into(),
            in_analytics: None,
            changed_at: own.updated,
        }));
    }

    /// One for each run whose tests have ended, also if it published no coverage.
    fn coverage(&self, all: &mut Vec<Expected>) {
        let mut tested: BTreeMap<usize, Timestamp> = BTreeMap::new();
        let test_runs = self.world.test_runs.iter();
        for own in test_runs.filter(|own| self.sees(own.project)) {
            if let (Some(build), Some(completed)) = (own.build, own.completed) {
                let newest = tested.entry(build).or_insert(completed);
                *newest = completed.max(*newest);
            }
        }
        tested.retain(|_, completed| *completed >= self.since);
        all.extend(tested.into_iter().map(|(position, completed)| {
            let build = &self.world.builds[position];
            Expected {
                kind: "run_coverage",
                scope: self.project_id(self.world.project_of(build)),
                id: build.id.to_string(),
                version: completed.to_string(),
                children: tests::coverage(self.world, position).len() as u64,
                in_analytics: None,
                changed_at: completed,
            }
        }));
    }

    fn environments(&self, all: &mut Vec<Expected>) {
        let visible = |project: u16| self.sees(project).then(|| self.project_id(project));
        for own in &self.world.environments {
            all.extend(visible(own.project).map(|scope| Expected {
                kind: "environment",
                scope,
                id: own.id.to_string(),
                version: String::new(),
                children: 0,
                in_analytics: None,
                changed_at: own.created,
            }));
        }
        for own in &self.world.deployment_records {
            let environment = &self.world.environments[own.environment];
            let finished = own.finished.map(|(at, _)| at);
            if finished.is_some_and(|at| at < self.since) {
                continue;
            }
            all.extend(visible(environment.project).map(|scope| Expected {
                kind: "environment_deployment",
                scope,
                id: format!("{}/{}", environment.id, own.id),
                version: finished.map_or_else(String::new, |at| at.to_string()),
                children: 0,
                in_analytics: None,
                changed_at: finished.unwrap_or(own.queued),
            }));
        }
    }

    fn deployments(&self, all: &mut Vec<Expected>) {
        for own in &self.world.deployments {
            let definition = self.world.releases[own.release].definition;
            let project = self.world.release_definitions[definition].project;
            let modified = own.modified();
            if self.sees(project) && modified >= self.since {
                all.push(Expected {
                    kind: "deployment",
                    scope: self.project_id(project),
                    id: own.id.to_string(),
                    version: modified.to_string(),
                    children: own.approvals.len() as u64,
                    in_analytics: None,
                    changed_at: modified,
                });
            }
        }
    }
}

/// Counts what `pat` can see.
pub(crate) fn totals(world: &World, pat: &Pat) -> Totals {
    let sees = |project: u16| {
        !pat.denied_projects
            .contains(&world.projects[usize::from(project)].id)
    };
    let repositories = || {
        world
            .repositories
            .iter()
            .zip(&world.histories)
            .filter(|(own, _)| sees(own.project))
    };
    let items = || world.work_items.iter().filter(|item| sees(item.project()));
    let builds = || {
        world
            .builds
            .iter()
            .filter(|build| sees(world.project_of(build)))
    };
    let pull_requests = || {
        world
            .pull_requests
            .iter()
            .filter(|own| sees(world.repositories[own.repository].project))
    };
    let is_visible = |link: &&LinkChange| {
        [link.source, link.target]
            .iter()
            .all(|&end| sees(world.work_items[end].project()))
    };
    Totals {
        projects: world
            .projects
            .iter()
            .filter(|project| !pat.denied_projects.contains(&project.id))
            .count() as u64,
        repositories: repositories().count() as u64,
        work_items: items().filter(|item| !item.is_deleted()).count() as u64,
        work_item_revisions: items().map(|item| item.revisions.len() as u64).sum(),
        work_item_link_changes: world.links.iter().filter(is_visible).count() as u64,
        builds: builds().count() as u64,
        timeline_records: builds()
            .map(|build| timeline::newest(world, build).len() as u64)
            .sum(),
        pull_requests: pull_requests().count() as u64,
        threads: pull_requests().map(PullRequest::threads).sum(),
        pushes: repositories()
            .map(|(_, history)| history.pushes.len() as u64)
            .sum(),
        commits: repositories()
            .map(|(_, history)| history.commits.len() as u64)
            .sum(),
        changesets: world
            .changesets
            .iter()
            .filter(|changeset| sees(changeset.project))
            .count() as u64,
    }
}
