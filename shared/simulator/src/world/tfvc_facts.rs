//! What goes with changesets: how much each changed, branches, labels, shelvesets. All of it follows from what the changesets
//! and projects are, so that it draws nothing.

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;
use crate::world::changesets::Changeset;
use crate::world::people::PersonId;

/// A branch; the second of a project was made from the first.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) path: String,
    pub(crate) created: Timestamp,
    pub(crate) owner: PersonId,
    pub(crate) is_deleted: bool,
    pub(crate) children: Vec<Branch>,
}

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) id: u32,
    pub(crate) project: u16,
    pub(crate) name: String,
    pub(crate) modified: Timestamp,
    pub(crate) owner: PersonId,
}

#[derive(Clone, Debug)]
pub(crate) struct Shelveset {
    pub(crate) name: &'static str,
    pub(crate) project: u16,
    pub(crate) created: Timestamp,
    pub(crate) owner: PersonId,
}

impl Changeset {
    /// How many files it changed: now and then somebody moves a source tree.
    pub(crate) fn changes(&self) -> usize {
        let moved = if self.title.is_multiple_of(9) {
            1_130
        } else {
            0
        };
        usize::from(self.files) + moved
    }
}

impl World {
    /// The work items that a changeset was checked in for.
    pub(crate) fn work_items_of_changeset(&self, own: &Changeset) -> Vec<u32> {
        let known = self
            .work_items
            .partition_point(|item| item.created().at < own.created);
        if own.title.is_multiple_of(3) && known > 0 {
            vec![self.work_items[own.title as usize % known].id]
        } else {
            Vec::new()
        }
    }

    /// The root branches of a project.
    pub(crate) fn tfvc_branches(&self, project: u16) -> Vec<Branch> {
        let own = &self.projects[usize::from(project)];
        if !own.has_tfvc {
            return Vec::new();
        }
        let branch = |name: &str, day, is_deleted, children| Branch {
            path: format!("$/{}/{name}", own.name),
            created: self.calendar.moment(day, i64::from(project)),
            owner: self.people.reviewers_of(project),
            is_deleted,
            children,
        };
        let release = branch("Release", -140, false, Vec::new());
        let spike = branch("Spike", -130, true, Vec::new());
        vec![branch("Main", -190, false, vec![release, spike])]
    }

    /// The labels of all projects, by id; one of them is as old as the old life.
    pub(crate) fn tfvc_labels(&self) -> Vec<Label> {
        let projects = (0_u16..).zip(&self.projects);
        let with_tfvc = projects.filter(|(_, own)| own.has_tfvc);
        with_tfvc
            .flat_map(|(project, _)| [(project, 1, -120), (project, 2, -60), (project, 3, -7)])
            .zip(1..)
            .map(|((project, release, day), id)| Label {
                id,
                project,
                name: format!("Release {release}"),
                modified: self.calendar.moment(day, i64::from(project)),
                owner: self.people.reviewers_of(project),
            })
            .collect()
    }

    /// The shelvesets of everybody.
    pub(crate) fn shelvesets(&self) -> Vec<Shelveset> {
        let projects = (0_u16..).zip(&self.projects);
        let with_tfvc = projects.filter(|(_, own)| own.has_tfvc);
        with_tfvc
            .map(|(project, _)| Shelveset {
                name: "before the holidays",
                project,
                created: self.calendar.moment(-9, i64::from(project)),
                owner: self.people.reviewers_of(project),
            })
            .collect()
    }

    /// The id of a shelveset: its name and its owner.
    pub(crate) fn shelveset_id(&self, own: &Shelveset) -> String {
        let owner: Uuid = self.people.get(own.owner).id;
        format!("{};{owner}", own.name)
    }
}
