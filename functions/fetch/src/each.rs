//! A list of every stored record of another kind, such as the deployments of each environment.

use ado::{Position, parse_page};
use model::{Child, Record};
use resources::{
    Each, Extent, Target, child_of, list_scope,
    plan::{Ids, Since, each_request},
};
use storage::Counts;

use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    store,
};

/// Reads the list of each record in the order of their keys; the cursor says how far the pass came.
pub(crate) async fn read(
    held: &mut Held<'_>,
    each: &Each,
    upstream: &Upstream<'_>,
) -> Result<End, Error> {
    let mut cursor = held.cursor();
    for (sort, parent, child) in parents(held, each).await? {
        if cursor.done().is_some_and(|done| sort.as_str() <= done) {
            continue;
        }
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let floor = match cursor.since {
            Since::Id(floor) if each.extent == Extent::New => floor,
            _ => 0,
        };
        let seen = read_one(held, each, (&parent, &child, floor), upstream).await?;
        cursor = cursor.behind(&sort, seen, held.context.now());
        held.advance(&cursor, Counts::default()).await?;
    }
    held.advance(&cursor.concluded(), Counts::default()).await?;
    Ok(End::Dry)
}

/// The records that have the list, by their sort keys.
async fn parents(held: &Held<'_>, each: &Each) -> Result<Vec<(String, Record, Child)>, Error> {
    let job = &held.delivery.message;
    let prefix = match job.scope.project() {
        Some(project) => format!("{project}#"),
        None => String::new(),
    };
    let partition = (each.of, model::record::NO_DAY);
    let now = held.context.now();
    let stored = held
        .context
        .records
        .bucket(job.integration, partition, &prefix, now)
        .await?;
    let wanted = held.context.wanted.of(job);
    let mut parents: Vec<_> = stored
        .into_iter()
        .filter_map(|stored| {
            list_scope(&Target::from(job), &stored.record)?;
            let is_wanted = wanted.as_ref().is_none_or(|own| own.admits(&stored.record));
            let child = child_of(&stored.record, None).filter(|_| is_wanted)?;
            Some((stored.key.sort, stored.record, child))
        })
        .collect();
    parents.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(parents)
}

/// Reads one list to its end, or back to the floor below which nothing can have changed.
async fn read_one(
    held: &mut Held<'_>,
    each: &Each,
    (parent, child, floor): (&Record, &Child, u64),
    upstream: &Upstream<'_>,
) -> Result<Ids, Error> {
    let job = &held.delivery.message;
    let Some(scope) = list_scope(&Target::from(job), parent) else {
        return Ok(Ids::default());
    };
    let target = Target {
        organization: &job.organization,
        scope: &scope,
    };
    let (mut position, mut seen, mut newest_first) = (Position::Start, Ids::default(), true);
    loop {
        let request = each_request(each, &target, child, &position);
        let reply = match upstream.send(&request).await {
            Ok(reply) => reply,
            // The record was deleted upstream since it was listed, or is hidden: that says nothing about the others.
            Err(upstream::Error::Ado(
                error @ (ado::Error::Missing { .. } | ado::Error::Forbidden { .. }),
            )) => {
                tracing::warn!(parent.id = child.id, error = %error, "a list is not readable");
                return Ok(seen);
            }
            Err(error) => return Err(error.into()),
        };
        let page = parse_page(&reply.body.bytes, each.items)?;
        let (mut records, mut aside) = (Vec::new(), Vec::new());
        for (index, item) in page.items.iter().enumerate() {
            match (each.map)(&target, parent, item) {
                Ok(record) => records.push(record),
                Err(error) => {
                    aside.push(store::set_aside(held.resource, index, item, &error));
                }
            }
        }
        let observed_at = held.context.observed_at(&reply);
        let when = (floor == 0, observed_at);
        let stored = store::store(held.context, job, held.resource, &records, when).await?;
        held.count(Counts {
            pages: 1,
            fetched: page.items.len() as u64,
            quarantined: store::note(held.context, job, aside).await?,
            ..stored
        })
        .await?;
        let page_ids = Ids::of(&records);
        newest_first &=
            page_ids.descending && seen.lowest.is_none_or(|low| page_ids.highest < Some(low));
        seen = seen.and(&page_ids);
        let reached = newest_first && seen.lowest.is_some_and(|lowest| lowest < floor);
        let paging = held.paging(each.paging, &page).await;
        match paging.next(&position, &page, &reply.body)? {
            Some(next) if !reached => position = next,
            _ => return Ok(seen),
        }
    }
}
