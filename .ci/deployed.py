"""Deploys the expanded template into an emulator of AWS and uses it, without AWS.

    expand.py | deployed.py PROGRAMS SIMULATOR MINISTACK RIE

PROGRAMS is the directory with the functions' programs, SIMULATOR the program that serves a simulated organization, MINISTACK the
emulator's and RIE that of Lambda's runtime. Runs in the virtual environment of emulated.txt; `.ci/deployed` does all of it. Stops at
the first thing that is not as it must be.
"""

import contextlib
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from emulated import events
from emulated.issuer import Issuer, new_key
from emulated.processes import request, running, said, until
from emulated.stack import Stack, emulator

DAYS = 90


def a_forged_token_is_refused(stack, issuer):
    url = f"{stack.url}/api/v1/connections"
    status, answer = request(url, issuer.token())
    assert status == 200, (status, answer)
    forged = {
        "missing": None, "forged": issuer.token(key=new_key()), "for others": issuer.token(aud="others"),
        "of another issuer": issuer.token(iss="https://login.example"), "expired": issuer.token(exp=int(time.time()) - 600),
    }
    for what, token in forged.items():
        status, answer = request(url, token)
        assert status == 401, f"a token that is {what} is answered with {status}: {answer}"
    said(f"a token is refused that is {', '.join(forged)}")


def an_organization_is_synchronized(stack, issuer, organization, pat, ledger):
    form = {"organizations": [organization], "pat": pat}
    status, answer = request(f"{stack.url}/api/v1/connections", issuer.token(), "POST", form)
    assert status == 201, (status, answer)
    said("an organization is connected")
    # Twice in a row: a worker sends its next message before it ends.
    until("the first synchronization", lambda: stack.waiting() == 0 and not time.sleep(3) and stack.waiting() == 0, 600)
    stored = {}
    for item in stack.items("RecordsTable"):
        _, *partition = item["pk"]["S"].split("#")
        # The list of an integration's partitions has no kind. What has expired is gone for everybody, whether or not it is removed yet.
        if partition and float(item.get("expires_at", {"N": "inf"})["N"]) > time.time():
            stored.setdefault((partition[0], item["sk"]["S"]), []).append(item)
    expected = {(record["kind"], f"{record['scope']}#{record['id']}"): record for record in ledger}
    # Somebody whom nothing names need not be there; each service stores whom it names, and under the address by which a commit names
    # them, which the ledger does not have. Whether those are the same people is checked by functions/local/src/verify.rs.
    needed = {key for key, record in expected.items() if key[0] != "person" or record["children"]}
    missing, foreign = needed - set(stored), {key for key in stored if key[0] != "person"} - set(expected)
    twice = [key for key, items in stored.items() if len(items) > 1 and key[0] != "person"]
    assert len(needed) > 1000 and not missing and not foreign and not twice, (
        f"of {len(needed)} records {len(missing)} are missing, {sorted(missing)[:5]}, "
        f"{len(foreign)} are no records, {sorted(foreign)[:5]}, {len(twice)} are there twice, {twice[:5]}"
    )
    said(f"all {len(needed)} records of its ledger are stored, none of them twice, and no others")


def an_insight_is_answered(stack, issuer, ledger):
    # A day later than the retention begins: that moves while this runs.
    since = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=DAYS - 1)
    ends = [record["version"] for record in ledger if record["kind"] == "run" and record["version"]]
    expected = sum(datetime.datetime.fromisoformat(end) >= since for end in ends)
    url = f"{stack.url}/api/v1/insights/run_count?from={since:%Y-%m-%dT%H:%M:%SZ}&group_by=pipeline"
    status, answer = request(url, issuer.token(roles=["viewer"]))
    assert status == 200, (status, answer[:500])
    numbers = json.loads(answer)
    counted, grouped = numbers["total"]["count"], sum(group["count"] for group in numbers["groups"])
    assert expected and counted == grouped == expected, f"{counted} runs, {grouped} by pipeline, and {expected} in the ledger"
    said(f"an insight counts the {counted} runs of the ledger, in {len(numbers['groups'])} pipelines")


def a_poison_message_is_buried(stack):
    poison = "no message of ours"
    stack.send("BoardsQueue", poison)
    letter = until("the poison message in the dead-letter queue", lambda: stack.dead(poison), 60)
    reason = letter["MessageAttributes"]["reason"]["StringValue"]
    assert reason.startswith("unreadable message"), reason
    said(f"a poison message is in the dead-letter queue: {reason}")


def what_a_role_does_not_grant_is_refused(stack, issuer):
    url = f"{stack.url}/api/v1/insights/run_duration"
    with stack.without("InsightsRole", "insights"):
        status, answer = request(url, issuer.token())
    assert status == 503, f"without its grants the function answers {status}: {answer[:500]}"
    until("the grant is back", lambda: request(url, issuer.token())[0] == 200, 60)
    said("a function is refused what its role does not grant")


def what_cannot_be_buried_is_redriven(stack):
    # A function that may not even write to the dead-letter queue reports the message as failed, again and again.
    poison = "nor a message of ours"
    stack.show_again_after("TfvcQueue", 1)
    with stack.without("FetchTfvcRole", "fetch-tfvc"):
        stack.send("TfvcQueue", poison)
        letter = until("the redriven message in the dead-letter queue", lambda: stack.dead(poison), 120)
    assert "MessageAttributes" not in letter, f"was buried, although its function may not: {letter}"
    said("a message that its function can neither do nor bury is moved there by the queue")


def a_schedule_fires(stack):
    until("the schedule's tick in the functions' log", lambda: stack.logs("ticked"), 120)
    said("the schedule has fired")


def main(*paths):
    programs, simulator, ministack, rie = (str(pathlib.Path(path).absolute()) for path in paths)
    template = json.load(sys.stdin)
    with contextlib.ExitStack() as everything:
        served = everything.enter_context(running([simulator, "--ledger-days", str(DAYS)], stdout=subprocess.PIPE))
        url, pat, ledger = (served.stdout.readline().strip().split("=", 1)[1] for _ in range(3))
        base, organization = url.rsplit("/", 1)
        ledger = json.loads(ledger)
        home = pathlib.Path(everything.enter_context(tempfile.TemporaryDirectory()))
        log = everything.enter_context((home / "log").open("w+"))
        endpoint = everything.enter_context(emulator(ministack, home, log))
        issuer = Issuer("lens")
        parameters = {"TokenIssuer": issuer.url, "TokenAudience": "lens", "AzureDevOpsUrl": base, "Architecture": "x86_64"}
        stack = None
        try:
            stack = Stack(endpoint, template, programs, parameters)
            said(f"{len(stack.names)} resources are deployed")
            a_forged_token_is_refused(stack, issuer)
            an_organization_is_synchronized(stack, issuer, organization, pat, ledger)
            an_insight_is_answered(stack, issuer, ledger)
            a_poison_message_is_buried(stack)
            what_a_role_does_not_grant_is_refused(stack, issuer)
            what_cannot_be_buried_is_redriven(stack)
            events.are_answered(stack, template, programs, rie, log)
            # Last, because it takes a minute from the deployment whatever else is done meanwhile.
            a_schedule_fires(stack)
        except BaseException:
            log.flush()
            print((home / "log").read_text()[-4000:], file=sys.stderr)
            if stack:
                print("\n".join(stack.logs(seconds=30)[-40:]), file=sys.stderr)
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
