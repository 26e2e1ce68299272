"""Each function's program under the runtime interface emulator that SAM CLI ships, with its events and with malformed ones.

The programs have the environment of the deployed functions, so they find the emulated services.
"""

import json
import os
import pathlib
import re
import subprocess

from emulated.processes import free_port, listens, request, running, said, until
from emulated.stack import ACCOUNT, REGION, binary_of, functions

EVENTS = pathlib.Path(__file__).parent.parent.parent / "events"
# What is no event of anybody's: not JSON, not an event, and an event of another kind.
MALFORMED = [b"{", b"null", b"[]", b"{}", b'{"Records":[{"body":7}]}', b'{"version":"2.0","requestContext":{}}']


def receiver(template, event):
    """The function to which AWS would deliver an event, by what the template connects."""
    resources = template["Resources"]
    if "routeKey" in event:
        method, path = event["routeKey"].split()
        operation = resources["Api"]["Properties"]["Body"]["paths"][path][method.lower()]
        return re.search(r"\$\{(\w+)\.Arn}", str(operation["x-amazon-apigateway-integration"]["uri"]))[1]
    for found in resources.values():
        properties = found.get("Properties", {})
        if found["Type"] == "AWS::Lambda::EventSourceMapping" and "Records" in event:
            queue = f"-{properties['EventSourceArn']['Fn::GetAtt'][0]}-"
            if all(queue in record["eventSourceARN"] for record in event["Records"]):
                return properties["FunctionName"]["Ref"]
        if found["Type"] == "AWS::Scheduler::Schedule" and json.loads(properties["Target"]["Input"]) == event:
            return properties["Target"]["Arn"]["Fn::GetAtt"][0]
    raise KeyError("nothing sends it")


def delivered(template):
    """The events of each function."""
    found = {name: [] for name in functions(template)}
    for path in sorted(EVENTS.glob("*.json")):
        event = json.loads(path.read_text())
        try:
            found[receiver(template, event)].append((path.name, event))
        except KeyError as missing:
            raise AssertionError(f"events/{path.name} comes to no function of the template: {missing}") from missing
    without = [name for name, events in found.items() if not events]
    assert not without, f"events/ has none for {without}"
    return found


def is_answer(event, answer):
    """Whether the trigger of a function can use its answer: an API, or one that takes back messages that failed."""
    if "routeKey" in event:
        return 200 <= answer.get("statusCode", 500) < 500
    return answer == {"batchItemFailures": []}


def are_answered(stack, template, programs, rie, log):
    answered, refused = 0, 0
    for name, events in delivered(template).items():
        runtime, port = free_port(), free_port()
        variables = os.environ | stack.environment(name) | {
            "AWS_ACCESS_KEY_ID": ACCOUNT["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": ACCOUNT["aws_secret_access_key"],
            "AWS_REGION": REGION, "AWS_ENDPOINT_URL": stack.endpoint, "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "60", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        }
        program = pathlib.Path(programs) / binary_of(template["Resources"][name])
        command = [
            rie, "--log-level", "error", "--runtime-api-address", f"127.0.0.1:{runtime}",
            "--runtime-interface-emulator-address", f"127.0.0.1:{port}", str(program),
        ]
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        with running(command, env=variables, stdout=log, stderr=log):
            until(name, lambda: listens(port), 30)
            for malformed in MALFORMED:
                status, answer = request(url, method="POST", body=malformed)
                assert status == 200 and "errorType" in json.loads(answer), f"{name} answers {malformed} with {status}: {answer[:500]}"
                refused += 1
            # After the malformed ones: the function has outlived them.
            for file, event in events:
                status, answer = request(url, method="POST", body=json.dumps(event).encode())
                usable = status == 200 and is_answer(event, json.loads(answer))
                assert usable, f"{name} answers events/{file} with {status}: {answer[:500]}"
                answered += 1
    said(f"under Lambda's runtime all {answered} events of events/ are answered, {refused} malformed ones refused")
