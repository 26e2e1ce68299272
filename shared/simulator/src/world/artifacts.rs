//! Links from work items to what is built for them: commits, pull requests, branches, runs, changesets.
//!
//! <https://learn.microsoft.com/azure/devops/boards/queries/link-type-reference#external-link-type>

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::world::World;
use crate::world::git::Sha;
use crate::world::people::PersonId;
use crate::world::pull_requests::PullRequest;
use crate::world::random::Random;
use crate::world::work_items::{Revision, WorkItem};

/// A link that was made, and perhaps taken away again.
#[derive(Clone, Debug)]
pub(crate) struct ArtifactLink {
    pub(crate) artifact: Artifact,
    pub(crate) made: Timestamp,
    pub(crate) removed: Option<Timestamp>,
}

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Artifact {
    /// A commit of a repository, by position.
    Commit(usize, Sha),
    /// A pull request of a repository, by position and id.
    PullRequest(usize, u32),
    /// A branch of a repository, by position and name without `refs/heads/`.
    Branch(usize, String),
    Build(u32),
    Changeset(u32),
    /// A pull request on GitHub, by connection and number.
    GitHub(Uuid, u32),
}

impl ArtifactLink {
    /// Whether it stands at a time.
    pub(crate) fn stands(&self, at: Timestamp) -> bool {
        self.made <= at && self.removed.is_none_or(|removed| removed > at)
    }
}

impl WorkItem {
    /// The links that stand now.
    pub(crate) fn artifacts(&self) -> impl Iterator<Item = &ArtifactLink> {
        self.artifact_links
            .iter()
            .filter(|link| link.removed.is_none())
    }

    /// `System.ExternalLinkCount` of a revision, counted from 1. The newest one counts what stands now.
    pub(crate) fn external_links(&self, rev: usize) -> usize {
        let revision = &self.revisions[rev - 1];
        match rev == self.revisions.len() {
            true => self.artifacts().count(),
            false => {
                let links = self.artifact_links.iter();
                links.filter(|link| link.stands(revision.at)).count()
            }
        }
    }
}

/// Links the work items of a finished world; each link makes a revision if `bumps_revision`.
pub(crate) fn link_all(world: &mut World, bumps_revision: bool) {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for link in from_code(world).into_iter().chain(from_others(world)) {
        let (item, artifact) = (link.item, link.artifact.clone());
        if link.made <= world.calendar.boundary() && seen.insert((item, artifact)) {
            found.push(link);
        }
    }
    for found in found {
        let item = &mut world.work_items[found.item];
        let removed = found
            .removed
            .filter(|at| *at <= world.calendar.boundary() && exists(item, *at));
        if !exists(item, found.made) {
            continue;
        }
        if bumps_revision {
            revise(item, found.made, found.by);
            if let Some(at) = removed {
                revise(item, at, found.by);
            }
        }
        item.artifact_links.push(ArtifactLink {
            artifact: found.artifact,
            made: found.made,
            removed,
        });
    }
}

struct Found {
    item: usize,
    artifact: Artifact,
    made: Timestamp,
    by: PersonId,
    removed: Option<Timestamp>,
}

/// Whether an item is there at a time, and not in the recycle bin.
fn exists(item: &WorkItem, at: Timestamp) -> bool {
    let rev = item.rev_at(at);
    rev > 0 && !item.revisions[rev - 1].fields.is_deleted
}

/// Adds a revision that changes no field; what is linked at once makes one.
fn revise(item: &mut WorkItem, at: Timestamp, by: PersonId) {
    let rev = item.rev_at(at);
    if item.revisions[rev - 1].at == at {
        return;
    }
    let fields = item.revisions[rev - 1].fields.clone();
    let revision = Revision {
        at,
        by,
        fields,
        comment: None,
    };
    item.revisions.insert(rev, revision);
}

/// Commits that mention a work item, and the pull requests and branches that bring them.
fn from_code(world: &World) -> Vec<Found> {
    let bringers = bringers(world);
    let position = |id: &u32| (id - world.work_items[0].id) as usize;
    let mut all = Vec::new();
    for (repository, history) in world.histories.iter().enumerate() {
        for commit in &history.commits {
            let push = &history.pushes[commit.push];
            let found = |id: &u32, artifact| Found {
                item: position(id),
                artifact,
                made: push.at + SignedDuration::from_millis(400),
                by: push.by,
                removed: None,
            };
            let bringer = bringers.get(&(repository, push.at));
            for id in &commit.work_items {
                all.push(found(id, Artifact::Commit(repository, commit.sha)));
                let Some(own) = bringer else { continue };
                all.push(found(id, Artifact::PullRequest(repository, own.id)));
                if own.id.is_multiple_of(4) {
                    let branch = Artifact::Branch(repository, short(&own.branch));
                    let removed = own.id.is_multiple_of(8).then(|| {
                        let later = SignedDuration::from_hours(30);
                        world.calendar.later(push.at, later)
                    });
                    all.push(Found {
                        removed,
                        ..found(id, branch)
                    });
                }
            }
        }
    }
    all
}

/// The pull requests by the pushes that moved their source branches.
fn bringers(world: &World) -> HashMap<(usize, Timestamp), &PullRequest> {
    let mut bringers = HashMap::new();
    for own in &world.pull_requests {
        let pushes = own.tips.iter().map(|(pushed, _)| *pushed);
        bringers.extend(pushes.map(|pushed| ((own.repository, pushed), own)));
    }
    bringers
}

fn short(branch: &str) -> String {
    branch.trim_start_matches("refs/heads/").to_owned()
}

/// Runs, changesets and pull requests on GitHub, for one in so many.
fn from_others(world: &World) -> Vec<Found> {
    let mut random = Random::stream(&[world.seed, 0x303]);
    let connection = random.uuid();
    let runs = world
        .builds
        .iter()
        .filter(|build| build.id.is_multiple_of(40));
    let runs = runs.map(|build| (Artifact::Build(build.id), build.queued, build.requested_for));
    let changesets = world
        .changesets
        .iter()
        .filter(|own| own.id.is_multiple_of(3));
    let changesets = changesets.map(|own| (Artifact::Changeset(own.id), own.created, own.author));
    let pulls = world
        .pull_requests
        .iter()
        .filter(|own| own.id.is_multiple_of(25));
    let pulls = pulls.map(|own| {
        (
            Artifact::GitHub(connection, own.id),
            own.created,
            own.author,
        )
    });
    let all = runs.chain(changesets).chain(pulls);
    let linked = all.filter_map(|(artifact, at, by)| {
        let made = at + SignedDuration::from_secs(2);
        let known = world
            .work_items
            .partition_point(|own| own.created().at < made);
        // By the thing's own moment, so that no thing of another day moves the draw.
        let mut random = Random::stream(&[world.seed, 0x304, at.as_millisecond() as u64]);
        let recent = known.min(30);
        let item = known - recent + random.index(recent);
        (known > 0).then_some(Found {
            item,
            artifact,
            made,
            by,
            removed: None,
        })
    });
    linked.collect()
}
