//! WIQL: the part of the query language that a sync needs, over the current state of the items.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/wiql/query-by-wiql>,
//! <https://learn.microsoft.com/azure/devops/boards/queries/wiql-syntax>

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::query::parse_time;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::wiql_syntax::{Clause, Literal, Operator, Query};
use crate::http::work_items;
use crate::world::work_items::WorkItem;

/// More matches than this are refused, not cut.
const MAX_MATCHES: usize = 20_000;

/// `POST wit/wiql`.
pub(crate) fn query(call: &Call<'_>) -> Result<Reply, Refusal> {
    let request = call.json()?;
    let text = request
        .get("query")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad_value("query", ""))?;
    let query = Query::parse(text).map_err(|problem| syntax(&problem))?;
    let has_time = call.query.flag("timePrecision")?;
    let filters = query
        .clauses
        .iter()
        .map(|clause| Filter::new(call, clause, has_time))
        .collect::<Result<Vec<_>, _>>()?;
    let top: Option<usize> = call.query.number(&["$top"])?;
    let is_match = |item: &&WorkItem| {
        call.sees(item.project())
            && !item.is_deleted()
            && !item.is_destroyed
            && filters.iter().all(|own| own.accepts(call, item))
    };
    let mut found: Vec<&WorkItem> = call.world.work_items.iter().filter(is_match).collect();
    if query.is_descending {
        found.reverse();
    }
    if found.len() > MAX_MATCHES && top.is_none_or(|top| top >= MAX_MATCHES) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "WorkItemTrackingQueryResultSizeLimitExceededException",
            format!(
                "VS402337: The number of work items returned exceeds the size limit of {MAX_MATCHES}. Change the query to return fewer items."
            ),
        ));
    }
    found.truncate(top.unwrap_or(MAX_MATCHES));
    let items: Vec<Value> = found
        .iter()
        .map(|item| json!({ "id": item.id, "url": work_items::url(call, item) }))
        .collect();
    let count = items.len();
    let mut reply = Reply::json(&json!({
        "queryType": "flat",
        "queryResultType": "workItem",
        "asOf": call.now,
        "columns": [{ "referenceName": "System.Id", "name": "ID", "url": format!("{}/_apis/wit/fields/System.Id", call.base()) }],
        "workItems": items,
    }));
    reply.items = count;
    Ok(reply)
}

fn syntax(problem: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "SyntaxException",
        format!("TF51006: The query statement is missing a clause or is malformed: {problem}"),
    )
}

/// One condition, ready to be applied.
enum Filter {
    Project(Operator, String),
    Id(Operator, u32),
    Changed(Operator, Timestamp),
    State(Operator, Vec<String>),
    Kind(Operator, Vec<String>),
    ExternalLinks(Operator, usize),
}

impl Filter {
    fn new(call: &Call<'_>, clause: &Clause, has_time: bool) -> Result<Self, Refusal> {
        let first = clause
            .values
            .first()
            .ok_or_else(|| syntax("a value is missing"))?;
        let texts = || clause.values.iter().map(Literal::text).collect::<Vec<_>>();
        match clause.field.to_ascii_lowercase().as_str() {
            "system.teamproject" => Ok(Self::Project(clause.operator, project(call, first)?)),
            "system.id" => {
                let id = first
                    .text()
                    .parse()
                    .map_err(|_| syntax("System.Id needs a number"))?;
                Ok(Self::Id(clause.operator, id))
            }
            "system.changeddate" => Ok(Self::Changed(
                clause.operator,
                changed(call, first, has_time)?,
            )),
            "system.state" => Ok(Self::State(clause.operator, texts())),
            "system.workitemtype" => Ok(Self::Kind(clause.operator, texts())),
            "system.externallinkcount" => {
                let count = first.text().parse();
                let count = count.map_err(|_| syntax("System.ExternalLinkCount needs a number"))?;
                Ok(Self::ExternalLinks(clause.operator, count))
            }
            other => Err(syntax(&format!(
                "the simulator does not know the field {other}"
            ))),
        }
    }

    fn accepts(&self, call: &Call<'_>, item: &WorkItem) -> bool {
        let fields = &item.latest().fields;
        match self {
            Self::Project(operator, name) => {
                let own = &call.world.projects[usize::from(fields.project)].name;
                operator.holds(own.to_lowercase().cmp(&name.to_lowercase()))
            }
            Self::Id(operator, id) => operator.holds(item.id.cmp(id)),
            Self::Changed(operator, at) => operator.holds(item.latest().at.cmp(at)),
            Self::ExternalLinks(operator, count) => {
                operator.holds(item.external_links(item.revisions.len()).cmp(count))
            }
            Self::State(operator, names) => operator.holds_any(fields.state.name(), names),
            Self::Kind(operator, names) => operator.holds_any(fields.kind.name(), names),
        }
    }
}

fn project(call: &Call<'_>, literal: &Literal) -> Result<String, Refusal> {
    match literal {
        Literal::Macro(name) if name.eq_ignore_ascii_case("project") => {
            let project = call
                .project
                .ok_or_else(|| syntax("@project needs a project in the address"))?;
            Ok(call.world.projects[usize::from(project)].name.clone())
        }
        other => Ok(other.text()),
    }
}

/// Dates are whole days unless `timePrecision=true`; a time of day without it is an error.
fn changed(call: &Call<'_>, literal: &Literal, has_time: bool) -> Result<Timestamp, Refusal> {
    let day_start = |at: Timestamp| {
        Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(86_400)).unwrap_or(at)
    };
    if let Literal::Macro(name) = literal {
        let days = name
            .to_ascii_lowercase()
            .strip_prefix("today")
            .map(|rest| rest.replace(' ', ""));
        let days = days.and_then(|rest| {
            if rest.is_empty() {
                Some(0)
            } else {
                rest.parse::<i64>().ok()
            }
        });
        let days = days.ok_or_else(|| syntax("unknown macro"))?;
        return Ok(day_start(call.now) + jiff::SignedDuration::from_hours(24 * days));
    }
    let text = literal.text();
    let at = parse_time(&text).ok_or_else(|| syntax("not a date"))?;
    if !has_time && text.contains(['T', ':']) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "WorkItemTrackingQueryException",
            "TF51005: The query references a field value with a time. You cannot supply a time with the date when running a query using date precision.",
        ));
    }
    Ok(at)
}
