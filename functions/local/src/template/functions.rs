//! Reads functions and their events: HTTP routes, queues and schedules.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::intrinsics::Resolver;
use super::place::{Node, Place};
use super::resources::{DefaultAuthorizer, name_of};
use super::roles::grants;
use super::{Function, QueueMapping, Route, Schedule, Template, TemplateError};

type Apis = BTreeMap<String, DefaultAuthorizer>;

/// Reads every function into `template`.
pub(super) fn read(
    resolver: &Resolver<'_>,
    globals: &Map<String, Value>,
    resources: &Map<String, Value>,
    apis: &Apis,
    template: &mut Template,
) -> Result<(), TemplateError> {
    for (id, resource) in resources {
        if resource.get("Type").and_then(Value::as_str) != Some("AWS::Serverless::Function") {
            continue;
        }
        let place = Place::root(id);
        let own = resource.get("Properties").cloned().unwrap_or_default();
        let merged = merge(globals.get("Function").cloned().unwrap_or_default(), own);
        let properties = resolver
            .resolve(&place.at("Properties"), &merged)?
            .unwrap_or_default();
        let node = Node {
            place: place.at("Properties"),
            value: &properties,
        };
        let resource = Node {
            place,
            value: resource,
        };
        let mut function = function(resolver, id, &resource, &node)?;
        function.grants = grants(resolver, resources, merged.get("Role"))?;
        template.functions.insert(id.clone(), function);
        if let Some(events) = node.child("Events") {
            for (name, event) in events.children()? {
                read_event(resolver, id, name, &event, apis, template)?;
            }
        }
    }
    Ok(())
}

/// Merges SAM's `Globals` into a function: mappings merge, lists concatenate, everything else is replaced.
///
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            for (key, value) in own {
                let merged = merge(global.remove(&key).unwrap_or_default(), value);
                global.insert(key, merged);
            }
            Value::Object(global)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (global, Value::Null) => global,
        (_, own) => own,
    }
}

fn function(
    resolver: &Resolver<'_>,
    id: &str,
    resource: &Node<'_>,
    node: &Node<'_>,
) -> Result<Function, TemplateError> {
    let binary = resource
        .need("Metadata")?
        .need("BuildProperties")?
        .need("Binary")?
        .text()?;
    let environment = match node.child("Environment") {
        Some(environment) => environment.need("Variables")?.texts()?,
        None => BTreeMap::new(),
    };
    let reserved = node
        .child("ReservedConcurrentExecutions")
        .map(|node| node.number())
        .transpose()?;
    Ok(Function {
        logical_id: id.to_owned(),
        arn: resolver.arn("lambda", &format!("function:{id}")),
        binary,
        timeout: Duration::from_secs(node.number_or("Timeout", 3, 1, 900)?),
        memory_mb: node.number_or("MemorySize", 128, 128, 10_240)?,
        environment,
        grants: None,
        reserved_concurrency: reserved.map(|number| number as usize),
    })
}

fn read_event(
    resolver: &Resolver<'_>,
    function: &str,
    name: &str,
    event: &Node<'_>,
    apis: &Apis,
    template: &mut Template,
) -> Result<(), TemplateError> {
    let kind = event.need("Type")?;
    let properties = event.need("Properties")?;
    match kind.text()?.as_str() {
        "HttpApi" => template
            .routes
            .push(route(function, &properties, apis, template)?),
        "SQS" => template.mappings.push(mapping(function, &properties)?),
        "ScheduleV2" => {
            let name = format!("{function}{name}");
            let arn = resolver.arn("scheduler", &format!("schedule/default/{name}"));
            template
                .schedules
                .push(schedule(function, name, arn, &properties)?);
        }
        other => {
            return Err(kind
                .place
                .invalid(format!("the local runner knows no events of type {other}")));
        }
    }
    Ok(())
}

fn route(
    function: &str,
    node: &Node<'_>,
    apis: &Apis,
    template: &Template,
) -> Result<Route, TemplateError> {
    node.only(&[
        "ApiId",
        "Auth",
        "Method",
        "Path",
        "PayloadFormatVersion",
        "TimeoutInMillis",
    ])?;
    if let Some(version) = node.child("PayloadFormatVersion")
        && version.text()? != "2.0"
    {
        return Err(version
            .place
            .invalid("only payload format 2.0 is known locally"));
    }
    let default = match node.child("ApiId") {
        // A resolved `!Ref Api` ends with the API's logical id.
        Some(api) => {
            let id = api.text()?;
            apis.iter()
                .find(|(name, _)| id.ends_with(&format!("-{name}")))
                .and_then(|(_, default)| default.clone())
        }
        None => None,
    };
    let authorizer = match node.child("Auth").and_then(|auth| auth.child("Authorizer")) {
        Some(own) => match own.text()?.as_str() {
            "NONE" => None,
            name if template.authorizers.contains_key(name) => Some(name.to_owned()),
            name => {
                return Err(own
                    .place
                    .invalid(format!("the authorizer {name} is not declared")));
            }
        },
        None => default,
    };
    let method = node.need("Method")?.text()?.to_uppercase();
    Ok(Route {
        function: function.to_owned(),
        method,
        path: node.need("Path")?.text()?,
        authorizer,
    })
}

fn mapping(function: &str, node: &Node<'_>) -> Result<QueueMapping, TemplateError> {
    node.only(&[
        "BatchSize",
        "Enabled",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Queue",
        "ScalingConfig",
    ])?;
    let mut reports_failures = false;
    if let Some(types) = node.child("FunctionResponseTypes") {
        for kind in types.list()? {
            if kind.text()? != "ReportBatchItemFailures" {
                return Err(kind
                    .place
                    .invalid("the only response type is ReportBatchItemFailures"));
            }
            reports_failures = true;
        }
    }
    // Limits: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
    let max_concurrency = match node.child("ScalingConfig") {
        Some(scaling) => Some(scaling.number_or("MaximumConcurrency", 1000, 2, 1000)? as usize),
        None => None,
    };
    Ok(QueueMapping {
        function: function.to_owned(),
        queue: name_of(&node.need("Queue")?.text()?),
        batch_size: node.number_or("BatchSize", 10, 1, 10_000)? as usize,
        batching_window: Duration::from_secs(node.number_or(
            "MaximumBatchingWindowInSeconds",
            0,
            0,
            300,
        )?),
        reports_failures,
        max_concurrency,
    })
}

fn schedule(
    function: &str,
    name: String,
    arn: String,
    node: &Node<'_>,
) -> Result<Schedule, TemplateError> {
    let expression = node.need("ScheduleExpression")?;
    Ok(Schedule {
        name,
        arn,
        function: function.to_owned(),
        every: rate(&expression)?,
        input: node.child("Input").map(|input| input.text()).transpose()?,
    })
}

/// Reads `rate(15 minutes)`.
fn rate(expression: &Node<'_>) -> Result<Duration, TemplateError> {
    let text = expression.text()?;
    let inner = text
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'));
    let parts: Vec<_> = inner.unwrap_or_default().split_whitespace().collect();
    let seconds = match parts.as_slice() {
        [number, unit] => number
            .parse::<u64>()
            .ok()
            .filter(|number| *number > 0)
            .and_then(|number| match *unit {
                "minute" | "minutes" => Some(number * 60),
                "hour" | "hours" => Some(number * 3_600),
                "day" | "days" => Some(number * 86_400),
                _ => None,
            }),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| {
        expression.place.invalid(format!(
            "{text:?} is not of the form rate(15 minutes), the only one known locally"
        ))
    })
}
