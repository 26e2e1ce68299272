//! What an edit does to what is read: which parts come in and go out, and how many streams are read again. Pure.

use model::{Admission, Connection, Discovery, OrganizationName, Selection, Share};
use resources::sight::{Change, Sight};
use serde::Serialize;
use storage::Stream;

use super::{Known, admission};

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
    #[serde(flatten)]
    share: Share,
    comes_in: usize,
    goes_out: usize,
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
        let is_known = |name: &OrganizationName| {
            let mut known = known.discoveries.iter().map(|own| &own.organization.name);
            known.any(|own| own.as_str().eq_ignore_ascii_case(name.as_str()))
        };
        let organizations = after.organizations.iter();
        effect.unknown_organizations = organizations
            .filter(|own| !is_known(own))
            .cloned()
            .collect();
        effect
    }

    /// Takes in what happens to streams when this becomes what is wanted.
    pub(crate) fn count(
        &mut self,
        streams: &[Stream],
        selection: &Selection,
        discoveries: &[Discovery],
    ) {
        for before in discoveries {
            let after = Discovery {
                selection: selection.clone(),
                ..before.clone()
            };
            let sight = Sight::new(before, &after);
            for place in streams.iter().filter_map(Stream::place) {
                match sight.change_at(place) {
                    Change::None => {}
                    Change::StartsOver => self.streams_read_again += 1,
                    Change::Ends => self.streams_ended += 1,
                }
            }
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
        self.share.count(name, is_in);
        self.comes_in += usize::from(is_in && !was_in);
        self.goes_out += usize::from(was_in && !is_in);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{
        Organization, OrganizationId, Patterns, Project, ProjectId, Repository, RepositoryId,
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
                selection: Selection::default(),
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

    #[test]
    fn what_comes_in_and_goes_out_is_counted_with_a_sample() {
        let (all, some) = (connection(Selection::default()), connection(without_old()));
        let effect = Effect::new(Vec::new(), (&all, &some), &known());
        let expected = Part {
            share: Share {
                included: 1,
                excluded: 1,
                included_sample: vec!["Fiber".to_owned()],
                excluded_sample: vec!["Old".to_owned()],
            },
            comes_in: 0,
            goes_out: 1,
        };
        assert_eq!(effect.projects, expected);
        assert_eq!(
            (
                effect.repositories.share.included,
                effect.repositories.goes_out
            ),
            (1, 1)
        );
        assert_eq!(
            (effect.pipelines.share.included, effect.pipelines.goes_out),
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
    fn streams_that_end_or_are_read_again_are_counted() {
        let stream = |resource: &str, scope: &str| Stream {
            name: format!("{}#{resource}#{scope}", id(0)),
            ..Stream::default()
        };
        let old = id(2).to_string();
        let streams = [
            stream("builds", &old),
            stream("pushes", &format!("{old}/{}", id(12))),
            stream("builds", &id(1).to_string()),
            stream("work_item_revisions", "-"),
        ];
        let mut known = known();
        let counted = |selection: Selection, known: &Known| {
            let all = connection(Selection::default());
            let mut effect = Effect::new(Vec::new(), (&all, &all), known);
            effect.count(&streams, &selection, &known.discoveries);
            (effect.streams_ended, effect.streams_read_again)
        };
        assert_eq!(counted(without_old(), &known), (2, 0));
        known.discoveries[0].selection = without_old();
        assert_eq!(counted(Selection::default(), &known), (0, 3));
    }
}
