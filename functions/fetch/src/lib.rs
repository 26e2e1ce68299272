//! Fetches one stream, or the children of some records: pages in, records and a moved cursor out.
//!
//! A job is a message on the queue of its service. `pass.rs` visits a stream from its cursor to "nothing newer",
//! `children.rs` asks for what exists only one by one. Both stop when their time is nearly spent and send themselves the
//! rest. What is fetched, and how it is planned, is in `resources`; how data stays true is in `storage`.

mod admissions;
mod again;
mod changesets;
mod children;
mod commits;
mod doubtful;
mod each;
mod ends;
mod error;
mod gone_work_items;
mod linked_work_items;
mod measure;
mod open_runs;
mod open_work_items;
mod pass;
mod people;
mod query;
mod run_activities;
mod run_coverage;
mod sprint_capacities;
mod store;
mod windows;
mod workflows;

use std::{collections::HashMap, time::Duration};

use ado::{Client, Credential, Hosts, Options, Paging};
use auth::{Entra, Owner, Secrets, Tokens};
use aws_lambda_events::event::sqs::SqsEvent;
use entrypoint::{Config, Delivery, Pending};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use model::{Connection, ConnectionStatus, Fault, Job, OrganizationId, Retention, Standing, Work};
use queue::{Addresses, Queues};
use resources::Resource;
use storage::{Control, Counts, Records, StreamKey};
use tokio::sync::Mutex;
use upstream::Reply;

use people::Upstream;

pub use error::Error;

/// What is kept free at the end of an invocation: a page under way can still be stored, and the rest be sent on.
const RESERVE: Duration = Duration::from_secs(30);
/// How long after the end of an invocation something that it has sent may still be stored; clocks differ, too.
const KILL_MARGIN: Duration = Duration::from_secs(5);
/// How long children wait in the queue during a pause until somebody looks whether it is over: as long as SQS takes.
pub(crate) const PARKED: Duration = Duration::from_secs(900);

/// The handles that this function needs, built once per cold start.
#[derive(Debug)]
pub struct Context {
    client: Client,
    control: Control,
    records: Records,
    tokens: Tokens,
    queues: Queues,
    retention: Retention,
    period: Duration,
    clock: fn() -> Timestamp,
    /// The longest page that an organization served of a resource, as far as this process saw.
    longest_pages: Mutex<HashMap<(OrganizationId, &'static str), usize>>,
    people: people::Seen,
    wanted: admissions::Wanted,
}

/// Runs the function until Lambda stops it.
///
/// # Errors
/// The environment is incomplete, or Lambda is out of reach.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    entrypoint::init();
    let context = Context::from_env().await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let handler = async |delivery| handle(&context, delivery).await;
        let response = entrypoint::batch::handle(event, &context, handler, Error::fault).await;
        Ok::<_, lambda_runtime::Error>(response)
    }))
    .await
}

/// Handles one job.
///
/// # Errors
/// See [`Error`]; its fault says what becomes of the message.
#[tracing::instrument(
    skip_all,
    fields(
        trace.id = %delivery.message.trace,
        integration.id = %delivery.message.integration,
        service = %delivery.message.service,
        resource = delivery.message.resource,
        scope = %delivery.message.scope,
    )
)]
pub async fn handle(context: &Context, delivery: Delivery<Job>) -> Result<(), Error> {
    let job = &delivery.message;
    let resource = resources::find(&job.resource).ok_or_else(|| Error::UnknownResource {
        resource: job.resource.clone(),
    })?;
    let now = context.now();
    let until = now + delivery.time_left() + KILL_MARGIN;
    let whose = (&job.tenant, job.connection);
    let worker = format!("{}/{}", delivery.invocation, delivery.id);
    let entered = context.control.enter(whose, &worker, (now, until)).await?;
    let Some((connection, presence)) = entered else {
        return halt(context, job, Standing::Gone).await;
    };
    let result = work(context, resource, &delivery, &connection).await;
    // After a failed write others of the same page may be on their way: then the word stands until none can be.
    if !matches!(&result, Err(error) if error.is_of_storage())
        && let Err(error) = context.control.leave(&presence).await
    {
        tracing::warn!(error = %error, "could not say that the work is done");
    }
    result
}

async fn work(
    context: &Context,
    resource: &'static Resource,
    delivery: &Delivery<Job>,
    connection: &Connection,
) -> Result<(), Error> {
    let job = &delivery.message;
    let control = &context.control;
    match control.standing(Some(connection), job.integration).await? {
        Standing::Visited => {}
        standing => return halt(context, job, standing).await,
    }
    if !admissions::look_up(context, job, connection).await? {
        tracing::info!("not wanted any more");
        return Ok(());
    }
    let credential = match context
        .tokens
        .credential(owner(job), &job.organization.name)
        .await
    {
        Err(error) if error.fault() == Fault::Reauthorize => {
            return needs_person(context, job, error.into()).await;
        }
        // Somebody has asked in vain. To wait with everybody else is no attempt of this job, however long it takes.
        Err(auth::Error::Cooling { after }) => {
            tracing::info!(delay_s = after.as_secs(), "no access token yet");
            let waiting = std::slice::from_ref(job);
            return Ok(context.queues.send_jobs(waiting, after).await?);
        }
        result => result?,
    };
    let asked = upstream::Upstream::new(
        (&context.client, &context.control),
        job.connection,
        &job.organization.name,
        &credential,
        context.clock,
    );
    let upstream = Upstream::new(context, job, asked);
    let result = match &job.work {
        Work::Pass => pass::visit(context, resource, &upstream, delivery).await,
        Work::Children(children) => {
            children::visit(context, resource, &upstream, delivery, children).await
        }
    };
    match result {
        Err(error) if error.fault() == Fault::Reauthorize => {
            refused(context, job, &credential, error).await
        }
        result => result,
    }
}

/// What becomes of a job that is not worked on: a stream goes on from its cursor when it is visited again, children are
/// known to nothing but their message. It waits while there is a pause, is kept for people if a person is needed, and is of
/// no use to anybody if the connection is gone.
async fn halt(context: &Context, job: &Job, standing: Standing) -> Result<(), Error> {
    tracing::info!(standing = ?standing, "not worked on");
    match (&job.work, standing) {
        (Work::Pass, _) | (_, Standing::Gone | Standing::Visited) => Ok(()),
        (Work::Children(_), Standing::Paused) => {
            let parked = std::slice::from_ref(job);
            Ok(context.queues.send_jobs(parked, PARKED).await?)
        }
        (Work::Children(children), Standing::NeedsPerson) => Err(Error::ChildrenLeft {
            children: children.len(),
            reason: "the connection needs a person".to_owned(),
            dead: true,
        }),
    }
}

/// Decides what an answer means that looks like a dead credential. One odd answer is no proof, so the organization is
/// asked who the credential is: only if that is refused too does the connection need a person.
async fn refused(
    context: &Context,
    job: &Job,
    credential: &Credential,
    error: Error,
) -> Result<(), Error> {
    let organization = &job.organization.name;
    let tokens = &context.tokens;
    let dead = match tokens.replace(owner(job), organization, credential).await {
        Ok(credential) => {
            let ways = (&context.client, &context.control);
            let clock = context.clock;
            let upstream =
                upstream::Upstream::new(ways, job.connection, organization, &credential, clock);
            match upstream.who().await {
                Ok(found) => found.anonymous,
                Err(error) => error.fault() == Fault::Reauthorize,
            }
        }
        Err(error) => error.fault() == Fault::Reauthorize,
    };
    if dead {
        return needs_person(context, job, error).await;
    }
    tracing::warn!(error = %error, "the credential is good; the answer was not");
    leave(job, error, dead)
}

/// Marks the connection, so that nothing is asked with its credential until a person has given another one.
async fn needs_person(context: &Context, job: &Job, error: Error) -> Result<(), Error> {
    let status = ConnectionStatus::ReauthorizationNeeded;
    context
        .control
        .set_connection_status(&job.tenant, job.connection, status)
        .await?;
    leave(job, error, true)
}

/// What becomes of a job that was refused.
fn leave(job: &Job, error: Error, dead: bool) -> Result<(), Error> {
    match &job.work {
        // The stream keeps its cursor and says what went wrong; it goes on when it is visited again.
        Work::Pass if dead => Err(error),
        Work::Pass => Ok(()),
        // Nothing but this message knows that these children are wanted, so it must not be forgotten.
        Work::Children(children) => {
            let children = children.len();
            let reason = error.to_string();
            Err(Error::ChildrenLeft {
                children,
                reason,
                dead,
            })
        }
    }
}

impl Context {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing, or the address of Azure DevOps is not allowed.
    pub async fn from_env() -> Result<Self, lambda_runtime::Error> {
        let config = Config::from_env().await;
        let hosts = Hosts::from_base(&config.text("AZURE_DEVOPS_URL")?)?;
        let dynamodb = aws_sdk_dynamodb::Client::new(config.sdk());
        let sqs = config.later(aws_sdk_sqs::Client::new);
        let secrets = config.later(aws_sdk_secretsmanager::Client::new);
        let control = Control::new(dynamodb.clone(), config.text("CONTROL_TABLE")?);
        Ok(Self {
            tokens: Tokens::new(
                Secrets::new(secrets, config.text("SECRET_PREFIX")?),
                control.clone(),
                Entra::new(&hosts)?,
                entrypoint::now,
            ),
            client: Client::new(hosts, Options::default()),
            control,
            records: Records::new(dynamodb, config.text("RECORDS_TABLE")?),
            queues: Queues::new(sqs, Addresses::from_env(|name| config.text(name))?),
            retention: config.retention()?,
            period: config.sync_period()?,
            clock: entrypoint::now,
            people: people::Seen::default(),
            wanted: admissions::Wanted::default(),
            longest_pages: Mutex::default(),
        })
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// When the service gave an answer, by its own clock if it says.
    fn observed_at(&self, reply: &Reply) -> Timestamp {
        reply.server_time.unwrap_or_else(|| self.now())
    }

    /// How a list continues, with what earlier pages of this resource told about their size.
    async fn paging(&self, job: &Job, resource: &Resource, known: Paging, items: usize) -> Paging {
        let mut pages = self.longest_pages.lock().await;
        let longest = pages
            .entry((job.organization.id, resource.name))
            .or_default();
        *longest = items.max(*longest);
        known.having_served(*longest)
    }
}

/// Whose credential a job is done with.
fn owner(job: &Job) -> Owner<'_> {
    Owner {
        tenant: &job.tenant,
        connection: job.connection,
    }
}

/// Whether an invocation should leave the rest to another one. The first page is always fetched, so that even a timeout
/// that is far too short makes progress.
fn is_out_of_time(delivery: &Delivery<Job>, counts: Counts) -> bool {
    counts.pages > 0 && delivery.time_left() < RESERVE
}

/// The stream that a job is about.
fn stream_key(job: &Job) -> StreamKey {
    StreamKey {
        integration: job.integration,
        organization: job.organization.id,
        resource: job.resource.clone(),
        scope: job.scope.clone(),
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
