//! What work goes into: categories of business alignment.

mod profile;

use jiff::Timestamp;
use model::record::metadata::StateCategory;

pub use self::profile::Profile;
use super::{
    items::{OF_ITEM, OF_ITEMS, POINTS_FIELD, of_life, points, row, with},
    life::Life,
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, Setting, Values, seconds};

/// Effort, its share of all effort, and how many people that is.
pub(super) const METRICS: &[Metric] = &[EFFORT, SHARE, PEOPLE];

/// The profile that holds if none is given.
const DEFAULT: &str = r#"{"categories":[{"name":"Features","filters":[{"type":["Epic","Feature","User Story","Product Backlog Item","Requirement"]}]},{"name":"Bugs","filters":[{"type":["Bug","Issue","Impediment"]}]}]}"#;

/// The categories.
pub(crate) const PROFILE: Setting = Setting {
    name: "profile",
    meaning: "The categories as JSON, the first that fits wins: {\"categories\":[{\"name\":\"New\",\"filters\":[{\"type\":[\"Feature\"],\"tags*\":[\"customer\"]}]}]}. A filter fits if all of its dimensions do, a category if one of its filters does; dimensions are compared as in parameters.",
    default: DEFAULT,
    values: Values::Profile,
};

const UNIT: Setting = Setting {
    name: "unit",
    meaning: "What effort is: items, their points, or the seconds that they were in progress.",
    default: "items",
    values: Values::OneOf(&["items", "points", "time"]),
};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = OF_ITEMS;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, Dimension::Category]
};

/// The effort of what was completed. Of three features and two bugs, grouped by `category` it is 3 and 2.
const EFFORT: Metric = Metric {
    name: "alignment_effort",
    definition: "How much effort the work items took that were completed in the range; group by category. What fits no category is uncategorised.",
    formula: "1, the estimate, or the seconds in states of category in progress, for each item",
    dimensions: DIMENSIONS,
    settings: &[PROFILE, UNIT, POINTS_FIELD],
    form: Form::StackedBar,
    rows: Rows::Each(rows),
    ..OF_ITEM
};

/// What part of all effort a category took. Of six and five items it is 0.5455 and 0.4545.
const SHARE: Metric = Metric {
    name: "alignment_share",
    definition: "Which share of the effort of all work items that were completed in the range (and that the filters let pass) went into a category; group by category.",
    formula: "effort of the category / effort of all",
    measure: Measure::ShareOfAll,
    ..EFFORT
};

/// How many people worked for a category, each divided over all of theirs. If Ann completed three new features and two old ones, Bo
/// three new and Cy three old ones, 0.6 + 1 = 1.6 people worked for the new ones and 0.4 + 1 = 1.4 for the old ones.
const PEOPLE: Metric = Metric {
    name: "alignment_people",
    definition: "How many full people the effort of a category was, for work items that were completed in the range: the share that each assignee's effort for it is of all of theirs, summed over people. Items without an assignee do not count.",
    formula: "sum over people of (effort of the person for the category / all effort of the person)",
    measure: Measure::People,
    ..EFFORT
};

fn rows(fact: &Fact, context: &Context) -> Vec<Row> {
    of_life(fact, context, |life| {
        let row = life.completed_at().and_then(|at| {
            let row = row(life, context, at, effort(life, context)?);
            let category = context.profile().category(&row).unwrap_or("uncategorised");
            let category = category.to_owned();
            Some(with(row, Dimension::Category, category))
        });
        row.into_iter().collect()
    })
}

fn effort(life: &Life<'_>, context: &Context) -> Option<f64> {
    match context.settings.text(&UNIT) {
        "points" => points(life, Timestamp::MAX, context),
        "time" => Some(time_in_progress(life)),
        _ => Some(1.0),
    }
}

/// The seconds in states of category in progress, as far as they were seen.
fn time_in_progress(life: &Life<'_>) -> f64 {
    let worked_on = life
        .stays
        .iter()
        .filter(|stay| stay.is(&StateCategory::InProgress));
    let times = worked_on.filter_map(|stay| Some(seconds(stay.from?, stay.to?)));
    times.sum()
}

#[cfg(test)]
mod tests {
    use model::record::work_item::Tracked;

    use super::*;
    use crate::{
        Query, Range, Statistic,
        boards::samples::{as_fact, change, moved, on, planned_context, story},
        report,
        samples::rows,
    };

    fn finished(id: u64, who: &str, tag: &str) -> Fact {
        let changes = [(Tracked::AssignedTo, who), (Tracked::Tags, tag)];
        let item = change(story(id, on(2, "09:00")), on(2, "10:00"), "ann", &changes);
        let item = moved(item, on(3, "09:00"), "Active");
        as_fact(moved(item, on(4, "09:00"), "Closed"))
    }

    /// The printed vector: eleven items of three people.
    fn work() -> Vec<Fact> {
        let of = |count: usize, who: &'static str, tag: &'static str| {
            std::iter::repeat_n((who, tag), count)
        };
        let all = of(3, "ann", "new").chain(of(2, "ann", "old"));
        let all = all.chain(of(3, "bo", "new")).chain(of(3, "cy", "old"));
        (1..)
            .zip(all)
            .map(|(id, (who, tag))| finished(id, who, tag))
            .collect()
    }

    const BY_TAG: &str = r#"{"categories":[{"name":"New","filters":[{"tags":["new"]}]},{"name":"Old","filters":[{"tags":["old"]}]}]}"#;

    fn ask(metric: &Metric, settings: &[(&Setting, &str)]) -> Vec<(String, String)> {
        let query = Query {
            range: Range {
                from: on(1, "00:00"),
                to: on(25, "00:00"),
            },
            zone: jiff::tz::TimeZone::UTC,
            interval: None,
            statistic: Statistic::default(),
            with_negative: true,
            group_by: vec![Dimension::Category],
            filters: Vec::new(),
            now: on(25, "00:00"),
        };
        let rows = rows(metric, &work(), &planned_context(settings));
        let groups = report(metric.measure, &rows, &query).groups;
        let view = groups.into_iter().map(|group| {
            let name = group.by[&Dimension::Category].clone().unwrap();
            (name, format!("{:.4}", group.summary.value.unwrap()))
        });
        view.collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_same_work_is_a_share_and_a_number_of_people() {
        let by_tag = [(&PROFILE, BY_TAG)];
        assert_eq!(
            ask(&EFFORT, &by_tag),
            expected(&[("New", "6.0000"), ("Old", "5.0000")])
        );
        assert_eq!(
            ask(&SHARE, &by_tag),
            expected(&[("New", "0.5455"), ("Old", "0.4545")])
        );
        assert_eq!(
            ask(&PEOPLE, &by_tag),
            expected(&[("New", "1.6000"), ("Old", "1.4000")])
        );
    }

    #[test]
    fn effort_can_be_the_time_in_progress() {
        let settings = [(&PROFILE, BY_TAG), (&UNIT, "time")];
        let days = expected(&[("New", "518400.0000"), ("Old", "432000.0000")]);
        assert_eq!(ask(&EFFORT, &settings), days);
    }

    #[test]
    fn without_a_profile_types_are_the_categories_and_the_rest_has_none() {
        assert_eq!(ask(&EFFORT, &[]), expected(&[("Features", "11.0000")]));
        let none = [(
            &PROFILE,
            r#"{"categories":[{"name":"Bugs","filters":[{"type":["Bug"]}]}]}"#,
        )];
        assert_eq!(ask(&SHARE, &none), expected(&[("uncategorised", "1.0000")]));
    }
}
