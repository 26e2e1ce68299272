//! Details of open things, read again although their list shows no change: a comment alone changes nothing in the list
//! of pull requests.

use std::time::Duration;

use model::{Facet, RowKey};
use resources::{
    DetailsOf, Fetch, Resource, Target, child_of, find,
    plan::{Cursor, Ids, Since},
};
use storage::{Counts, StreamKey};

use crate::{
    Error, children,
    pass::{End, Held},
    people::Upstream,
    store,
};

/// How long a look is good for. A little less than a day, so that a daily visit which comes some minutes early is not in
/// vain; a user who asks for everything twice a day does not have it all read twice.
const GOOD_FOR: Duration = Duration::from_secs(23 * 3600);

/// Reads the details of what `list` held open. The cursor says how far the pass came, and between passes when the last
/// one was. The first pass reads nothing: all details were sent for a moment ago.
pub(crate) async fn read(
    held: &mut Held<'_>,
    (list, details): (&str, &str),
    upstream: &Upstream<'_>,
) -> Result<End, Error> {
    let (now, cursor) = (held.context.now(), held.cursor());
    let last = match cursor.since {
        Since::Time(last) => last,
        _ => now,
    };
    let is_good = last.checked_add(GOOD_FOR).is_ok_and(|until| now < until);
    if is_good && cursor.pass.is_none() {
        held.advance(&seen_at(last), Counts::default()).await?;
        return Ok(End::Dry);
    }
    let (resource, details) = of(held, details)?;
    for key in open(held, list).await? {
        if cursor.done().is_some_and(|done| key.sort.as_str() <= done) {
            continue;
        }
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let counts = read_one(held, (resource, &details), &key, upstream).await?;
        let behind = held.cursor().behind(&key.sort, Ids::default(), now);
        held.advance(&behind, counts).await?;
    }
    held.advance(&seen_at(now), Counts::default()).await?;
    Ok(End::Dry)
}

fn seen_at(at: jiff::Timestamp) -> Cursor {
    Cursor {
        since: Since::Time(at),
        pass: None,
    }
}

/// The resource that fetches these details.
fn of(held: &Held<'_>, details: &str) -> Result<(&'static Resource, DetailsOf), Error> {
    match find(details).map(|resource| (resource, resource.fetch)) {
        Some((resource, Fetch::Details(details))) => Ok((resource, details)),
        _ => Err(Error::WrongWork {
            resource: held.resource.name,
        }),
    }
}

/// What the list held when it was last read, in the order of sort keys.
async fn open(held: &Held<'_>, list: &str) -> Result<Vec<RowKey>, Error> {
    let stream = StreamKey {
        resource: list.to_owned(),
        ..held.key.clone()
    };
    let stream = held.context.control.stream(&stream).await?;
    let cursor: Cursor = stream
        .cursor
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let (Since::Open(open), Some(project)) = (cursor.since, held.delivery.message.scope.project())
    else {
        return Ok(Vec::new());
    };
    let keys = open.listed.keys(held.resource.kind, project).into_iter();
    let mut keys: Vec<RowKey> = keys.map(|(_, key)| key).collect();
    keys.sort_by(|one, other| one.sort.cmp(&other.sort));
    Ok(keys)
}

/// Reads the details of one thing. If they are of another state than the record, they are sent for already.
async fn read_one(
    held: &Held<'_>,
    (resource, details): (&'static Resource, &DetailsOf),
    key: &RowKey,
    upstream: &Upstream<'_>,
) -> Result<Counts, Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let facet: Facet = details.facet;
    let mut stored = context
        .records
        .read(job.integration, std::slice::from_ref(key))
        .await?;
    let Some(stored) = stored.remove(key) else {
        return Ok(Counts::default());
    };
    let is_current = stored.record.marker(facet).as_ref() == stored.markers.get(&facet);
    let child = child_of(&stored.record, Some(facet));
    let Some(child) = child.filter(|_| is_current && stored.record.last_event().is_none()) else {
        return Ok(Counts::default());
    };
    let mut counts = Counts {
        pages: 1,
        ..Counts::default()
    };
    match children::body_of(resource, upstream, details, &Target::from(job), &child).await? {
        Ok(body) if stored.details.get(&facet) == Some(&body) => {}
        // What is gone or hidden answers like what has no details. That something was said stays true.
        Ok(body) if (details.map)(&[]).is_ok_and(|nothing| nothing == body) => {}
        Ok(body) => {
            counts.records = store::put_details(context, job, (&child, facet, body)).await?
        }
        Err(reason) => {
            let aside = vec![(Some(child.id.clone()), "", reason)];
            counts.quarantined = store::note(context, job, aside).await?;
        }
    }
    Ok(counts)
}
