//! What the states and iterations of organizations mean.

use std::collections::BTreeMap;

use model::{OrganizationId, Project, record::WorkItemType, record::Workflows};

use super::{
    alignment::{PROFILE, Profile},
    sprints::Sprint,
};
use crate::Context;

/// What the states and iterations mean that work items name, by the organization that they are in: projects of several may have
/// the same names.
#[derive(Clone, Debug, Default)]
pub struct Planning {
    workflows: BTreeMap<OrganizationId, Workflows>,
    /// By the path in lower case.
    sprints: BTreeMap<(OrganizationId, String), Sprint>,
    unknown: Workflows,
    profile: Profile,
}

impl Planning {
    /// Of the projects, types and iterations of a context.
    pub(crate) fn of(context: &Context) -> Self {
        let mut types: BTreeMap<OrganizationId, Vec<&WorkItemType>> = BTreeMap::new();
        for kind in &context.known.types {
            if let Some(organization) = context.organization(kind.project) {
                types.entry(organization).or_default().push(kind);
            }
        }
        let workflows = types.into_iter().map(|(organization, types)| {
            let projects = context.projects.iter();
            let own = projects.filter(|(_, project)| project.organization == organization);
            let own = own.map(|(id, project)| Project {
                id: *id,
                name: project.name.clone(),
            });
            let own: Vec<Project> = own.collect();
            (organization, Workflows::new(&own, types))
        });
        let sprints = context.known.nodes.iter().filter_map(|node| {
            let sprint = Sprint::of(node)?;
            let organization = context.organization(node.project)?;
            Some(((organization, sprint.path.to_lowercase()), sprint))
        });
        Self {
            workflows: workflows.collect(),
            sprints: sprints.collect(),
            unknown: Workflows::default(),
            // What was chosen has been checked; without a choice it is the default, which a test reads.
            profile: Profile::parse(context.settings.text(&PROFILE)).unwrap_or_default(),
        }
    }

    /// The states of an organization's types.
    pub(crate) fn workflows(&self, organization: OrganizationId) -> &Workflows {
        self.workflows.get(&organization).unwrap_or(&self.unknown)
    }

    /// The categories that were chosen.
    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The iteration of this path, if it has dates.
    pub(crate) fn sprint(&self, organization: OrganizationId, path: &str) -> Option<&Sprint> {
        self.sprints.get(&(organization, path.to_lowercase()))
    }
}
