-- A second implementation of some metrics, as naive as it can be: over the exported records, without a look at the first one.
-- Parameters: $from and $to (the range, the end not included), $now.
-- Tables: lines(kind, integration, key, record, details), all JSON but the first three.

-- Runs

create view run as
select record->>'project' as project,
       (record->>'id')::bigint as id,
       (record->'pipeline'->>'id')::bigint as pipeline,
       (record->'pipeline'->>'revision')::bigint as revision,
       record->>'source_version' as version,
       (record->>'triggered_by')::bigint as parent,
       record->>'result' as result,
       (record->>'queued_at')::timestamptz as queued,
       (record->>'started_at')::timestamptz as started,
       (record->>'finished_at')::timestamptz as finished
from lines where kind = 'run';

create view activity as
with whole as (
    select record->>'project' as project, (record->>'id')::bigint as run, (record->>'finished_at')::timestamptz as run_finished,
           (record->'pipeline'->>'id')::bigint as pipeline, record->>'source_version' as version,
           unnest(from_json(details->'timeline'->'records', '["json"]')) as own
    from lines where kind = 'run' and (details->'timeline') is not null
)
select project, run, run_finished, pipeline, version,
       own->>'kind' as kind,
       coalesce(own->>'name', own->>'identifier') as name,
       own->>'id' as id,
       (own->>'attempt')::int as attempt,
       own->>'result' as result,
       (own->>'started_at')::timestamptz as started,
       (own->>'finished_at')::timestamptz as finished,
       (own->>'waiting_since')::timestamptz as waiting
from whole;

-- Work items

create view item as
select record->>'organization' as organization, (record->>'id')::bigint as id, record,
       (record->>'created_at')::timestamptz as created,
       (record->>'changed_at')::timestamptz as changed,
       (record->>'closed_at')::timestamptz as closed
from lines where kind = 'work_item' and not (record->>'is_deleted')::boolean and (record->>'gone_at') is null;

create view revision as
with whole as (
    select organization, id, unnest(from_json(record->'revisions', '["json"]')) as own from item
)
select organization, id, (own->>'rev')::int as rev, (own->>'at')::timestamptz as moment, own->>'by' as author,
       own->'changes' as changes
from whole;

-- The project's name is that of its root area.
create view category as
with whole as (
    select record->>'project' as project, record->>'name' as type,
           unnest(from_json(record->'states', '["json"]')) as own
    from lines where kind = 'work_item_type'
), project as (
    select distinct record->>'project' as project, record->>'name' as name
    from lines where kind = 'classification_node' and (record->>'structure') = 'area' and (record->>'path') = (record->>'name')
)
select distinct lower(project.name) as project, lower(type) as type, lower(own->>'name') as state, own->>'category' as category
from whole join project using (project);

create view spelled as
select organization, id, rev, moment, author,
       last_value(changes->>'project' ignore nulls) over history as project,
       last_value(changes->>'type' ignore nulls) over history as type,
       last_value(changes->>'state' ignore nulls) over history as state,
       min(rev) over (partition by organization, id) as first_rev
from revision
window history as (partition by organization, id order by rev rows between unbounded preceding and current row);

create view stay as
with placed as (
    select spelled.*, category.category
    from spelled left join category
      on lower(spelled.project) = category.project and lower(spelled.type) = category.type and lower(spelled.state) = category.state
), marked as (
    select *, lag(state) over w is distinct from state or lag(category) over w is distinct from category as is_new
    from placed window w as (partition by organization, id order by rev)
), begun as (
    select *, lead(moment) over w as until, row_number() over w as number, count(*) over (partition by organization, id) as stays
    from marked where is_new window w as (partition by organization, id order by rev)
)
select begun.organization, begun.id, state, category, number, until,
       case when number > 1 or rev = 1 then moment
            when stays = 1 then (item.record->'fields'->>'Microsoft.VSTS.Common.StateChangeDate')::timestamptz end as since
from begun join item using (organization, id);

create view completed as
with last as (
    select organization, id, max(number) filter (category is distinct from 'completed') as before, max(number) as last from stay group by all
)
select organization, id, item.created, coalesce(stay.since, item.closed) as moment
from last join stay using (organization, id) join item using (organization, id)
where stay.number = coalesce(before, 0) + 1 and coalesce(before, 0) < last;

-- What a field was at a time: what it was before the first revision that was seen is taken to be what that one left it.
create view assignment as
select organization, id, rev, moment, changes->>'assigned_to' as who
from revision
where json_exists(changes, '$.assigned_to') or rev = 1;

create view planning as
select organization, id, rev, moment,
       last_value(case when json_exists(changes, '$.iteration_path') then coalesce(changes->>'iteration_path', '') end ignore nulls) over history as path,
       last_value(case when json_exists(changes, '$.points') then coalesce(changes->>'points', '') end ignore nulls) over history as points
from revision
window history as (partition by organization, id order by rev rows between unbounded preceding and current row);

create view sprint as
select record->>'path' as path, (record->>'starts_at')::timestamptz as since,
       (record->>'finishes_at')::timestamptz + interval 1 day as until
from lines
where kind = 'classification_node' and (record->>'structure') = 'iteration' and (record->>'starts_at') is not null;

create view sprint_item as
with ended as (
    select * from sprint where until <= $now and until > $from and until <= $to
), candidate as (
    select distinct ended.path, ended.since, ended.until, planning.organization, planning.id
    from ended join planning on lower(planning.path) = lower(ended.path)
), known as (
    select candidate.*, item.created,
        (select arg_max(planning.path, rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id and moment <= since) as path_then,
        (select arg_min(planning.path, rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id) as path_first,
        (select arg_max(planning.path, rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id and moment < until) as path_end,
        (select arg_max(coalesce(points, ''), rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id and moment <= since) as points_then,
        (select arg_min(coalesce(points, ''), rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id) as points_first,
        (select arg_max(coalesce(points, ''), rev) from planning where planning.organization = candidate.organization and planning.id = candidate.id and moment < until) as points_end,
        (select any_value(category) from stay where stay.organization = candidate.organization and stay.id = candidate.id
            and (stay.since is null or stay.since <= candidate.since) and (stay.until is null or candidate.since < stay.until)) as category_then,
        (select any_value(category) from stay where stay.organization = candidate.organization and stay.id = candidate.id
            and (stay.since is null or stay.since < candidate.until) and (stay.until is null or candidate.until <= stay.until)) as category_end,
        exists (select 1 from planning where planning.organization = candidate.organization and planning.id = candidate.id
            and lower(planning.path) = lower(candidate.path) and moment > since and moment < until) as came
    from candidate join item using (organization, id)
)
select *,
       created <= since and lower(coalesce(path_then, path_first)) = lower(path) as was_in,
       lower(coalesce(path_end, path_first)) = lower(path) and created < until as is_in,
       coalesce(nullif(coalesce(points_then, points_first), '')::double, 0) as begun,
       coalesce(nullif(coalesce(points_end, points_first), '')::double, 0) as ended
from known
where (created <= since and category_then = 'completed' and lower(coalesce(path_then, path_first)) = lower(path)) is not true;
