"""Expands template.yaml to the CloudFormation that AWS would make of it, without AWS.

    expand.py [Parameter=value ...] > expanded.json
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samcli.yamlhelper import yaml_parse  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402

TEMPLATE = pathlib.Path(__file__).parent.parent / "template.yaml"


class NoManagedPolicies:
    """Nobody is asked for AWS' own policies: the template names none by a short name."""

    def load(self):
        return {}


def source():
    return yaml_parse(TEMPLATE.read_text())


def expand(template, **parameters):
    """The template that SAM would hand to CloudFormation."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    template.setdefault("Globals", {}).get("Function", {}).pop("CodeUri", None)
    return transform(template, parameters, NoManagedPolicies())


if __name__ == "__main__":
    json.dump(expand(source(), **dict(argument.split("=", 1) for argument in sys.argv[1:])), sys.stdout, indent=1)
