//! How much time teams have in their sprints.

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};
use model::{
    Kind,
    record::{
        SprintCapacity, TeamSettings,
        planning::{ActivityCapacity, DaysOff, MemberCapacity, Weekday},
    },
};

use super::replay::Sprint;
use crate::{Context, Dimension, Form, Input, Link, Measure, Metric, Reach, Row, Rows};

/// The time that people have.
pub(in crate::boards) const METRICS: &[Metric] = &[CAPACITY];

/// The time that people have in sprints. Somebody with 6 hours of each working day has 54 hours in a sprint of ten working days of which
/// one is off. Beside `sprint_commit` it says whether a team took on what it can do.
const CAPACITY: Metric = Metric {
    name: "sprint_capacity",
    definition: "How many hours (or whatever unit the team plans in) people have in sprints: their capacity of each working day of the team, without the days on which they or their team are off. It counts on the sprint's last instant, or now while it lasts; group by sprint, team or person. Teams that have planned nothing have no row.",
    formula: "capacity per day * (working days - days off) for each person and kind of work",
    measure: Measure::Sum,
    inputs: &[
        Input::new(Kind::SprintCapacity, Reach::Known),
        Input::new(Kind::TeamSettings, Reach::Known),
        Input::new(Kind::Team, Reach::Known),
        Input::new(Kind::ClassificationNode, Reach::Known),
        Input::new(Kind::Person, Reach::Known),
    ],
    dimensions: &[
        Dimension::Project,
        Dimension::Team,
        Dimension::Sprint,
        Dimension::SprintState,
        Dimension::Person,
        Dimension::Activity,
    ],
    settings: &[],
    form: Form::Bar,
    rows: Rows::Joined {
        keep: |_, _| None,
        rows: |_, context| {
            let capacities = context.known.capacities.iter();
            capacities.flat_map(|own| of_sprint(own, context)).collect()
        },
    },
};

fn of_sprint(capacity: &SprintCapacity, context: &Context) -> Vec<Row> {
    let nodes = context.known.nodes.iter();
    let mut own = nodes.filter(|node| node.identifier == capacity.iteration);
    let Some(sprint) = own.find_map(Sprint::of) else {
        return Vec::new();
    };
    let Some(at) = sprint.last_instant(context.now) else {
        return Vec::new();
    };
    let days = working_days(capacity, context);
    let mut teams = context.known.teams.iter();
    let team = teams.find(|team| team.id == capacity.team);
    let row = |member: &MemberCapacity, activity: &ActivityCapacity| {
        let off = |day: &civil::Date| is_off(&member.days_off, *day);
        let count = days.iter().filter(|day| !off(day)).count();
        let person = member.person.as_ref();
        let values = [
            (Dimension::Project, Some(context.project(capacity.project))),
            (Dimension::Team, team.map(|team| team.name.clone())),
            (Dimension::Sprint, Some(sprint.path.clone())),
            (
                Dimension::SprintState,
                Some(sprint.state(context.now).to_owned()),
            ),
            (
                Dimension::Person,
                person.and_then(|own| context.known.people.name(own)),
            ),
            (Dimension::Activity, activity.name.clone()),
        ];
        let some = values.into_iter();
        let some = some.filter_map(|(dimension, value)| Some((dimension, value?)));
        Row {
            at,
            value: activity.per_day * count as f64,
            dimensions: some.collect(),
            link: Link::Sprint {
                project: capacity.project,
                team: team.map_or_else(|| capacity.team.to_string(), |team| team.name.clone()),
                path: sprint.path.clone(),
            },
            evidence: Vec::new(),
        }
    };
    let members = capacity.members.iter();
    members
        .flat_map(|member| member.activities.iter().map(move |own| row(member, own)))
        .collect()
}

/// The days of a sprint on which its team works: those of its settings, or Monday to Friday if these are not known.
fn working_days(capacity: &SprintCapacity, context: &Context) -> Vec<civil::Date> {
    let mut settings = context.known.team_settings.iter();
    let settings = settings.find(|own| own.team == capacity.team);
    let last = date(capacity.finishes_at);
    let mut day = date(capacity.starts_at);
    let mut days = Vec::new();
    while day <= last {
        if works_on(settings, day) && !is_off(&capacity.days_off, day) {
            days.push(day);
        }
        day = day.saturating_add(1.day());
    }
    days
}

fn works_on(settings: Option<&TeamSettings>, day: civil::Date) -> bool {
    let named = match day.weekday() {
        civil::Weekday::Monday => Weekday::Monday,
        civil::Weekday::Tuesday => Weekday::Tuesday,
        civil::Weekday::Wednesday => Weekday::Wednesday,
        civil::Weekday::Thursday => Weekday::Thursday,
        civil::Weekday::Friday => Weekday::Friday,
        civil::Weekday::Saturday => Weekday::Saturday,
        civil::Weekday::Sunday => Weekday::Sunday,
    };
    match settings {
        Some(settings) => settings.working_days.contains(&named),
        None => !matches!(named, Weekday::Saturday | Weekday::Sunday),
    }
}

fn is_off(off: &[DaysOff], day: civil::Date) -> bool {
    off.iter()
        .any(|own| date(own.first) <= day && day <= date(own.last))
}

fn date(at: Timestamp) -> civil::Date {
    TimeZone::UTC.to_datetime(at).date()
}

#[cfg(test)]
mod tests {
    use model::record::{Identity, planning::BugsBehavior};
    use uuid::Uuid;

    use super::*;
    use crate::{
        boards::samples::{iteration, on, planned_context},
        samples::{project, rows},
    };

    fn off(first: u32, last: u32) -> DaysOff {
        DaysOff {
            first: on(first, "00:00"),
            last: on(last, "00:00"),
        }
    }

    /// From Monday the 9th to Friday the 20th: ten working days. Bo has 6 hours of each to develop.
    fn capacity(of_team: &[DaysOff], of_bo: &[DaysOff]) -> SprintCapacity {
        SprintCapacity {
            project: project(),
            team: Uuid::from_u128(3),
            iteration: Uuid::nil(),
            starts_at: on(9, "00:00"),
            finishes_at: on(20, "00:00"),
            members: vec![MemberCapacity {
                person: Some(Identity {
                    id: Some("bo".to_owned()),
                    ..Identity::default()
                }),
                activities: vec![ActivityCapacity {
                    name: Some("Development".to_owned()),
                    per_day: 6.0,
                }],
                days_off: of_bo.to_vec(),
            }],
            days_off: of_team.to_vec(),
        }
    }

    fn hours(capacity: SprintCapacity, works_on: Option<Vec<Weekday>>) -> Vec<f64> {
        let found = found(capacity, works_on);
        found.into_iter().map(|row| row.value).collect()
    }

    fn found(capacity: SprintCapacity, works_on: Option<Vec<Weekday>>) -> Vec<Row> {
        let mut context = planned_context(&[]);
        context.known.nodes = vec![iteration("Shop\\Sprint 7", 9, 20)];
        context.known.team_settings = works_on
            .map(|working_days| TeamSettings {
                project: project(),
                team: capacity.team,
                working_days,
                bugs: BugsBehavior::AsTasks,
                backlogs: Vec::new(),
                backlog_iteration: None,
                default_iteration: None,
                default_iteration_macro: None,
            })
            .into_iter()
            .collect();
        context.known.capacities = vec![capacity];
        rows(&CAPACITY, &[], &context)
    }

    #[test]
    fn six_hours_of_ten_days_of_which_one_is_off_are_fifty_four() {
        assert_eq!(hours(capacity(&[], &[]), None), [60.0]);
        assert_eq!(hours(capacity(&[], &[off(12, 12)]), None), [54.0]);
        let both = capacity(&[off(12, 13)], &[off(13, 16)]);
        assert_eq!(
            hours(both, None),
            [42.0],
            "a day is off once, and a weekend is no day off"
        );
    }

    #[test]
    fn a_team_works_on_the_days_that_it_has_chosen() {
        let days = vec![Weekday::Monday, Weekday::Sunday];
        assert_eq!(
            hours(capacity(&[], &[]), Some(days)),
            [18.0],
            "two Mondays, one Sunday"
        );
    }

    #[test]
    fn time_belongs_to_a_person_a_kind_of_work_and_a_sprint() {
        let found = found(capacity(&[], &[]), None);
        let of = |dimension| found[0].dimension(dimension);
        assert_eq!(of(Dimension::Person), Some("Bo Diddley"));
        assert_eq!(of(Dimension::Activity), Some("Development"));
        assert_eq!(of(Dimension::Sprint), Some("Shop\\Sprint 7"));
        assert_eq!(of(Dimension::SprintState), Some("past"));
        assert!(
            found[0].link.path().ends_with(
                "/_sprints/capacity/00000000-0000-0000-0000-000000000003/Shop/Sprint%207"
            )
        );
    }
}
