//! Teams: every project has the one that it was made with, and one for its platform.
//!
//! <https://learn.microsoft.com/azure/devops/organizations/settings/about-teams-and-settings>

use uuid::Uuid;

use crate::world::classification::{Node, area_path};
use crate::world::projects::Project;

/// One team.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: &'static str,
    pub(crate) project: u16,
}

/// The team that a project is made with.
pub(crate) fn default_team(project: &Project) -> Uuid {
    Uuid::new_v5(&project.id, b"default team")
}

impl Team {
    /// Whether it is the team that its project was made with.
    fn is_default(&self, project: &Project) -> bool {
        self.id == default_team(project)
    }

    /// The days on which the team works.
    pub(crate) fn working_days(&self) -> &'static [&'static str] {
        &["monday", "tuesday", "wednesday", "thursday", "friday"]
    }

    /// The backlogs that the team uses.
    pub(crate) fn backlogs(&self) -> &'static [&'static str] {
        &["Microsoft.EpicCategory", "Microsoft.RequirementCategory"]
    }

    /// The areas that are the team's, each with whether those below it are too. The project's own team has all of them.
    pub(crate) fn areas(&self, project: &Project) -> Vec<(String, bool)> {
        match self.is_default(project) {
            true => vec![(area_path(project, None), true)],
            false => vec![
                (area_path(project, Some(1)), true),
                (area_path(project, Some(0)), false),
            ],
        }
    }

    /// The sprints that the team plans in, of its project's iterations, each with its path. The platform's team was
    /// founded with the second release.
    pub(crate) fn sprints<'a>(
        &self,
        project: &Project,
        iterations: &'a Node,
    ) -> Vec<(&'a Node, String)> {
        let is_platform = !self.is_default(project);
        let releases = iterations.children.iter().skip(usize::from(is_platform));
        let of = |release: &'a Node| {
            let base = format!("{}\\{}", iterations.name, release.name);
            let sprints = release.children.iter();
            sprints.map(move |sprint| (sprint, format!("{base}\\{}", sprint.name)))
        };
        releases.flat_map(of).collect()
    }
}

/// The teams of all projects.
pub(crate) fn all(projects: &[Project]) -> Vec<Team> {
    let teams = |(position, project): (u16, &Project)| {
        [
            Team {
                id: default_team(project),
                name: format!("{} Team", project.name),
                description: "The default project team.",
                project: position,
            },
            Team {
                id: Uuid::new_v5(&project.id, b"platform team"),
                name: "Platform & Outils".to_owned(),
                description: "",
                project: position,
            },
        ]
    };
    (0_u16..).zip(projects).flat_map(teams).collect()
}
