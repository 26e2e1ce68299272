//! Runs that have not ended, and what became of those that had not ended the last time.

use std::collections::BTreeMap;

use ado::{Page, Position, parse_page};
use jiff::Timestamp;
use model::{Kind, Record, RowKey, record::Run};
use resources::{
    Cursor, Map, Target,
    open_runs::{IDS, PAGING, STATES, by_id_request, is_open, list_request, map},
    plan::{OpenRuns, Since},
};
use storage::Counts;
use upstream::Reply;

use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    store,
};

/// Reads the list, then sees to the runs that were on it the last time and are not now.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let before = match held.cursor().since {
        Since::OpenRuns(open) => open,
        _ => OpenRuns::default(),
    };
    let mut now = listed(held, before.one_by_one, upstream).await?;
    let missing = before
        .runs
        .iter()
        .filter(|(id, _)| !now.runs.contains_key(id));
    let missing: Vec<RowKey> = missing.filter_map(|(id, at)| key(held, *id, *at)).collect();
    let still_open = trace(held, upstream, &missing).await?;
    now.runs.extend(still_open);
    let cursor = Cursor {
        since: Since::OpenRuns(now),
        pass: None,
    };
    held.advance(&cursor, Counts::default()).await?;
    Ok(End::Dry)
}

/// The runs that have not ended. A service that does not take several states at once either refuses them or gives more
/// than was asked for; then and from then on it is asked for one at a time.
async fn listed(
    held: &mut Held<'_>,
    one_by_one: bool,
    upstream: &Upstream<'_>,
) -> Result<OpenRuns, Error> {
    if !one_by_one {
        match list(held, &STATES, upstream).await {
            Ok(Some(runs)) => return Ok(OpenRuns { runs, one_by_one }),
            Ok(None) => {}
            Err(Error::Upstream(upstream::Error::Ado(ado::Error::Rejected {
                status: 400,
                ..
            }))) => {}
            Err(error) => return Err(error),
        }
        tracing::info!("runs have to be asked for one state at a time");
    }
    let mut runs = BTreeMap::new();
    for state in STATES {
        let found = list(held, &[state], upstream).await?;
        runs.extend(found.unwrap_or_default());
    }
    Ok(OpenRuns {
        runs,
        one_by_one: true,
    })
}

/// The runs in these states; `None` if the answer shows that the states were not understood.
async fn list(
    held: &mut Held<'_>,
    states: &[&str],
    upstream: &Upstream<'_>,
) -> Result<Option<BTreeMap<u64, Timestamp>>, Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let (mut position, mut runs) = (Position::Start, BTreeMap::new());
    loop {
        let reply = upstream
            .send(&list_request(&target, states, &position))
            .await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        let records = keep(held, &page, &reply).await?;
        runs.extend(records.iter().filter_map(queued));
        if states.len() > 1 && !records.iter().all(is_open) {
            return Ok(None);
        }
        match PAGING.next(&position, &page, &reply.body)? {
            Some(next) => position = next,
            None => return Ok(Some(runs)),
        }
    }
}

/// What became of runs that are no longer on the list: most have been stored as ended since. The others are asked for by
/// id, and the answer that does not know one of them is the proof that it is gone. Returns those that are open still.
async fn trace(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    missing: &[RowKey],
) -> Result<BTreeMap<u64, Timestamp>, Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let stored = held.context.records.read(job.integration, missing).await?;
    let mut open: BTreeMap<u64, Run> = BTreeMap::new();
    for stored in stored.into_values().filter(|own| is_open(&own.record)) {
        if let Record::Run(run) = stored.record {
            open.insert(run.id, *run);
        }
    }
    let (ids, mut still_open) = (open.keys().copied().collect::<Vec<_>>(), BTreeMap::new());
    for ids in ids.chunks(IDS) {
        let reply = upstream.send(&by_id_request(&target, ids)).await?;
        let page = parse_page(&reply.body.bytes, "value")?;
        let records = keep(held, &page, &reply).await?;
        still_open.extend(records.iter().filter_map(queued));
        for record in &records {
            if let Record::Run(run) = record {
                open.remove(&run.id);
            }
        }
        let observed_at = held.context.observed_at(&reply);
        let gone = ids.iter().filter_map(|id| open.remove(id));
        let gone = gone.map(|run| Run {
            gone_at: Some(observed_at),
            ..run
        });
        let gone: Vec<Record> = gone.map(|run| Record::Run(Box::new(run))).collect();
        let (context, when) = (held.context, (false, observed_at));
        let stored = store::store(context, job, held.resource, &gone, when).await?;
        held.count(stored).await?;
    }
    Ok(still_open)
}

/// Stores the runs of an answer.
async fn keep(held: &mut Held<'_>, page: &Page<'_>, reply: &Reply) -> Result<Vec<Record>, Error> {
    let job = &held.delivery.message;
    let mut all = Vec::new();
    let stored = store::store_page(
        (held.context, job),
        held.resource,
        (Map::One(map), page),
        (false, held.context.observed_at(reply)),
        |records| all.extend_from_slice(records),
    )
    .await?;
    held.count(stored).await?;
    Ok(all)
}

/// The id of a run that has not ended, with the moment that its key follows from.
fn queued(record: &Record) -> Option<(u64, Timestamp)> {
    match record {
        Record::Run(run) if is_open(record) => Some((run.id, run.queued_at)),
        _ => None,
    }
}

fn key(held: &Held<'_>, id: u64, queued_at: Timestamp) -> Option<RowKey> {
    let project = held.delivery.message.scope.project()?;
    let (bucket, sort) = Run::place_of(project, id, queued_at);
    Some(RowKey {
        kind: Kind::Run,
        bucket,
        sort,
    })
}
