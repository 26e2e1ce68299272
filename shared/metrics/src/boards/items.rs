//! Work items as rows: what they can be grouped and filtered by, and how much each counts.

use jiff::Timestamp;
use model::{
    Kind,
    record::{
        WorkItem,
        metadata::StateCategory,
        work_item::{FieldValue, Tracked},
    },
};

use super::life::Life;
use crate::{
    Context, Dimension, Fact, Form, Input, Link, Measure, Metric, Reach, Row, Rows, Setting, Values,
};

/// What every row of a work item has.
pub(crate) const OF_ITEMS: [Dimension; 13] = [
    Dimension::Project,
    Dimension::Type,
    Dimension::State,
    Dimension::StateCategory,
    Dimension::Area,
    Dimension::Iteration,
    Dimension::Assignee,
    Dimension::Creator,
    Dimension::Priority,
    Dimension::Tags,
    Dimension::BoardColumn,
    Dimension::BoardLane,
    Dimension::AnyField,
];

/// What is read for rows of work items.
pub(super) const INPUTS: &[Input] = &[
    Input::new(Kind::WorkItem, Reach::Hashed),
    Input::new(Kind::WorkItemType, Reach::Known),
    Input::new(Kind::Person, Reach::Known),
];

/// Whether items or their points are added up.
pub(super) const UNIT: Setting = Setting {
    name: "unit",
    meaning: "Whether each item counts as one, or as its estimate; items without an estimate have none to count.",
    default: "items",
    values: Values::OneOf(&["items", "points"]),
};

/// Where the estimate is.
pub(super) const POINTS_FIELD: Setting = Setting {
    name: "points_field",
    meaning: "The reference name of the field that holds the estimate, if it is not Story Points, Effort or Size; its history is not kept, so it counts as it is now.",
    default: "",
    values: Values::Field,
};

/// A metric that makes no rows, to begin others with.
pub(super) const OF_ITEM: Metric = Metric {
    name: "",
    definition: "",
    formula: "",
    measure: Measure::Sum,
    inputs: INPUTS,
    dimensions: &OF_ITEMS,
    settings: &[UNIT, POINTS_FIELD],
    form: Form::Bar,
    rows: Rows::Each(|_, _| Vec::new()),
};

/// The rows that somebody makes of the life of a work item; none of one in the recycle bin.
pub(super) fn of_life(
    fact: &Fact,
    context: &Context,
    rows: impl FnOnce(&Life<'_>) -> Vec<Row>,
) -> Vec<Row> {
    match fact {
        Fact::WorkItem(item, _) if item.is_there() => {
            let workflows = context.planning().workflows(item.organization);
            rows(&Life::of(item, workflows))
        }
        _ => Vec::new(),
    }
}

/// How much an item counted at a time: one, or its estimate; `None` if it had none.
pub(super) fn size(life: &Life<'_>, at: Timestamp, context: &Context) -> Option<f64> {
    match context.settings.text(&UNIT) {
        "points" => points(life, at, context),
        _ => Some(1.0),
    }
}

/// The estimate of an item at a time.
pub(super) fn points(life: &Life<'_>, at: Timestamp, context: &Context) -> Option<f64> {
    life.points_at(context.settings.text(&POINTS_FIELD), at)
}

/// A row of an item as it is now.
pub(crate) fn row(life: &Life<'_>, context: &Context, at: Timestamp, value: f64) -> Row {
    row_as_of(life, context, (Timestamp::MAX, at), value)
}

/// A row of an item as it was then; fields whose history is not kept, as they are now.
pub(super) fn row_then(life: &Life<'_>, context: &Context, at: Timestamp, value: f64) -> Row {
    row_as_of(life, context, (at, at), value)
}

fn row_as_of(
    life: &Life<'_>,
    context: &Context,
    (seen_at, at): (Timestamp, Timestamp),
    value: f64,
) -> Row {
    Row {
        at,
        value,
        dimensions: dimensions(life, seen_at, context),
        link: link_to(life.item),
        evidence: Vec::new(),
    }
}

pub(super) fn link_to(item: &WorkItem) -> Link {
    Link::WorkItem {
        organization: item.organization,
        id: item.id,
    }
}

/// The same row with another value of a dimension.
pub(super) fn with(mut row: Row, dimension: Dimension, value: impl Into<String>) -> Row {
    row.dimensions.retain(|(own, _)| *own != dimension);
    row.dimensions.push((dimension, value.into()));
    row
}

/// The same row without a dimension.
pub(super) fn without(mut row: Row, dimension: Dimension) -> Row {
    row.dimensions.retain(|(own, _)| *own != dimension);
    row
}

fn dimensions(life: &Life<'_>, at: Timestamp, context: &Context) -> Vec<(Dimension, String)> {
    let text = |field| {
        life.value_at(field, at)
            .map(|value| written(value, context))
    };
    let stay = life.stay_at(at);
    let category = stay.and_then(|stay| stay.category.as_ref());
    let creator = life.item.created_by.as_ref();
    let values = [
        (Dimension::Project, text(Tracked::Project)),
        (Dimension::Type, text(Tracked::Type)),
        (Dimension::State, stay.map(|stay| stay.state.to_owned())),
        (
            Dimension::StateCategory,
            category.map(|own| name_of(own).to_owned()),
        ),
        (Dimension::Area, text(Tracked::AreaPath)),
        (Dimension::Iteration, text(Tracked::IterationPath)),
        (Dimension::Assignee, assignee_at(life, at, context)),
        (
            Dimension::Creator,
            creator.and_then(|own| context.known.people.name(own)),
        ),
        (Dimension::Priority, text(Tracked::Priority)),
        (Dimension::Tags, text(Tracked::Tags)),
        (Dimension::BoardColumn, text(Tracked::BoardColumn)),
        (Dimension::BoardLane, text(Tracked::BoardLane)),
    ];
    let fields = context.fields.iter().map(|field| {
        let value = life.item.fields.get(field.reference_name());
        let value = value.map(|value| written(value, context));
        (Dimension::Field(*field), value)
    });
    let all = values.into_iter().chain(fields);
    let some = all.filter_map(|(dimension, value)| Some((dimension, value?)));
    some.filter(|(_, value)| !value.is_empty()).collect()
}

fn assignee_at(life: &Life<'_>, at: Timestamp, context: &Context) -> Option<String> {
    let key = life.text_at(Tracked::AssignedTo, at)?;
    Some(person(life.item, key, context))
}

/// The name of whom the history of an item names.
pub(super) fn person(item: &WorkItem, key: &str, context: &Context) -> String {
    let people = &context.known.people;
    let who = people.by_key(key);
    // Nobody may have told of them but the item itself.
    let own = match item.fields.get("System.AssignedTo") {
        Some(FieldValue::Identity(own)) => Some(own),
        _ => None,
    };
    let is_own = |own: &&model::record::Identity| people.who(own).as_ref() == Some(&who);
    own.filter(is_own)
        .and_then(|own| people.name(own))
        .unwrap_or_else(|| people.name_of(&who))
}

/// A value as people read it.
fn written(value: &FieldValue, context: &Context) -> String {
    match value {
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::Number(value) => value.to_string(),
        FieldValue::Text(text) => text.clone(),
        FieldValue::Identity(person) => context.known.people.name(person).unwrap_or_default(),
    }
}

/// What a state means, as the API names it.
pub(super) fn name_of(category: &StateCategory) -> &str {
    match category {
        StateCategory::Proposed => "proposed",
        StateCategory::InProgress => "in_progress",
        StateCategory::Resolved => "resolved",
        StateCategory::Completed => "completed",
        StateCategory::Removed => "removed",
        StateCategory::Unknown(name) => name,
    }
}
