//! A visit to a stream, from its cursor to "nothing newer".

use std::time::Duration;

use ado::{Page, Paging, parse_page};
use entrypoint::Delivery;
use jiff::Timestamp;
use model::{Fault, Job, Work};
use resources::{
    Cursor, CursorRule, Every, FanOut, Fetch, List, Resource, Target,
    plan::{Marks, Seen, Since},
};
use storage::{Claim, Counts, PassOutcome, PassSoFar, StreamKey};

use crate::{
    Context, Error, admissions, again, commits, doubtful, each, ends, gone_work_items,
    is_out_of_time, linked_work_items, measure::measure, open_runs, open_work_items,
    people::Upstream, run_activities, sprint_capacities, store, stream_key, windows,
};

/// How long a stream rests after a failure that only a person or time can mend.
const REST: Duration = Duration::from_secs(3600);
/// How long a stream waits for what another one brings.
const SOON: Duration = Duration::from_secs(3);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How much longer than the invocation a lease lives: clocks differ, and a killed worker needs no grace.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// A stream that this invocation holds.
pub(crate) struct Held<'a> {
    pub(crate) context: &'a Context,
    pub(crate) delivery: &'a Delivery<Job>,
    pub(crate) resource: &'static Resource,
    pub(crate) key: StreamKey,
    pub(crate) fence: String,
    /// The cursor as stored: the next move is from exactly this text.
    pub(crate) stored: Option<String>,
    pub(crate) counts: Counts,
    started_at: Timestamp,
    /// How many passes before this one brought nothing.
    empty_passes: u32,
    /// Whether an earlier invocation was ever given an item.
    was_used: bool,
    /// What this pass brought in earlier invocations.
    before: PassSoFar,
    /// Whether no pass has come to its end yet. A cursor cannot tell: a token moves with each page.
    pub(crate) first_pass: bool,
}

/// How far a visit came.
pub(crate) enum End {
    /// Nothing newer is left.
    Dry,
    /// The time is spent.
    OutOfTime,
    /// What it needs is not stored yet.
    TooEarly,
}

/// Visits a stream, unless another job is at it.
pub(crate) async fn visit(
    context: &Context,
    resource: &'static Resource,
    upstream: &Upstream<'_>,
    delivery: &Delivery<Job>,
) -> Result<(), Error> {
    let job = &delivery.message;
    let key = stream_key(job);
    let fence = format!("{}/{}", delivery.invocation, delivery.id);
    let now = context.now();
    let lease = delivery.time_left() + LEASE_MARGIN;
    let claimed = context
        .control
        .claim(&key, &delivery.id, &fence, now, lease)
        .await?;
    let Claim::Held(stream) = claimed else {
        tracing::info!("another job is at this stream");
        return Ok(());
    };
    admissions::look_again(context, job).await?;
    let mut held = Held {
        context,
        delivery,
        resource,
        key,
        fence,
        stored: stream.cursor.clone(),
        counts: Counts::default(),
        started_at: now,
        empty_passes: stream.empty_passes,
        was_used: stream.counts.fetched > 0,
        before: stream.pass,
        first_pass: stream.completed_at.is_none(),
    };
    let first_pass = held.first_pass || !held.cursor().is_backfilled();
    let result = match resource.fetch {
        Fetch::List(list) => pages(&mut held, &list, upstream).await,
        Fetch::OpenWorkItems => open_work_items::read(&mut held, upstream).await,
        Fetch::LinkedWorkItems => linked_work_items::read(&mut held, upstream).await,
        Fetch::GoneWorkItems => gone_work_items::read(&mut held, upstream).await,
        Fetch::Ends => ends::settle(&mut held).await,
        Fetch::OpenRuns => open_runs::read(&mut held, upstream).await,
        Fetch::RunActivities => run_activities::read(&mut held, upstream).await,
        Fetch::Each(list) => each::read(&mut held, &list, upstream).await,
        Fetch::Again { open, details } => again::read(&mut held, (open, details), upstream).await,
        Fetch::SprintCapacities => sprint_capacities::read(&mut held, upstream).await,
        Fetch::Details(_)
        | Fetch::Batch(_)
        | Fetch::PushCommits
        | Fetch::ChangesetDetails
        | Fetch::RunCoverage => Err(Error::WrongWork {
            resource: resource.name,
        }),
        Fetch::Windows(list) => windows::read(&mut held, &list, upstream).await,
    };
    let result = match result {
        Ok(End::Dry) if resource.every == Every::Once => commits::fill_gaps(&mut held, upstream)
            .await
            .map(|()| End::Dry),
        result => result,
    };
    held.conclude(result, first_pass, upstream).await
}

/// Page after page: get, map, store, move the cursor.
async fn pages(held: &mut Held<'_>, list: &List, upstream: &Upstream<'_>) -> Result<End, Error> {
    let job = &held.delivery.message;
    let target = Target::from(job);
    let window_start = held.context.retention.window_start(held.context.now());
    let mut cursor = held.cursor();
    loop {
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let reply = match upstream
            .send(&cursor.request(list, &target, window_start))
            .await
        {
            Err(upstream::Error::Ado(error)) if starts_over(&cursor, list, &error) => {
                tracing::warn!(error = %error, "the stored position was refused; starting over");
                cursor = Cursor::default();
                held.advance(&cursor, Counts::default()).await?;
                continue;
            }
            reply => reply?,
        };
        let page = parse_page(&reply.body.bytes, list.items)?;
        let mut marks = Marks::default();
        let stored = store::store_page(
            (held.context, job),
            held.resource,
            (list.map, &page),
            (held.first_pass, held.context.observed_at(&reply)),
            |records| marks.add(records),
        )
        .await?;
        let seen = Seen {
            page: &page,
            body: &reply.body,
            marks: &marks,
            server_time: reply.server_time,
        };
        let list = List {
            paging: held.paging(list.paging, &page).await,
            ..*list
        };
        let step = cursor.after(&list, &seen, window_start)?;
        tracing::debug!(
            page.items = page.items.len(),
            written = stored.records,
            "stored page"
        );
        held.advance(&step.cursor, stored).await?;
        cursor = step.cursor;
        if step.dry {
            if let CursorRule::Open { by_id } = list.cursor {
                doubtful::ask(held, (&list, by_id), upstream).await?;
            }
            return Ok(End::Dry);
        }
    }
}

/// Whether upstream has forgotten the position that a cursor holds; reading the window again loses nothing.
fn starts_over(cursor: &Cursor, list: &List, error: &ado::Error) -> bool {
    let has_position = cursor.pass.is_some() || matches!(cursor.since, Since::Token(_));
    let by_token = matches!(list.cursor, CursorRule::Token { .. }) || cursor.pass.is_some();
    has_position && by_token && matches!(error, ado::Error::Rejected { status: 400, .. })
}

/// A period, doubled for every empty pass behind the first, up to an hour unless it is longer anyway.
fn longer(period: Duration, empty_passes: u32) -> Duration {
    let doublings = empty_passes.saturating_sub(1).min(8);
    (period * (1 << doublings)).min(REST.max(period))
}

impl Held<'_> {
    /// The cursor, from the beginning if what is stored was written by another version.
    pub(crate) fn cursor(&self) -> Cursor {
        let stored = self.stored.as_deref().map(serde_json::from_str);
        stored.and_then(Result::ok).unwrap_or_default()
    }

    /// Whether the rest is for another invocation.
    pub(crate) fn is_out_of_time(&self) -> bool {
        is_out_of_time(self.delivery, self.counts)
    }

    /// How a list continues behind a page of this stream.
    pub(crate) async fn paging(&self, known: Paging, page: &Page<'_>) -> Paging {
        let job = &self.delivery.message;
        let items = page.items.len();
        self.context.paging(job, self.resource, known, items).await
    }

    /// Moves the stored cursor after what lies before it is durable.
    pub(crate) async fn advance(&mut self, cursor: &Cursor, counts: Counts) -> Result<(), Error> {
        let next = serde_json::to_string(cursor).map_err(|_| Error::Unwritable {
            resource: self.resource.name,
        })?;
        let lease = self.delivery.time_left() + LEASE_MARGIN;
        let when = (self.context.now(), lease);
        let step = (self.stored.as_deref(), next.as_str());
        self.context
            .control
            .advance(&self.key, &self.fence, step, counts, when)
            .await?;
        self.stored = Some(next);
        self.counts += counts;
        Ok(())
    }

    /// Counts what was done without moving the cursor.
    pub(crate) async fn count(&mut self, counts: Counts) -> Result<(), Error> {
        self.context.control.count(&self.key, counts).await?;
        self.counts += counts;
        Ok(())
    }

    /// Gives the stream back and sees to it that the work goes on: now, later, or by a person.
    async fn conclude(
        mut self,
        result: Result<End, Error>,
        first_pass: bool,
        upstream: &Upstream<'_>,
    ) -> Result<(), Error> {
        let (requests, retries) = upstream.sent();
        let sent = Counts {
            requests,
            retries,
            ..Counts::default()
        };
        self.counts += sent;
        self.context.control.count(&self.key, sent).await?;
        measure(self.context.now(), self.counts, upstream.waited());
        match result {
            Ok(End::Dry) => self.complete(first_pass).await,
            Ok(End::OutOfTime) => self.go_on_after(Duration::ZERO).await,
            Ok(End::TooEarly) => self.go_on_after(SOON).await,
            Err(Error::Storage(storage::Error::Superseded { stream })) => {
                tracing::info!(stream, "another worker has taken over");
                Ok(())
            }
            Err(Error::Upstream(upstream::Error::Paused { pause, .. })) => {
                self.go_on_after(pause).await
            }
            // The cursor stands where it is; who ends the pause sends for the stream.
            Err(Error::Upstream(upstream::Error::Halted(_))) => {
                self.release(&PassOutcome::Continues).await
            }
            Err(error) => self.fail(error).await,
        }
    }

    async fn complete(self, first_pass: bool) -> Result<(), Error> {
        let job = &self.delivery.message;
        let followers = self.resource.followed_by().filter(|_| first_pass);
        let records = self.before.records + self.counts.records;
        let is_news = first_pass || records > 0;
        let awakened = self.resource.awakens().filter(|_| is_news);
        let next: Vec<Job> = followers
            .chain(awakened)
            .map(|next| Job {
                resource: next.name.to_owned(),
                work: Work::Pass,
                ..job.clone()
            })
            .collect();
        self.context.queues.send_jobs(&next, Duration::ZERO).await?;
        let now = self.context.now();
        let empty_passes = match records {
            0 => self.empty_passes.saturating_add(1),
            _ => 0,
        };
        let due_at = match self.resource.every {
            Every::PeriodWhereUsed if !self.was_used && self.counts.fetched == 0 => now + DAY,
            Every::Period | Every::PeriodWhereUsed => now + self.rest(empty_passes),
            Every::Day => now + DAY,
            Every::Week => now + 7 * DAY,
            Every::Once => Timestamp::MAX,
        };
        let status = match self.before.quarantined + self.counts.quarantined {
            0 => "complete",
            _ => "incomplete",
        };
        self.log(status).await?;
        let complete = PassOutcome::Complete {
            due_at,
            empty_passes,
        };
        self.release(&complete).await?;
        if is_news {
            self.awaken_with_others().await?;
        }
        tracing::info!(
            pages = self.counts.pages,
            records = self.counts.records,
            requests = self.counts.requests,
            quarantined = self.counts.quarantined,
            "pass complete"
        );
        Ok(())
    }

    /// How long a stream rests after this many passes that brought nothing. One request for a whole organization is
    /// cheap at any time; a hundred quiet repositories are not, so each rests up to an hour.
    fn rest(&self, empty_passes: u32) -> Duration {
        let period = self.context.period;
        match self.resource.fan_out {
            FanOut::Organization => period,
            _ => longer(period, empty_passes),
        }
    }

    /// Sends for the streams that wait for this one and another, if the other has had its first pass.
    ///
    /// The stream is given back before: when both end at once, at least one of them sees the other's end. If this
    /// message is lost, the stream is visited when its own time has come.
    async fn awaken_with_others(&self) -> Result<(), Error> {
        let job = &self.delivery.message;
        for (next, other) in self.resource.awakens_with() {
            let other = StreamKey {
                resource: other.to_owned(),
                ..self.key.clone()
            };
            let stream = self.context.control.stream(&other).await?;
            if stream.completed_at.is_some() {
                let job = Job {
                    resource: next.name.to_owned(),
                    work: Work::Pass,
                    ..job.clone()
                };
                self.context
                    .queues
                    .send_jobs(&[job], Duration::ZERO)
                    .await?;
            }
        }
        Ok(())
    }

    /// Leaves the rest to a message of its own. The stream is given back first: a message that finds it taken would be
    /// dropped, while a crash in between brings this message again.
    async fn go_on_after(self, delay: Duration) -> Result<(), Error> {
        self.release(&PassOutcome::Continues).await?;
        let job = self.delivery.message.clone();
        self.context.queues.send_jobs(&[job], delay).await?;
        tracing::info!(
            delay_s = delay.as_secs(),
            pages = self.counts.pages,
            "pass goes on later"
        );
        Ok(())
    }

    /// A failure that may pass brings the message again. One that will not is kept with the stream, where people look,
    /// and the stream rests.
    async fn fail(self, error: Error) -> Result<(), Error> {
        let due_at = self.context.now() + REST;
        let failed = PassOutcome::Failed {
            due_at,
            error: error.to_string(),
        };
        match (error.fault(), error.answer()) {
            (Fault::Retryable { .. }, _) => {
                self.release(&PassOutcome::Continues).await?;
                Err(error)
            }
            (Fault::Permanent, Some(_)) => {
                tracing::warn!(error = %error, "stream rests");
                self.log("failed").await?;
                self.release(&failed).await
            }
            (Fault::Permanent | Fault::Reauthorize, _) => {
                self.log("failed").await?;
                self.release(&failed).await?;
                Err(error)
            }
        }
    }

    async fn log(&self, status: &str) -> Result<(), Error> {
        let when = (self.started_at, self.context.now());
        let trace = self.delivery.message.trace;
        Ok(self
            .context
            .control
            .log_pass(&self.key, when, status, self.counts, trace)
            .await?)
    }

    async fn release(&self, outcome: &PassOutcome) -> Result<(), Error> {
        let now = self.context.now();
        Ok(self
            .context
            .control
            .release(&self.key, &self.fence, now, outcome)
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_stream_rests_longer_each_time_and_at_most_an_hour() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let rests: Vec<Duration> = (0..6).map(|n| longer(minutes(15), n)).collect();
        assert_eq!(rests, [15, 15, 30, 60, 60, 60].map(minutes));
        assert_eq!(
            longer(minutes(180), 9),
            minutes(180),
            "never less than the period"
        );
        assert_eq!(longer(minutes(1), u32::MAX), minutes(60));
    }
}
