//! How many work items were made, done, changed or due.

use jiff::{Timestamp, civil::Date};

use super::{
    items::{OF_ITEM, of_life, row, size},
    life::Life,
};
use crate::{Context, Fact, Form, Measure, Metric, Row, Rows, query::midnight};

/// Items, or their points, by when something became of them.
pub(super) const METRICS: &[Metric] = &[CREATED, RESOLVED, CLOSED, UPDATED, DUE, THROUGHPUT];

/// Items that were made. Of three that were made yesterday with estimates of 2, 3 and none, it is 3, or 5 points.
const CREATED: Metric = Metric {
    name: "work_items_created",
    definition: "How many work items were created in the range, or how many points they have now. Items in the recycle bin do not count.",
    formula: "1, or the estimate, for each item",
    rows: Rows::Each(|fact, context| rows(fact, context, |life| life.created_at())),
    ..OF_ITEM
};

/// Items whose work was done, verified or not, and is still. One that was resolved on Monday and closed on Tuesday counts on
/// Monday; one that was reopened since does not.
const RESOLVED: Metric = Metric {
    name: "work_items_resolved",
    definition: "How many work items came, in the range, to a state of category resolved or completed and have not left these since, or how many points they have.",
    formula: "1, or the estimate, for each item",
    rows: Rows::Each(|fact, context| rows(fact, context, |life| life.resolved_at())),
    ..OF_ITEM
};

/// Items that were completed and still are. One that was closed on Tuesday, reopened, and closed on Friday counts on Friday.
const CLOSED: Metric = Metric {
    name: "work_items_closed",
    definition: "How many work items came, in the range, to a state of category completed and have not left these since, or how many points they have. Items that were given up (category removed) do not count.",
    formula: "1, or the estimate, for each item",
    rows: Rows::Each(|fact, context| rows(fact, context, |life| life.completed_at())),
    ..OF_ITEM
};

/// Items by their last change. One that was changed on Monday and on Tuesday counts on Tuesday.
const UPDATED: Metric = Metric {
    name: "work_items_updated",
    definition: "How many work items were changed for the last time in the range, or how many points they have.",
    formula: "1, or the estimate, for each item",
    rows: Rows::Each(|fact, context| rows(fact, context, |life| Some(life.item.changed_at))),
    ..OF_ITEM
};

/// Items by when they are due. One that is due on the 20th counts on the 20th, done or not.
const DUE: Metric = Metric {
    name: "work_items_due",
    definition: "How many work items are due in the range (field Due Date), or how many points they have.",
    formula: "1, or the estimate, for each item",
    rows: Rows::Each(|fact, context| rows(fact, context, due_at)),
    ..OF_ITEM
};

/// Completed items for each day. Fourteen that were closed in two weeks are one a day.
const THROUGHPUT: Metric = Metric {
    name: "throughput",
    definition: "How many work items were completed for each day of the range; see work_items_closed.",
    formula: "completed items / days",
    measure: Measure::Frequency,
    settings: &[],
    form: Form::Line,
    ..CLOSED
};

fn rows(fact: &Fact, context: &Context, when: fn(&Life<'_>) -> Option<Timestamp>) -> Vec<Row> {
    of_life(fact, context, |life| {
        let row = when(life).and_then(|at| {
            let value = size(life, Timestamp::MAX, context)?;
            Some(row(life, context, at, value))
        });
        row.into_iter().collect()
    })
}

/// The field holds an instant, which is midnight of a day unless somebody chose a time of day.
/// <https://learn.microsoft.com/azure/devops/boards/queries/query-by-date-or-current-iteration>
pub(super) fn due_at(life: &Life<'_>) -> Option<Timestamp> {
    let text = life.item.text("Microsoft.VSTS.Scheduling.DueDate")?;
    let day = || {
        let day: Option<Date> = text.parse().ok();
        day.map(|day| midnight(day, &jiff::tz::TimeZone::UTC))
    };
    text.parse().ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use model::record::work_item::{FieldValue, Tracked};

    use super::*;
    use crate::{
        Dimension, FieldName,
        boards::{
            items::{POINTS_FIELD, UNIT},
            samples::{as_fact, change, moved, on, planned_context, story},
        },
        samples::{rows, values_in},
    };

    fn estimated(id: u64, points: &str) -> Fact {
        let item = story(id, on(2, "09:00"));
        as_fact(change(
            item,
            on(2, "10:00"),
            "ann",
            &[(Tracked::Points, points)],
        ))
    }

    #[test]
    fn items_count_as_one_or_as_their_points() {
        let items = [estimated(1, "2"), estimated(2, "3"), estimated(3, "")];
        let sum = |context: &Context| -> f64 {
            let rows = rows(&CREATED, &items, context);
            rows.iter().map(|row| row.value).sum()
        };
        assert_eq!(sum(&planned_context(&[])), 3.0);
        let points = planned_context(&[(&UNIT, "points")]);
        assert_eq!(sum(&points), 5.0);
        let unestimated = values_in(&CREATED, &items[2], &points);
        assert_eq!(unestimated, [] as [f64; 0], "no points are not 0 points");
    }

    #[test]
    fn points_can_be_in_a_field_of_ones_own() {
        let mut item = story(1, on(2, "09:00"));
        item.fields
            .insert("Custom.Cost".into(), FieldValue::Number(8.0));
        let settings: [(_, &str); 2] = [(&UNIT, "points"), (&POINTS_FIELD, "Custom.Cost")];
        let context = planned_context(&settings);
        assert_eq!(values_in(&CREATED, &as_fact(item), &context), [8.0]);
    }

    #[test]
    fn done_is_when_it_was_done_for_good() {
        let context = planned_context(&[]);
        let when = |metric: &Metric, item: &model::record::WorkItem| {
            let rows = rows(metric, &[as_fact(item.clone())], &context);
            rows.first().map(|row| row.at)
        };
        let item = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Resolved");
        let item = moved(item, on(4, "09:00"), "Closed");
        assert_eq!(when(&RESOLVED, &item), Some(on(3, "09:00")));
        assert_eq!(when(&CLOSED, &item), Some(on(4, "09:00")));
        assert_eq!(when(&THROUGHPUT, &item), Some(on(4, "09:00")));
        let open = moved(item, on(5, "09:00"), "Active");
        assert_eq!((when(&RESOLVED, &open), when(&CLOSED, &open)), (None, None));
        assert_eq!(when(&UPDATED, &open), Some(on(5, "09:00")));
        let again = moved(open, on(6, "09:00"), "Closed");
        assert_eq!(when(&CLOSED, &again), Some(on(6, "09:00")));
    }

    #[test]
    fn a_due_date_is_a_day_or_an_instant() {
        let context = planned_context(&[]);
        let due = |text: &str| {
            let mut item = story(1, on(2, "09:00"));
            let value = FieldValue::Text(text.to_owned());
            item.fields
                .insert("Microsoft.VSTS.Scheduling.DueDate".into(), value);
            rows(&DUE, &[as_fact(item)], &context)
                .first()
                .map(|row| row.at)
        };
        assert_eq!(due("2026-11-20"), Some(on(20, "00:00")));
        assert_eq!(due("2026-11-20T12:00:00Z"), Some(on(20, "12:00")));
        assert_eq!(due("soon"), None);
    }

    #[test]
    fn what_is_in_the_recycle_bin_does_not_count() {
        let mut item = story(1, on(2, "09:00"));
        item.is_deleted = true;
        assert!(rows(&CREATED, &[as_fact(item)], &planned_context(&[])).is_empty());
    }

    #[test]
    fn a_row_can_be_asked_by_any_field() {
        let mut item = change(
            story(1, on(2, "09:00")),
            on(3, "09:00"),
            "ann",
            &[
                (Tracked::AssignedTo, "bo"),
                (Tracked::AreaPath, "Shop\\Web"),
                (Tracked::Priority, "2"),
            ],
        );
        item.fields
            .insert("Custom.Customer".into(), FieldValue::Text("Contoso".into()));
        let mut context = planned_context(&[]);
        let field = FieldName::of("Custom.Customer");
        context.fields = vec![field];
        let rows = rows(&CREATED, &[as_fact(item)], &context);
        let of = |dimension| rows[0].dimension(dimension);
        assert_eq!(of(Dimension::Assignee), Some("Bo Diddley"));
        assert_eq!(of(Dimension::Area), Some("Shop\\Web"));
        assert_eq!(of(Dimension::Priority), Some("2"));
        assert_eq!(of(Dimension::StateCategory), Some("proposed"));
        assert_eq!(of(Dimension::Field(field)), Some("Contoso"));
        assert_eq!(of(Dimension::BoardLane), None);
    }
}
