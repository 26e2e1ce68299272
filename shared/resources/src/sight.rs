//! What becomes of streams when another part of an organization is read than before: a credential sees more, or a user wants
//! more or less. Pure.
//!
//! A list goes on behind what it has shown already, and shows nothing of what was left out before: no token, id or time moves
//! because of a new permission, a project that was restored, or another pattern. So a list that holds what comes in is read from
//! the beginning of the window again.

use model::{
    Admission, Discovery, Kind, OrganizationId, ProjectId, Repository, RepositoryId, Scope,
};

use crate::Resource;

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It goes on.
    None,
    /// It is read from its beginning again, because its list holds what was left out until now.
    StartsOver,
    /// It ends, because all that it reads is left out.
    Ends,
}

/// An organization as it was read before, and as it is to be read now.
#[derive(Debug)]
pub struct Sight<'a> {
    before: View<'a>,
    after: View<'a>,
}

#[derive(Debug)]
struct View<'a> {
    discovery: &'a Discovery,
    admission: Admission,
}

impl<'a> Sight<'a> {
    /// What was found and wanted before, and what is now.
    pub fn new(before: &'a Discovery, after: &'a Discovery) -> Self {
        let view = |discovery| View {
            discovery,
            admission: Admission::of(discovery),
        };
        Self {
            before: view(before),
            after: view(after),
        }
    }

    /// What becomes of a stream, given where it reads. Those of other organizations go on, and those that nobody knows any more.
    pub fn change_at(&self, place: (OrganizationId, &str, Scope)) -> Change {
        let (organization, resource, scope) = place;
        let resource = crate::find(resource);
        let own = resource.filter(|_| organization == self.after.discovery.organization.id);
        own.map_or(Change::None, |resource| self.change_of(resource, &scope))
    }

    /// What becomes of the stream of a resource.
    pub fn change_of(&self, resource: &Resource, scope: &Scope) -> Change {
        let (is_wanted, was_wanted, holds_more) = match *scope {
            Scope::Organization => (true, true, self.is_wider(resource)),
            Scope::Project(project) => (
                self.after.admission.project(project),
                self.before.admission.project(project),
                self.is_wider_in(project, resource),
            ),
            Scope::Repository {
                project,
                repository,
            } => (
                self.after.admission.repository(project, repository),
                self.before.admission.repository(project, repository),
                false,
            ),
        };
        match (is_wanted, was_wanted && !holds_more) {
            (false, _) => Change::Ends,
            (true, false) => Change::StartsOver,
            (true, true) => Change::None,
        }
    }

    /// Whether a list of the organization holds what it did not.
    fn is_wider(&self, resource: &Resource) -> bool {
        if !resource.goes_over_all_projects() {
            return false;
        }
        let mut projects = self.after.discovery.projects.iter().map(|own| own.id);
        let is_left_out_by_pattern = names_its_project(resource.kind);
        projects.any(|own| {
            let was_left_out = is_left_out_by_pattern && !self.before.admission.project(own);
            self.after.admission.project(own) && (was_left_out || !self.before.shows(own))
        }) || (resource.kind == Kind::GitRepository
            && self.repositories().any(|own| self.comes_in(own)))
    }

    /// Whether a list of a project holds what it did not.
    fn is_wider_in(&self, project: ProjectId, resource: &Resource) -> bool {
        let pipelines = |view: &View<'a>| view.discovery.selection.pipelines.clone();
        match resource.kind {
            Kind::Run | Kind::TestRun | Kind::RunCoverage | Kind::EnvironmentDeployment => {
                !pipelines(&self.after).is_within(&pipelines(&self.before))
            }
            Kind::PullRequest | Kind::GitRepository => {
                let mut own = self.repositories().filter(|own| own.project == project);
                own.any(|own| {
                    let is_back = resource.goes_over_all_repositories() && self.answers_now(own);
                    self.comes_in(own) || is_back
                })
            }
            _ => false,
        }
    }

    fn repositories(&self) -> impl Iterator<Item = &'a Repository> {
        self.after.discovery.repositories.iter()
    }

    /// Whether a repository is wanted that was not.
    fn comes_in(&self, own: &Repository) -> bool {
        let is_in = |view: &View<'a>| view.admission.repository(own.project, own.id);
        is_in(&self.after) && !is_in(&self.before)
    }

    /// Whether a repository that is wanted answers and did not. One that was never pushed to has no history to miss.
    fn answers_now(&self, own: &Repository) -> bool {
        let is_wanted = self.after.admission.repository(own.project, own.id);
        let answers = !own.is_disabled && own.default_branch.is_some();
        is_wanted && answers && !self.before.answers(own.id)
    }
}

impl View<'_> {
    fn shows(&self, project: ProjectId) -> bool {
        let mut projects = self.discovery.projects.iter();
        projects.any(|own| own.id == project)
    }

    fn answers(&self, repository: RepositoryId) -> bool {
        let mut repositories = self.discovery.repositories.iter();
        repositories.any(|own| own.id == repository && !own.is_disabled)
    }
}

/// Whether records of a kind tell the project by which [`Admission::admits`] leaves them out.
fn names_its_project(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::WorkItemLink | Kind::WorkItemField | Kind::Changeset | Kind::Shelveset
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{Organization, Patterns, Project, Selection};
    use uuid::Uuid;

    use super::*;
    use crate::{CATALOG, find};

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn repository(number: u128, is_disabled: bool) -> Repository {
        Repository {
            id: RepositoryId(id(number)),
            project: ProjectId(id(1)),
            name: format!("r{number}"),
            default_branch: Some("refs/heads/main".to_owned()),
            is_disabled,
        }
    }

    fn organization(projects: &[u128], repositories: &[Repository]) -> Discovery {
        let project = |number: &u128| Project {
            id: ProjectId(id(*number)),
            name: format!("p{number}"),
        };
        Discovery {
            organization: Organization {
                id: OrganizationId(id(0)),
                name: "fabrikam".parse().unwrap(),
            },
            at: Timestamp::UNIX_EPOCH,
            projects: projects.iter().map(project).collect(),
            repositories: repositories.to_vec(),
            selection: Selection::default(),
        }
    }

    fn without(pattern: &str) -> Patterns {
        Patterns {
            include: Vec::new(),
            exclude: vec![pattern.parse().unwrap()],
        }
    }

    fn wanting(selection: Selection) -> Discovery {
        Discovery {
            selection,
            ..organization(&[1, 2], &[repository(11, false), repository(12, false)])
        }
    }

    fn change(before: &Discovery, after: &Discovery, stream: (&str, &Scope)) -> Change {
        let resource = find(stream.0).unwrap();
        Sight::new(before, after).change_of(resource, stream.1)
    }

    /// The names of what starts over in a scope.
    fn started(before: &Discovery, after: &Discovery, scope: &Scope) -> Vec<&'static str> {
        let sight = Sight::new(before, after);
        let starts = |own: &&&Resource| sight.change_of(own, scope) == Change::StartsOver;
        CATALOG.iter().filter(starts).map(|own| own.name).collect()
    }

    const ALL: Scope = Scope::Organization;

    fn of_project(number: u128) -> Scope {
        Scope::Project(ProjectId(id(number)))
    }

    #[test]
    fn a_project_that_comes_into_sight_starts_the_lists_of_the_organization_over() {
        let (few, all) = (organization(&[1], &[]), organization(&[1, 2], &[]));
        let names = started(&few, &all, &ALL);
        for name in ["work_item_revisions", "open_work_items", "changesets"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for name in ["gone_work_items", "work_item_ends"] {
            assert!(!names.contains(&name), "{names:?}");
        }
        let none: [&str; 0] = [];
        assert_eq!(
            started(&all, &few, &ALL),
            none,
            "what is hidden stays as it is"
        );
        assert_eq!(started(&all, &all, &ALL), none);
        assert_eq!(change(&few, &all, ("builds", &of_project(1))), Change::None);
    }

    #[test]
    fn a_repository_that_answers_starts_the_lists_of_its_project_over() {
        let before = organization(&[1, 2], &[repository(11, false), repository(12, true)]);
        let expected = ["pull_requests_completed", "pull_requests_abandoned"];
        let enabled = organization(&[1, 2], &[repository(11, false), repository(12, false)]);
        assert_eq!(started(&before, &enabled, &of_project(1)), expected);
        let added = organization(&[1, 2], &[repository(11, false), repository(13, false)]);
        assert_eq!(started(&before, &added, &of_project(1)), expected);

        let empty = Repository {
            default_branch: None,
            ..repository(14, false)
        };
        let made = organization(&[1, 2], &[repository(11, false), empty]);
        let none: [&str; 0] = [];
        assert_eq!(started(&before, &made, &of_project(1)), none);
        assert_eq!(started(&before, &added, &of_project(2)), none);
    }

    #[test]
    fn a_project_that_is_left_out_ends_and_starts_over() {
        let all = wanting(Selection::default());
        let some = wanting(Selection {
            projects: without("P2"),
            ..Selection::default()
        });
        let pushes = Scope::Repository {
            project: ProjectId(id(2)),
            repository: RepositoryId(id(21)),
        };
        for stream in [("builds", &of_project(2)), ("pushes", &pushes)] {
            assert_eq!(change(&all, &some, stream), Change::Ends, "{stream:?}");
            assert_eq!(
                change(&some, &all, stream),
                Change::StartsOver,
                "{stream:?}"
            );
        }
        let items = ("work_item_revisions", &ALL);
        assert_eq!(change(&all, &some, items), Change::None);
        assert_eq!(change(&some, &all, items), Change::StartsOver);
        // Its records name no project, so nothing of it was left out.
        assert_eq!(change(&some, &all, ("changesets", &ALL)), Change::None);
        assert_eq!(
            change(&some, &all, ("builds", &of_project(1))),
            Change::None
        );
    }

    #[test]
    fn lists_that_mix_pipelines_or_repositories_start_over_when_some_come_in() {
        let all = wanting(Selection::default());
        let pipelines = wanting(Selection {
            pipelines: without("nightly"),
            ..Selection::default()
        });
        let repositories = wanting(Selection {
            repositories: without("r11"),
            ..Selection::default()
        });
        let scope = of_project(1);
        let (runs, open) = (("builds", &scope), ("pull_requests_active", &scope));
        assert_eq!(change(&pipelines, &all, runs), Change::StartsOver);
        assert_eq!(change(&pipelines, &all, open), Change::None);
        assert_eq!(change(&repositories, &all, open), Change::StartsOver);
        assert_eq!(change(&repositories, &all, runs), Change::None);
        assert_eq!(change(&all, &pipelines, runs), Change::None, "it is less");
        assert_eq!(
            change(&all, &repositories, open),
            Change::None,
            "it is less"
        );
        let pushes = Scope::Repository {
            project: ProjectId(id(1)),
            repository: RepositoryId(id(11)),
        };
        assert_eq!(
            change(&all, &repositories, ("pushes", &pushes)),
            Change::Ends
        );
    }
}
