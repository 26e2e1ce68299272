//! What a complete sync must have stored.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::pat::Pat;
use crate::world::World;

/// One record that a complete sync must have stored.
///
/// | `kind` | `scope` | `id` | `version` | `children` |
/// |---|---|---|---|---|
/// | `work_item` | organization | id | latest `rev` | revisions changed since; 1 for one untouched since but still open |
/// | `work_item_link` | organization | `{source}/{rel}/{target}` | `changedDate` of the newest change since | 1 if active, else 0 |
/// | `work_item_type` | project | name | empty | states |
/// | `classification_node` | project | node GUID | empty | 0 |
/// | `run` | project | build id | `finishTime` | timeline records |
/// | `pull_request` | project | id | `status` | threads |
/// | `push` | project | `{repository}/{pushId}` | empty | 0 |
/// | `commit` | project | `{repository}/{sha}` | empty | 0 |
/// | `changeset` | organization | id | empty | 0 |
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
}

/// Lists what a complete sync with `pat` since `since` must have stored.
pub(crate) fn expected(_world: &World, _pat: &Pat, _since: Timestamp) -> Vec<Expected> {
    Vec::new()
}

pub(crate) fn totals(world: &World, pat: &Pat) -> Totals {
    let sees = |project: u16| {
        !pat.denied_projects
            .contains(&world.projects[usize::from(project)].id)
    };
    Totals {
        projects: world
            .projects
            .iter()
            .filter(|project| !pat.denied_projects.contains(&project.id))
            .count() as u64,
        repositories: world
            .repositories
            .iter()
            .filter(|repository| sees(repository.project))
            .count() as u64,
    }
}
