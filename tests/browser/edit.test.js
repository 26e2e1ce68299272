// Editing a connection: what an edit does is shown before it is saved, and what is wrong with it at its field.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, violations } from "./accessibility.js";
import { assertQuiet, connection, launch, signedIn } from "./session.js";

const AT = `/connections/${connection}`;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** @param {import("playwright-core").Page} page */
function partsOf(page) {
  const without = page.getByRole("group", { name: "Projects" }).getByRole("textbox", { name: "Not these" });
  return {
    without,
    tags: page.getByRole("textbox", { name: "Tags" }),
    show: page.getByRole("button", { name: "Show the effect" }),
    save: page.getByRole("button", { name: "Save" }),
  };
}

/** The numbers of projects: read, left out, coming in, going out. @param {import("playwright-core").Page} page */
async function projects(page) {
  const cells = await page
    .getByRole("row", { name: /^Projects/ })
    .getByRole("cell")
    .allTextContents();
  return { numbers: cells.slice(1, 5).map(Number), leftOut: cells[5] };
}

test("a project goes out and comes in again, with the effect shown before it is saved", async () => {
  const { page, complaints } = await signedIn(browser, { path: AT, scripts: [axe] });
  await page.getByRole("link", { name: "Edit" }).click();
  const { without, tags, show, save } = partsOf(page);
  await tags.waitFor();
  assert.ok((await show.isDisabled()) && (await save.isDisabled()), "nothing is changed yet");

  await without.fill("*");
  await show.click();
  await page.getByText("No project would be read any more").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, "the effect is too wide");
  const all = (await projects(page)).leftOut.split(", ");
  assert.ok(all.length > 1, `${all}`);

  await without.fill(all[0].toUpperCase());
  assert.ok(await save.isDisabled(), "what was shown is another edit");
  await tags.fill("web, eu");
  await show.click();
  await page.getByText("It changes: tags, what is read.").waitFor();
  assert.deepEqual(await projects(page), { numbers: [all.length - 1, 1, 0, 1], leftOut: all[0] });
  await save.click();
  await page.getByText("Only a part is read").waitFor();
  assert.deepEqual(await page.getByRole("list", { name: "Tags" }).getByRole("listitem").allTextContents(), ["web", "eu"]);

  await page.getByRole("link", { name: "Edit" }).click();
  assert.equal(await without.inputValue(), all[0].toUpperCase());
  await without.fill("");
  await tags.fill("");
  await show.click();
  await page.getByText(/read again from the beginning/).waitFor();
  assert.deepEqual(await projects(page), { numbers: [all.length, 0, 1, 0], leftOut: "–" });
  await save.click();
  await page.getByRole("link", { name: "Run log" }).waitFor();
  assert.equal(await page.getByText("Only a part is read").count(), 0);
  assert.equal(await page.getByRole("list", { name: "Tags" }).count(), 0);
  assertQuiet(complaints);
});

test("a field that no work item has is told at its field, and nothing is saved", async () => {
  const { page, complaints } = await signedIn(browser, { path: `${AT}/edit` });
  const { show, save } = partsOf(page);
  const field = page.getByRole("textbox", { name: "Field with the size of a work item" });
  await field.fill("Custom.Nothing");
  await show.click();
  await page.getByRole("alert").waitFor();
  assert.match((await page.getByRole("alert").textContent()) ?? "", /Custom\.Nothing/);
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.ok(await save.isDisabled());
  await page.reload();
  await field.waitFor();
  assert.equal(await field.inputValue(), "");
  assertQuiet(complaints, /status of 400/);
});

test("who may only look is not offered to edit", async () => {
  const { page, complaints } = await signedIn(browser, { path: `${AT}/edit`, role: "viewer" });
  await page.getByText("This needs an administrator").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Tags" }).count(), 0);
  assertQuiet(complaints);
});
