"""Writes the bill of materials of what is deployed, as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/.

    sbom.py > sbom.json

For each function of template.yaml the crates that are linked into it, with version, licence and the checksum of Cargo.lock; for the
console its JavaScript modules, too. Exits with 1 where one of these is missing or a module is not the one that is listed. What only
tests or builds need is not in it. The same commit gives the same file.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from expand import TEMPLATE, source

ROOT = TEMPLATE.parent
VENDORED = ROOT / "functions" / "console" / "web" / "vendor"
# Where the functions run; for x86_64 the same crates are linked.
TARGET = "aarch64-unknown-linux-gnu"
LICENCES = LicenseFactory()


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(package):
    """What is linked into a package: triples of name, version and licence, each with how deep below the package it stands."""
    tree = output(
        "cargo", "tree", "--locked", "--package", package, "--edges", "normal,no-proc-macro", "--target", TARGET,
        "--prefix", "depth", "--format", " {p}|{l}",
    )
    for line in tree.splitlines():
        depth, rest = line.split(" ", 1)
        crate, licence = rest.removesuffix(" (*)").split("|")
        name, version = crate.split(" ")[:2]
        yield int(depth), (name, version.removeprefix("v"), licence.replace("/", " OR "))


def component(name, version, licence, checksum, kind, url, **more):
    return Component(
        type=kind, name=name, version=version, bom_ref=more.pop("bom_ref", str(url)), purl=url, **more,
        licenses=[LICENCES.make_from_string(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


class Materials:
    def __init__(self):
        self.problems = []
        self.bom = Bom()
        self.known = {}
        lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
        self.locked = {(package["name"], package["version"]): package for package in lock["package"]}

    def crate(self, name, version, licence):
        """Of a registry or of this workspace; the latter has no checksum."""
        if (name, version) not in self.known:
            locked = self.locked[name, version]
            own = "source" not in locked
            if not own and not locked.get("checksum"):
                self.problems.append(f"{name} {version} has no checksum in Cargo.lock")
            if not licence:
                self.problems.append(f"{name} {version} has no licence")
            self.add((name, version), component(
                name, version, licence, locked.get("checksum"), ComponentType.LIBRARY,
                None if own else PackageURL("cargo", name=name, version=version), bom_ref=f"{name}@{version}",
            ))
        return self.known[name, version]

    def add(self, key, made):
        self.known[key] = made
        self.bom.components.add(made)

    def function(self, root, package):
        above = []
        for depth, crate in linked(package):
            made = self.crate(*crate)
            if depth == 0:
                made.type = ComponentType.APPLICATION
            del above[depth:]
            self.bom.register_dependency(above[-1] if above else root, [made])
            above.append(made)

    def console(self, console):
        for module in json.loads((VENDORED / "vendored.json").read_text()):
            name, version, file = module["package"], module["version"], module["file"]
            if hashlib.sha256((VENDORED / file).read_bytes()).hexdigest() != module["sha256"]:
                self.problems.append(f"{file} is not the one that vendored.json lists")
            made = component(
                name, version, module["licence"], module["sha256"], ComponentType.LIBRARY,
                PackageURL("npm", name=name, version=version), bom_ref=f"npm:{file}",
                description=f"{module['source']} as functions/console/web/vendor/{file}",
            )
            self.add(file, made)
            self.bom.register_dependency(console, [made])


def materials():
    template = source()
    made = Materials()
    binaries = sorted({
        resource["Metadata"]["BuildProperties"]["Binary"]
        for resource in template["Resources"].values() if resource["Type"] == "AWS::Serverless::Function"
    })
    root = Component(type=ComponentType.APPLICATION, name="ado-lens", bom_ref="ado-lens", licenses=[LICENCES.make_from_string("Apache-2.0")])
    made.bom.metadata.component = root
    for binary in binaries:
        made.function(root, binary)
    [console] = [own for key, own in made.known.items() if key[0] == "console"]
    made.console(console)
    commit, seconds = output("git", "log", "--max-count=1", "--format=%H %ct").split()
    root.version = commit
    made.bom.metadata.timestamp = datetime.fromtimestamp(int(seconds), timezone.utc)
    made.bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"ado-lens/{commit}")
    return made, binaries


def main():
    made, binaries = materials()
    text = JsonV1Dot6(made.bom).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    problems = made.problems + ([f"it is no CycloneDX: {wrong}"] if wrong else [])
    print("\n".join(problems) or f"{len(binaries)} functions made of {len(made.known)} components", file=sys.stderr)
    print(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
