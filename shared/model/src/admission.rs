//! What of an organization is read and counted: a selection, applied to records by the names of what they belong to.

use std::collections::BTreeMap;

use crate::{Discovery, ProjectId, Record, RepositoryId, Scope, Selection, record::Definition};

/// A selection with the names that it goes by.
///
/// What has no name here is admitted as long as the selection only leaves things out, and not if it names what is wanted.
/// Changesets and the links between work items name no project, and are always admitted.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    selection: Selection,
    projects: BTreeMap<ProjectId, String>,
    repositories: BTreeMap<RepositoryId, String>,
    pipelines: BTreeMap<(ProjectId, u64), String>,
}

impl Admission {
    /// An admission that knows no names yet.
    pub fn new(selection: Selection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// An admission by what is wanted of an organization and the names that it has.
    pub fn of(discovery: &Discovery) -> Self {
        let mut admission = Self::new(discovery.selection.clone());
        admission.learn(discovery);
        admission
    }

    /// Whether everything is admitted, so that nothing has to be asked of it.
    pub fn is_everything(&self) -> bool {
        self.selection.is_everything()
    }

    /// Whether the names of pipelines are needed.
    pub fn needs_pipelines(&self) -> bool {
        !self.selection.pipelines.is_everything()
    }

    /// Takes in the names of an organization's projects and repositories.
    pub fn learn(&mut self, discovery: &Discovery) {
        let projects = discovery.projects.iter();
        self.projects
            .extend(projects.map(|own| (own.id, own.name.clone())));
        let repositories = discovery.repositories.iter();
        self.repositories
            .extend(repositories.map(|own| (own.id, own.name.clone())));
    }

    /// Takes in the name of a pipeline.
    pub fn learn_pipeline(&mut self, own: &Definition) {
        self.pipelines
            .insert((own.project, own.id), own.name.clone());
    }

    /// Whether what lies in a project is wanted.
    pub fn project(&self, project: ProjectId) -> bool {
        let name = self.projects.get(&project).map(String::as_str);
        self.selection.projects.select_known(name)
    }

    /// Whether what lies in a repository of a project is wanted.
    pub fn repository(&self, project: ProjectId, repository: RepositoryId) -> bool {
        let name = self.repositories.get(&repository).map(String::as_str);
        self.project(project) && self.selection.repositories.select_known(name)
    }

    /// Whether anything of a part of the organization is wanted.
    pub fn scope(&self, scope: &Scope) -> bool {
        match *scope {
            Scope::Organization => true,
            Scope::Project(project) => self.project(project),
            Scope::Repository {
                project,
                repository,
            } => self.repository(project, repository),
        }
    }

    fn pipeline(&self, project: ProjectId, pipeline: Option<u64>) -> bool {
        let name = pipeline.map(|id| self.pipelines.get(&(project, id)).map(String::as_str));
        // What people try by hand belongs to no pipeline.
        self.project(project) && name.is_none_or(|name| self.selection.pipelines.select_known(name))
    }

    /// Whether a record is read and counted. Definitions of pipelines that are left out stay: they are what patterns are chosen
    /// by.
    pub fn admits(&self, record: &Record) -> bool {
        match record {
            Record::WorkItem(own) => {
                let project = own.text("System.TeamProject");
                self.selection.projects.select_known(project)
            }
            Record::Run(own) => {
                self.project(own.project) && self.selection.pipelines.select(&own.pipeline.name)
            }
            Record::TestRun(own) => self.pipeline(own.project, own.pipeline),
            Record::RunCoverage(own) => self.pipeline(own.project, own.pipeline),
            Record::EnvironmentDeployment(own) => self.pipeline(own.project, own.pipeline),
            Record::PullRequest(own) => self.repository(own.project, own.repository),
            Record::Push(own) => self.repository(own.project, own.repository),
            Record::Commit(own) => self.repository(own.project, own.repository),
            Record::RefList(own) => self.repository(own.project, own.repository),
            Record::GitRepository(own) => {
                self.project(own.project) && self.selection.repositories.select(&own.name)
            }
            Record::WorkItemType(own) => self.project(own.project),
            Record::ClassificationNode(own) => self.project(own.project),
            Record::Team(own) => self.project(own.project),
            Record::Sprint(own) => self.project(own.project),
            Record::TeamSettings(own) => self.project(own.project),
            Record::TeamAreas(own) => self.project(own.project),
            Record::SprintCapacity(own) => self.project(own.project),
            Record::Definition(own) => self.project(own.project),
            Record::RunRetention(own) => self.project(own.project),
            Record::Policy(own) => self.project(own.project),
            Record::TfvcBranch(own) => self.project(own.project),
            Record::TfvcLabel(own) => self.project(own.project),
            Record::Deployment(own) => self.project(own.project),
            Record::Environment(own) => self.project(own.project),
            Record::WorkItemLink(_)
            | Record::WorkItemField(_)
            | Record::Changeset(_)
            | Record::Shelveset(_)
            | Record::Person(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{Kind, Organization, OrganizationId, Patterns, Project, Repository};

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn discovery() -> Discovery {
        let repository = |number: u128, name: &str| Repository {
            id: RepositoryId(id(number)),
            project: ProjectId(id(1)),
            name: name.to_owned(),
            default_branch: None,
            is_disabled: false,
        };
        Discovery {
            organization: Organization {
                id: OrganizationId(id(0)),
                name: "fabrikam".parse().unwrap(),
            },
            at: Timestamp::UNIX_EPOCH,
            projects: vec![
                Project {
                    id: ProjectId(id(1)),
                    name: "Fiber".to_owned(),
                },
                Project {
                    id: ProjectId(id(2)),
                    name: "Old stuff".to_owned(),
                },
            ],
            repositories: vec![repository(11, "web"), repository(12, "web-old")],
            selection: Selection::default(),
        }
    }

    fn patterns(include: &[&str], exclude: &[&str]) -> Patterns {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Patterns {
            include: parse(include),
            exclude: parse(exclude),
        }
    }

    fn admission(selection: Selection) -> Admission {
        let mut admission = Admission::new(selection);
        admission.learn(&discovery());
        admission
    }

    fn work_item(project: &str) -> Record {
        let body = json!({
            "organization": id(0), "id": 9, "rev": 4, "is_deleted": false, "created_at": null, "created_by": null,
            "changed_at": "2026-11-02T10:00:00Z", "changed_by": null, "closed_at": null, "title": null,
            "fields": { "System.TeamProject": project }, "revisions": [],
        });
        Record::from_body(Kind::WorkItem, &body.to_string()).unwrap()
    }

    fn push(project: u128, repository: u128) -> Record {
        let body = json!({
            "id": 3, "project": id(project), "repository": id(repository), "at": "2026-11-02T10:00:00Z", "by": null,
            "ref_updates": [],
        });
        Record::from_body(Kind::Push, &body.to_string()).unwrap()
    }

    fn run(pipeline: &str) -> Record {
        let body = json!({
            "id": 7, "project": id(1), "number": "1", "pipeline": { "id": 3, "name": pipeline, "folder": null, "revision": 2 },
            "status": "completed", "result": null, "reason": null, "queued_at": "2026-11-02T10:00:00Z", "started_at": null,
            "finished_at": null, "last_changed_at": null, "source_branch": null, "source_version": null, "repository": null,
            "requested_for": null, "pull_request": null, "triggered_by": null,
        });
        Record::from_body(Kind::Run, &body.to_string()).unwrap()
    }

    fn coverage(pipeline: u64) -> Record {
        let body = json!({
            "project": id(1), "run": 7, "pipeline": pipeline, "tested_at": "2026-11-02T10:00:00Z", "status": null, "counts": [],
        });
        Record::from_body(Kind::RunCoverage, &body.to_string()).unwrap()
    }

    #[test]
    fn a_project_that_is_left_out_takes_everything_in_it_along() {
        let admission = admission(Selection {
            projects: patterns(&[], &["old*"]),
            ..Selection::default()
        });
        assert!(admission.admits(&work_item("Fiber")) && admission.admits(&push(1, 11)));
        assert!(!admission.admits(&work_item("Old stuff")) && !admission.admits(&push(2, 13)));
        assert!(admission.admits(&push(3, 14)), "nobody has left it out");
    }

    #[test]
    fn only_what_is_named_is_wanted_where_something_is_named() {
        let admission = admission(Selection {
            projects: patterns(&["fiber"], &[]),
            ..Selection::default()
        });
        assert!(admission.project(ProjectId(id(1))));
        assert!(!admission.project(ProjectId(id(2))));
        assert!(!admission.admits(&push(3, 14)), "its name is not known");
    }

    #[test]
    fn repositories_and_pipelines_are_left_out_one_by_one() {
        let mut admission = admission(Selection {
            repositories: patterns(&[], &["*-old"]),
            pipelines: patterns(&[], &["nightly*"]),
            ..Selection::default()
        });
        assert!(admission.admits(&push(1, 11)) && !admission.admits(&push(1, 12)));
        assert!(admission.admits(&run("web")) && !admission.admits(&run("Nightly web")));
        assert!(admission.admits(&coverage(3)), "the name is not known yet");
        let definition = json!({ "id": 3, "project": id(1), "name": "Nightly web", "revision": 1, "draft": false, "process": "yaml" });
        let definition = Record::from_body(Kind::Definition, &definition.to_string());
        let Ok(Record::Definition(definition)) = definition else {
            panic!("{definition:?}");
        };
        admission.learn_pipeline(&definition);
        assert!(!admission.admits(&coverage(3)));
        assert!(admission.admits(&Record::Definition(definition)));
    }
}
