"""Invokes every function with each of its events by `sam local invoke`, asks `sam local start-api`, and judges the answers.

    .ci/sam-local .venv/bin/python .ci/sam_local.py PROGRAMS

PROGRAMS is a directory with the functions' programs, such as `target/release` after `cargo build --release`: nothing is built here.
There is no AWS and no Azure DevOps where this runs, so what needs one of them has to say so in the way that its caller can use: a
request gets a problem document, a message is seen again, a tick fails. Exits with 1 if an event has another answer.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from emulated.events import EVENTS, delivered
from expand import expand, source

SAM = pathlib.Path(sys.executable).parent / "sam"
IMAGE = "lambda-local:al2023"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
PARAMETERS = {"Architecture": ARCHITECTURE, "TokenIssuer": "https://issuer.example", "TokenAudience": "ado-lens"}
PORT = 3999  # Of a network that nobody else is in.

# What answers by itself; everything else needs tables that are not there.
ALONE = {
    "console-document": 200, "console-file": 200, "console-page": 200, "insights-list": 200,
    # Nobody may sign in where no application is set.
    "oauth-authorize": 409,
    # The organization cannot be reached, which is what its report says.
    "validate-pat": 200,
}


def lay_out(template, programs, directory):
    """What `sam build` would leave, of programs that are there already."""
    template["Globals"]["Function"].pop("CodeUri")
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            code = directory / name
            code.mkdir()
            shutil.copy(programs / resource.pop("Metadata")["BuildProperties"]["Binary"], code / "bootstrap")
            resource["Properties"]["CodeUri"] = str(code)
    built = directory / "template.json"
    built.write_text(json.dumps(template))
    return built


def options(built):
    overrides = [f"{name}={value}" for name, value in PARAMETERS.items()]
    return ["--template", built, "--invoke-image", IMAGE, "--skip-pull-image", "--parameter-overrides", *overrides]


def problem(name, event, answer):
    """What is wrong with an answer; `None` for nothing."""
    if "routeKey" in event:
        status, wanted = answer.get("statusCode"), ALONE.get(name, 503)
        # A browser that comes back from a sign-in gets a page.
        kind = "text/html; charset=utf-8" if name == "oauth-callback" else "application/problem+json"
        is_said = status == 200 or answer.get("headers", {}).get("content-type") == kind
        return None if status == wanted and is_said else f"{wanted} was wanted"
    if "Records" in event:
        again = [failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])]
        return None if again == [record["messageId"] for record in event["Records"]] else "its messages are not seen again"
    return None if answer.get("errorType") else "it does not fail"


def invoke(function, event, built):
    done = subprocess.run([SAM, "local", "invoke", function, "--event", event, *options(built)], capture_output=True, text=True)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {"said": done.stdout[-500:] + done.stderr[-1500:]}


def get(path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def asked(built):
    """What the API answers, by path."""
    command = [SAM, "local", "start-api", "--port", str(PORT), *options(built)]
    with open(os.devnull, "w") as nowhere, subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as served:
        try:
            for _ in range(100):
                try:
                    get("/")
                    break
                except OSError:
                    time.sleep(0.3)
            # Its authorizer is not there locally: what is behind it asks for the caller, which nobody is.
            return {path: get(path) for path in ["/", "/api/v1/openapi.json", "/api/v1/insights"]}
        finally:
            # It does not hear an interrupt when it runs in the background.
            served.terminate()


def main(programs):
    events = [(function, *sample) for function, samples in delivered(expand(source())).items() for sample in samples]
    wrong = []
    with tempfile.TemporaryDirectory() as directory:
        built = lay_out(source(), pathlib.Path(programs), pathlib.Path(directory))
        for function, file, event in events:
            began = time.monotonic()
            answer = invoke(function, EVENTS / file, built)
            found = problem(file.removesuffix(".json"), event, answer)
            print(f"{time.monotonic() - began:5.1f} s  {function:15} {file:32} {found or 'as it should'}", flush=True)
            wrong += [f"{file}: {found}: {json.dumps(answer)[:2000]}"] if found else []
        answers = asked(built)
    for path, wanted, part in [("/", 200, b"<!doctype html>"), ("/api/v1/openapi.json", 200, b'"openapi":'), ("/api/v1/insights", 403, b"/problems/forbidden")]:
        status, body = answers[path]
        if status != wanted or part not in body:
            wrong.append(f"GET {path} answers {status}: {body[:500]}")
    print("\n".join(wrong) or f"{len(events)} events and {len(answers)} requests answered as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
