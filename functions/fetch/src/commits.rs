//! Commits by push: those of new pushes, and those that the first pass over a repository did not bring.

use std::collections::{BTreeSet, HashMap, VecDeque};

use ado::{Page, Position, parse_page};
use entrypoint::Delivery;
use jiff::{SignedDuration, Timestamp};
use model::{
    Child, Job, Kind, Record, RowKey,
    record::{Push, day},
};
use resources::{
    FanOut, Map, Resource, Target, child_of,
    commits::{PUSH_PAGING, by_id_request, commit_id, map, older_request, push_request},
};
use storage::Counts;

use crate::{Context, Error, RESERVE, pass::Held, people::Upstream, store};

/// How many commits are asked for by id at once.
const IDS_PER_REQUEST: usize = 1000;

/// Fetches the commits of pushes: their ids push by push, then all of them at once with everything that the batch of
/// the first pass brings, so that a commit is the same record whichever way it came.
pub(crate) async fn of_pushes(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
    (waiting, counts): (&mut VecDeque<Child>, &mut Counts),
) -> Result<(), Error> {
    let job = &delivery.message;
    let target = Target::from(job);
    let (mut ids, mut pushes) = (BTreeSet::new(), 0);
    for push in waiting.iter() {
        // Half of the time is for asking which commits there are, half for the commits.
        if pushes > 0 && delivery.time_left() < 2 * RESERVE {
            break;
        }
        counts.quarantined += ids_of(context, (resource, job), upstream, push, &mut ids).await?;
        pushes += 1;
    }
    while !ids.is_empty() {
        let some: Vec<String> = ids.iter().take(IDS_PER_REQUEST).cloned().collect();
        let reply = upstream.send(&by_id_request(&target, &some)).await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        strike_out(&mut ids, &some, &page);
        let when = (true, context.observed_at(&reply));
        let of = (Map::One(map), &page);
        *counts += store::store_page((context, job), resource, of, when, |_| {}).await?;
    }
    waiting.drain(..pushes);
    Ok(())
}

/// Forgets what was answered. The service may answer fewer than it was asked for: the rest is asked for again, until an
/// answer brings none of it, because then it is gone.
fn strike_out(ids: &mut BTreeSet<String>, asked: &[String], page: &Page<'_>) {
    let answered = page.items.iter().filter_map(|item| commit_id(item).ok());
    let struck = answered.filter(|id| ids.remove(id)).count();
    if struck == 0 {
        asked.iter().for_each(|id| {
            ids.remove(id);
        });
    }
}

/// Adds the ids of a push' commits, and says how many could not be read.
async fn ids_of(
    context: &Context,
    (resource, job): (&Resource, &Job),
    upstream: &Upstream<'_>,
    push: &Child,
    ids: &mut BTreeSet<String>,
) -> Result<u64, Error> {
    let (mut position, mut unreadable) = (Position::Start, 0);
    loop {
        let mut request = push_request(&Target::from(job), push);
        PUSH_PAGING.apply(&position, &mut request);
        let reply = upstream.send(&request).await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        let mut aside = Vec::new();
        for (index, item) in page.items.iter().enumerate() {
            match commit_id(item) {
                Ok(id) => drop(ids.insert(id)),
                Err(error) => aside.push(store::set_aside(resource, index, item, &error)),
            }
        }
        unreadable += store::note(context, job, aside).await?;
        match PUSH_PAGING.next(&position, &page, &reply.body)? {
            Some(next) => position = next,
            None => return Ok(unreadable),
        }
    }
}

/// After the first pass over a repository's commits: sees to the pushes whose heads did not come along, because their
/// commits carry dates from long before they were pushed. One request for what is older mostly brings all of them; what
/// is missing then is sent for push by push.
pub(crate) async fn fill_gaps(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<(), Error> {
    let FanOut::RepositoryAfter(pushes) = held.resource.fan_out else {
        return Ok(());
    };
    let Some((by_push, _)) = resources::find(pushes).and_then(|pushes| pushes.children().next())
    else {
        return Ok(());
    };
    let mut heads = heads(held).await?;
    forget_stored(held, &mut heads).await?;
    if !heads.is_empty() {
        read_older(held, upstream).await?;
        forget_stored(held, &mut heads).await?;
    }
    let mut gaps: Vec<Child> = heads.into_values().collect();
    gaps.sort_by(|a, b| a.id.cmp(&b.id));
    gaps.dedup_by(|a, b| a.id == b.id);
    let (requests, _) = upstream.sent();
    tracing::info!(gaps = gaps.len(), requests, "compared commits with pushes");
    store::send_children(held.context, &held.delivery.message, by_push, gaps).await
}

/// Forgets the heads that are stored.
async fn forget_stored(held: &Held<'_>, heads: &mut HashMap<RowKey, Child>) -> Result<(), Error> {
    let integration = held.delivery.message.integration;
    let records = &held.context.records;
    let known = records.stored(integration, heads.keys()).await?;
    heads.retain(|key, _| !known.contains_key(key));
    Ok(())
}

/// Stores the newest of the commits that are dated before those of the first pass.
async fn read_older(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<(), Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let window_start = context.retention.window_start(context.now());
    let request = older_request(&Target::from(job), window_start);
    let reply = upstream.send(&request).await?;
    let page = parse_page(&reply.body.bytes, "value")?;
    let when = (true, context.observed_at(&reply));
    let of = (Map::One(map), &page);
    let counts = store::store_page((context, job), held.resource, of, when, |_| {}).await?;
    held.count(counts).await
}

/// The commit that each push of the window put at the head of a branch, by the key under which it should be stored.
async fn heads(held: &Held<'_>) -> Result<HashMap<RowKey, Child>, Error> {
    let job = &held.delivery.message;
    let (Some(project), Some(repository)) = (job.scope.project(), job.scope.repository()) else {
        return Ok(HashMap::new());
    };
    let now = held.context.now();
    let prefix = format!("{project}#{repository}/");
    let mut heads = HashMap::new();
    // A day ahead, because the service's clock decides the day of a push.
    let last = now + SignedDuration::from_hours(24);
    let mut at = held.context.retention.window_start(now);
    while at <= last {
        let bucket = day(at);
        let partition = (Kind::Push, bucket.as_str());
        for stored in held
            .context
            .records
            .bucket(job.integration, partition, &prefix, now)
            .await?
        {
            if let Record::Push(push) = &stored.record {
                let child = child_of(&stored.record, None);
                for key in head_keys(push, &prefix) {
                    heads.extend(child.clone().map(|child| (key, child)));
                }
            }
        }
        at = next_day(at);
    }
    Ok(heads)
}

fn next_day(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX)
}

fn head_keys(push: &Push, prefix: &str) -> Vec<RowKey> {
    push.ref_updates
        .iter()
        .filter(|update| update.name.starts_with("refs/heads/"))
        .filter_map(|update| update.new.as_ref())
        .map(|sha| RowKey {
            kind: Kind::Commit,
            bucket: day(push.at),
            sort: format!("{prefix}{sha}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a service that knows `known` and answers at most `cap` at once, until nothing is left to ask for.
    fn answers(mut ids: BTreeSet<String>, known: &[&str], cap: usize) -> Vec<String> {
        let (mut answered, mut requests) = (Vec::new(), 0);
        while !ids.is_empty() {
            requests += 1;
            assert!(requests < 10, "it asks for ever");
            let asked: Vec<String> = ids.iter().cloned().collect();
            let found = asked.iter().filter(|id| known.contains(&id.as_str()));
            let found: Vec<String> = found.take(cap).cloned().collect();
            let items: Vec<String> = found
                .iter()
                .map(|id| format!(r#"{{"commitId":"{id}"}}"#))
                .collect();
            let body = format!(r#"{{"value":[{}]}}"#, items.join(","));
            strike_out(
                &mut ids,
                &asked,
                &parse_page(body.as_bytes(), "value").unwrap(),
            );
            answered.extend(found);
        }
        answered
    }

    #[test]
    fn commits_that_an_answer_leaves_out_are_asked_for_again_unless_they_are_gone() {
        let ids: BTreeSet<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(answers(ids.clone(), &["a", "b", "c", "d", "e"], 2).len(), 5);
        assert_eq!(answers(ids.clone(), &["b", "d", "e"], 2), ["b", "d", "e"]);
        assert!(answers(ids, &[], 2).is_empty());
    }
}
