//! Things without a moment, which records refer to: repositories, pipelines, people.

use std::collections::{BTreeMap, HashMap};

use model::{
    ProjectId, Record, RepositoryId,
    people::{AccountKind, Names, merge},
    record::{
        ClassificationNode, Definition, Environment, GitRepository, Identity, Policy, RefList,
        Sprint, SprintCapacity, Team, TeamAreas, TeamSettings, TfvcBranch, WorkItemType,
    },
};

/// What a metric asked to know, by what records call it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Git repositories.
    pub repositories: BTreeMap<RepositoryId, GitRepository>,
    /// Definitions of build pipelines.
    pub definitions: BTreeMap<(ProjectId, u64), Definition>,
    /// Environments that YAML pipelines deploy to.
    pub environments: BTreeMap<(ProjectId, u64), Environment>,
    /// The branches and tags of repositories.
    pub refs: Vec<RefList>,
    /// Policies on branches.
    pub policies: Vec<Policy>,
    /// Types of work items.
    pub types: Vec<WorkItemType>,
    /// Areas and iterations.
    pub nodes: Vec<ClassificationNode>,
    /// Teams.
    pub teams: Vec<Team>,
    /// Iterations that teams plan in.
    pub sprints: Vec<Sprint>,
    /// How teams work.
    pub team_settings: Vec<TeamSettings>,
    /// Which areas are whose.
    pub team_areas: Vec<TeamAreas>,
    /// What teams have planned for their sprints.
    pub capacities: Vec<SprintCapacity>,
    /// TFVC branches.
    pub tfvc_branches: Vec<TfvcBranch>,
    /// Who acts in the organizations.
    pub people: People,
}

impl Known {
    /// Sorts records into what they are. The order of records does not matter; those that have a moment are left out.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        let mut known = Self::default();
        let mut names = Vec::new();
        for record in records {
            match record {
                Record::GitRepository(own) => {
                    known.repositories.insert(own.id, own);
                }
                Record::Definition(own) => {
                    known.definitions.insert((own.project, own.id), *own);
                }
                Record::Environment(own) => {
                    known.environments.insert((own.project, own.id), own);
                }
                Record::RefList(own) => known.refs.push(own),
                Record::Policy(own) => known.policies.push(own),
                Record::WorkItemType(own) => known.types.push(own),
                Record::ClassificationNode(own) => known.nodes.push(own),
                Record::Team(own) => known.teams.push(own),
                Record::Sprint(own) => known.sprints.push(own),
                Record::TeamSettings(own) => known.team_settings.push(own),
                Record::TeamAreas(own) => known.team_areas.push(own),
                Record::SprintCapacity(own) => known.capacities.push(own),
                Record::TfvcBranch(own) => known.tfvc_branches.push(own),
                Record::Person(own) => names.push(own.named),
                Record::WorkItem(_)
                | Record::WorkItemLink(_)
                | Record::WorkItemField(_)
                | Record::Run(_)
                | Record::RunRetention(_)
                | Record::PullRequest(_)
                | Record::Push(_)
                | Record::Commit(_)
                | Record::Changeset(_)
                | Record::TfvcLabel(_)
                | Record::Shelveset(_)
                | Record::Deployment(_)
                | Record::EnvironmentDeployment(_)
                | Record::TestRun(_)
                | Record::RunCoverage(_) => {}
            }
        }
        known.people = People::new(names);
        known
    }

    /// The name of a repository, or its id if it is not known.
    pub fn repository(&self, id: RepositoryId) -> String {
        let name = self.repositories.get(&id).map(|own| own.name.clone());
        name.unwrap_or_else(|| id.to_string())
    }
}

/// People by all the names that records call them.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// One for each person.
    people: Vec<Somebody>,
    /// The person of an id, a descriptor or an address in lower case.
    by_key: HashMap<String, usize>,
}

/// What is known of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Somebody {
    name: String,
    kind: AccountKind,
}

/// Who somebody is, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// One of the people that are known.
    Known(usize),
    /// Somebody else, by what the record says.
    Named(String),
}

impl People {
    /// Puts namings together; see [`merge`].
    pub fn new(names: impl IntoIterator<Item = Names>) -> Self {
        let mut found = Self::default();
        for (place, names) in merge(names).into_iter().enumerate() {
            let keys = names.ids.iter().chain(&names.descriptors);
            let keys = keys.chain(&names.addresses);
            found.by_key.extend(keys.map(|key| (key.clone(), place)));
            let readable = names.names.iter().chain(&names.addresses);
            let name = readable.chain(&names.ids).chain(&names.descriptors).next();
            found.people.push(Somebody {
                name: name.cloned().unwrap_or_default(),
                kind: names.kind(),
            });
        }
        found
    }

    /// Who goes by this id, descriptor or address.
    pub fn by_key(&self, key: &str) -> Who {
        let key = key.trim();
        let place = self.by_key.get(key);
        let place = place.or_else(|| self.by_key.get(&key.to_lowercase()));
        place.map_or_else(
            || Who::Named(key.to_lowercase()),
            |place| Who::Known(*place),
        )
    }

    /// Who a record names; `None` if it names nobody.
    pub fn who(&self, identity: &Identity) -> Option<Who> {
        let keys = [&identity.id, &identity.unique_name];
        let keys: Vec<&String> = keys
            .into_iter()
            .flatten()
            .filter(|key| !key.is_empty())
            .collect();
        let mut found = keys.iter().map(|key| self.by_key(key));
        let known = found.find(|who| matches!(who, Who::Known(_)));
        let named = keys.first().copied().or(identity.name.as_ref());
        known.or_else(|| named.map(|name| Who::Named(name.to_lowercase())))
    }

    /// The name that people read of whom a record names: that of the record for those who are not known.
    pub fn name(&self, identity: &Identity) -> Option<String> {
        let own = || {
            identity
                .name
                .clone()
                .or_else(|| identity.unique_name.clone())
        };
        match self.who(identity)? {
            Who::Known(place) => Some(self.people[place].name.clone()),
            Who::Named(key) => own().or(Some(key)),
        }
    }

    /// The name that people read of one.
    pub fn name_of(&self, who: &Who) -> String {
        match who {
            Who::Known(place) => self.people[*place].name.clone(),
            Who::Named(name) => name.clone(),
        }
    }

    /// What kind of account one is: a person, where nothing else is known.
    pub fn kind(&self, who: &Who) -> AccountKind {
        match who {
            Who::Known(place) => self.people[*place].kind,
            Who::Named(_) => AccountKind::Human,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::people::Sighting;

    use super::*;

    fn people() -> People {
        let seen = |id: &'static str, mail: &'static str, name: &'static str| {
            let some = |text: &'static str| (!text.is_empty()).then_some(text.into());
            Names::from(Sighting {
                id: some(id),
                mail: some(mail),
                name: some(name),
                ..Sighting::default()
            })
        };
        People::new([
            seen("1", "ada@x.example", "Ada Lovelace"),
            seen("", "Ada@x.example", "ada"),
            seen("2", "bot@x.example", "renovate[bot]"),
        ])
    }

    fn identity(id: Option<&str>, unique_name: Option<&str>, name: Option<&str>) -> Identity {
        Identity {
            id: id.map(str::to_owned),
            unique_name: unique_name.map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn a_commit_and_a_review_are_of_the_same_person() {
        let people = people();
        let reviewer = people.who(&identity(Some("1"), None, Some("Ada L.")));
        assert_eq!(reviewer, Some(people.by_key("ADA@x.example")));
        let name = people.name(&identity(Some("1"), None, Some("Ada L.")));
        assert_eq!(name.as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn bots_are_told_from_people() {
        let people = people();
        let kind = |key: &str| people.kind(&people.by_key(key));
        assert_eq!(kind("2"), AccountKind::Service);
        assert_eq!(kind("1"), AccountKind::Human);
        assert_eq!(kind("nobody we know"), AccountKind::Human);
    }

    #[test]
    fn who_is_not_known_goes_by_what_the_record_says() {
        let people = people();
        let stranger = identity(Some("9"), None, Some("Eve"));
        assert_eq!(people.name(&stranger).as_deref(), Some("Eve"));
        assert_eq!(people.who(&stranger), Some(Who::Named("9".into())));
        assert_eq!(people.who(&Identity::default()), None);
    }
}
