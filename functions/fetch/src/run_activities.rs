//! What Analytics tells of the runs that the first pass over a project brought, many at once; the others are asked
//! themselves.

mod verdict;

use std::collections::BTreeMap;

use ado::{Position, parse_page};
use jiff::{SignedDuration, Timestamp};
use model::{Child, Facet, Kind, Record, record::day};
use resources::{
    Cursor, MapError, OVERLAP, Target, child_of, find,
    plan::{Pass, Places, Since},
    run_activities::{
        Ended, ITEMS, PAGING, Rows, Untold, activity, pays, request, timeline as told,
    },
};
use storage::Counts;

use self::verdict::{Verdict, verdict};
use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    store,
};

/// The resource whose work this is, and which does what is left of it.
const TIMELINES: &str = "timelines";
/// How far back runs were queued that are looked for: a builds pass sends at once for those that began before its window,
/// and this covers what the window has moved since.
const REACH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rows that are put together before what they tell is stored, so that a page takes little more memory than its body.
const AT_ONCE: usize = 1000;

/// A run that wants a timeline.
struct Wanted {
    child: Child,
    ended: Ended,
}

/// The runs of the project that want a timeline, by their ids.
type AllWanted = BTreeMap<u64, Wanted>;

/// How far the stream came.
struct Progress {
    /// When Analytics was first asked.
    began: Timestamp,
    /// The last run whose activities were read.
    done: Option<u64>,
}

/// Stores what Analytics tells truly, then sends for the timelines of the other runs: all of them, if it refuses.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let (mut wanted, newest) = wanted(held).await?;
    let now = held.context.now();
    let (latest, progress) = (latest(newest), Progress::of(&held.cursor(), now));
    match bulk(held, upstream, (&mut wanted, latest), &progress).await {
        Ok(End::Dry) => {}
        Ok(end) => return Ok(end),
        Err(error) => {
            let Some(reason) = refusal(&error, upstream, held.context.now(), &progress).await
            else {
                return Err(error);
            };
            tracing::warn!(error = %error, reason, "runs are asked one by one");
            let hint = format!("Analytics {reason}, so that runs were asked one by one: {error}");
            held.context.control.set_hint(&held.key, &hint).await?;
        }
    }
    tracing::info!(runs = wanted.len(), "runs are asked themselves");
    let children = wanted.into_values().map(|own| own.child).collect();
    let timelines = find(TIMELINES).ok_or_else(|| Error::UnknownResource {
        resource: TIMELINES.to_owned(),
    })?;
    let (context, job) = (held.context, &held.delivery.message);
    store::send_children(context, job, timelines, children).await?;
    let done = Cursor {
        since: Since::Whole,
        pass: None,
    };
    held.advance(&done, Counts::default()).await?;
    Ok(End::Dry)
}

/// The stored runs without the timeline of their present state, and the end of the newest of all runs.
async fn wanted(held: &Held<'_>) -> Result<(AllWanted, Option<Timestamp>), Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let Some(project) = job.scope.project() else {
        return Ok((AllWanted::new(), None));
    };
    let (now, prefix) = (context.now(), format!("{project}#"));
    let (mut wanted, mut newest) = (AllWanted::new(), None);
    let mut at = context.retention.window_start(now) - REACH;
    // A day ahead, because the service's clock decides the day of a run.
    let last = now + SignedDuration::from_hours(24);
    while at <= last {
        let day = day(at);
        let partition = (Kind::Run, day.as_str());
        let records = &context.records;
        for stored in records
            .bucket(job.integration, partition, &prefix, now)
            .await?
        {
            newest = newest.max(stored.record.last_event());
            let marker = stored.record.marker(Facet::Timeline);
            if marker.is_none() || marker.as_ref() == stored.markers.get(&Facet::Timeline) {
                continue;
            }
            let child = child_of(&stored.record, Some(Facet::Timeline));
            if let (Record::Run(run), Some(child)) = (&stored.record, child)
                && let Some(ended) = Ended::of(run)
            {
                wanted.insert(run.id, Wanted { child, ended });
            }
        }
        at += SignedDuration::from_hours(24);
    }
    Ok((wanted, newest))
}

/// The last end of a run whose activities are taken. What the next pass over the runs reads again, it may send for at the
/// same time: so that it makes no difference who is first, those runs are always asked themselves.
fn latest(newest: Option<Timestamp>) -> Timestamp {
    let again = OVERLAP + std::time::Duration::from_secs(1);
    newest.map_or(Timestamp::MIN, |newest| newest - again)
}

/// Reads the activities of the wanted runs page by page, and takes those from the wanted ones whose timeline they told.
async fn bulk(
    held: &mut Held<'_>,
    upstream: &Upstream<'_>,
    (wanted, latest): (&mut AllWanted, Timestamp),
    progress: &Progress,
) -> Result<End, Error> {
    let Some(first) = first(wanted, latest, progress.done) else {
        return Ok(End::Dry);
    };
    held.advance(&progress.cursor(), Counts::default()).await?;
    let job = &held.delivery.message;
    let request = request(&Target::from(job), first);
    let (mut position, mut rows) = (Position::Start, Rows::default());
    loop {
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let mut request = request.clone();
        PAGING.apply(&position, &mut request);
        let reply = upstream.send(&request).await?;
        let page = parse_page(&reply.body.bytes, ITEMS)?;
        let next = PAGING.next(&position, &page, &reply.body)?;
        let mut records = 0;
        for items in page.items.chunks(AT_ONCE) {
            for item in items {
                let row = activity(item).and_then(|row| rows.take(row));
                row.map_err(|error| not_a_page(&error))?;
            }
            records += put(held, wanted, (&mut rows, latest)).await?;
        }
        if next.is_none() {
            rows.close();
            records += put(held, wanted, (&mut rows, latest)).await?;
        }
        let (fetched, behind) = (page.items.len() as u64, rows.last());
        let progress = Progress {
            done: behind.or(progress.done),
            ..*progress
        };
        let counts = Counts {
            pages: 1,
            fetched,
            records,
            ..Counts::default()
        };
        held.advance(&progress.cursor(), counts).await?;
        match next {
            Some(next) => position = next,
            None => return Ok(End::Dry),
        }
    }
}

/// The first run to ask Analytics for; `None` if asking each run is as cheap.
fn first(wanted: &AllWanted, latest: Timestamp, done: Option<u64>) -> Option<u64> {
    let is_ready = |(id, own): &(&u64, &Wanted)| own.ended.at <= latest && Some(**id) > done;
    let mut ready = wanted.iter().filter(is_ready).map(|(id, _)| *id);
    let first = ready.next()?;
    pays(1 + ready.count()).then_some(first)
}

/// Stores the timelines of the runs whose rows are complete, and says how many records are other than before.
async fn put(
    held: &Held<'_>,
    wanted: &mut AllWanted,
    (rows, latest): (&mut Rows, Timestamp),
) -> Result<u64, Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let (mut records, mut untold) = (0, BTreeMap::<Untold, u32>::new());
    let end = |run| {
        let own = wanted.get(&run).map(|own| own.ended.at);
        own.filter(|at| *at <= latest)
    };
    for (id, activities) in rows.complete(end) {
        let Some(own) = wanted.get(&id) else {
            continue;
        };
        match told(&own.ended, &activities) {
            Ok(timeline) => {
                let body = serde_json::to_string(&timeline).map_err(|_| Error::Unwritable {
                    resource: held.resource.name,
                })?;
                let details = (&own.child, Facet::Timeline, body);
                records += store::put_details(context, job, details).await?;
                wanted.remove(&id);
            }
            Err(reason) => *untold.entry(reason).or_default() += 1,
        }
    }
    for (reason, runs) in untold {
        tracing::debug!(runs, reason = %reason, "activities do not tell a timeline");
    }
    Ok(records)
}

impl Progress {
    fn of(cursor: &Cursor, now: Timestamp) -> Self {
        let pass = cursor.pass.as_ref();
        let done = pass.and_then(|pass| match &pass.position {
            Position::Token(run) => run.parse().ok(),
            _ => None,
        });
        Self {
            began: pass.map_or(now, |pass| pass.from),
            done,
        }
    }

    fn cursor(&self) -> Cursor {
        let position = match self.done {
            Some(run) => Position::Token(run.to_string()),
            None => Position::Start,
        };
        Cursor {
            since: Since::Window,
            pass: Some(Pass {
                position,
                from: self.began,
                until: None,
                newest: None,
                ids: None,
                listed: Places::default(),
            }),
        }
    }
}

/// Why the runs are asked one by one after this error, if they are.
async fn refusal(
    error: &Error,
    upstream: &Upstream<'_>,
    now: Timestamp,
    progress: &Progress,
) -> Option<&'static str> {
    match verdict(error.answer()?, progress.began, now) {
        Verdict::OneByOne(reason) => Some(reason),
        Verdict::OneByOneIfAlive => {
            let who = upstream.who().await;
            let is_alive = who.is_ok_and(|who| !who.anonymous);
            is_alive.then_some("is closed to this token")
        }
        Verdict::Wait => None,
    }
}

/// Rows that cannot be believed.
fn not_a_page(error: &MapError) -> Error {
    Error::Page(ado::Error::NotAPage {
        expected: ITEMS.to_owned(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(ends: &[(u64, i64)]) -> AllWanted {
        let wanted = |(id, second): &(u64, i64)| {
            let own = Wanted {
                child: Child {
                    id: id.to_string(),
                    repository: None,
                    row: model::RowKey {
                        kind: Kind::Run,
                        bucket: String::new(),
                        sort: id.to_string(),
                    },
                    marker: String::new(),
                },
                ended: Ended {
                    result: None,
                    at: Timestamp::from_second(*second).unwrap(),
                },
            };
            (*id, own)
        };
        ends.iter().map(wanted).collect()
    }

    #[test]
    fn what_the_next_pass_reads_again_and_a_single_run_are_not_asked_of_analytics() {
        let ends = wanted(&[(3, 0), (4, 400), (5, 5000), (6, 100), (7, 1000)]);
        let latest = latest(Timestamp::from_second(1001).ok());
        assert_eq!(latest.as_second(), 400);
        assert_eq!(first(&ends, latest, None), Some(3));
        assert_eq!(first(&ends, latest, Some(3)), Some(4));
        assert_eq!(first(&ends, latest, Some(4)), None, "one is left");
        assert_eq!(first(&wanted(&[]), latest, None), None);
    }

    #[test]
    fn a_pass_goes_on_behind_the_last_run_that_was_read() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let fresh = Progress::of(&Cursor::default(), now);
        assert_eq!((fresh.began, fresh.done), (now, None));
        let stored = Progress {
            began: now,
            done: Some(17),
        }
        .cursor();
        let later = Progress::of(&stored, now + SignedDuration::from_hours(1));
        assert_eq!((later.began, later.done), (now, Some(17)));
        assert!(!stored.is_backfilled());
    }
}
