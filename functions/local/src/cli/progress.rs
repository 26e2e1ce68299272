//! What happens while the functions work, told on standard error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Config, Credentials, Region};
use model::{Service, TenantId};
use storage::{Control, Counts, Records};

use super::failure::Failure;
use crate::stack::Stack;

/// How often a line is printed, if anything changed.
const EVERY: Duration = Duration::from_millis(500);

/// How often a line is printed even so: a message may wait minutes for its retry.
const EVEN_IF_NOTHING_CHANGED: Duration = Duration::from_secs(15);

/// Says something to the person who started the program.
#[expect(
    clippy::print_stderr,
    reason = "progress belongs to standard error; standard output is for the result"
)]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// Returns the records of a stack.
pub(super) fn records(stack: &Stack) -> Records {
    Records::new(
        client(stack),
        stack
            .table_name("RecordsTable")
            .unwrap_or_default()
            .to_owned(),
    )
}

/// Returns the partition and sort keys of everything in a table, by its id in the template.
pub(super) async fn keys(stack: &Stack, table: &str) -> Result<Vec<(String, String)>, Failure> {
    let name = stack.table_name(table).unwrap_or_default();
    let mut items = client(stack)
        .scan()
        .table_name(name)
        .projection_expression("pk, sk")
        .into_paginator()
        .items()
        .send();
    let mut keys = Vec::new();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| Failure::Scan(error.to_string()))?;
        let key = |name: &str| {
            let key = item.get(name).and_then(|key| key.as_s().ok());
            key.cloned().unwrap_or_default()
        };
        keys.push((key("pk"), key("sk")));
    }
    Ok(keys)
}

fn control(stack: &Stack) -> Control {
    Control::new(
        client(stack),
        stack
            .table_name("ControlTable")
            .unwrap_or_default()
            .to_owned(),
    )
}

fn client(stack: &Stack) -> Client {
    let variables = stack.aws_environment();
    let variable = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let (id, secret) = (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    );
    let config = Config::builder()
        .behavior_version_latest()
        .region(Region::new(variable("AWS_REGION")))
        .credentials_provider(Credentials::new(id, secret, None, None, "local"))
        .endpoint_url(variable("AWS_ENDPOINT_URL_DYNAMODB"));
    Client::from_conf(config.build())
}

/// Prints what each service has done until nothing is left to do.
pub(super) async fn follow(stack: &Stack, tenant: &TenantId) -> Result<(), Failure> {
    let control = control(stack);
    let started = Instant::now();
    let (mut last, mut said) = (String::new(), Instant::now());
    let idle = stack.idle();
    tokio::pin!(idle);
    loop {
        let is_done = tokio::select! {
            () = &mut idle => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        let line = describe(&counts(&control, tenant).await?, waiting(stack));
        if line != last || said.elapsed() >= EVEN_IF_NOTHING_CHANGED {
            say(&format!(
                "{:6.1} s  {line}",
                started.elapsed().as_secs_f64()
            ));
            last = line;
            said = Instant::now();
        }
        if is_done {
            return Ok(());
        }
    }
}

/// Returns how many messages wait outside the dead-letter queues.
fn waiting(stack: &Stack) -> usize {
    let dead = stack.dead_letters().len();
    let all: usize = stack.depths().values().map(|depth| depth.total()).sum();
    all.saturating_sub(dead)
}

async fn counts(
    control: &Control,
    tenant: &TenantId,
) -> Result<BTreeMap<Service, Counts>, Failure> {
    let mut counts = BTreeMap::<Service, Counts>::new();
    for connection in control.connections(tenant).await? {
        for integration in control.integrations(tenant, connection.id).await? {
            for stream in control.streams(integration.id).await? {
                *counts.entry(integration.service).or_default() += stream.counts;
            }
        }
    }
    Ok(counts)
}

fn describe(counts: &BTreeMap<Service, Counts>, waiting: usize) -> String {
    let services = counts.iter().map(|(service, counts)| {
        let Counts {
            pages,
            records,
            requests,
            ..
        } = counts;
        format!(
            "{}: {pages} pages, {records} records, {requests} requests",
            service.title()
        )
    });
    let jobs = format!("{waiting} messages left");
    services.chain([jobs]).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_each_service_and_what_is_left() {
        let counts = Counts {
            pages: 2,
            records: 30,
            requests: 4,
            ..Counts::default()
        };
        let line = describe(&BTreeMap::from([(Service::Repos, counts)]), 7);
        assert_eq!(
            line,
            "Repos: 2 pages, 30 records, 4 requests; 7 messages left"
        );
    }
}
