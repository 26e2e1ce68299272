"""Reads the report of `cargo run -- --once --json` from a file and exits with 1 unless it is what it must be."""

import json
import sys

SERVICES = {
    "Boards": ["work_item", "work_item_link", "work_item_type", "classification_node"],
    "Pipelines": ["run"],
    "Repos": ["pull_request", "push", "commit"],
    "TFVC": ["changeset"],
}


def mistakes(report):
    ledger = report["ledger"]
    if not ledger["expected"]:
        yield "the simulator expects nothing"
    for name in ["missing", "duplicate", "stale", "foreign"]:
        if ledger[name]:
            yield f"{ledger[name]} records are {name}: {ledger.get('examples')}"
    if report["dead_letters"]:
        yield f"{report['dead_letters']} messages are dead"
    for service, kinds in SERVICES.items():
        for kind in kinds:
            if not report["records"].get(kind):
                yield f"{service} has no record of kind {kind}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    found = list(mistakes(report))
    total = sum(report["records"].values())
    requests = report["requests"]["total"]
    verdict = f"{total} records by {requests} requests, first after {report['first_record_ms']} ms, all after {report['duration_ms']} ms"
    print("\n".join(found) or verdict)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
