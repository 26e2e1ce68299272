//! What has left a list of open things without another list having brought it: asked for by its id.

use model::{Child, Record};
use resources::{
    List, Map, Target,
    plan::{Cursor, Open, Since, one_request},
};
use serde_json::value::RawValue;
use storage::Counts;

use crate::{Error, pass::Held, people::Upstream, store};

/// Asks for each thing that should be over by now and is stored as open. Nearly always there is none.
pub(crate) async fn ask(
    held: &mut Held<'_>,
    (list, by_id): (&List, &str),
    upstream: &Upstream<'_>,
) -> Result<(), Error> {
    let cursor = held.cursor();
    let (Since::Open(open), Some(project)) = (&cursor.since, held.delivery.message.scope.project())
    else {
        return Ok(());
    };
    if open.doubtful.is_empty() {
        return Ok(());
    }
    let keys = open.doubtful.keys(held.resource.kind, project);
    let rows: Vec<_> = keys.iter().map(|(_, key)| key.clone()).collect();
    let integration = held.delivery.message.integration;
    let stored = held.context.records.read(integration, &rows).await?;
    let mut counts = Counts::default();
    for (id, row) in keys {
        let seems_open = |record: &Record| record.last_event().is_none();
        if stored
            .get(&row)
            .is_some_and(|stored| seems_open(&stored.record))
        {
            let child = Child {
                id: id.to_string(),
                repository: None,
                row,
                marker: String::new(),
            };
            counts += get(held, (list, by_id), &child, upstream).await?;
        }
    }
    let since = Since::Open(Open {
        doubtful: Default::default(),
        ..open.clone()
    });
    held.advance(&Cursor { since, pass: None }, counts).await
}

async fn get(
    held: &Held<'_>,
    (list, by_id): (&List, &str),
    child: &Child,
    upstream: &Upstream<'_>,
) -> Result<Counts, Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let reply = match upstream
        .send(&one_request(list, by_id, &target, child))
        .await
    {
        Ok(reply) => reply,
        // Gone with its repository, or hidden: absence deletes nothing.
        Err(upstream::Error::Ado(
            error @ (ado::Error::Missing { .. } | ado::Error::Forbidden { .. }),
        )) => {
            tracing::warn!(id = child.id, error = %error, "it has left the list and cannot be read");
            return Ok(Counts::default());
        }
        Err(error) => return Err(error.into()),
    };
    let mapped = match (
        list.map,
        serde_json::from_slice::<&RawValue>(&reply.body.bytes),
    ) {
        (Map::One(map), Ok(item)) => map(&target, item).ok(),
        _ => None,
    };
    let Some(record) = mapped else {
        tracing::warn!(
            id = child.id,
            "it has left the list and its answer makes no record"
        );
        let reason = "it has left the list and its answer makes no record".to_owned();
        let aside = vec![(Some(child.id.clone()), "", reason)];
        return Ok(Counts {
            quarantined: store::note(held.context, job, aside).await?,
            ..Counts::default()
        });
    };
    tracing::info!(
        id = child.id,
        "it had left the list and no other list brought it"
    );
    let observed_at = held.context.observed_at(&reply);
    let when = (false, observed_at);
    store::store(held.context, job, held.resource, &[record], when).await
}
