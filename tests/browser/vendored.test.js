// What is vendored is what its packages hold, at the versions of the lock file, under permissive licences.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const vendor = new URL("../../functions/console/web/vendor/", import.meta.url);
/** @type {{ file: string, package: string, version: string, licence: string, source: string, sha256: string }[]} */
const listed = JSON.parse(readFileSync(new URL("vendored.json", vendor), "utf8"));
const lock = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8"));

test("every module is listed, and every listed one is there", () => {
  const modules = readdirSync(vendor).filter((file) => file.endsWith(".js"));
  assert.deepEqual(modules.toSorted(), listed.map((one) => one.file).toSorted());
});

for (const one of listed) {
  test(`${one.file} is ${one.package} ${one.version}`, () => {
    const own = readFileSync(new URL(one.file, vendor));
    assert.equal(createHash("sha256").update(own).digest("hex"), one.sha256);
    const installed = new URL(`node_modules/${one.package}/`, import.meta.url);
    assert.ok(own.equals(readFileSync(new URL(one.source, installed))), "it differs from the package");
    assert.equal(lock.packages[`node_modules/${one.package}`].version, one.version);
    assert.ok(["MIT", "ISC", "Apache-2.0", "BSD-3-Clause"].includes(one.licence), one.licence);
    const notices = readFileSync(new URL("LICENCES.txt", vendor), "utf8");
    assert.ok(notices.includes(`\n${one.package} ${one.version}\n`), "its licence is not passed on");
  });
}

test("the lock file names no registry", () => {
  const named = Object.values(lock.packages).filter((/** @type {any} */ one) => one.resolved);
  assert.deepEqual(named, []);
});
