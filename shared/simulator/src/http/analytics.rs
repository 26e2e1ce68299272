//! What Analytics tells of runs.
//!
//! <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>

mod query;
mod row;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::AnalyticsAccess;
use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::{Reply, write_items};
use crate::world::activities::{self, Activity};
use crate::world::builds::Build;
use query::{COLUMNS, Query, RUN, column};
use row::Row;

/// Versions that have the set: <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-api-version>.
const VERSIONS: [&str; 2] = ["v3.0-preview", "v4.0-preview"];

/// `GET _odata/{version}/PipelineRunActivityResults`: pages with a link to the next one.
pub(crate) fn run_activities(call: &Call<'_>) -> Result<Reply, Refusal> {
    admit(call)?;
    let query = Query::new(call)?;
    let runs = query.runs(call);
    let rows = runs.into_iter().flat_map(|build| rows(call, build));
    let page = call.config().pages.activities.max.max(1);
    let mut rows = rows.skip(query.skip);
    let values: Vec<Value> = rows
        .by_ref()
        .take(page)
        .map(|row| query.body(call, &row))
        .collect();
    let next = rows.next().map(|_| next_link(call, query.skip + page));
    Ok(reply(call, &values, next))
}

/// The rows of a run that are there already, in an order that is nobody's promise.
fn rows<'a>(call: &Call<'_>, build: &'a Build) -> Vec<Row<'a>> {
    let lag = call.config().analytics.lag;
    let keeps_retries = call.config().unverified.analytics_keeps_retries;
    let end = build.finished().unwrap_or(Timestamp::MAX);
    let is_there = |own: &Activity| own.span.map_or(end, |(_, end)| end) + lag <= call.now;
    let activities = activities::of_run(call.world, build, keeps_retries);
    let mut rows: Vec<Row<'_>> = (0_u32..)
        .zip(activities.into_iter().filter(is_there))
        .map(|(n, activity)| Row::new(build, n, activity))
        .collect();
    rows.sort_by_key(|row| row.key);
    rows
}

/// `GET _odata/{version}/$metadata`: the columns.
pub(crate) fn metadata(call: &Call<'_>) -> Result<Reply, Refusal> {
    admit(call)?;
    let property = |name: &&str| format!("<Property Name=\"{name}\" Type=\"{}\"/>", type_of(name));
    let columns: String = COLUMNS
        .iter()
        .map(|name| property(&column(call, name)))
        .collect();
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><edmx:Edmx Version=\"4.0\" \
         xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices>\
         <Schema Namespace=\"Microsoft.VisualStudio.Services.Analytics.Model\" \
         xmlns=\"http://docs.oasis-open.org/odata/ns/edm\"><EntityType Name=\"PipelineRunActivityResult\">\
         <Key><PropertyRef Name=\"PipelineRunActivityResultSK\"/></Key>{columns}</EntityType></Schema>\
         </edmx:DataServices></edmx:Edmx>"
    );
    let mut reply = Reply::html(StatusCode::OK, &document);
    reply.content_type = Some("application/xml");
    Ok(reply)
}

fn type_of(column: &str) -> &'static str {
    match column {
        name if name.ends_with("Date") => "Edm.DateTimeOffset",
        name if name.ends_with("Count") || name.ends_with("SK") || name == RUN => "Edm.Int32",
        "ActivityDurationSeconds" => "Edm.Decimal",
        _ => "Edm.String",
    }
}

/// Whether Analytics answers this caller at all.
fn admit(call: &Call<'_>) -> Result<(), Refusal> {
    let refusal = |status, kind, message| Err(Refusal::new(status, kind, message));
    match call.config().analytics.access {
        AnalyticsAccess::Served | AnalyticsAccess::Renamed400 => {}
        AnalyticsAccess::NoPermission403 => {
            return refusal(
                StatusCode::FORBIDDEN,
                "AccessCheckException",
                "Project access denied: the View analytics permission is needed.",
            );
        }
        AnalyticsAccess::NotEnabled404 => {
            return refusal(
                StatusCode::NOT_FOUND,
                "AnalyticsNotEnabledException",
                "Analytics is not enabled for this organization.",
            );
        }
        AnalyticsAccess::Removed410 => {
            return refusal(
                StatusCode::GONE,
                "ODataVersionRemovedException",
                "The specified version of the OData endpoint is no longer supported.",
            );
        }
    }
    let version = call.captured.first().map_or("", String::as_str);
    if !VERSIONS.contains(&version) {
        return refusal(
            StatusCode::NOT_FOUND,
            "ODataVersionNotFoundException",
            "There is no such version of the OData endpoint, or the set is not in it.",
        );
    }
    Ok(())
}

/// The address of what was asked, on the host that was asked.
fn address(call: &Call<'_>) -> String {
    let host = match call.origin.as_str() {
        "https://dev.azure.com" => "https://analytics.dev.azure.com".to_owned(),
        origin => format!("{origin}/_host/analytics.dev.azure.com"),
    };
    let project = call
        .project
        .map(|own| call.world.projects[usize::from(own)].id);
    let project = project.map(|id| format!("/{id}")).unwrap_or_default();
    let version = call.captured.first().map_or("", String::as_str);
    format!(
        "{host}/{}{project}/_odata/{version}",
        call.world.organization
    )
}

fn next_link(call: &Call<'_>, skip: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in ["$select", "$expand", "$filter", "$orderby"] {
        if let Some(value) = call.query.text(&[name]) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("$skiptoken", &skip.to_string());
    format!(
        "{}/PipelineRunActivityResults?{}",
        address(call),
        query.finish()
    )
}

fn reply(call: &Call<'_>, values: &[Value], next: Option<String>) -> Reply {
    let context = format!("{}/$metadata#PipelineRunActivityResults", address(call));
    let mut body = format!(
        "{{\"@odata.context\":{},\"@vsts.warnings\":[],\"value\":[",
        json!(context)
    )
    .into_bytes();
    let items = write_items(&mut body, values);
    body.push(b']');
    if let Some(next) = next {
        body.extend_from_slice(format!(",\"@odata.nextLink\":{}", json!(next)).as_bytes());
    }
    body.push(b'}');
    Reply {
        content_type: Some("application/json; odata.metadata=minimal; odata.streaming=true"),
        body,
        items,
        ..Reply::empty(StatusCode::OK)
    }
}
