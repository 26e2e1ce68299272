// Numbers, as somebody looks into them: filtered, taken apart down to what stands in Azure DevOps, and carried away as a file.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { FAMILIES, FIRST, OVERVIEW } from "../../functions/console/web/app/families.js";
import { settled } from "./browser.js";
import { assertQuiet, launch, signedIn, url } from "./session.js";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The API's own answer to what a page asks. @param {import("playwright-core").Page} page @param {string} path */
async function answerOf(page, path) {
  const response = await page.waitForResponse((response) => response.url().startsWith(`${url}/api/v1/insights${path}`));
  return response.json();
}

test("every metric that a page asks for by name is there", async () => {
  const { page } = await signedIn(browser);
  const answered = answerOf(page, "");
  await page.getByRole("link", { name: "All metrics" }).click();
  const { metrics } = await answered;
  const blocks = Object.values(FAMILIES).flatMap((family) => family.blocks);
  const named = [...OVERVIEW.headlines, ...OVERVIEW.watched, ...FIRST].map((name) => ({ name, by: undefined }));
  for (const { name, by } of [...blocks, ...named]) {
    const metric = metrics.find((/** @type {any} */ one) => one.name === name);
    assert.ok(metric, `${name} is no metric`);
    assert.ok(!by || metric.dimensions.includes(by), `${name} has no ${by}`);
  }
});

test("a filter is kept in the address, and counts", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/run_count?days=90" });
  await settled(page);
  const all = Number(await page.locator(".big").first().textContent());
  await page.getByLabel("Filter by").selectOption("result");
  await page.getByLabel("Result is").fill("failed");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove the filter Result failed" }).waitFor();
  assert.match(page.url(), /[?&]result=failed/);
  await page.waitForFunction((all) => Number(document.querySelector(".big")?.textContent) < all, all);
  const failed = Number(await page.locator(".big").first().textContent());
  assert.ok(failed > 0);
  await page.reload();
  await settled(page);
  assert.equal(Number(await page.locator(".big").first().textContent()), failed);
  await page.getByRole("button", { name: "Remove the filter Result failed" }).click();
  await page.waitForFunction((all) => Number(document.querySelector(".big")?.textContent) === all, all);
  assertQuiet(complaints);
});

test("a day on which nothing was counted is 0, and one on which nothing was measured is a gap", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/deployment_frequency?days=30" });
  await settled(page);
  const gaps = () => page.locator(".chart-gap").first().getAttribute("d");
  assert.equal((await gaps()) ?? "", "", "days without a deployment are 0 a day");
  const chart = page.locator(".chart svg").first();
  await chart.focus();
  await page.keyboard.press("Home");
  const told = [];
  for (let day = 0; day < 30; day += 1) {
    told.push((await page.locator(".chart-tip").first().textContent()) ?? "");
    await page.keyboard.press("ArrowRight");
  }
  assert.ok(
    told.some((text) => /value0 per day/.test(text)),
    told.join("\n"),
  );
  await page.goto(`${url}/insights/time_to_restore?days=30`);
  await settled(page);
  assert.notEqual((await gaps()) ?? "", "", "days on which nothing was restored have no time");
  assertQuiet(complaints);
});

test("a bar leads to its rows, and they to Azure DevOps", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/run_duration?days=90&by=pipeline" });
  await settled(page);
  const bar = page.locator(".bars-label a").first();
  const pipeline = (await bar.textContent()) ?? "";
  await bar.click();
  await page.getByRole("button", { name: `Remove the filter Pipeline ${pipeline}` }).waitFor();
  await settled(page);
  const table = page.getByRole("region", { name: "Rows of Run duration" });
  const rows = await table.locator("tbody tr").all();
  assert.ok(rows.length > 0);
  for (const row of rows) assert.ok((await row.textContent())?.includes(pipeline));
  const link = table.getByRole("link").first();
  assert.match((await link.getAttribute("href")) ?? "", /\/fabrikam\/.*_build\/results\?buildId=\d+/);
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
  assertQuiet(complaints);
});

test("rows can be carried away as a file", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/run_duration?days=7" });
  await settled(page);
  const title = (await page.getByRole("heading", { name: /^Rows/ }).textContent()) ?? "";
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV" }).click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /^run_duration-.*\.csv$/);
  const lines = readFileSync(await download.path(), "utf8")
    .trim()
    .split(/\r?\n/);
  assert.equal(lines.length - 1, Number(/\d+/.exec(title)?.[0]));
  assertQuiet(complaints);
});

test("a chart can be read with the keyboard", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/insights/run_count?days=90&interval=week" });
  await settled(page);
  await page.locator(".chart svg").first().focus();
  await page.keyboard.press("End");
  const said = page.locator(".chart [aria-live=polite]").first();
  assert.match((await said.textContent()) ?? "", /Week of .*\d/);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Escape");
  assert.equal(await said.textContent(), "");
  assertQuiet(complaints);
});

test("an answer that fails says so and can be asked again", async () => {
  const { page } = await signedIn(browser);
  let isBroken = true;
  await page.route(/insights\/run_count\?/, (route) =>
    isBroken ? route.fulfill({ status: 503, contentType: "text/plain", body: "" }) : route.continue(),
  );
  await page.goto(`${url}/insights/run_count`);
  await page.getByRole("alert").first().waitFor();
  isBroken = false;
  await page.getByRole("button", { name: "Try again" }).first().click();
  await page.locator(".big").first().waitFor();
});
