//! Insights over HTTP: which metrics there are, their numbers, and the rows behind the numbers.
//!
//! The question is read in `question.rs`, the records in `data.rs`; what is calculated is in the crate `metrics`.

mod answer;
mod csv;
mod data;
mod export;
mod fact;
mod freshness;
mod question;

use std::time::{Duration, Instant};

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::{HeaderName, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use entrypoint::{Config, problem::Problem};
use http_api::{Refusal, Viewer, in_problems, refuse};
use jiff::Timestamp;
use metrics::Metric;
use model::{Retention, TenantId};
use serde_json::json;
use storage::{Control, Meter, Records};

use self::{
    answer::{Description, NumbersAnswer, RowsAnswer},
    data::{Data, Scope},
    export::Export,
    question::{Format, Question},
};

/// The handles that this function needs, built once per cold start.
#[derive(Clone, Debug)]
pub struct Context {
    control: Control,
    records: Records,
    retention: Retention,
    /// Where people find the organizations, without a slash at the end.
    azure_devops: String,
    /// How long the tables were waited for.
    reads: Meter,
    clock: fn() -> Timestamp,
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_http::Error> {
    entrypoint::init();
    let context = Context::from_env().await?;
    lambda_http::run(router(context)).await
}

impl Context {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        let config = Config::from_env().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(config.sdk());
        let azure_devops = config.text("AZURE_DEVOPS_URL")?;
        Ok(Self {
            control: Control::new(dynamodb.clone(), config.text("CONTROL_TABLE")?),
            records: Records::new(dynamodb, config.text("RECORDS_TABLE")?),
            retention: config.retention()?,
            reads: Meter::default(),
            azure_devops: azure_devops.trim_end_matches('/').to_owned(),
            clock: entrypoint::now,
        })
    }
}

/// A request: how long it takes, and how much of that the tables do.
struct Timed {
    begun: Instant,
    context: Context,
}

impl Timed {
    /// Begins with a meter of its own.
    fn new(context: Context) -> Self {
        let reads = Meter::default();
        Self {
            begun: Instant::now(),
            context: Context {
                records: context.records.metered(reads.clone()),
                reads,
                ..context
            },
        }
    }

    /// Says so in the response: <https://www.w3.org/TR/server-timing/>.
    fn finish(&self, mut response: Response) -> Response {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        let handler = milliseconds(self.begun.elapsed());
        let reads = milliseconds(self.context.reads.elapsed());
        let timing = format!("handler;dur={handler:.3}, reads;dur={reads:.3}");
        let timing = timing.parse().ok();
        let headers = response.headers_mut();
        headers.extend(timing.map(|timing| (SERVER_TIMING, timing)));
        response
    }
}

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The function as an HTTP service.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/api/v1/insights", get(list))
        .route("/api/v1/insights/export/{kind}", get(export_records))
        .route("/api/v1/insights/{metric}", get(numbers))
        .route("/api/v1/insights/{metric}/rows", get(rows))
        .fallback(async || refuse(Problem::not_found()))
        .layer(map_response(in_problems))
        .with_state(context)
}

async fn list(_: Viewer) -> Response {
    let metrics: Vec<_> = metrics::all().map(Description::of).collect();
    Json(json!({ "metrics": metrics })).into_response()
}

async fn numbers(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(metric): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let timed = Timed::new(context);
    let context = &timed.context;
    let metric = found(&metric)?;
    let asked = ask(context, &tenant, metric, query.as_deref()).await?;
    let data = read(context, &tenant, metric, &asked).await?;
    let answer = NumbersAnswer::new(metric, &asked, &data);
    Ok(timed.finish(Json(answer).into_response()))
}

async fn rows(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(metric): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let metric = found(&metric)?;
    let asked = ask(&context, &tenant, metric, query.as_deref()).await?;
    let data = read(&context, &tenant, metric, &asked).await?;
    let answer = RowsAnswer::new(metric, &asked, data, &context.azure_devops);
    Ok(match asked.format {
        Format::Json => Json(answer).into_response(),
        Format::Csv => {
            let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            (headers, csv::write(&asked.columns(metric), &answer.rows)).into_response()
        }
    })
}

async fn export_records(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let now = (context.clock)();
    let known = (context.retention.window_start(now), now);
    let export = Export::parse(&kind, query.as_deref().unwrap_or(""), known)?;
    let (lines, next) = export::page(&context, &tenant, &export, now).await?;
    let mut response = ([(header::CONTENT_TYPE, export::MEDIA_TYPE)], lines).into_response();
    let next = next.and_then(|next| next.parse().ok());
    response
        .headers_mut()
        .extend(next.map(|next| (export::NEXT, next)));
    Ok(response)
}

async fn ask(
    context: &Context,
    tenant: &TenantId,
    metric: &Metric,
    query: Option<&str>,
) -> Result<Question, Refusal> {
    let now = (context.clock)();
    let text = query.unwrap_or("");
    let fields = match question::names_fields(text, metric) {
        true => data::fields(context, tenant, now).await?,
        false => Vec::new(),
    };
    let oldest = context.retention.window_start(now);
    Ok(Question::parse(text, (metric, &fields), (oldest, now))?)
}

async fn read(
    context: &Context,
    tenant: &TenantId,
    metric: &'static Metric,
    asked: &Question,
) -> Result<Data, Refusal> {
    let now = (context.clock)();
    let scope = Scope::of(context, tenant, asked.connection);
    let scope = context.reads.time(scope).await?;
    data::read(context, scope, metric, (asked, now)).await
}

/// The metric of this name; a problem that lists the names if there is none.
fn found(name: &str) -> Result<&'static Metric, Problem> {
    metrics::find(name).ok_or_else(|| {
        let names: Vec<&str> = metrics::all().map(|metric| metric.name).collect();
        Problem::field(
            "metric",
            format!(
                "there is no metric `{name}`; there are {}",
                names.join(", ")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lambda_http::RequestExt;

    use super::*;

    const PAGES: [&str; 4] = [
        include_str!("../../../docs/insights.md"),
        include_str!("../../../docs/boards.md"),
        include_str!("../../../docs/repos.md"),
        include_str!("../../../docs/dora.md"),
    ];

    #[test]
    fn every_metric_is_documented() {
        for metric in metrics::all() {
            let name = format!("`{}`", metric.name);
            assert!(PAGES.iter().any(|page| page.contains(&name)), "{name}");
        }
    }

    #[test]
    fn the_document_of_the_api_has_every_parameter_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(api_document::JSON).unwrap();
        // Parameters that stand for many are tested with the document.
        let is_one = |own: &serde_json::Value| own["in"] == "query" && own["explode"] != true;
        let of = |path: &str| {
            let path = &document["paths"][path];
            let lists = [&path["parameters"], &path["get"]["parameters"]];
            let all = lists.into_iter().filter_map(|own| own.as_array()).flatten();
            let all = all.map(|own| match own["$ref"].as_str() {
                Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
                None => own,
            });
            let names = all.filter(|own| is_one(own));
            let names = names.map(|own| own["name"].as_str().unwrap().to_owned());
            names.collect::<BTreeSet<_>>()
        };
        let metric = "/api/v1/insights/{metric}";
        let known = question::PARAMETERS.map(str::to_owned);
        let described = &of(metric) | &of(&format!("{metric}/rows"));
        assert_eq!(described, known.into());
        let known = export::PARAMETERS.map(str::to_owned);
        assert_eq!(of("/api/v1/insights/export/{kind}"), known.into());
        let limit = &document["components"]["parameters"]["Limit"]["schema"];
        let (default, largest) = (question::LIMIT, question::LARGEST_LIMIT);
        assert_eq!(limit["default"], default);
        assert_eq!(limit["maximum"], largest);
    }

    #[test]
    fn what_is_compared_with_the_replaced_product_is_there() {
        let page = include_str!("../../../docs/parity.md");
        let rows = page.lines().filter(|line| line.starts_with("| "));
        let cells = rows.skip(1).filter_map(|row| row.split('|').nth(3));
        let names: Vec<&str> = cells
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .collect();
        assert!(names.len() > 15, "{names:?}");
        for name in names {
            assert!(metrics::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_sample_events_are_requests_of_this_function() {
        let events = [
            (
                include_str!("../../../events/insights-list.json"),
                "/api/v1/insights",
                "",
            ),
            (
                include_str!("../../../events/insights-numbers.json"),
                "/api/v1/insights/stage_duration",
                "interval=week&group_by=stage",
            ),
            (
                include_str!("../../../events/insights-rows.json"),
                "/api/v1/insights/job_duration/rows",
                "job=Build&format=csv",
            ),
            (
                include_str!("../../../events/insights-export.json"),
                "/api/v1/insights/export/pull_request",
                "from=2026-11-01",
            ),
        ];
        for (event, path, query) in events {
            let request = lambda_http::request::from_str(event).unwrap();
            assert_eq!(request.raw_http_path(), path);
            assert_eq!(request.uri().query().unwrap_or(""), query);
        }
    }
}
