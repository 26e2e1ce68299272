//! One organization of one connection: what is in it, and which of its streams are due.

use std::{collections::HashMap, time::Duration};

use ado::{Credential, Paging, Position, Request, parse_page};
use auth::Owner;
use entrypoint::Delivery;
use jiff::{SignedDuration, Timestamp};
use model::{
    Admission, Connection, ConnectionStatus, Discovery, FanOut, Fault, Integration,
    IntegrationStatus, Job, Organization, Project, Reason, Repository, Scope, Selection, Standing,
    Work,
};
use resources::{CATALOG, Every, Resource, discovery};
use serde_json::value::RawValue;
use storage::{Stream, StreamKey};
use telemetry::Metric;
use upstream::Upstream;

use crate::{Context, Error, KILL_MARGIN, sight};

/// How long what was discovered is believed.
const DISCOVERY_TTL: SignedDuration = SignedDuration::from_hours(24);
/// How long a job is believed to be under way; after that another is sent, which does no harm.
const JOB_TTL: Duration = Duration::from_secs(3600);

/// Looks at an organization and sends one job for each stream that is due.
///
/// # Errors
/// See [`Error`]; its fault says what becomes of the message.
#[tracing::instrument(
    skip_all,
    fields(
        trace.id = %delivery.message.trace,
        connection.id = %delivery.message.connection,
        organization = %delivery.message.organization,
    )
)]
pub async fn visit(context: &Context, delivery: Delivery<FanOut>) -> Result<(), Error> {
    let message = &delivery.message;
    let now = (context.clock)();
    let until = now + delivery.time_left() + KILL_MARGIN;
    let whose = (&message.tenant, message.connection);
    let worker = format!("{}/{}", delivery.invocation, delivery.id);
    let entered = context.control.enter(whose, &worker, (now, until)).await?;
    let Some((connection, presence)) = entered else {
        tracing::info!("connection is gone");
        return Ok(());
    };
    let result = look_at(context, message, &connection).await;
    // After a failed write another may be on its way: then the word stands until none can be.
    if !matches!(result, Err(Error::Storage(_)))
        && let Err(error) = context.control.leave(&presence).await
    {
        tracing::warn!(error = %error, "could not say that the work is done");
    }
    result
}

async fn look_at(
    context: &Context,
    message: &FanOut,
    connection: &Connection,
) -> Result<(), Error> {
    if connection.standing() != Standing::Visited {
        tracing::info!(standing = ?connection.standing(), "not looked at");
        return Ok(());
    }
    let result = send_due(context, message, connection).await;
    match &result {
        Err(
            Error::Upstream(upstream::Error::Paused { pause, .. })
            | Error::Secret(auth::Error::Cooling { after: pause }),
        ) => {
            // A message that waits in the queue costs nothing, and a pause is no reason to give up.
            context
                .queues
                .send_fan_out(std::slice::from_ref(message), *pause)
                .await?;
            tracing::info!(delay_s = pause.as_secs(), "it has to wait");
            Ok(())
        }
        Err(Error::Upstream(upstream::Error::Ado(error @ ado::Error::Stopped { .. }))) => {
            // Nobody needs to look at this message: the next tick asks again, and the streams keep their cursors.
            tracing::warn!(error = %error, "the organization is switched off");
            Ok(())
        }
        Err(error) if error.fault() == Fault::Reauthorize => {
            if is_refused(context, message).await? {
                let status = ConnectionStatus::ReauthorizationNeeded;
                let (tenant, id) = (&message.tenant, message.connection);
                context
                    .control
                    .set_connection_status(tenant, id, status)
                    .await?;
            }
            result
        }
        _ => result,
    }
}

/// Whether the organization does not know the credential. One odd answer to a list is no proof of that, so it is asked.
async fn is_refused(context: &Context, message: &FanOut) -> Result<bool, Error> {
    let tokens = &context.tokens;
    let (owner, organization) = (owner(message), &message.organization);
    let known = match tokens.credential(owner, organization).await {
        Ok(known) => tokens.replace(owner, organization, &known).await,
        Err(error) => Err(error),
    };
    let credential = match known {
        Ok(credential) => credential,
        Err(error) if error.fault() == Fault::Reauthorize => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let upstream = upstream(context, message, &credential);
    Ok(match upstream.who().await {
        Ok(found) => found.anonymous,
        Err(error) => error.fault() == Fault::Reauthorize,
    })
}

/// Whose credential a message is about.
fn owner(message: &FanOut) -> Owner<'_> {
    Owner {
        tenant: &message.tenant,
        connection: message.connection,
    }
}

async fn send_due(
    context: &Context,
    message: &FanOut,
    connection: &Connection,
) -> Result<(), Error> {
    let now = (context.clock)();
    let known = context
        .control
        .discovery(connection.id, &message.organization)
        .await?;
    let discovery = match discovered(context, message, connection, known.as_ref(), now).await {
        Ok(discovery) => discovery,
        Err(error) => {
            // Streams are as late when nobody can say any more what is in the organization; then most of all.
            if let Some(known) = known {
                measure(now, late(context, message, &known, now).await?);
            }
            return Err(error);
        }
    };
    let mut sent = 0;
    let mut lag = Duration::ZERO;
    for integration in active(context, message).await? {
        let streams = context.control.streams(integration.id).await?;
        let mut due = Vec::new();
        for (resource, key, stream) in wanted(&integration, &discovery, &streams) {
            lag = lag.max(overdue(stream, now));
            if is_due(stream, resource, message.reason, now) {
                due.push(key);
            }
        }
        sent += due.len();
        send(context, message, &integration, &discovery, due).await?;
    }
    measure(now, lag);
    tracing::info!(
        jobs = sent,
        projects = discovery.projects.len(),
        "fanned out"
    );
    Ok(())
}

/// The integrations whose streams are visited.
async fn active(context: &Context, message: &FanOut) -> Result<Vec<Integration>, Error> {
    let (tenant, id) = (&message.tenant, message.connection);
    let mut integrations = context.control.integrations(tenant, id).await?;
    integrations.retain(|integration| integration.status == IntegrationStatus::Active);
    Ok(integrations)
}

/// The streams that an integration has now, and what is known of each.
fn wanted<'a>(
    integration: &Integration,
    discovery: &Discovery,
    streams: &'a [Stream],
) -> Vec<(&'static Resource, StreamKey, Option<&'a Stream>)> {
    let admission = Admission::of(discovery);
    let known: HashMap<&str, &Stream> = streams
        .iter()
        .map(|stream| (stream.name.as_str(), stream))
        .collect();
    let mut wanted = Vec::new();
    let resources = CATALOG.iter().copied();
    for resource in resources.filter(|resource| resource.service == integration.service) {
        for scope in scopes(resource, discovery, integration, &known) {
            if !admission.scope(&scope) {
                continue;
            }
            let key = key(integration, discovery, resource, scope);
            let stream = known.get(key.name().as_str()).copied();
            wanted.push((resource, key, stream));
        }
    }
    wanted
}

/// How long the stream that waits longest has been due, by what was last found in the organization.
async fn late(
    context: &Context,
    message: &FanOut,
    known: &Discovery,
    now: Timestamp,
) -> Result<Duration, Error> {
    let mut lag = Duration::ZERO;
    for integration in active(context, message).await? {
        let streams = context.control.streams(integration.id).await?;
        for (_, _, stream) in wanted(&integration, known, &streams) {
            lag = lag.max(overdue(stream, now));
        }
    }
    Ok(lag)
}

fn measure(now: Timestamp, lag: Duration) {
    telemetry::emit(now, &[(Metric::Lag, lag.as_secs_f64())]);
}

/// Sends the jobs, then notes them: a crash in between sends some twice, which does no harm.
async fn send(
    context: &Context,
    message: &FanOut,
    integration: &Integration,
    discovery: &Discovery,
    due: Vec<StreamKey>,
) -> Result<(), Error> {
    let jobs: Vec<Job> = due
        .iter()
        .map(|key| Job {
            tenant: message.tenant.clone(),
            connection: message.connection,
            integration: integration.id,
            service: integration.service,
            organization: discovery.organization.clone(),
            resource: key.resource.clone(),
            scope: key.scope.clone(),
            work: Work::Pass,
            trace: message.trace,
        })
        .collect();
    context.queues.send_jobs(&jobs, Duration::ZERO).await?;
    for key in due {
        context
            .control
            .mark_queued(&key, (context.clock)() + JOB_TTL)
            .await?;
    }
    Ok(())
}

fn key(
    integration: &Integration,
    discovery: &Discovery,
    resource: &Resource,
    scope: Scope,
) -> StreamKey {
    StreamKey {
        integration: integration.id,
        organization: discovery.organization.id,
        resource: resource.name.to_owned(),
        scope,
    }
}

/// The scopes in which a resource has streams now.
fn scopes(
    resource: &Resource,
    discovery: &Discovery,
    integration: &Integration,
    known: &HashMap<&str, &Stream>,
) -> Vec<Scope> {
    let repositories = || {
        let readable = |repository: &&Repository| {
            !repository.is_disabled && repository.default_branch.is_some()
        };
        discovery
            .repositories
            .iter()
            .filter(readable)
            .map(|repository| Scope::Repository {
                project: repository.project,
                repository: repository.id,
            })
    };
    let projects = || {
        let projects = discovery.projects.iter();
        projects.map(|project| Scope::Project(project.id))
    };
    let has_passed = |before: &str, scope: &Scope| {
        let Some(before) = resources::find(before) else {
            return false;
        };
        let name = key(integration, discovery, before, scope.clone()).name();
        let stream = known.get(name.as_str());
        stream.is_some_and(|stream| stream.completed_at.is_some())
    };
    match resource.fan_out {
        resources::FanOut::Organization => vec![Scope::Organization],
        resources::FanOut::OrganizationAfter(before) => [Scope::Organization]
            .into_iter()
            .filter(|scope| has_passed(before, scope))
            .collect(),
        resources::FanOut::Project => projects().collect(),
        resources::FanOut::Repository => repositories().collect(),
        // Sent for by the stream before it; from here only if that message was lost, or when its own time has come.
        resources::FanOut::RepositoryAfter(before) | resources::FanOut::RepositoryWith(before) => {
            repositories()
                .filter(|scope| has_passed(before, scope))
                .collect()
        }
        resources::FanOut::ProjectWith(before) | resources::FanOut::ProjectAfter(before) => {
            projects()
                .filter(|scope| has_passed(before, scope))
                .collect()
        }
        resources::FanOut::ProjectWithBoth(one, other) => projects()
            .filter(|scope| has_passed(one, scope) && has_passed(other, scope))
            .collect(),
        resources::FanOut::Children { .. } => Vec::new(),
    }
}

/// Whether a stream should be visited now.
fn is_due(stream: Option<&Stream>, resource: &Resource, reason: Reason, now: Timestamp) -> bool {
    let Some(stream) = stream else { return true };
    if resource.every == Every::Once && stream.completed_at.is_some() {
        return false;
    }
    let under_way = stream.queued_until.is_some_and(|until| until > now);
    let is_time = stream.due_at.is_none_or(|due_at| due_at <= now);
    match reason {
        // What is compared as a whole finds nothing that is new, unless it was refused the last time.
        Reason::Requested if resource.every != Every::Week || stream.last_error.is_some() => true,
        Reason::News if is_often(stream, resource.every) => true,
        Reason::Requested | Reason::News | Reason::Scheduled => !under_way && is_time,
        Reason::Resumed => is_time,
    }
}

/// How long a stream that was complete before has been due.
fn overdue(stream: Option<&Stream>, now: Timestamp) -> Duration {
    let complete = stream.filter(|stream| stream.completed_at.is_some());
    let due_at = complete.and_then(|stream| stream.due_at);
    let late = due_at.map(|due_at| now.duration_since(due_at));
    late.and_then(|late| late.try_into().ok())
        .unwrap_or_default()
}

/// Whether a stream is visited every period.
fn is_often(stream: &Stream, every: Every) -> bool {
    match every {
        Every::Period => true,
        Every::PeriodWhereUsed => stream.counts.fetched > 0,
        Every::Day | Every::Week | Every::Once => false,
    }
}

/// What is in the organization, as it was last found (`known`), or looked up again if that was long ago or a user asks for
/// everything; and what is wanted of it. If either is other than before, the streams are brought in line with it.
async fn discovered(
    context: &Context,
    message: &FanOut,
    connection: &Connection,
    known: Option<&Discovery>,
    now: Timestamp,
) -> Result<Discovery, Error> {
    let id = message.connection;
    let control = &context.control;
    let is_fresh = |known: &&Discovery| {
        message.reason != Reason::Requested && now.duration_since(known.at) < DISCOVERY_TTL
    };
    let fresh = known.filter(is_fresh);
    let mut discovery = match fresh {
        Some(fresh) => fresh.clone(),
        None => {
            let organization = known.map(|known| known.organization.clone());
            discover(context, message, organization, now).await?
        }
    };
    discovery.selection = connection.selection.clone();
    if let Some(known) = known {
        sight::adjust(context, message, (known, &discovery)).await?;
    }
    // Last, so that whoever is broken off before finds the same news again.
    match fresh {
        None => control.put_discovery(id, &discovery).await?,
        Some(fresh) if fresh.selection != discovery.selection => {
            control.put_selection(id, &discovery).await?;
        }
        Some(_) => {}
    }
    Ok(discovery)
}

async fn discover(
    context: &Context,
    message: &FanOut,
    known: Option<Organization>,
    now: Timestamp,
) -> Result<Discovery, Error> {
    let credential = context
        .tokens
        .credential(owner(message), &message.organization)
        .await?;
    // An id never changes, so it is asked for once.
    let organization = match known {
        Some(known) => known,
        None => identified(context, message, &credential).await?,
    };
    let upstream = upstream(context, message, &credential);
    let projects = list(
        &upstream,
        discovery::projects_request(&organization.name),
        discovery::PROJECTS,
        |item| discovery::project(item).map(Some),
    )
    .await?;
    let request = discovery::repositories_request(&organization.name);
    let found: Result<Vec<Repository>, Error> =
        list(&upstream, request, Paging::None, discovery::repository).await;
    let repositories = match found {
        // A token for boards alone may not see code; that is no reason to leave boards out.
        Err(Error::Upstream(upstream::Error::Ado(
            error @ (ado::Error::Forbidden { .. } | ado::Error::Missing { .. }),
        ))) => {
            tracing::warn!(error = %error, "repositories are hidden from this credential");
            Vec::new()
        }
        found => found?,
    };
    let visible = |repository: &Repository| {
        projects
            .iter()
            .any(|project: &Project| project.id == repository.project)
    };
    let repositories = repositories.into_iter().filter(visible).collect();
    Ok(Discovery {
        organization,
        at: now,
        projects,
        repositories,
        selection: Selection::default(),
    })
}

/// The organization, asked with this credential.
fn upstream<'a>(
    context: &'a Context,
    message: &'a FanOut,
    credential: &'a Credential,
) -> Upstream<'a> {
    Upstream::new(
        (&context.client, &context.control),
        message.connection,
        &message.organization,
        credential,
        context.clock,
    )
}

/// The organization with its id, which only a credential that it knows is told.
async fn identified(
    context: &Context,
    message: &FanOut,
    credential: &Credential,
) -> Result<Organization, Error> {
    let found = upstream(context, message, credential).who().await?;
    let name = message.organization.clone();
    if found.anonymous {
        let organization = name.to_string();
        return Err(Error::Anonymous { organization });
    }
    Ok(Organization {
        id: found.instance_id,
        name,
    })
}

/// Reads a list to its end; an item that cannot be read is left out, and said so.
async fn list<T>(
    upstream: &Upstream<'_>,
    request: Request,
    paging: Paging,
    map: impl Fn(&RawValue) -> Result<Option<T>, resources::MapError>,
) -> Result<Vec<T>, Error> {
    let mut position = Position::Start;
    let mut items = Vec::new();
    loop {
        let mut request = request.clone();
        paging.apply(&position, &mut request);
        let reply = upstream.send(&request).await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        for item in &page.items {
            match map(item) {
                Ok(item) => items.extend(item),
                Err(error) => tracing::warn!(error = %error, "set an item aside"),
            }
        }
        match paging.next(&position, &page, &reply.body)? {
            Some(next) => position = next,
            None => return Ok(items),
        }
    }
}
