//! The question: what the parameters of a request mean, and what is said of those that mean nothing.

use entrypoint::problem::Problem;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use metrics::{
    Dimension, FieldName, Filter, Interval, Match, Metric, Query, Range, Settings, Statistic,
    Values,
};
use model::ConnectionId;
use url::form_urlencoded;

/// How many groups or rows are in an answer, unless more or fewer are asked for.
pub(crate) const LIMIT: usize = 100;

/// More rows would not fit into an answer of a Lambda function, 6 MB:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub(crate) const LARGEST_LIMIT: usize = 10_000;

/// The days of a range that nobody chose, today included.
const DEFAULT_DAYS: i64 = 30;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Of which rows, and how they are cut.
    pub(crate) query: Query,
    /// By which rules rows are made.
    pub(crate) settings: Settings,
    /// Of one connection; of all of the tenant if `None`.
    pub(crate) connection: Option<ConnectionId>,
    /// How many groups or rows at most.
    pub(crate) limit: usize,
    /// How many rows are left out before.
    pub(crate) offset: usize,
    /// Which rows come first.
    pub(crate) sort: Sort,
    /// How rows are written.
    pub(crate) format: Format,
}

/// Which rows come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Newest,
    Largest,
    Smallest,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

impl Question {
    /// Reads the query string of a request. What is stored begins at the first of the instants; the second is now. Fields of
    /// work items are those that there are.
    pub(crate) fn parse(
        text: &str,
        (metric, fields): (&Metric, &[String]),
        (oldest, now): (Timestamp, Timestamp),
    ) -> Result<Self, Problem> {
        let parameters = parameters(text);
        let known = (metric, fields);
        let one = |name: &str| {
            let mut values = parameters.iter().filter(|(own, _)| own == name);
            values.next_back().map(|(_, value)| value.as_str())
        };
        let zone = zone(one("zone"))?;
        let range = range((one("from"), one("to")), &zone, (oldest, now))?;
        let mut filters = Vec::new();
        let mut settings = Settings::default();
        for (name, value) in &parameters {
            let mut own = metric.settings.iter();
            if let Some(setting) = own.find(|setting| setting.name == name) {
                let value = match setting.values {
                    Values::Field => reference_name(name, value, fields)?,
                    _ => value,
                };
                let chosen = settings.choose(setting, value);
                chosen.map_err(|detail| Problem::field(name, detail))?;
            } else if !PARAMETERS.contains(&name.as_str()) {
                filter(&mut filters, known, (name, value))?;
            }
        }
        Ok(Self {
            query: Query {
                range,
                zone,
                interval: one("interval").map(interval).transpose()?,
                group_by: group_by(one("group_by").unwrap_or(""), known)?,
                filters,
                statistic: statistic(one("statistic"))?,
                with_negative: with_negative(one("negative"))?,
                now,
            },
            settings,
            connection: one("connection").map(connection).transpose()?,
            limit: number("limit", one("limit"), LIMIT, LARGEST_LIMIT)?,
            offset: number("offset", one("offset"), 0, usize::MAX)?,
            sort: sort(one("sort"))?,
            format: format(one("format"))?,
        })
    }
}

impl Question {
    /// What rows are said to be, in order: the dimensions of the metric, and the fields that were asked for.
    pub(crate) fn columns(&self, metric: &Metric) -> Vec<Dimension> {
        let own = metric.dimensions.iter().copied();
        let own = own.filter(|own| *own != Dimension::AnyField);
        let fields = self.query.fields().into_iter().map(Dimension::Field);
        own.chain(fields).collect()
    }
}

/// Whether a query string names fields of work items, so that it matters which there are.
pub(crate) fn names_fields(text: &str, metric: &Metric) -> bool {
    let is_field = |name: &str| FieldName::reference_name_in(name).is_some();
    let is_setting = |name: &str| {
        let mut own = metric.settings.iter();
        own.any(|own| own.name == name && own.values == Values::Field)
    };
    parameters(text).iter().any(|(name, value)| {
        is_field(name) || is_setting(name) || name == "group_by" && value.split(',').any(is_field)
    })
}

fn parameters(text: &str) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    pairs.into_owned().collect()
}

/// The parameters that are no dimensions.
pub(crate) const PARAMETERS: [&str; 12] = [
    "from",
    "to",
    "zone",
    "interval",
    "statistic",
    "negative",
    "group_by",
    "connection",
    "limit",
    "offset",
    "sort",
    "format",
];

fn zone(name: Option<&str>) -> Result<TimeZone, Problem> {
    let Some(name) = name else {
        return Ok(TimeZone::UTC);
    };
    TimeZone::get(name).map_err(|_| {
        let detail =
            format!("`{name}` is no time zone; give an IANA name such as `Europe/Berlin` or `UTC`");
        Problem::field("zone", detail)
    })
}

/// Days are whole days of the zone, the last one included; instants are taken as they are, and the last one is not in it.
fn range(
    (from, to): (Option<&str>, Option<&str>),
    zone: &TimeZone,
    (oldest, now): (Timestamp, Timestamp),
) -> Result<Range, Problem> {
    let today = zone.to_datetime(now).date();
    let to = match to {
        Some(text) => instant("to", text, zone, true)?,
        None => midnight(today.saturating_add(1.day()), zone),
    };
    let from = match from {
        Some(text) => instant("from", text, zone, false)?,
        None => {
            let last = zone.to_datetime(to - 1.nanoseconds()).date();
            let first = last.saturating_sub((DEFAULT_DAYS - 1).days());
            midnight(first, zone).max(oldest)
        }
    };
    // The day on which the window begins is there in part, and may be asked for.
    let first = midnight(zone.to_datetime(oldest).date(), zone);
    if from < first {
        let detail = format!(
            "nothing is kept from before {first}; the earliest `from` is {}",
            zone.to_datetime(oldest).date()
        );
        return Err(Problem::field("from", detail));
    }
    if to <= from {
        let detail = format!("the range ends at {to}, which is not after its beginning {from}");
        return Err(Problem::field("to", detail));
    }
    Ok(Range { from, to })
}

fn instant(name: &str, text: &str, zone: &TimeZone, is_end: bool) -> Result<Timestamp, Problem> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let day: Date = text.parse().map_err(|_| {
        let detail = format!("`{text}` is neither a day such as `2026-11-23` nor an instant such as `2026-11-23T12:00:00Z`");
        Problem::field(name, detail)
    })?;
    let day = if is_end {
        day.saturating_add(1.day())
    } else {
        day
    };
    Ok(midnight(day, zone))
}

fn midnight(day: Date, zone: &TimeZone) -> Timestamp {
    let first = zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible();
    first.unwrap_or(Timestamp::MAX)
}

fn interval(text: &str) -> Result<Interval, Problem> {
    let known = Interval::ALL.into_iter().find(|own| own.name() == text);
    known.ok_or_else(|| {
        let names = Interval::ALL.map(Interval::name).join(", ");
        Problem::field("interval", format!("`{text}` is none of {names}"))
    })
}

fn statistic(name: Option<&str>) -> Result<Statistic, Problem> {
    let Some(name) = name else {
        return Ok(Statistic::default());
    };
    Statistic::from_name(name).ok_or_else(|| {
        let detail = format!("`{name}` is none of min, median, mean, max, and p0 to p100");
        Problem::field("statistic", detail)
    })
}

/// Negative values are true of the data, such as a stage that ended before it began because somebody set a date.
fn with_negative(choice: Option<&str>) -> Result<bool, Problem> {
    match choice {
        None | Some("with") => Ok(true),
        Some("without") => Ok(false),
        Some(other) => {
            let detail = format!("`{other}` is none of with, without");
            Err(Problem::field("negative", detail))
        }
    }
}

/// What a name can mean: the dimensions of a metric, and the fields that work items have.
type Known<'a> = (&'a Metric, &'a [String]);

fn group_by(text: &str, known: Known<'_>) -> Result<Vec<Dimension>, Problem> {
    let names = text.split(',').filter(|name| !name.is_empty());
    let mut dimensions = Vec::new();
    for name in names {
        let dimension = dimension("group_by", name, known)?;
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    Ok(dimensions)
}

fn dimension(
    parameter: &str,
    name: &str,
    (metric, fields): Known<'_>,
) -> Result<Dimension, Problem> {
    let reference_name = FieldName::reference_name_in(name);
    if let Some(reference_name) = reference_name
        && metric.dimensions.contains(&Dimension::AnyField)
    {
        return field(parameter, reference_name, fields);
    }
    let known = Dimension::from_name(name).filter(|own| metric.dimensions.contains(own));
    known.ok_or_else(|| {
        let names: Vec<&str> = metric.dimensions.iter().map(|own| own.name()).collect();
        let detail = format!(
            "`{}` has no dimension `{name}`; it has {}",
            metric.name,
            names.join(", ")
        );
        Problem::field(parameter, detail)
    })
}

/// How many fields a problem names; organizations have hundreds.
const NAMED_FIELDS: usize = 60;

fn field(parameter: &str, name: &str, fields: &[String]) -> Result<Dimension, Problem> {
    let name = reference_name(parameter, name, fields)?;
    Ok(Dimension::Field(FieldName::of(name)))
}

/// The name of a field as it is written where it is defined; upper and lower case are the same.
fn reference_name<'a>(
    parameter: &str,
    name: &str,
    fields: &'a [String],
) -> Result<&'a str, Problem> {
    let folded = name.to_lowercase();
    let known = fields.iter().find(|own| own.to_lowercase() == folded);
    known.map(String::as_str).ok_or_else(|| {
        let some = fields.iter().take(NAMED_FIELDS).map(String::as_str);
        let some: Vec<&str> = some.collect();
        let detail = format!(
            "work items have no field `{name}`; the first of their {} fields are {}",
            fields.len(),
            some.join(", ")
        );
        Problem::field(parameter, detail)
    })
}

/// `stage=Deploy`, `stage!=Deploy`, `stage^=Dep`, `stage*=ploy`. The same one given again is another value that will do.
fn filter(
    filters: &mut Vec<Filter>,
    known: Known<'_>,
    (parameter, value): (&str, &str),
) -> Result<(), Problem> {
    let (name, rule) = Match::of_parameter(parameter);
    let dimension = dimension(parameter, name, known).map_err(|problem| {
        let settings = known.0.settings.iter().map(|setting| setting.name);
        let names: Vec<&str> = PARAMETERS.into_iter().chain(settings).collect();
        let detail = format!(
            "{}, and the parameters {}",
            problem.detail,
            names.join(", ")
        );
        Problem { detail, ..problem }
    })?;
    let same = |own: &&mut Filter| own.dimension == dimension && own.rule == rule;
    match filters.iter_mut().find(same) {
        Some(own) => own.values.push(value.to_owned()),
        None => filters.push(Filter {
            dimension,
            rule,
            values: vec![value.to_owned()],
        }),
    }
    Ok(())
}

pub(crate) fn connection(text: &str) -> Result<ConnectionId, Problem> {
    let refused = |_| Problem::field("connection", format!("`{text}` is no id of a connection"));
    text.parse().map_err(refused)
}

fn number(
    name: &str,
    text: Option<&str>,
    default: usize,
    largest: usize,
) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(default);
    };
    let number = text.parse().ok().filter(|number| *number <= largest);
    number.ok_or_else(|| {
        let detail = format!("`{text}` is no whole number from 0 to {largest}");
        Problem::field(name, detail)
    })
}

fn sort(text: Option<&str>) -> Result<Sort, Problem> {
    match text {
        None | Some("newest") => Ok(Sort::Newest),
        Some("largest") => Ok(Sort::Largest),
        Some("smallest") => Ok(Sort::Smallest),
        Some(other) => {
            let detail = format!("`{other}` is none of newest, largest, smallest");
            Err(Problem::field("sort", detail))
        }
    }
}

fn format(text: Option<&str>) -> Result<Format, Problem> {
    match text {
        None | Some("json") => Ok(Format::Json),
        Some("csv") => Ok(Format::Csv),
        Some(other) => {
            let detail = format!("`{other}` is neither json nor csv");
            Err(Problem::field("format", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Result<Question, Problem> {
        let metric = metrics::find("stage_duration").unwrap();
        let at = |text: &str| text.parse().unwrap();
        let known = (at("2026-08-26T12:00:00Z"), at("2026-11-24T12:00:00Z"));
        Question::parse(text, (metric, &[]), known)
    }

    fn range_of(text: &str) -> (String, String) {
        let Range { from, to } = ask(text).unwrap().query.range;
        (from.to_string(), to.to_string())
    }

    #[test]
    fn without_a_range_it_is_the_last_thirty_days_with_today() {
        let expected = ("2026-10-26T00:00:00Z", "2026-11-25T00:00:00Z");
        assert_eq!(range_of(""), (expected.0.into(), expected.1.into()));
    }

    #[test]
    fn days_are_days_where_the_user_is_and_the_last_one_is_in_it() {
        // Summer time ends in between.
        let found = range_of("from=2026-10-24&to=2026-10-25&zone=Europe/Berlin");
        let expected = ("2026-10-23T22:00:00Z", "2026-10-25T23:00:00Z");
        assert_eq!(found, (expected.0.into(), expected.1.into()));
        let query = ask("from=2026-10-24&to=2026-10-25&zone=Europe/Berlin")
            .unwrap()
            .query;
        assert_eq!(query.range.days(&query.zone), 2.0);
    }

    #[test]
    fn fields_of_work_items_are_dimensions_if_there_are_such() {
        let metric = metrics::find("work_items_created").unwrap();
        let at = |text: &str| text.parse().unwrap();
        let times = (at("2026-08-26T12:00:00Z"), at("2026-11-24T12:00:00Z"));
        let fields = ["Custom.Customer".to_owned(), "System.Title".to_owned()];
        let ask = |text: &str| Question::parse(text, (metric, &fields), times);
        let text = "group_by=area,field:custom.customer&field:System.Title^=Fix";
        let asked = ask(text).unwrap();
        let names: Vec<&str> = asked.query.group_by.iter().map(|own| own.name()).collect();
        assert_eq!(
            names,
            ["area", "field:Custom.Customer"],
            "as it is written there"
        );
        assert_eq!(
            asked.query.filters[0].dimension.name(),
            "field:System.Title"
        );
        let columns = asked.columns(metric);
        assert!(columns.ends_with(&[asked.query.group_by[1], asked.query.filters[0].dimension]));
        assert!(!columns.contains(&Dimension::AnyField));
        let refused = ask("group_by=field:Custom.Region").unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("group_by"));
        assert!(refused.detail.contains("Custom.Customer, System.Title"));
        let names = |text: &str| names_fields(text, metric);
        assert!(names(text) && names("field%3ACustom.Customer=x") && names("points_field=x"));
        assert!(!names("area=field:x&group_by=area"));
        let chosen = ask("points_field=custom.customer").unwrap().settings;
        let expected = serde_json::json!({ "points_field": ["Custom.Customer"] });
        assert_eq!(serde_json::to_value(chosen).unwrap(), expected);
        let refused = ask("points_field=Custom.Cost").unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("points_field"));
    }

    #[test]
    fn filters_of_the_same_kind_are_alternatives() {
        let query = ask("stage=Build&stage=Test&job!=x&branch^=release/&agent*=pool").unwrap();
        let filters = query.query.filters;
        let found: Vec<_> = filters
            .iter()
            .map(|own| (own.dimension.name(), own.rule, own.values.join(",")))
            .collect();
        let expected = [
            ("stage", Match::Is, "Build,Test"),
            ("job", Match::IsNot, "x"),
            ("branch", Match::StartsWith, "release/"),
            ("agent", Match::Contains, "pool"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, rule, values)| (name, rule, values.to_owned()))
        );
    }

    #[test]
    fn what_means_nothing_is_refused_by_name_with_what_would_do() {
        let cases = [
            ("from=yesterday", "from", "2026-11-23"),
            ("from=2026-11-20&to=2026-11-19", "to", "not after"),
            ("from=2026-08-25", "from", "2026-08-26"),
            ("zone=Mars/Base", "zone", "Europe/Berlin"),
            ("statistic=p101", "statistic", "p0 to p100"),
            ("negative=no", "negative", "with, without"),
            ("interval=hour", "interval", "day, week, month"),
            ("group_by=colour", "group_by", "pipeline"),
            ("colour=red", "colour", "pipeline"),
            ("stage~=x", "stage~", "stage"),
            ("limit=10001", "limit", "10000"),
            ("offset=-1", "offset", "whole number"),
            ("sort=random", "sort", "largest"),
            ("group_by=field:Custom.Customer", "group_by", "pipeline"),
            ("format=xls", "format", "csv"),
            ("connection=1", "connection", "id"),
        ];
        for (text, field, detail) in cases {
            let problem = ask(text).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{text}");
            assert!(
                problem.detail.contains(detail),
                "{text}: {}",
                problem.detail
            );
            assert_eq!(problem.status, 400);
        }
    }

    #[test]
    fn the_first_day_of_what_is_kept_may_be_asked_for() {
        assert!(ask("from=2026-08-26").is_ok());
    }
}
