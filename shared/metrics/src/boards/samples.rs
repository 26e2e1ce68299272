//! Small work items for the tests of this family.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    OrganizationId, Project,
    people::{Names, Sighting},
    record::{
        ClassificationNode, WorkItem, WorkItemType, Workflows,
        metadata::{State, StateCategory, Structure},
        work_item::{FieldValue, Revision, Tracked},
    },
};

use crate::{
    Context, Fact, Known, People, Setting,
    samples::{at, context, project},
};

/// An instant of November 2026: day and time of day.
pub(crate) fn on(day: u32, time: &str) -> Timestamp {
    at(&format!("2026-11-{day:02}T{time}:00Z"))
}

/// A user story of the project `Shop` that Ann made in the state `New`.
pub(crate) fn story(id: u64, created: Timestamp) -> WorkItem {
    let item = WorkItem {
        organization: OrganizationId(uuid::Uuid::nil()),
        id,
        rev: 0,
        is_deleted: false,
        gone_at: None,
        created_at: Some(created),
        created_by: None,
        changed_at: created,
        changed_by: None,
        closed_at: None,
        title: None,
        fields: BTreeMap::new(),
        revisions: Vec::new(),
    };
    change(
        item,
        created,
        "ann",
        &[
            (Tracked::Project, "Shop"),
            (Tracked::Type, "User Story"),
            (Tracked::State, "New"),
        ],
    )
}

/// The item after another revision; an empty text empties a field, a number is one.
pub(crate) fn change(
    mut item: WorkItem,
    when: Timestamp,
    by: &str,
    changes: &[(Tracked, &str)],
) -> WorkItem {
    item.rev += 1;
    item.changed_at = when;
    let value = |text: &str| match text.parse::<f64>() {
        _ if text.is_empty() => None,
        Ok(number) => Some(FieldValue::Number(number)),
        Err(_) => Some(FieldValue::Text(text.to_owned())),
    };
    for (field, text) in changes {
        let name = reference_name(*field);
        match value(text) {
            Some(value) => item.fields.insert(name.to_owned(), value),
            None => item.fields.remove(name),
        };
    }
    let changes = changes.iter();
    item.revisions.push(Revision {
        rev: item.rev,
        at: when,
        by: Some(by.to_owned()),
        changes: changes.map(|(field, text)| (*field, value(text))).collect(),
    });
    item
}

/// The item after a change of its state.
pub(crate) fn moved(item: WorkItem, when: Timestamp, state: &str) -> WorkItem {
    change(item, when, "ann", &[(Tracked::State, state)])
}

/// The same item without its first revisions, as it comes when these are older than what is kept.
pub(crate) fn cut(mut item: WorkItem, revisions: usize) -> WorkItem {
    // The first revision that was seen has all fields.
    let (_, whole) = item.snapshots().swap_remove(revisions);
    item.revisions.drain(..revisions);
    let whole = whole.into_iter();
    item.revisions[0].changes = whole.map(|(field, value)| (field, Some(value))).collect();
    item
}

fn reference_name(field: Tracked) -> &'static str {
    match field {
        Tracked::Project => "System.TeamProject",
        Tracked::Type => "System.WorkItemType",
        Tracked::State => "System.State",
        Tracked::AssignedTo => "System.AssignedTo",
        Tracked::AreaPath => "System.AreaPath",
        Tracked::IterationPath => "System.IterationPath",
        Tracked::Points => "Microsoft.VSTS.Scheduling.StoryPoints",
        Tracked::Tags => "System.Tags",
        Tracked::BoardColumn => "System.BoardColumn",
        Tracked::BoardColumnDone => "System.BoardColumnDone",
        Tracked::BoardLane => "System.BoardLane",
        Tracked::Priority => "Microsoft.VSTS.Common.Priority",
        Tracked::Comments => "System.CommentCount",
    }
}

/// The types `User Story` and `Bug` of the project `Shop`, as the Agile process has them.
pub(crate) fn types() -> Vec<WorkItemType> {
    use StateCategory::{Completed, InProgress, Proposed, Removed, Resolved};
    let states = [
        ("New", Proposed),
        ("Active", InProgress),
        ("Resolved", Resolved),
        ("Closed", Completed),
        ("Removed", Removed),
    ];
    let states = states.map(|(name, category)| State {
        name: name.to_owned(),
        category,
        color: None,
    });
    let of_name = |name: &str| WorkItemType {
        project: project(),
        name: name.to_owned(),
        reference_name: None,
        color: None,
        is_disabled: false,
        states: states.to_vec(),
    };
    ["User Story", "Bug"].map(of_name).into()
}

/// What the states of [`types`] mean.
pub(crate) fn workflows() -> Workflows {
    let shop = Project {
        id: project(),
        name: "Shop".to_owned(),
    };
    Workflows::new(&[shop], &types())
}

pub(crate) fn as_fact(item: WorkItem) -> Fact {
    Fact::WorkItem(Box::new(item), None)
}

/// A context that knows the types of [`types`], Ann, Bo and a robot, and in which these settings were chosen.
pub(crate) fn planned_context(settings: &[(&Setting, &str)]) -> Context {
    let person = |id: &str, name: &str| {
        Names::from(Sighting {
            id: Some(id.to_owned().into()),
            name: Some(name.to_owned().into()),
            ..Sighting::default()
        })
    };
    let people = [
        person("ann", "Ann Onymous"),
        person("bo", "Bo Diddley"),
        person("robot", "triage[bot]"),
    ];
    let mut context = context();
    context.known = Known {
        types: types(),
        people: People::new(people),
        ..Known::default()
    };
    for (setting, value) in settings {
        context.settings.choose(setting, value).unwrap();
    }
    context
}

/// An iteration of the project `Shop` from one day of November 2026 to another, which is a part of it.
pub(crate) fn iteration(path: &str, first: u32, last: u32) -> ClassificationNode {
    ClassificationNode {
        project: project(),
        identifier: uuid::Uuid::nil(),
        structure: Structure::Iteration,
        name: path.to_owned(),
        path: path.to_owned(),
        starts_at: Some(on(first, "00:00")),
        finishes_at: Some(on(last, "00:00")),
    }
}
