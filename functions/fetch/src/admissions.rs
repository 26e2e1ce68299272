//! What of an organization is wanted.
//!
//! Streams of what is left out are not sent for, so this is for lists that hold both: those of the whole organization, and the
//! runs and pull requests of a project. Where a user wants more than before, fan-out has the lists started over, which ends
//! every pass that holds one; so a pass looks what is wanted after it has taken hold of its stream, and not before.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{
    Admission, Connection, ConnectionId, Job, Kind, OrganizationId, Record, Service, record::NO_DAY,
};

use crate::{Context, Error};

/// What is wanted, by connection and organization; nothing for those of which everything is.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<HashMap<(ConnectionId, OrganizationId), Arc<Admission>>>);

impl Wanted {
    /// What is wanted for a job; `None` if everything is.
    pub(crate) fn of(&self, job: &Job) -> Option<Arc<Admission>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(job.connection, job.organization.id)).cloned()
    }

    fn set(&self, job: &Job, admission: Option<Admission>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (job.connection, job.organization.id);
        match admission {
            Some(admission) => known.insert(key, Arc::new(admission)),
            None => known.remove(&key),
        };
    }
}

/// Finds out what is wanted for a job, and whether its scope is.
pub(crate) async fn look_up(
    context: &Context,
    job: &Job,
    connection: &Connection,
) -> Result<bool, Error> {
    let mut admission = Admission::new(connection.selection.clone());
    if admission.is_everything() {
        context.wanted.set(job, None);
        return Ok(true);
    }
    let control = &context.control;
    let discovery = control.discovery(job.connection, &job.organization.name);
    if let Some(discovery) = discovery.await? {
        admission.learn(&discovery);
    }
    // Nothing else belongs to pipelines, and only their own integration has their names.
    if job.service == Service::Pipelines && admission.needs_pipelines() {
        let definitions = (Kind::Definition, NO_DAY);
        let stored = context
            .records
            .bucket(job.integration, definitions, "", context.now());
        for stored in stored.await? {
            if let Record::Definition(definition) = &stored.record {
                admission.learn_pipeline(definition);
            }
        }
    }
    let is_wanted = admission.scope(&job.scope);
    context.wanted.set(job, Some(admission));
    Ok(is_wanted)
}

/// Finds it out again for a pass that has taken hold of its stream. Who has wanted everything can only want less since, and
/// what is stored beyond that is not counted.
pub(crate) async fn look_again(context: &Context, job: &Job) -> Result<(), Error> {
    if context.wanted.of(job).is_none() {
        return Ok(());
    }
    let whose = (&job.tenant, job.connection);
    if let Some(connection) = context.control.connection(whose.0, whose.1).await? {
        look_up(context, job, &connection).await?;
    }
    Ok(())
}
