//! What an edit does to what is read: which parts come in and go out, and which streams are read again. Pure.

use std::collections::BTreeSet;

use model::{Admission, Connection, Kind, OrganizationName, ProjectId, RepositoryId, Scope};
use serde::Serialize;

use super::{Known, admission};

/// How many names are shown of each part.
const SAMPLE: usize = 10;

/// What an edit would do.
#[derive(Debug, Serialize)]
pub(crate) struct Effect {
    /// The fields that get another value.
    fields: Vec<String>,
    projects: Part,
    repositories: Part,
    pipelines: Part,
    /// How many streams are read again from the beginning of the window, because their lists hold what comes in.
    streams_read_again: usize,
    /// How many streams end, because all of what they read goes out.
    streams_ended: usize,
    /// Organizations of which nothing is known yet, so that they are not counted here.
    unknown_organizations: Vec<OrganizationName>,
    explanation: &'static str,
}

const EXPLANATION: &str = "What comes in is read from the beginning of the time that is kept. What goes out is neither read nor \
                           counted any more; what is stored of it stays until it expires, and counts again at once if it is \
                           taken in again.";

/// How many things of a kind are read, and which.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    included: usize,
    excluded: usize,
    comes_in: usize,
    goes_out: usize,
    included_sample: Vec<String>,
    excluded_sample: Vec<String>,
}

impl Effect {
    /// The effect on what is known to be there, without any streams.
    pub(crate) fn new(
        fields: Vec<String>,
        (before, after): (&Connection, &Connection),
        known: &Known,
    ) -> Self {
        let both = (admission(before, known), admission(after, known));
        let mut effect = Self {
            fields,
            projects: Part::default(),
            repositories: Part::default(),
            pipelines: Part::default(),
            streams_read_again: 0,
            streams_ended: 0,
            unknown_organizations: Vec::new(),
            explanation: EXPLANATION,
        };
        for discovery in &known.discoveries {
            for own in &discovery.projects {
                effect
                    .projects
                    .add(&own.name, &both, |of| of.project(own.id));
            }
            for own in &discovery.repositories {
                let is_in = |of: &Admission| of.repository(own.project, own.id);
                effect.repositories.add(&own.name, &both, is_in);
            }
        }
        let patterns = |of: &Connection| of.selection.pipelines.clone();
        let (old, new) = (patterns(before), patterns(after));
        for own in &known.definitions {
            let was_in = both.0.project(own.project) && old.select(&own.name);
            let is_in = both.1.project(own.project) && new.select(&own.name);
            effect.pipelines.count(&own.name, was_in, is_in);
        }
        let mut organizations = after.organizations.iter();
        let is_known = |name: &&OrganizationName| {
            let mut known = known.discoveries.iter();
            known.any(|own| {
                own.organization
                    .name
                    .as_str()
                    .eq_ignore_ascii_case(name.as_str())
            })
        };
        effect.unknown_organizations = organizations
            .by_ref()
            .filter(|name| !is_known(name))
            .cloned()
            .collect();
        effect
    }

    /// Takes in what happens to a stream.
    pub(crate) fn count(&mut self, change: Change) {
        match change {
            Change::None => {}
            Change::StartsOver => self.streams_read_again += 1,
            Change::Ends => self.streams_ended += 1,
        }
    }
}

impl Part {
    fn add(
        &mut self,
        name: &str,
        (before, after): &(Admission, Admission),
        is_in: impl Fn(&Admission) -> bool,
    ) {
        self.count(name, is_in(before), is_in(after));
    }

    fn count(&mut self, name: &str, was_in: bool, is_in: bool) {
        let (number, sample) = match is_in {
            true => (&mut self.included, &mut self.included_sample),
            false => (&mut self.excluded, &mut self.excluded_sample),
        };
        *number += 1;
        if sample.len() < SAMPLE {
            sample.push(name.to_owned());
        }
        self.comes_in += usize::from(is_in && !was_in);
        self.goes_out += usize::from(was_in && !is_in);
    }
}

/// What an edit does to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It goes on.
    None,
    /// It is read from its beginning again, because its list holds what was left out until now.
    StartsOver,
    /// It ends, because all that it reads is left out.
    Ends,
}

/// What an edit does to a stream, given its resource and its scope.
pub(crate) fn change_of(
    (before, after): (&Connection, &Connection),
    known: &Known,
    (resource, scope): (&str, &str),
) -> Change {
    let (Some(resource), Some(scope)) = (resources::find(resource), scope_of(scope)) else {
        return Change::None;
    };
    let (old, new) = (admission(before, known), admission(after, known));
    let is_wanted = match scope {
        Scope::Organization => true,
        Scope::Project(project) => new.project(project),
        Scope::Repository {
            project,
            repository,
        } => new.repository(project, repository),
    };
    if !is_wanted {
        return Change::Ends;
    }
    let selections = (&before.selection, &after.selection);
    let is_wider = match (scope, resource.kind) {
        // Everything of an organization in one list.
        (
            Scope::Organization,
            Kind::WorkItemLink | Kind::WorkItemField | Kind::Changeset | Kind::Shelveset,
        ) => false,
        (Scope::Organization, _) => comes_in(&old, &new, known),
        (
            Scope::Project(_),
            Kind::Run | Kind::TestRun | Kind::RunCoverage | Kind::EnvironmentDeployment,
        ) => selections.0.pipelines != selections.1.pipelines,
        (Scope::Project(_), Kind::PullRequest | Kind::GitRepository) => {
            selections.0.repositories != selections.1.repositories
        }
        (Scope::Project(_) | Scope::Repository { .. }, _) => false,
    };
    match is_wider {
        true => Change::StartsOver,
        false => Change::None,
    }
}

/// Whether a project or repository is wanted that was not.
fn comes_in(old: &Admission, new: &Admission, known: &Known) -> bool {
    let projects: BTreeSet<ProjectId> = (known.discoveries.iter())
        .flat_map(|own| own.projects.iter().map(|own| own.id))
        .collect();
    let repositories: BTreeSet<(ProjectId, RepositoryId)> = (known.discoveries.iter())
        .flat_map(|own| own.repositories.iter().map(|own| (own.project, own.id)))
        .collect();
    projects
        .iter()
        .any(|own| new.project(*own) && !old.project(*own))
        || repositories
            .iter()
            .any(|(project, own)| new.repository(*project, *own) && !old.repository(*project, *own))
}

/// The scope that the name of a stream ends with.
fn scope_of(text: &str) -> Option<Scope> {
    if text == "-" {
        return Some(Scope::Organization);
    }
    match text.split_once('/') {
        None => text.parse().ok().map(Scope::Project),
        Some((project, repository)) => Some(Scope::Repository {
            project: project.parse().ok()?,
            repository: repository.parse().ok()?,
        }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{
        Discovery, Organization, OrganizationId, Patterns, Project, Repository, Selection,
    };
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn known() -> Known {
        let project = |number: u128, name: &str| Project {
            id: ProjectId(id(number)),
            name: name.to_owned(),
        };
        let repository = |number: u128, project: u128, name: &str| Repository {
            id: RepositoryId(id(number)),
            project: ProjectId(id(project)),
            name: name.to_owned(),
            default_branch: None,
            is_disabled: false,
        };
        let definition = json!({ "id": 3, "project": id(1), "name": "Nightly", "revision": 1, "draft": false, "process": "yaml" });
        Known {
            integrations: Vec::new(),
            discoveries: vec![Discovery {
                organization: Organization {
                    id: OrganizationId(id(0)),
                    name: "fabrikam".parse().unwrap(),
                },
                at: Timestamp::UNIX_EPOCH,
                projects: vec![project(1, "Fiber"), project(2, "Old")],
                repositories: vec![repository(11, 1, "web"), repository(12, 2, "old-web")],
            }],
            definitions: vec![serde_json::from_value(definition).unwrap()],
        }
    }

    fn connection(selection: Selection) -> Connection {
        let stored = r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat",
            "organizations":["fabrikam","contoso"],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#;
        Connection {
            selection,
            ..serde_json::from_str(stored).unwrap()
        }
    }

    fn without(pattern: &str) -> Patterns {
        Patterns {
            include: Vec::new(),
            exclude: vec![pattern.parse().unwrap()],
        }
    }

    fn without_old() -> Selection {
        Selection {
            projects: without("old"),
            ..Selection::default()
        }
    }

    /// What becomes of a stream when a selection becomes another one.
    fn change(before: Selection, after: Selection, stream: (&str, &str)) -> Change {
        change_of((&connection(before), &connection(after)), &known(), stream)
    }

    #[test]
    fn what_comes_in_and_goes_out_is_counted_with_a_sample() {
        let (all, some) = (connection(Selection::default()), connection(without_old()));
        let effect = Effect::new(Vec::new(), (&all, &some), &known());
        let expected = Part {
            included: 1,
            excluded: 1,
            comes_in: 0,
            goes_out: 1,
            included_sample: vec!["Fiber".to_owned()],
            excluded_sample: vec!["Old".to_owned()],
        };
        assert_eq!(effect.projects, expected);
        assert_eq!(
            (effect.repositories.included, effect.repositories.goes_out),
            (1, 1)
        );
        assert_eq!(
            (effect.pipelines.included, effect.pipelines.goes_out),
            (1, 0)
        );
        let unknown: Vec<_> = effect
            .unknown_organizations
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(unknown, ["contoso"]);
        let back = Effect::new(Vec::new(), (&some, &all), &known());
        assert_eq!((back.projects.comes_in, back.projects.goes_out), (1, 0));
    }

    #[test]
    fn streams_of_what_goes_out_end_and_lists_that_hold_what_comes_in_start_over() {
        let (old, fiber) = (id(2).to_string(), id(1).to_string());
        let (all, some) = (Selection::default, without_old);
        assert_eq!(change(all(), some(), ("builds", &old)), Change::Ends);
        let pushes = format!("{old}/{}", id(12));
        assert_eq!(change(all(), some(), ("pushes", &pushes)), Change::Ends);
        assert_eq!(change(all(), some(), ("builds", &fiber)), Change::None);
        let items = ("work_item_revisions", "-");
        assert_eq!(change(all(), some(), items), Change::None);
        assert_eq!(change(some(), all(), items), Change::StartsOver);
        assert_eq!(change(some(), all(), ("changesets", "-")), Change::None);
        assert_eq!(change(some(), all(), ("builds", &fiber)), Change::None);
    }

    #[test]
    fn other_patterns_for_pipelines_or_repositories_start_the_lists_over_that_mix_them() {
        let fiber = id(1).to_string();
        let pipelines = || Selection {
            pipelines: without("nightly"),
            ..Selection::default()
        };
        let repositories = || Selection {
            repositories: without("web"),
            ..Selection::default()
        };
        let none = Selection::default;
        for (before, after, resource, expected) in [
            (pipelines(), none(), "builds", Change::StartsOver),
            (pipelines(), none(), "pull_requests_active", Change::None),
            (
                repositories(),
                none(),
                "pull_requests_active",
                Change::StartsOver,
            ),
            (repositories(), none(), "builds", Change::None),
        ] {
            assert_eq!(
                change(before, after, (resource, &fiber)),
                expected,
                "{resource}"
            );
        }
        let web = format!("{fiber}/{}", id(11));
        assert_eq!(
            change(none(), repositories(), ("pushes", &web)),
            Change::Ends
        );
    }
}
