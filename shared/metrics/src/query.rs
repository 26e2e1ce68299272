//! What is asked of rows: which of them, cut up how.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Serialize;

use crate::{Dimension, FieldName, Row, Statistic};

/// A question. Times are instants; the zone says only where days begin.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which rows by their instant.
    pub range: Range,
    /// Where days, weeks and months begin.
    pub zone: TimeZone,
    /// Whether there is a trend, and of what.
    pub interval: Option<Interval>,
    /// Which statistic is the number, for measures that have some.
    pub statistic: Statistic,
    /// Whether rows count whose value is below 0, such as a stage that ended before it began because somebody set a date.
    pub with_negative: bool,
    /// One group for each combination of these; none for the total alone.
    pub group_by: Vec<Dimension>,
    /// All of them have to accept a row.
    pub filters: Vec<Filter>,
    /// Now: nothing is known of later.
    pub now: Timestamp,
}

impl Query {
    /// The fields of work items that rows are asked for.
    pub fn fields(&self) -> Vec<FieldName> {
        let filtered = self.filters.iter().map(|filter| filter.dimension);
        let asked = self.group_by.iter().copied().chain(filtered);
        let fields: BTreeSet<FieldName> = asked.filter_map(Dimension::field).collect();
        fields.into_iter().collect()
    }

    /// The instants at which what there is at a time is looked at: the last one of each period, or of the range if there are
    /// none; now in a period that lasts. Oldest first.
    pub fn samples(&self) -> Vec<Timestamp> {
        let parts = match self.interval {
            Some(interval) => interval.periods(self.range, &self.zone),
            None => vec![(Date::MIN, self.range)],
        };
        let parts = parts.into_iter().map(|(_, part)| part);
        let begun = parts.filter(|part| part.from <= self.now);
        begun
            .map(|part| self.now.min(part.to - 1.nanoseconds()))
            .collect()
    }

    /// Whether the row lies in the range and passes every filter.
    pub fn accepts(&self, row: &Row) -> bool {
        self.range.contains(row.at)
            && (self.with_negative || row.value >= 0.0)
            && self.filters.iter().all(|filter| filter.accepts(row))
    }
}

/// From an instant to another that is no longer in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// The first instant in it.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl Range {
    /// Whether the instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// How many days it has on the calendar of a zone, parts of days included; a day is a day even if clocks are changed in it.
    pub fn days(&self, zone: &TimeZone) -> f64 {
        let local = |at: Timestamp| zone.to_datetime(at);
        let length = local(self.to).duration_since(local(self.from));
        length.as_secs_f64() / 86_400.0
    }

    /// The part that lies in another range, too; `None` if there is none.
    fn overlap(&self, other: &Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from < to).then_some(Self { from, to })
    }
}

/// How a trend is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// By days.
    Day,
    /// By weeks, which begin on Monday.
    Week,
    /// By months.
    Month,
}

impl Interval {
    /// Every interval.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first day of the period that an instant falls into.
    pub fn start(self, at: Timestamp, zone: &TimeZone) -> Date {
        let day = zone.to_datetime(at).date();
        match self {
            Self::Day => day,
            Self::Week => {
                day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
            }
            Self::Month => day.first_of_month(),
        }
    }

    /// The first day of the next period.
    fn after(self, start: Date) -> Date {
        start.saturating_add(match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        })
    }

    /// Every period that has a part in the range: its first day, and that part.
    pub fn periods(self, range: Range, zone: &TimeZone) -> Vec<(Date, Range)> {
        let mut periods = Vec::new();
        let mut start = self.start(range.from, zone);
        while start < Date::MAX {
            let next = self.after(start);
            let period = Range {
                from: midnight(start, zone),
                to: midnight(next, zone),
            };
            if period.from >= range.to {
                break;
            }
            periods.extend(period.overlap(&range).map(|part| (start, part)));
            start = next;
        }
        periods
    }
}

/// When a day begins in a zone: at midnight, or a little later where clocks are changed at midnight.
pub(crate) fn midnight(day: Date, zone: &TimeZone) -> Timestamp {
    let first = zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible();
    first.unwrap_or(Timestamp::MAX)
}

/// What a dimension must be, or must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Which dimension.
    pub dimension: Dimension,
    /// How it is compared.
    pub rule: Match,
    /// With what; one of them is enough. An empty text stands for a row without this dimension.
    pub values: Vec<String>,
}

/// How a dimension is compared. Upper and lower case are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// It is one of the values.
    Is,
    /// It is none of the values.
    IsNot,
    /// It begins with one of the values.
    StartsWith,
    /// It has one of the values in it.
    Contains,
}

impl Match {
    /// The dimension that a parameter names, and how it is compared: `stage`, `stage!`, `stage^`, `stage*`. A comparison is the
    /// last character of the name, because `=` ends it.
    pub fn of_parameter(name: &str) -> (&str, Self) {
        match name.char_indices().next_back() {
            Some((end, '!')) => (&name[..end], Self::IsNot),
            Some((end, '^')) => (&name[..end], Self::StartsWith),
            Some((end, '*')) => (&name[..end], Self::Contains),
            _ => (name, Self::Is),
        }
    }
}

impl Filter {
    /// Whether a row has what is asked for.
    pub(crate) fn accepts(&self, row: &Row) -> bool {
        let own = row.dimension(self.dimension).unwrap_or("").to_lowercase();
        let mut values = self.values.iter().map(|value| value.to_lowercase());
        match self.rule {
            Match::Is => values.any(|value| own == value),
            Match::IsNot => values.all(|value| own != value),
            Match::StartsWith => values.any(|value| own.starts_with(&value)),
            Match::Contains => values.any(|value| own.contains(&value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, row};

    fn range(from: &str, to: &str) -> Range {
        Range {
            from: at(from),
            to: at(to),
        }
    }

    /// An hour ahead of UTC, as half of Europe is in winter.
    fn ahead() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(1))
    }

    #[test]
    fn a_range_ends_before_its_end() {
        let day = range("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
        assert!(day.contains(day.from));
        assert!(!day.contains(day.to));
        assert_eq!(day.days(&TimeZone::UTC), 1.0);
    }

    #[test]
    fn a_week_begins_on_monday_where_the_user_is() {
        let sunday_night = at("2026-11-22T23:30:00Z");
        let week = |zone| Interval::Week.start(sunday_night, &zone).to_string();
        assert_eq!(week(TimeZone::UTC), "2026-11-16");
        assert_eq!(week(ahead()), "2026-11-23");
    }

    #[test]
    fn periods_cover_the_range_and_no_more() {
        let quarter = range("2026-10-15T00:00:00Z", "2026-12-02T12:00:00Z");
        let periods = Interval::Month.periods(quarter, &TimeZone::UTC);
        let days: Vec<(String, f64)> = periods
            .iter()
            .map(|(start, part)| (start.to_string(), part.days(&TimeZone::UTC)))
            .collect();
        let expected = [
            ("2026-10-01", 17.0),
            ("2026-11-01", 30.0),
            ("2026-12-01", 1.5),
        ];
        assert_eq!(days, expected.map(|(start, days)| (start.to_owned(), days)));
    }

    #[test]
    fn levels_are_taken_at_the_end_of_periods_and_now() {
        let mut query = Query {
            range: range("2026-11-09T00:00:00Z", "2026-11-30T00:00:00Z"),
            zone: TimeZone::UTC,
            interval: None,
            statistic: Statistic::default(),
            with_negative: true,
            group_by: Vec::new(),
            filters: Vec::new(),
            now: at("2026-11-18T10:00:00Z"),
        };
        assert_eq!(query.samples(), [query.now]);
        query.interval = Some(Interval::Week);
        let expected = ["2026-11-15T23:59:59.999999999Z", "2026-11-18T10:00:00Z"];
        assert_eq!(query.samples(), expected.map(at), "not of a week to come");
        query.now = at("2026-12-18T10:00:00Z");
        assert_eq!(query.samples()[2], at("2026-11-29T23:59:59.999999999Z"));
    }

    #[test]
    fn fields_are_asked_for_by_groups_and_by_filters() {
        let [one, other] = ["Custom.Customer", "Custom.Region"].map(FieldName::of);
        let is = |dimension| Filter {
            dimension,
            rule: Match::Is,
            values: Vec::new(),
        };
        let query = Query {
            range: range("2026-11-09T00:00:00Z", "2026-11-30T00:00:00Z"),
            zone: TimeZone::UTC,
            interval: None,
            statistic: Statistic::default(),
            with_negative: true,
            group_by: vec![Dimension::Field(other), Dimension::Area],
            filters: vec![is(Dimension::Field(one)), is(Dimension::Field(other))],
            now: at("2026-11-18T10:00:00Z"),
        };
        assert_eq!(query.fields(), [one, other]);
    }

    #[test]
    fn filters_compare_without_case_and_know_what_is_missing() {
        let deploy = row(1.0, "2026-11-23T10:00:00Z", &[(Dimension::Stage, "Deploy")]);
        let accepts = |rule, values: &[&str], dimension| {
            let values = values.iter().map(ToString::to_string).collect();
            let filter = Filter {
                dimension,
                rule,
                values,
            };
            filter.accepts(&deploy)
        };
        assert!(accepts(Match::Is, &["build", "deploy"], Dimension::Stage));
        assert!(!accepts(
            Match::IsNot,
            &["build", "DEPLOY"],
            Dimension::Stage
        ));
        assert!(accepts(Match::StartsWith, &["dep"], Dimension::Stage));
        assert!(!accepts(Match::StartsWith, &["ploy"], Dimension::Stage));
        assert!(accepts(Match::Contains, &["ploy"], Dimension::Stage));
        assert!(accepts(Match::Is, &[""], Dimension::Agent));
        assert!(accepts(Match::IsNot, &["x"], Dimension::Agent));
    }
}
