//! Rules between resources, which AWS reports only while it deploys, or only recommends.

use std::collections::BTreeSet;
use std::time::Duration;

use super::place::Place;
use super::{Grant, POLLING, QueueMapping, Template, TemplateError};

/// The longest an HTTP API waits for a function.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Checks the whole template.
pub(super) fn all(template: &Template) -> Result<(), TemplateError> {
    redrives(template)?;
    template
        .mappings
        .iter()
        .try_for_each(|mapping| mapping_fits(template, mapping))?;
    routes(template)
}

fn redrives(template: &Template) -> Result<(), TemplateError> {
    for queue in &template.queues {
        let Some(redrive) = &queue.redrive else {
            continue;
        };
        let place =
            Place::root(&queue.logical_id).at("Properties.RedrivePolicy.deadLetterTargetArn");
        if !template
            .queues
            .iter()
            .any(|other| other.name == redrive.dead_letter_queue)
        {
            return Err(place.invalid(format!(
                "{} is not a queue of this template",
                redrive.dead_letter_queue
            )));
        }
        if queue.name == redrive.dead_letter_queue {
            return Err(place.invalid("a queue cannot be its own dead-letter queue"));
        }
    }
    Ok(())
}

fn mapping_fits(template: &Template, mapping: &QueueMapping) -> Result<(), TemplateError> {
    let place = Place::root(&mapping.function).at("Properties.Events");
    let Some(queue) = template
        .queues
        .iter()
        .find(|queue| queue.name == mapping.queue)
    else {
        return Err(place.invalid(format!("{} is not a queue of this template", mapping.queue)));
    };
    let Some(function) = template.functions.get(&mapping.function) else {
        return Err(place.invalid(format!(
            "{} is not a function of this template",
            mapping.function
        )));
    };
    let missing = POLLING.iter().find(|action| {
        let covers = |grants: &Vec<Grant>| !grants.iter().any(|g| g.covers(action, &queue.arn));
        function.grants.as_ref().is_some_and(covers)
    });
    if let Some(action) = missing {
        let problem = format!("its role does not grant {action} on {}", queue.logical_id);
        return Err(place.invalid(problem));
    }
    let queue_place = Place::root(&queue.logical_id).at("Properties");
    if queue.redrive.is_none() {
        return Err(queue_place.invalid(format!(
            "{} reads it, but it has no RedrivePolicy",
            mapping.function
        )));
    }
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    let least = function.timeout * 6 + mapping.batching_window;
    if queue.visibility_timeout < least {
        return Err(queue_place.at("VisibilityTimeout").invalid(format!(
            "{} s is less than the {} s that six times {}'s timeout asks for",
            queue.visibility_timeout.as_secs(),
            least.as_secs(),
            mapping.function
        )));
    }
    if mapping.batch_size > 10 && mapping.batching_window < Duration::from_secs(1) {
        return Err(place
            .invalid("a BatchSize above 10 needs MaximumBatchingWindowInSeconds of at least 1"));
    }
    match (function.reserved_concurrency, mapping.max_concurrency) {
        (Some(reserved), Some(most)) if reserved < most => Err(place
            .invalid("MaximumConcurrency is above the function's ReservedConcurrentExecutions")),
        _ => Ok(()),
    }
}

fn routes(template: &Template) -> Result<(), TemplateError> {
    let mut seen = BTreeSet::new();
    for route in &template.routes {
        let place = Place::root(&route.function).at("Properties");
        if !seen.insert((&route.method, &route.path)) {
            return Err(place
                .at("Events")
                .invalid(format!("{} {} is declared twice", route.method, route.path)));
        }
        if !route.path.starts_with('/') {
            return Err(place
                .at("Events")
                .invalid(format!("the path {} does not start with /", route.path)));
        }
        let timeout = template
            .functions
            .get(&route.function)
            .map(|function| function.timeout);
        if timeout.is_some_and(|timeout| timeout >= INTEGRATION_TIMEOUT) {
            return Err(place
                .at("Timeout")
                .invalid("an HTTP function must answer within less than 30 s"));
        }
    }
    Ok(())
}
