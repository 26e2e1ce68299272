//! What a repository is besides its history: where its refs point now, what it was forked from, which policies hold, and which
//! repositories are gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;
use crate::world::git::{History, Sha};
use crate::world::people::PersonId;
use crate::world::projects::RepositoryState;
use crate::world::pull_requests::{PullRequest, Status};

/// A branch or tag as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Ref {
    /// The full name.
    pub(crate) name: String,
    pub(crate) object: Sha,
    /// Who made it.
    pub(crate) creator: PersonId,
}

/// A repository in the recycle bin.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    pub(crate) id: Uuid,
    pub(crate) name: &'static str,
    pub(crate) project: u16,
    pub(crate) created: Timestamp,
    pub(crate) deleted: Timestamp,
    pub(crate) by: PersonId,
}

/// A branch policy.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) id: u32,
    pub(crate) project: u16,
    pub(crate) kind: PolicyKind,
    /// The repository; `None` for all of the project.
    pub(crate) repository: Option<Uuid>,
    pub(crate) is_blocking: bool,
    pub(crate) revision: u32,
    pub(crate) created: Timestamp,
    pub(crate) by: PersonId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    Reviewers { minimum: u8 },
    Build { definition: u32 },
}

impl World {
    /// The refs of a repository, by name; the merges of open pull requests are refs, too.
    pub(crate) fn refs(&self, repository: usize) -> Vec<Ref> {
        let mut refs: BTreeMap<String, Ref> = moved(&self.histories[repository]);
        let open = self
            .pull_requests
            .iter()
            .filter(|own| own.repository == repository && own.status() == Status::Active);
        for own in open {
            if let Some(object) = own.source() {
                let name = format!("refs/pull/{}/merge", own.id);
                let creator = self.people.build_service();
                refs.insert(
                    name.clone(),
                    Ref {
                        name,
                        object,
                        creator,
                    },
                );
            }
        }
        refs.into_values().collect()
    }

    /// The repository that another was forked from: the second one of each third project, from its first.
    pub(crate) fn forked_from(&self, repository: usize) -> Option<usize> {
        let own = &self.repositories[repository];
        let first = self
            .repositories
            .iter()
            .position(|other| other.project == own.project)?;
        let is_fork = own.project.is_multiple_of(3)
            && repository == first + 1
            && own.state == RepositoryState::Live;
        is_fork.then_some(first)
    }

    /// The recycle bin of every second project.
    pub(crate) fn deleted_repositories(&self) -> Vec<Deleted> {
        let projects = (0_u16..).zip(&self.projects);
        let in_bin = projects.filter(|(project, _)| project % 2 == 1);
        in_bin
            .map(|(project, own)| Deleted {
                id: Uuid::new_v5(&own.id, b"deleted repository"),
                name: "prototype",
                project,
                created: self.calendar.moment(-80, 0),
                deleted: self.calendar.moment(-12, i64::from(project)),
                by: self.people.reviewers_of(project),
            })
            .collect()
    }

    /// The policies of all projects, by id.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        let mut policies = Vec::new();
        for project in 0..self.projects.len() as u16 {
            let first = self
                .repositories
                .iter()
                .find(|own| own.project == project && own.state == RepositoryState::Live);
            let build = first.and_then(|first| {
                self.definitions
                    .iter()
                    .find(|definition| self.repositories[definition.repository].id == first.id)
            });
            let kinds = [
                Some((PolicyKind::Reviewers { minimum: 1 }, None)),
                build.map(|build| {
                    let definition = build.id;
                    (PolicyKind::Build { definition }, first.map(|own| own.id))
                }),
            ];
            for (kind, repository) in kinds.into_iter().flatten() {
                let id = policies.len() as u32 + 1;
                policies.push(Policy {
                    id,
                    project,
                    kind,
                    repository,
                    is_blocking: matches!(kind, PolicyKind::Reviewers { .. }),
                    revision: 1 + id % 4,
                    created: self.calendar.moment(-150, i64::from(id)),
                    by: self.people.reviewers_of(project),
                });
            }
        }
        policies
    }

    /// The work items that the commits of a pull request name, which links them to it.
    pub(crate) fn work_items_of(&self, own: &PullRequest) -> Vec<u32> {
        let history = &self.histories[own.repository];
        let mut ids: Vec<u32> = own
            .tips
            .iter()
            .filter_map(|(at, _)| history.pushes.binary_search_by_key(at, |push| push.at).ok())
            .flat_map(|place| {
                let start = history
                    .commits
                    .partition_point(|commit| commit.push < place);
                let end = history
                    .commits
                    .partition_point(|commit| commit.push <= place);
                &history.commits[start..end]
            })
            .flat_map(|commit| commit.work_items.iter().copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Where the pushes have left the branches and tags.
fn moved(history: &History) -> BTreeMap<String, Ref> {
    let mut refs = BTreeMap::new();
    for push in &history.pushes {
        for update in &push.refs {
            if update.new == Sha::ZERO {
                refs.remove(&update.name);
                continue;
            }
            let own = refs.entry(update.name.clone()).or_insert_with(|| Ref {
                name: update.name.clone(),
                object: update.new,
                creator: push.by,
            });
            own.object = update.new;
        }
    }
    refs
}
