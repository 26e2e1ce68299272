"""Judges the simulator with Microsoft's own client.

Usage: judge.py BASE_URL PAT      (BASE_URL ends with the organization; needs `pip install azure-devops`)

Reads everything a sync reads through the official Python client, pages through all of it, and compares the counts with
the simulator's own totals. Exits with 1 on any difference.
"""

import os
import sys
import tempfile
from urllib.parse import urlsplit

# The client caches resource locations per address on disk; another world may live there next time.
os.environ["AZURE_DEVOPS_CACHE_DIR"] = tempfile.mkdtemp()

import requests
from azure.devops.connection import Connection
from azure.devops.v7_1.git.models import GitPullRequestSearchCriteria, GitQueryCommitsCriteria
from azure.devops.v7_1.work_item_tracking.models import Wiql, WorkItemBatchGetRequest
from msrest.authentication import BasicAuthentication

PAGE = 50


class Answers:
    """Keeps a client's last answer: its lists drop the continuation token, its reporting batches are hollow."""

    def __init__(self, client):
        self.last = None
        self._send = client._send
        client._send = self._record

    def _record(self, *args, **kwargs):
        self.last = self._send(*args, **kwargs)
        return self.last


def by_token(client, fetch):
    answers = Answers(client)
    yield from fetch(None)
    while token := answers.last.headers.get("x-ms-continuationtoken"):
        yield from fetch(token)


def by_batch(client, fetch):
    answers = Answers(client)
    token = None
    while True:
        fetch(token)
        batch = answers.last.json()
        yield from batch["values"]
        token = batch["continuationToken"]
        if batch["isLastBatch"]:
            return


def by_skip(fetch):
    skip = 0
    while page := fetch(skip):
        yield from page
        skip += len(page)


def boards(clients, seen):
    wit = clients.get_work_item_tracking_client()
    last = 0
    while True:
        query = f"SELECT [System.Id] FROM WorkItems WHERE [System.Id] > {last} ORDER BY [System.Id]"
        ids = [item.id for item in wit.query_by_wiql(Wiql(query=query), top=PAGE).work_items]
        if not ids:
            break
        items = wit.get_work_items_batch(WorkItemBatchGetRequest(ids=ids, fields=["System.Id", "System.State"]))
        assert [item.id for item in items] == ids, "a batch answers in the order of its request"
        seen["workItems"] += len(items)
        last = ids[-1]
    read = wit.read_reporting_revisions_get
    revisions = by_batch(wit, lambda token: read(include_deleted=True, continuation_token=token, max_page_size=PAGE))
    seen["workItemRevisions"] = len({(item["id"], item["rev"]) for item in revisions})
    links = by_batch(wit, lambda token: wit.get_reporting_links_by_link_type(continuation_token=token))
    seen["workItemLinkChanges"] = sum(1 for _ in links)


def pipelines(clients, project, seen):
    build = clients.get_build_client()
    ids = set()
    fetch = lambda token: build.get_builds(project.id, query_order="queueTimeAscending", top=PAGE, continuation_token=token)
    for run in by_token(build, fetch):
        ids.add(run.id)
    for run_id in ids:
        try:
            timeline = build.get_build_timeline(project.id, run_id)
        except Exception as error:  # The client raises a bare error for 404; anything else is a failure.
            assert "No timeline found" in str(error), error
            continue
        seen["timelineRecords"] += len(timeline.records)
    seen["builds"] += len(ids)


def repos(clients, project, seen):
    git = clients.get_git_client()
    criteria = GitPullRequestSearchCriteria(status="all")
    for pull in by_skip(lambda skip: git.get_pull_requests_by_project(project.id, criteria, skip=skip, top=PAGE)):
        seen["pullRequests"] += 1
        seen["threads"] += len(git.get_threads(pull.repository.id, pull.pull_request_id, project=project.id))
    for repository in git.get_repositories(project.id):
        seen["repositories"] += 1
        if repository.is_disabled or not repository.default_branch:
            continue
        for push in by_skip(lambda skip: git.get_pushes(repository.id, project=project.id, skip=skip, top=PAGE)):
            seen["pushes"] += 1
            seen["commits"] += len(git.get_push_commits(repository.id, push.push_id, project=project.id))
        listed = git.get_commits(repository.id, GitQueryCommitsCriteria(include_push_data=True), project=project.id, top=5)
        assert all(commit.push.push_id for commit in listed), "push data was asked for"
        in_one = git.get_commits_batch(GitQueryCommitsCriteria(), repository.id, project=project.id, top=50000)
        seen["commitsInBatches"] += len(in_one)


def main():
    base_url, pat = sys.argv[1:3]
    connection = Connection(base_url=base_url, creds=BasicAuthentication("", pat))
    clients = connection.clients_v7_1
    parts = urlsplit(base_url)
    expected = requests.get(f"{parts.scheme}://{parts.netloc}/_simulator/totals", timeout=30).json()
    expected["commitsInBatches"] = expected["commits"]
    seen = dict.fromkeys(expected, 0)

    core = clients.get_core_client()
    projects = list(by_token(core, lambda token: core.get_projects(top=2, continuation_token=token)))
    seen["projects"] = len(projects)
    boards(clients, seen)
    for project in projects:
        pipelines(clients, project, seen)
        repos(clients, project, seen)
    tfvc = clients.get_tfvc_client()
    changesets = list(by_skip(lambda skip: tfvc.get_changesets(skip=skip, top=PAGE)))
    seen["changesets"] = len(changesets)
    assert tfvc.get_changeset(changesets[0].changeset_id).created_date == changesets[0].created_date

    for name in sorted(expected):
        verdict = "ok" if seen[name] == expected[name] else "DIFFERENT"
        print(f"{name:24} client {seen[name]:6}  simulator {expected[name]:6}  {verdict}")
    # A world without something judges nothing about it.
    return 0 if seen == expected and all(expected.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
