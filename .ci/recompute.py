"""Recomputes metrics in SQL from exported records, and compares the numbers with those of the API.

    recompute.py PROGRAM SEED...

Starts PROGRAM (the local deployment with its simulated organization) once for each seed, waits for its first sync, exports what is
stored, and asks for the same numbers twice: from the API, and from `recompute.sql`, which knows nothing of how the API does
it. Exits with 1 and names every number that differs.
"""

import datetime
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request

import duckdb

HERE = pathlib.Path(__file__).parent
KINDS = ["run", "definition", "work_item", "work_item_type", "classification_node", "pull_request", "person"]
SERVING = re.compile(r"the console is at (\S+)/ until")
STARTUP_S = 180

DAYS = "$from <= {0} and {0} < $to"
SECONDS = "(epoch_us({1}) - epoch_us({0})) / 1e6"


def seconds(start, end):
    return SECONDS.format(start, end)


def spread(value, rows):
    """Count and median of a column, as `{count, value}` of the API."""
    return f"select count(*), quantile_cont({value}, 0.5) from {rows}"


def count(rows):
    return f"select count(*), nullif(count(*), 0)::double from {rows}"


def total(value, rows):
    return f"select count({value}), sum({value})::double from {rows}"


ENDED = f"run where {DAYS.format('finished')}"
STAGES = f"activity where kind = 'stage' and {DAYS.format('run_finished')}"
NEWEST = f"(select * from {STAGES} qualify row_number() over (partition by project, run, name order by attempt desc) = 1)"


def flaky(kind):
    return f"""(
        select failed.project, failed.pipeline, failed.version, failed.name, min(passed.finished) as moment
        from activity failed join activity passed using (kind, project, pipeline, version, name)
        where kind = '{kind}' and failed.result = 'failed' and passed.result in ('succeeded', 'succeeded_with_issues')
          and (failed.finished, failed.run) < (passed.finished, passed.run)
        group by all
    ) where {DAYS.format('moment')}"""


FAMILIES = f"""(
    with recursive tree as (
        select id as root, id, started, finished from run
        where started is not null and (parent is null or parent not in (select id from run))
        union all
        select root, run.id, coalesce(run.started, run.finished), run.finished from tree join run on run.parent = tree.id
    )
    select root, min(started) filter (id = root) as started, max(finished) as finished
    from tree group by root having bool_and(finished is not null)
) where {DAYS.format('finished')}"""

COMPLETED = f"completed where {DAYS.format('moment')}"

HANDED = """(
    with changed as (
        select organization, id, rev, who from assignment where who is not null
        qualify lag(who) over (partition by organization, id order by rev) is distinct from who
    ), numbered as (
        select *, row_number() over (partition by organization, id order by rev) as number,
               count(*) over (partition by organization, id, who order by rev) as times
        from changed
    )
    select completed.*,
           count(*) filter (number > 1 and times > 1) as bounces,
           count(*) filter (number > 1 and times = 1) as hops
    from completed left join numbered using (organization, id)
    where (organization, id) in (select (organization, id) from revision where rev = 1)
    group by all
)"""

RESPONSES = """(
    with first as (select organization, id, author from revision where rev = 1)
    select organization, id, item.created, min(revision.moment) as moment
    from first join revision using (organization, id) join item using (organization, id)
    where revision.author <> first.author and first.author is not null
      and revision.author not in (select unnest(from_json(record->'ids', '["varchar"]')) from lines where kind = 'person' and (record->>'kind') = 'service')
    group by all
)"""

TIMES_IN_STATE = """(
    select organization, id, state, sum(epoch_us(until) - epoch_us(since)) / 1e6 as took, max(until) as moment
    from stay where until is not null group by all having bool_and(since is not null)
)"""

OPEN = """(
    select item.*, stay.category from item left join stay
      on stay.organization = item.organization and stay.id = item.id
     and (stay.since is null or stay.since < $to) and (stay.until is null or $to <= stay.until)
    where item.created < $to and coalesce(stay.category, '') not in ('completed', 'removed')
)"""


def sprints(value, condition):
    return f"""select count(*), quantile_cont(total, 0.5) from (
        select path, sum(case when {condition} then {value} else 0 end) as total from sprint_item
        where was_in or came group by path)"""


DONE = "is_in and category_end = 'completed'"

# Each metric of the API with what its number is of the records, and what else is asked for.
METRICS = {
    "run_count": (count(ENDED), ""),
    "run_success_rate": (
        f"select count(*), avg((result = 'succeeded')::int) from {ENDED} and result in ('succeeded', 'failed', 'partially_succeeded')", ""),
    "run_duration": (spread(seconds("started", "finished"), f"{ENDED} and started is not null"), ""),
    "run_queue_time": (spread(seconds("queued", "least(started, finished)"), f"{ENDED} and started is not null"), ""),
    "run_total_time": (spread(seconds("queued", "finished"), ENDED), ""),
    "stage_duration": (
        spread(seconds("started", "finished"), f"activity where kind = 'stage' and started is not null and {DAYS.format('finished')}"), ""),
    "job_duration": (
        spread(seconds("started", "finished"), f"activity where kind = 'job' and started is not null and {DAYS.format('finished')}"), ""),
    "job_queue_time": (
        spread(seconds("waiting", "started"), f"activity where kind = 'job' and waiting is not null and started is not null and {DAYS.format('finished')}"), ""),
    "step_duration": (
        spread(seconds("started", "finished"), f"activity where kind = 'task' and started is not null and {DAYS.format('finished')}"), ""),
    "stage_count": (count(NEWEST), ""),
    "stage_success_rate": (
        f"select count(*), avg((result like 'succeeded%')::int) from {NEWEST} where result in ('succeeded', 'succeeded_with_issues', 'failed', 'abandoned')", ""),
    "pipeline_total_time": (spread(seconds("started", "finished"), FAMILIES), ""),
    "flaky_stages": (count(flaky("stage")), ""),
    "work_items_created": (total("1", f"item where {DAYS.format('created')}"), ""),
    "work_items_updated": (total("1", f"item where {DAYS.format('changed')}"), ""),
    "work_items_closed": (total("1", COMPLETED), ""),
    "resolution_time": (spread(seconds("created", "moment"), COMPLETED), ""),
    "response_time": (spread(seconds("created", "moment"), f"{RESPONSES} where {DAYS.format('moment')}"), ""),
    "time_in_state": (spread("took", f"{TIMES_IN_STATE} where {DAYS.format('moment')}"), ""),
    "bounces": (f"select count(*), avg(bounces) from {HANDED} where {DAYS.format('moment')}", "&statistic=mean"),
    "hops": (f"select count(*), avg(hops) from {HANDED} where {DAYS.format('moment')}", "&statistic=mean"),
    "open_work_items": (total("1", OPEN), ""),
    "work_in_progress": (total("1", f"{OPEN} where category in ('in_progress', 'resolved')"), ""),
    "sprint_commit": (sprints("begun", "was_in"), "&sprint_state=past"),
    "sprint_velocity": (sprints("ended", DONE), "&sprint_state=past"),
}


class Deployment:
    """A local deployment with a simulated organization, until the end of a `with`."""

    def __init__(self, program, seed, directory):
        self.directory = pathlib.Path(directory) / str(seed)
        arguments = [program, "--fresh", "--port", "0", "--seed", str(seed), "--data-dir", str(self.directory)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        # A sync that never ends would never say that it serves.
        watchdog = threading.Timer(STARTUP_S, self.process.kill)
        watchdog.start()
        told = []
        for line in self.process.stdout:
            told.append(line)
            found = SERVING.search(line)
            if found:
                watchdog.cancel()
                self.url = found[1]
                self.token = (self.directory / "token").read_text(encoding="utf-8")
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return self
        sys.exit("".join(told) + "the local deployment did not begin to serve")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers

    def export(self, kind):
        cursor = ""
        while cursor is not None:
            body, headers = self.get(f"/api/v1/insights/export/{kind}?{cursor}")
            yield from body.decode().splitlines()
            following = headers.get("x-next-cursor")
            cursor = following and f"cursor={following}"

    def number(self, metric, question):
        body, _ = self.get(f"/api/v1/insights/{metric}?{question}")
        found = json.loads(body)["total"]
        return found["count"], found["value"]


def database(deployment):
    """The exported records as tables."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create table lines(kind text, integration text, key text, record json, details json)")
    for kind in KINDS:
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in deployment.export(kind))
            file.flush()
            connection.execute(
                "insert into lines select json->>'kind', json->>'integration', json->>'key', json->'record', json->'details' "
                f"from read_ndjson_objects('{file.name}', maximum_object_size = 67108864)")
    return connection


def recompute(connection, statement, times):
    for name, value in times.items():
        statement = statement.replace(f"${name}", f"'{value}'::timestamptz")
    return connection.execute(statement).fetchone()


def is_same(found, expected):
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= 1e-6 * max(1.0, abs(expected))


def compare(deployment):
    """Yields what differs, and how much was compared."""
    now = datetime.datetime.now(datetime.timezone.utc)
    last = now.date()
    first = last - datetime.timedelta(days=45)
    times = {"from": first.isoformat() + "T00:00:00Z", "to": last.isoformat() + "T00:00:00Z", "now": now.isoformat()}
    connection = database(deployment)
    schema = (HERE / "recompute.sql").read_text(encoding="utf-8")
    for name, value in times.items():
        schema = schema.replace(f"${name}", f"'{value}'::timestamptz")
    connection.execute(schema)
    question = f"from={times['from']}&to={times['to']}"
    for metric, (statement, more) in METRICS.items():
        found = deployment.number(metric, question + more)
        expected = recompute(connection, statement, times)
        if found[0] != expected[0] or not is_same(found[1], expected[1]):
            yield metric, found, expected
        elif not expected[0]:
            yield metric, found, "anything at all"


def main():
    program, seeds = sys.argv[1], sys.argv[2:]
    mistakes = 0
    with tempfile.TemporaryDirectory() as directory:
        for seed in seeds:
            with Deployment(program, seed, directory) as deployment:
                for metric, found, expected in compare(deployment):
                    mistakes += 1
                    print(f"seed {seed}: {metric} is {found}, by SQL it is {expected}", flush=True)
    if not mistakes:
        print(f"{len(METRICS)} metrics are the same by SQL for {len(seeds)} seeds")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
