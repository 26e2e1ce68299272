"""Says which grants of the template nobody used in the end-to-end tests.

Reads the file that GRANTS_LOG named while they ran. What is used and not granted needs no look here: it was refused, and a test
failed by it. Exits with 1 if a grant was never used.
"""

import json
import pathlib
import sys

# What code that is there calls in cases that no end-to-end test makes; it has tests of its own, where the reason says so.
RARE = {
    ("dynamodb:GetItem", "RecordsTable"): "long texts lie in parts (shared/storage/tests/contract.rs)",
    ("dynamodb:PutItem", "RecordsTable"): "long texts lie in parts (shared/storage/tests/contract.rs)",
    ("dynamodb:DeleteItem", "RecordsTable"): "parts of a long text that was replaced (shared/storage/tests/contract.rs)",
    ("dynamodb:PartiQLUpdate", "RecordsTable"): "a record that is merged with what another worker has just stored",
    ("secretsmanager:DeleteSecret", "secret"): "the secret of a connection that could not be saved is taken back",
    ("secretsmanager:PutSecretValue", "secret"): "the first worker that finds an access token expired renews it, whichever that is",
    ("sqs:ChangeMessageVisibility", "Queue"): "a message that failed is seen again later",
}


def is_rare(action, resource):
    return any(action == rare and place in resource for rare, place in RARE)


def main(path):
    deployments = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    # Some tests change the template: what only they grant or lack says nothing.
    granted = [frozenset(map(tuple, deployment["granted"])) for deployment in deployments]
    template = max(set(granted), key=granted.count)
    used = {tuple(use) for deployment in deployments for use in deployment["used"]}
    unused = sorted(use for use in template - used if not is_rare(*use[1:]))
    for function, action, resource in unused:
        print(f"{function} never uses {action} on {resource}")
    print(f"{len(deployments)} deployments, {len(template)} grants, {len(unused)} of them never used")
    return 1 if unused or not template else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
