//! Keeping whom answers name.
//!
//! People are not asked for: every answer embeds them. Whom an answer names is stored before anything else of it, so that no
//! record and no cursor is ever ahead of its people. A process remembers whom it has stored, and writes only what it has not.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ado::Request;
use model::{IntegrationId, Job, OrganizationId, Standing, people::Sighting, record::Person};
use upstream::Reply;

use crate::Context;

/// How often a worker looks whether it is still wanted.
const LOOK: Duration = Duration::from_secs(1);

/// How many sightings a process remembers. One that it has forgotten is compared with the store again.
const REMEMBERED: usize = 10_000;

/// Where sightings belong.
type Place = (IntegrationId, OrganizationId);

/// Whom this process has stored.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<Place, HashSet<Sighting<'static>>>>);

impl Seen {
    /// Those that a body names and this process has not stored, each once.
    fn new_in(&self, place: Place, body: &[u8]) -> HashSet<Sighting<'static>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = HashSet::new();
        match known.get(&place) {
            Some(known) => sightings_without(known, body, &mut fresh),
            None => sightings_without(&HashSet::new(), body, &mut fresh),
        }
        fresh
    }

    fn remember(&self, place: Place, stored: HashSet<Sighting<'static>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count: usize = known.values().map(HashSet::len).sum();
        if count + stored.len() > REMEMBERED {
            known.clear();
        }
        known.entry(place).or_default().extend(stored);
    }
}

fn sightings_without<'a>(
    known: &HashSet<Sighting<'a>>,
    body: &'a [u8],
    fresh: &mut HashSet<Sighting<'static>>,
) {
    resources::people::sightings(body, |sighting| {
        if !known.contains(&sighting) {
            fresh.insert(sighting.into_owned());
        }
    });
}

/// An organization, asked for a job: whom its answers name is stored before they are given out.
#[derive(Debug)]
pub(crate) struct Upstream<'a> {
    asked: upstream::Upstream<'a>,
    context: &'a Context,
    job: &'a Job,
    /// When it was last seen that the work is wanted.
    looked_at: Mutex<Instant>,
}

impl<'a> Upstream<'a> {
    pub(crate) fn new(context: &'a Context, job: &'a Job, asked: upstream::Upstream<'a>) -> Self {
        Self {
            asked,
            context,
            job,
            looked_at: Mutex::new(Instant::now()),
        }
    }

    /// Sends a request; see [`upstream::Upstream::send`]. Nothing is sent any more once a user has paused or deleted what it
    /// is for.
    pub(crate) async fn send(&self, request: &Request) -> Result<Reply, upstream::Error> {
        self.look().await?;
        let reply = self.asked.send(request).await?;
        self.keep(&reply.body.bytes).await?;
        Ok(reply)
    }

    /// How many requests were sent, and how many of them again.
    pub(crate) fn sent(&self) -> (u64, u64) {
        self.asked.sent()
    }

    /// How long the organization's limit made this worker and its job wait.
    pub(crate) fn waited(&self) -> Duration {
        self.asked.waited()
    }

    /// Who the credential is.
    pub(crate) async fn who(&self) -> Result<ado::ConnectionData, upstream::Error> {
        self.asked.who().await
    }

    async fn look(&self) -> Result<(), upstream::Error> {
        {
            let mut looked_at = self
                .looked_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if looked_at.elapsed() < LOOK {
                return Ok(());
            }
            *looked_at = Instant::now();
        }
        let Self { context, job, .. } = self;
        let control = &context.control;
        let connection = control.connection(&job.tenant, job.connection).await?;
        let standing = control.standing(connection.as_ref(), job.integration);
        match standing.await? {
            // What a dead credential means is decided where it is refused.
            Standing::Visited | Standing::NeedsPerson => Ok(()),
            standing @ (Standing::Paused | Standing::Gone) => {
                Err(upstream::Error::Halted(standing))
            }
        }
    }

    async fn keep(&self, body: &[u8]) -> Result<(), storage::Error> {
        let Self { context, job, .. } = self;
        let organization = job.organization.id;
        let place = (job.integration, organization);
        let fresh = context.people.new_in(place, body);
        if fresh.is_empty() {
            return Ok(());
        }
        let named = fresh.iter().cloned();
        let people: Vec<Person> = named
            .filter_map(|sighting| Person::seen(organization, sighting))
            .collect();
        let when = (context.retention, context.now());
        context.records.merge(job.integration, people, when).await?;
        context.people.remember(place, fresh);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::OrganizationId;
    use uuid::Uuid;

    use super::*;

    const BODY: &[u8] =
        br#"[{"id":"1","uniqueName":"a@x.example"},{"id":"2","uniqueName":"b@x.example"},
        {"id":"1","uniqueName":"a@x.example"}]"#;

    fn place(integration: u128) -> Place {
        let integration = Uuid::from_u128(integration);
        (IntegrationId(integration), OrganizationId(Uuid::nil()))
    }

    #[test]
    fn nobody_is_stored_twice_and_a_changed_name_is_news() {
        let seen = Seen::default();
        let fresh = seen.new_in(place(1), BODY);
        assert_eq!(fresh.len(), 2);
        seen.remember(place(1), fresh);
        assert!(seen.new_in(place(1), BODY).is_empty());
        let renamed = br#"{"id":"1","uniqueName":"other@x.example"}"#;
        assert_eq!(seen.new_in(place(1), renamed).len(), 1);
        assert_eq!(
            seen.new_in(place(2), BODY).len(),
            2,
            "others have their own"
        );
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let seen = Seen::default();
        for integration in 0..3 {
            let many = (0..REMEMBERED / 2).map(|n| Sighting {
                id: Some(n.to_string().into()),
                ..Sighting::default()
            });
            seen.remember(place(integration), many.collect());
        }
        assert_eq!(seen.new_in(place(0), BODY).len(), 2);
        let known = seen.0.lock().unwrap();
        assert!(known.values().map(HashSet::len).sum::<usize>() <= REMEMBERED);
    }
}
