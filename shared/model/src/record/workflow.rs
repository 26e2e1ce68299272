//! What the states of work items mean, by the types that define them.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{Aggregate, WorkItem, WorkItemType, metadata::StateCategory, work_item::ENDS};
use crate::{Project, ProjectId};

/// The states of all types of an organization. A type belongs to a project, and a work item names its project, its type
/// and its state by name.
#[derive(Clone, Debug, Default)]
pub struct Workflows {
    /// What a state of a type means, by the project's, the type's and the state's name.
    meanings: HashMap<[String; 3], StateCategory>,
    /// What the projects say that have a type and state of this name, for items of projects that go by a new name.
    anywhere: HashMap<[String; 2], Vec<StateCategory>>,
    known: HashSet<ProjectId>,
}

impl Workflows {
    /// Reads types; the projects say which names their ids stand for.
    pub fn new<'a>(
        projects: &[Project],
        types: impl IntoIterator<Item = &'a WorkItemType>,
    ) -> Self {
        let names: HashMap<ProjectId, &str> = projects
            .iter()
            .map(|project| (project.id, project.name.as_str()))
            .collect();
        let mut workflows = Self::default();
        for kind in types {
            workflows.known.insert(kind.project);
            for state in &kind.states {
                // A category of a later version of the service says nothing to this one.
                if state.category.ends().is_none() {
                    continue;
                }
                let [name, own] = [folded(&kind.name), folded(&state.name)];
                let all = workflows.anywhere.entry([name.clone(), own.clone()]);
                let all = all.or_default();
                if !all.contains(&state.category) {
                    all.push(state.category.clone());
                }
                if let Some(project) = names.get(&kind.project) {
                    let key = [folded(project), name, own];
                    workflows.meanings.insert(key, state.category.clone());
                }
            }
        }
        workflows
    }

    /// Whether the types of all these projects are known.
    pub fn cover(&self, projects: &[Project]) -> bool {
        projects
            .iter()
            .all(|project| self.known.contains(&project.id))
    }

    /// What a state of a type means in a project, all given by name; `None` if the type is not known, or projects that
    /// have one of this name disagree.
    pub fn category(&self, project: &str, kind: &str, state: &str) -> Option<&StateCategory> {
        match self.meanings_of(project, kind, state) {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Whether a work item's state ends it; `None` if its type is not known, or projects disagree on it.
    pub fn ends(&self, item: &WorkItem) -> Option<bool> {
        let kind = item.text("System.WorkItemType")?;
        let project = item.text("System.TeamProject").unwrap_or_default();
        let all = self.meanings_of(project, kind, item.state()?);
        let mut ends = all.iter().filter_map(StateCategory::ends);
        let first = ends.next()?;
        ends.all(|other| other == first).then_some(first)
    }

    /// What the project says; what all others say if it has no such type.
    fn meanings_of(&self, project: &str, kind: &str, state: &str) -> &[StateCategory] {
        let [kind, state] = [folded(kind), folded(state)];
        let own = [folded(project), kind, state];
        if let Some(own) = self.meanings.get(&own) {
            return std::slice::from_ref(own);
        }
        let [_, kind, state] = own;
        self.anywhere.get(&[kind, state]).map_or(&[], Vec::as_slice)
    }

    /// The last event from which an item's retention counts: as [`Aggregate::last_event`], but by what its state means
    /// where that is known.
    pub fn last_event(&self, item: &WorkItem) -> Option<Timestamp> {
        if item.gone_at.is_some() {
            return item.gone_at;
        }
        match self.ends(item) {
            _ if item.is_deleted => Some(item.changed_at),
            Some(ends) => ends.then_some(item.changed_at),
            None => item.last_event(),
        }
    }

    /// The names of states that end an item of whatever type they belong to; those of Microsoft's processes while no type
    /// is known.
    pub fn end_states(&self) -> Vec<String> {
        if self.anywhere.is_empty() {
            return ENDS.map(str::to_owned).to_vec();
        }
        let mut states: BTreeMap<&str, bool> = BTreeMap::new();
        for ([_, state], all) in &self.anywhere {
            let always = all.iter().all(|category| category.ends() == Some(true));
            *states.entry(state).or_insert(true) &= always;
        }
        let always = states.into_iter().filter(|(_, always)| *always);
        always.map(|(state, _)| state.to_owned()).collect()
    }
}

impl StateCategory {
    /// Whether a state of this category ends an item; `None` for a category that is not known to this version.
    pub fn ends(&self) -> Option<bool> {
        match self {
            Self::Completed | Self::Removed => Some(true),
            Self::Proposed | Self::InProgress | Self::Resolved => Some(false),
            Self::Unknown(_) => None,
        }
    }
}

/// Names compare without regard to case, as they do in the service.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OrganizationId,
        record::{metadata::State, work_item::FieldValue},
    };

    const NAMES: [&str; 2] = ["Fiber", "Café"];

    fn projects() -> Vec<Project> {
        let project = |(n, name): (u128, &str)| Project {
            id: ProjectId(uuid::Uuid::from_u128(n)),
            name: name.to_owned(),
        };
        (1..).zip(NAMES).map(project).collect()
    }

    fn story(project: u128, states: &[(&str, StateCategory)]) -> WorkItemType {
        let state = |(name, category): &(&str, StateCategory)| State {
            name: (*name).to_owned(),
            category: category.clone(),
            color: None,
        };
        WorkItemType {
            project: ProjectId(uuid::Uuid::from_u128(project)),
            name: "User Story".to_owned(),
            reference_name: None,
            color: None,
            is_disabled: false,
            states: states.iter().map(state).collect(),
        }
    }

    fn item(project: &str, state: &str) -> WorkItem {
        let fields = [
            ("System.TeamProject", project),
            ("System.WorkItemType", "User story"),
            ("System.State", state),
        ];
        let fields =
            fields.map(|(name, value)| (name.to_owned(), FieldValue::Text(value.to_owned())));
        WorkItem {
            organization: OrganizationId(uuid::Uuid::nil()),
            id: 1,
            rev: 1,
            is_deleted: false,
            gone_at: None,
            created_at: None,
            created_by: None,
            changed_at: Timestamp::UNIX_EPOCH,
            changed_by: None,
            closed_at: None,
            title: None,
            fields: fields.into(),
            revisions: Vec::new(),
        }
    }

    fn workflows() -> Workflows {
        let [open, done] = [StateCategory::InProgress, StateCategory::Completed];
        let types = [
            story(1, &[("Shipped", done.clone()), ("Done", open.clone())]),
            story(2, &[("Shipped", done.clone()), ("Done", done)]),
        ];
        Workflows::new(&projects(), &types)
    }

    #[test]
    fn a_state_means_what_the_type_of_the_items_project_says() {
        let workflows = workflows();
        let ended = |project, state| workflows.last_event(&item(project, state)).is_some();
        assert!(ended("fiber", "shipped"), "whatever it is called");
        assert!(!ended("Fiber", "Done"), "although Scrum ends items by it");
        assert!(ended("Café", "Done"));
    }

    #[test]
    fn an_item_of_an_unknown_project_goes_by_what_all_others_agree_on() {
        let workflows = workflows();
        assert_eq!(workflows.ends(&item("Renamed", "Shipped")), Some(true));
        assert_eq!(workflows.ends(&item("Renamed", "Done")), None);
        assert_eq!(workflows.ends(&item("Renamed", "Other")), None);
        let closed = item("Renamed", "Closed");
        assert!(workflows.last_event(&closed).is_some(), "its own rule");
    }

    #[test]
    fn a_state_has_the_category_of_its_type_and_project() {
        let workflows = workflows();
        let category = |project, state| workflows.category(project, "USER STORY", state);
        assert_eq!(
            category("Fiber", "done"),
            Some(&StateCategory::InProgress),
            "although others mean something else by it"
        );
        assert_eq!(category("Café", "Done"), Some(&StateCategory::Completed));
        assert_eq!(category("Renamed", "Done"), None, "they disagree");
        let shipped = category("Renamed", "Shipped");
        assert_eq!(shipped, Some(&StateCategory::Completed));
        assert_eq!(workflows.category("Fiber", "Epic", "Done"), None);
    }

    #[test]
    fn a_deleted_item_is_over_in_any_state() {
        let mut deleted = item("Fiber", "Done");
        deleted.is_deleted = true;
        assert!(workflows().last_event(&deleted).is_some());
    }

    #[test]
    fn a_query_leaves_out_only_states_that_always_end() {
        assert_eq!(workflows().end_states(), ["shipped"]);
        assert_eq!(Workflows::default().end_states(), ENDS);
    }

    #[test]
    fn a_project_without_types_is_not_covered() {
        let [one, both] = [&projects()[..1], &projects()[..]];
        let workflows = Workflows::new(both, &[story(1, &[])]);
        assert!(workflows.cover(one) && !workflows.cover(both));
    }
}
