//! When pipelines were changed.

use std::collections::BTreeMap;

use model::{Kind, ProjectId, record::Run};

use super::{RUNS, dimensions_of, link_to};
use crate::{Context, Dimension, Fact, Form, Input, Link, Measure, Metric, Reach, Row, Rows};

/// Changes of definitions.
pub(crate) const METRICS: &[Metric] = &[CHANGES];

const DIMENSIONS: &[Dimension] = &[
    Dimension::Project,
    Dimension::Pipeline,
    Dimension::Folder,
    Dimension::Person,
];

/// Changes of definitions. A pipeline that ran in revisions 3, 4 and 4, and whose newest revision is 5, was changed twice: to 4 when it
/// first ran so, and to 5 when that was made.
const CHANGES: Metric = Metric {
    name: "definition_changes",
    definition: "How often definitions of pipelines were changed in the range. The newest revision counts when it was made, for the person who made it; earlier ones count when the first run of them was asked for, and nobody tells who made them. Changes of a YAML file are commits and no revisions; definitions that were only made count as changed.",
    formula: "1 for each revision",
    measure: Measure::Count,
    inputs: &[RUNS, Input::new(Kind::Definition, Reach::Known)],
    dimensions: DIMENSIONS,
    settings: &[],
    form: Form::Bar,
    rows: Rows::Joined {
        keep: |fact, _| Some(fact),
        rows,
    },
};

fn rows(facts: &[Fact], context: &Context) -> Vec<Row> {
    // The first run of each revision of each pipeline.
    let mut first: BTreeMap<(ProjectId, u64), BTreeMap<u32, &Run>> = BTreeMap::new();
    for fact in facts {
        let Fact::Run(run, _) = fact else { continue };
        if let Some(revision) = run.pipeline.revision {
            let runs = first.entry((run.project, run.pipeline.id)).or_default();
            let known = runs.entry(revision).or_insert(run);
            if (run.queued_at, run.id) < (known.queued_at, known.id) {
                *known = run;
            }
        }
    }
    let mut rows = Vec::new();
    for (pipeline, runs) in &first {
        let newest = context.known.definitions.get(pipeline);
        // The oldest revision that ran may be older than what is kept.
        let later = runs.iter().skip(1);
        let earlier =
            later.filter(|(revision, _)| newest.is_none_or(|own| **revision != own.revision));
        rows.extend(earlier.map(|(_, run)| of_run(run, context)));
    }
    rows.extend(context.known.definitions.values().filter_map(|own| {
        let revised_by = own.revised_by.as_ref();
        let values = [
            (Dimension::Project, Some(context.project(own.project))),
            (Dimension::Pipeline, Some(own.name.clone())),
            (Dimension::Folder, own.folder.clone()),
            (
                Dimension::Person,
                revised_by.and_then(|who| context.known.people.name(who)),
            ),
        ];
        let some = values.into_iter();
        let some = some.filter_map(|(dimension, value)| Some((dimension, value?)));
        Some(Row {
            at: own.revised_at?,
            value: 1.0,
            dimensions: some.collect(),
            link: Link::Pipeline {
                project: own.project,
                id: own.id,
            },
            evidence: Vec::new(),
        })
    }));
    rows
}

fn of_run(run: &Run, context: &Context) -> Row {
    let mut dimensions = dimensions_of(run, context);
    dimensions.retain(|(own, _)| DIMENSIONS.contains(own) && *own != Dimension::Person);
    Row {
        at: run.queued_at,
        value: 1.0,
        dimensions,
        link: link_to(run),
        evidence: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::record::{Definition, Identity, pipeline::Process};

    use super::*;
    use crate::samples::{clock, context, project, rows, run};

    fn ran(id: u64, queued: &str, revision: u32) -> Fact {
        let mut run = run(queued, queued, "12:00");
        run.id = id;
        run.pipeline.revision = Some(revision);
        Fact::Run(Box::new(run), None)
    }

    fn definition(revision: u32) -> Definition {
        Definition {
            id: 3,
            project: project(),
            name: "shop-ci".into(),
            folder: Some("\\".into()),
            revision,
            revised_at: Some(clock("11:00")),
            revised_by: Some(Identity {
                name: Some("Ann".into()),
                ..Identity::default()
            }),
            queue_status: None,
            draft: false,
            process: Process::Classic,
            yaml_path: None,
            repository: None,
            default_branch: None,
            triggers: Vec::new(),
        }
    }

    #[test]
    fn a_revision_counts_when_it_first_ran_and_the_newest_when_it_was_made() {
        let runs = [ran(1, "09:00", 3), ran(3, "10:30", 4), ran(2, "10:00", 4)];
        let mut context = context();
        context.known.definitions = [((project(), 3), definition(5))].into();
        let found = rows(&CHANGES, &runs, &context);
        let view: Vec<_> = found
            .iter()
            .map(|row| {
                (
                    row.at,
                    row.dimension(Dimension::Person),
                    row.dimension(Dimension::Pipeline),
                )
            })
            .collect();
        let expected = [
            (clock("10:00"), None, Some("shop-ci")),
            (clock("11:00"), Some("Ann"), Some("shop-ci")),
        ];
        assert_eq!(view, expected);
    }

    #[test]
    fn the_newest_revision_counts_once_although_it_ran() {
        let runs = [ran(1, "09:00", 4), ran(2, "11:30", 5)];
        let mut context = context();
        context.known.definitions = [((project(), 3), definition(5))].into();
        let found = rows(&CHANGES, &runs, &context);
        assert_eq!(
            found.iter().map(|row| row.at).collect::<Vec<_>>(),
            [clock("11:00")]
        );
    }
}
