//! What the functions measure of themselves, as CloudWatch's embedded metric format.
//!
//! A measurement is one line of JSON on standard output, which CloudWatch Logs turns into metrics by itself: no request,
//! no permission, nothing to wait for. Dimensions are the stack and the function and nothing else, so that their number
//! is known; who is measured (a tenant, an organization, a project, a person) is never in them. The domain's own metrics
//! are another matter: those are the crate `metrics`.

use std::{env, io::Write as _, sync::OnceLock};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where CloudWatch keeps the metrics of all stacks.
pub const NAMESPACE: &str = "ado-lens";
/// The dimensions: every value is there for the stack as a whole and for each of its functions.
pub const DIMENSIONS: [&str; 2] = ["Stack", "Function"];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// How long the stream that waits longest has been due, in seconds: measured whenever an organization is looked at,
    /// over its streams that were complete before, whether or not it answers.
    Lag,
    /// Records that are other than before.
    Records,
    /// Requests to Azure DevOps.
    Requests,
    /// How long workers and jobs had to wait because an organization has a limit, in seconds.
    ThrottleWait,
    /// Items that were set aside because they could not be stored.
    Quarantined,
    /// Messages that a function put into the dead-letter queue; what SQS moves there itself is not among them.
    DeadLetters,
    /// Access tokens that could not be renewed.
    RefreshFailures,
    /// Connections that nothing is asked with until a person gives another credential: measured by each tick.
    Unauthorized,
}

impl Metric {
    /// Everything that is measured.
    pub const ALL: [Self; 8] = [
        Self::Lag,
        Self::Records,
        Self::Requests,
        Self::ThrottleWait,
        Self::Quarantined,
        Self::DeadLetters,
        Self::RefreshFailures,
        Self::Unauthorized,
    ];

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lag => "Lag",
            Self::Records => "Records",
            Self::Requests => "Requests",
            Self::ThrottleWait => "ThrottleWait",
            Self::Quarantined => "Quarantined",
            Self::DeadLetters => "DeadLetters",
            Self::RefreshFailures => "RefreshFailures",
            Self::Unauthorized => "Unauthorized",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Lag | Self::ThrottleWait => "Seconds",
            Self::Records
            | Self::Requests
            | Self::Quarantined
            | Self::DeadLetters
            | Self::RefreshFailures
            | Self::Unauthorized => "Count",
        }
    }
}

/// Who measures.
#[derive(Clone, Debug)]
pub struct Source {
    /// The stack.
    pub stack: String,
    /// The function.
    pub function: String,
    /// The level from which on Lambda keeps lines.
    pub level: String,
}

impl Source {
    /// The function that this process is, by `STACK_NAME` of the template and the variables that Lambda sets; `None` where
    /// it is none.
    fn from_env() -> Option<Self> {
        Some(Self {
            stack: env::var("STACK_NAME").ok()?,
            function: env::var("AWS_LAMBDA_FUNCTION_NAME").ok()?,
            level: env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "INFO".to_owned()),
        })
    }
}

/// Writes what was measured, in one line; outside a function it writes nothing.
pub fn emit(now: Timestamp, measured: &[(Metric, f64)]) {
    static SOURCE: OnceLock<Option<Source>> = OnceLock::new();
    if let Some(source) = SOURCE.get_or_init(Source::from_env) {
        let line = format!("{}\n", document(source, now, measured));
        // In one piece, so that it does not mix with the lines of the log. If nobody listens there is nobody to tell.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// What was measured as a document of the embedded metric format:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
///
/// Lambda takes a line without a level for one of the level `INFO`, and drops it where only warnings are kept. So a document
/// has the very level from which on lines are kept, and the time that goes with it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>.
pub fn document(source: &Source, now: Timestamp, measured: &[(Metric, f64)]) -> Value {
    let definitions: Vec<Value> = measured
        .iter()
        .map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit() }))
        .collect();
    let values = measured
        .iter()
        .map(|(metric, value)| (metric.name().to_owned(), json!(value)));
    let [stack, function] = DIMENSIONS;
    let mut root = Map::from_iter(values);
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [[stack], [stack, function]],
                "Metrics": definitions,
            }],
        }),
    );
    root.insert(stack.to_owned(), json!(source.stack));
    root.insert(function.to_owned(), json!(source.function));
    root.insert("level".to_owned(), json!(source.level));
    root.insert("timestamp".to_owned(), json!(now));
    Value::Object(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's rules, as strict as they are for what is written here: nothing unknown in a directive.
    fn specification() -> jsonschema::Validator {
        let name = json!({ "type": "string", "minLength": 1, "maxLength": 1024 });
        let dimensions = json!({
            "type": "array", "minItems": 1,
            "items": {
                "type": "array", "maxItems": 30,
                "items": { "type": "string", "minLength": 1, "maxLength": 250 },
            },
        });
        let metrics = json!({
            "type": "array", "minItems": 1, "maxItems": 100,
            "items": {
                "type": "object", "required": ["Name"], "additionalProperties": false,
                "properties": { "Name": name, "Unit": { "enum": ["Seconds", "Count"] } },
            },
        });
        let schema = json!({
            "type": "object", "required": ["_aws"],
            "properties": { "_aws": {
                "type": "object", "required": ["Timestamp", "CloudWatchMetrics"], "additionalProperties": false,
                "properties": {
                    "Timestamp": { "type": "integer" },
                    "CloudWatchMetrics": { "type": "array", "minItems": 1, "items": {
                        "type": "object", "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": false,
                        "properties": { "Namespace": name, "Dimensions": dimensions, "Metrics": metrics },
                    } },
                },
            } },
        });
        jsonschema::validator_for(&schema).unwrap()
    }

    fn measured(level: &str) -> Value {
        let source = Source {
            stack: "ado-lens".to_owned(),
            function: "ado-lens-FetchBoards-1".to_owned(),
            level: level.to_owned(),
        };
        let all = Metric::ALL.map(|metric| (metric, 1.5));
        document(&source, "2026-11-29T08:00:00Z".parse().unwrap(), &all)
    }

    #[test]
    fn a_document_keeps_to_the_specification() {
        let document = measured("INFO");
        let wrong: Vec<String> = specification()
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(document["_aws"]["Timestamp"], 1_795_939_200_000_i64);
        // Target members: what a directive names is a member of the root, metrics as numbers and dimensions as text.
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        for definition in directive["Metrics"].as_array().unwrap() {
            let name = definition["Name"].as_str().unwrap();
            assert!(document[name].is_f64(), "{name}");
        }
        for dimension in directive["Dimensions"][1].as_array().unwrap() {
            let value = document[dimension.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()) && value.is_ascii());
        }
    }

    #[test]
    fn nothing_but_the_stack_and_the_function_tells_values_apart() {
        let document = measured("INFO");
        let dimensions = &document["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*dimensions, json!([["Stack"], ["Stack", "Function"]]));
        let mut members: Vec<&str> = document
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|key| !Metric::ALL.iter().any(|metric| metric.name() == *key))
            .collect();
        members.sort_unstable();
        assert_eq!(members, ["Function", "Stack", "_aws", "level", "timestamp"]);
    }

    #[test]
    fn a_stack_that_keeps_only_errors_is_measured_too() {
        let document = measured("ERROR");
        assert_eq!(document["level"], "ERROR");
        assert_eq!(document["timestamp"], "2026-11-29T08:00:00Z");
    }
}
