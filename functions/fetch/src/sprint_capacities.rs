//! What teams have planned for their sprints.

use std::collections::{BTreeMap, HashSet};

use ado::{Position, Request, parse_page};
use bytes::Bytes;
use model::{
    Kind, ProjectId, Record, RowKey,
    record::{NO_DAY, Sprint},
};
use resources::{
    MapError,
    plan::{Cursor, Pass, Places, Since},
    sprint_capacities::{
        capacity, capacity_requests, nothing_planned, planning_teams, that_matter, totals_request,
    },
};
use serde_json::value::RawValue;
use storage::{Counts, StoredRecord};
use uuid::Uuid;

use crate::{
    Error,
    pass::{End, Held},
    people::Upstream,
    store::{self, Aside},
};

/// Reads sprint by sprint, in the order of projects and iterations. The cursor says how far the pass came, and between
/// passes when the last one began: what had ended then was read for the last time.
pub(crate) async fn read(held: &mut Held<'_>, upstream: &Upstream<'_>) -> Result<End, Error> {
    let (now, cursor) = (held.context.now(), held.cursor());
    let began_at = cursor.pass.as_ref().map_or(now, |pass| pass.from);
    let since = match cursor.since {
        Since::Time(last) => last,
        _ => held.context.retention.window_start(began_at),
    };
    let sprints = sprints(held).await?;
    let known: HashSet<RowKey> = stored(held, Kind::SprintCapacity).await?.map(key).collect();
    for ((project, iteration), teams) in that_matter(&sprints, since, began_at) {
        let name = format!("{project}/{iteration}");
        if cursor.done().is_some_and(|done| name.as_str() <= done) {
            continue;
        }
        if held.is_out_of_time() {
            return Ok(End::OutOfTime);
        }
        let counts = read_sprint(held, upstream, (project, iteration), &teams, &known).await?;
        let pass = Pass {
            position: Position::Token(name),
            from: began_at,
            until: None,
            newest: None,
            ids: None,
            listed: Places::default(),
        };
        let behind = Cursor {
            since: cursor.since.clone(),
            pass: Some(pass),
        };
        held.advance(&behind, counts).await?;
    }
    let done = Cursor {
        since: Since::Time(began_at),
        pass: None,
    };
    held.advance(&done, Counts::default()).await?;
    Ok(End::Dry)
}

fn key(stored: StoredRecord) -> RowKey {
    stored.key
}

/// The stored records of a kind that has no moment.
async fn stored(
    held: &Held<'_>,
    kind: Kind,
) -> Result<impl Iterator<Item = StoredRecord> + use<>, Error> {
    let (integration, now) = (held.delivery.message.integration, held.context.now());
    let records = &held.context.records;
    let bucket = records.bucket(integration, (kind, NO_DAY), "", now);
    Ok(bucket.await?.into_iter())
}

/// The sprints of this organization's teams; another one may share the integration.
async fn sprints(held: &Held<'_>) -> Result<Vec<Sprint>, Error> {
    let organization = held.delivery.message.organization.id;
    let own = |stored: StoredRecord| match stored.record {
        Record::Team(team) if team.organization == organization => Some(team.id),
        _ => None,
    };
    let teams: HashSet<Uuid> = stored(held, Kind::Team).await?.filter_map(own).collect();
    let own = |stored: StoredRecord| match stored.record {
        Record::Sprint(sprint) if teams.contains(&sprint.team) => Some(sprint),
        _ => None,
    };
    Ok(stored(held, Kind::Sprint).await?.filter_map(own).collect())
}

/// Reads the plans of all teams for one sprint. A team that is not named any more has taken its plan back.
async fn read_sprint(
    held: &Held<'_>,
    upstream: &Upstream<'_>,
    (project, iteration): (ProjectId, Uuid),
    teams: &BTreeMap<Uuid, &Sprint>,
    known: &HashSet<RowKey>,
) -> Result<Counts, Error> {
    let job = &held.delivery.message;
    let request = totals_request(&job.organization, project, iteration);
    let Some(body) = answer(upstream, &request).await? else {
        return Ok(Counts::default());
    };
    let planning: HashSet<Uuid> = match read_one(&body, planning_teams)? {
        Ok(planning) => planning.into_iter().collect(),
        Err(error) => return set_aside(held, iteration, &error).await,
    };
    let (mut records, mut counts) = (Vec::new(), Counts::default());
    for (team, sprint) in teams {
        let plan = if planning.contains(team) {
            plan_of(held, upstream, sprint).await?
        } else {
            let taken_back = nothing_planned(sprint);
            let is_known = |record: &Record| known.contains(&record.key());
            Some(taken_back).filter(|plan| plan.as_ref().is_ok_and(is_known))
        };
        match plan {
            Some(Ok(record)) => records.push(record),
            Some(Err(error)) => counts += set_aside(held, iteration, &error).await?,
            None => {}
        }
    }
    let observed_at = held.context.now();
    let stored = store::store(
        held.context,
        job,
        held.resource,
        &records,
        (held.first_pass, observed_at),
    );
    counts += stored.await?;
    counts.pages += 1;
    counts.fetched += records.len() as u64;
    Ok(counts)
}

/// What a team has planned; `None` if it cannot be read.
async fn plan_of(
    held: &Held<'_>,
    upstream: &Upstream<'_>,
    sprint: &Sprint,
) -> Result<Option<Result<Record, MapError>>, Error> {
    let organization = &held.delivery.message.organization;
    let [capacities, days_off] = capacity_requests(organization, sprint);
    let Some(capacities) = answer(upstream, &capacities).await? else {
        return Ok(None);
    };
    let Some(days_off) = answer(upstream, &days_off).await? else {
        return Ok(None);
    };
    let plan = read_one(&capacities, |capacities| {
        let days_off = parse_page(&days_off, "");
        let days_off = days_off.ok().and_then(|page| page.items.first().copied());
        capacity(sprint, capacities, days_off.unwrap_or(RawValue::NULL))
    })?;
    Ok(Some(plan))
}

/// The body of an answer; `None` if the team or sprint is gone or hidden, which says nothing about the others.
async fn answer(upstream: &Upstream<'_>, request: &Request) -> Result<Option<Bytes>, Error> {
    match upstream.send(request).await {
        Ok(reply) => Ok(Some(reply.body.bytes)),
        Err(upstream::Error::Ado(
            error @ (ado::Error::Missing { .. } | ado::Error::Forbidden { .. }),
        )) => {
            tracing::warn!(error = %error, "a plan is not readable");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads a body that is one document.
fn read_one<T>(
    body: &[u8],
    map: impl FnOnce(&RawValue) -> Result<T, MapError>,
) -> Result<Result<T, MapError>, Error> {
    let page = parse_page(body, "")?;
    Ok(map(page.items.first().copied().unwrap_or(RawValue::NULL)))
}

async fn set_aside(held: &Held<'_>, iteration: Uuid, error: &MapError) -> Result<Counts, Error> {
    tracing::warn!(error = %error, "set a plan aside");
    let aside: Aside<'_> = vec![(Some(iteration.to_string()), "", error.to_string())];
    Ok(Counts {
        quarantined: store::note(held.context, &held.delivery.message, aside).await?,
        ..Counts::default()
    })
}
