"""Starting programs, waiting for them, and asking over HTTP."""

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 300
BEGAN = time.monotonic()


def said(what):
    print(f"{time.monotonic() - BEGAN:6.1f} s  {what}", flush=True)


def until(what, look, patience=PATIENCE):
    """Waits until `look` finds something, and returns it."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {patience} s"
        time.sleep(0.5)


def request(url, token=None, method="GET", body=None):
    """The status of an answer, and what it says."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    asked = urllib.request.Request(url, method=method, headers=headers, data=data)
    try:
        with urllib.request.urlopen(asked, timeout=90) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
