//! Finds out which streams are due and sends one job for each.
//!
//! The schedule's tick becomes one message per connection and organization; such a message becomes one job per stream
//! that is due. Between the two lies the queue, so that one slow organization delays nobody. What a deleted connection has
//! left is removed by messages of the same queue. Start reading at `tick`, [`organization::visit`] and [`purge::purge`].

pub mod organization;
mod organizations;
pub mod purge;
mod sight;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use entrypoint::{Config, Delivery, Pending};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use model::{Errand, FanOut, Fault, Purge, Reason, Standing, Trace};
use queue::{Addresses, Queues};
use serde::Deserialize;
use std::time::Duration;
use storage::{Control, Records};
use telemetry::Metric;
use uuid::Uuid;

/// How long after the end of an invocation something that it has sent may still be stored; clocks differ, too.
const KILL_MARGIN: Duration = Duration::from_secs(5);

/// The handles that this function needs, built once per cold start.
#[derive(Debug)]
pub struct Context {
    client: ado::Client,
    control: Control,
    records: Records,
    secrets: auth::Secrets,
    tokens: auth::Tokens,
    queues: Queues,
    clock: fn() -> Timestamp,
}

/// What wakes the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Event {
    /// Messages of the fan-out queue.
    Queue(SqsEvent),
    /// The schedule, with the input that the template gives it.
    Schedule(Tick),
}

/// The schedule's input.
#[derive(Debug, Deserialize)]
#[serde(tag = "tick", rename_all = "snake_case")]
enum Tick {
    /// Look for streams that are due.
    Streams,
}

/// Why an organization was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Azure DevOps refused, did not answer, or asked for a pause.
    #[error(transparent)]
    Upstream(#[from] upstream::Error),
    /// An answer could not be read.
    #[error(transparent)]
    Page(#[from] ado::Error),
    /// The credential works, but not for this organization.
    #[error("organization {organization} took the credential for nobody")]
    Anonymous {
        /// The organization.
        organization: String,
    },
    /// The tables failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] auth::Error),
    /// A job could not be sent.
    #[error(transparent)]
    Queue(#[from] queue::Error),
}

impl Error {
    /// What the error means for the message that met it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Upstream(error) => error.fault(),
            Self::Page(error) => error.fault(),
            Self::Anonymous { .. } => Fault::Reauthorize,
            Self::Storage(error) => error.fault(),
            Self::Secret(error) => error.fault(),
            Self::Queue(error) => error.fault(),
        }
    }
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    entrypoint::init();
    let context = Context::from_env().await?;
    lambda_runtime::run(service_fn(async |event| handle(&context, event).await)).await
}

async fn handle(
    context: &Context,
    event: LambdaEvent<Event>,
) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    let LambdaEvent {
        payload,
        context: invocation,
        ..
    } = event;
    match payload {
        Event::Schedule(Tick::Streams) => {
            let trace = Trace::new(Uuid::new_v4());
            tick(context, &Worker::of(&invocation), trace).await?;
            Ok(SqsBatchResponse::default())
        }
        Event::Queue(messages) => {
            let event = LambdaEvent::new(messages, invocation);
            let handler = async |delivery| run_errand(context, delivery).await;
            Ok(entrypoint::batch::handle(event, context, handler, Error::fault).await)
        }
    }
}

async fn run_errand(context: &Context, delivery: Delivery<Errand>) -> Result<(), Error> {
    let Delivery {
        message,
        id,
        invocation,
        deadline,
    } = delivery;
    match message {
        Errand::Visit(message) => {
            let delivery = Delivery {
                message,
                id,
                invocation,
                deadline,
            };
            organization::visit(context, delivery).await
        }
        Errand::Purge(message) => purge::purge(context, &message, deadline).await,
    }
}

/// Who is at work in an invocation of the schedule, and until when at the latest.
#[derive(Debug)]
struct Worker {
    name: String,
    until: Timestamp,
}

impl Worker {
    fn of(invocation: &lambda_runtime::Context) -> Self {
        let killed_at = i64::try_from(invocation.deadline).ok();
        let killed_at = killed_at.and_then(|at| Timestamp::from_millisecond(at).ok());
        let until = killed_at.and_then(|at| at.checked_add(KILL_MARGIN).ok());
        Self {
            name: format!("{}/tick", invocation.request_id),
            until: until.unwrap_or(Timestamp::MAX),
        }
    }
}

/// Sends one message for every organization of every connection that works, and one for every connection that is being
/// deleted, in case that of the user who asked for it was lost. If the tables or the queue fail, the next tick sends what this
/// one did not.
#[tracing::instrument(skip_all, fields(trace.id = %trace))]
async fn tick(context: &Context, worker: &Worker, trace: Trace) -> Result<(), Error> {
    let directory = context.control.directory().await?;
    let mut messages = Vec::new();
    let mut unauthorized = 0.0;
    for (tenant, id) in directory {
        let Some(connection) = context.control.connection(&tenant, id).await? else {
            continue;
        };
        match connection.standing() {
            Standing::Visited => {}
            Standing::Paused => continue,
            Standing::NeedsPerson => {
                unauthorized += 1.0;
                continue;
            }
            Standing::Gone => {
                let purge = Purge {
                    tenant,
                    connection: id,
                    trace,
                };
                context.queues.send_purge(&purge, Duration::ZERO).await?;
                continue;
            }
        }
        let connection = organizations::grown(context, worker, connection).await;
        messages.extend(
            connection
                .organizations
                .into_iter()
                .map(|organization| FanOut {
                    tenant: tenant.clone(),
                    connection: id,
                    organization,
                    reason: Reason::Scheduled,
                    trace,
                }),
        );
    }
    telemetry::emit((context.clock)(), &[(Metric::Unauthorized, unauthorized)]);
    context
        .queues
        .send_fan_out(&messages, Duration::ZERO)
        .await?;
    tracing::info!(organizations = messages.len(), "ticked");
    Ok(())
}

impl Context {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing, or the address of Azure DevOps is not allowed.
    pub async fn from_env() -> Result<Self, lambda_runtime::Error> {
        let config = Config::from_env().await;
        let hosts = ado::Hosts::from_base(&config.text("AZURE_DEVOPS_URL")?)?;
        let dynamodb = aws_sdk_dynamodb::Client::new(config.sdk());
        let sqs = config.later(aws_sdk_sqs::Client::new);
        let secrets = config.later(aws_sdk_secretsmanager::Client::new);
        let control = Control::new(dynamodb.clone(), config.text("CONTROL_TABLE")?);
        let secrets = auth::Secrets::new(secrets, config.text("SECRET_PREFIX")?);
        Ok(Self {
            tokens: auth::Tokens::new(
                secrets.clone(),
                control.clone(),
                auth::Entra::new(&hosts)?,
                entrypoint::now,
            ),
            client: ado::Client::new(hosts, ado::Options::default()),
            control,
            records: Records::new(dynamodb, config.text("RECORDS_TABLE")?),
            secrets,
            queues: Queues::new(sqs, Addresses::from_env(|name| config.text(name))?),
            clock: entrypoint::now,
        })
    }
}

impl Pending for Context {
    async fn bury(&self, body: &str, reason: &str) -> bool {
        self.queues.bury(body, reason).await.is_ok()
    }

    async fn delay(&self, source: &str, receipt: &str, after: Duration) {
        // If this fails the message is seen after the visibility timeout: later, and not lost.
        if let Err(error) = self.queues.delay(source, receipt, after).await {
            tracing::warn!(error = %error, "could not set when a message is seen again");
        }
    }
}
