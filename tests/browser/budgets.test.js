// How much a browser loads and how long it takes. The machine may do other things meanwhile, so the best of three counts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, settled, signIn, visit } from "./browser.js";
import { launch, signedIn, url } from "./session.js";

const MOST_BYTES = 250_000;
const MOST_MS = 1_000;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("the first load is at most 250 KB", async (context) => {
  const { page, context: fresh } = await open(browser, url);
  const client = await fresh.newCDPSession(page);
  await client.send("Network.enable");
  /** @type {Map<string, string>} */
  const addresses = new Map();
  let bytes = 0;
  client.on("Network.responseReceived", ({ requestId, response }) => addresses.set(requestId, response.url));
  client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (!addresses.get(requestId)?.startsWith(`${url}/api/`)) bytes += encodedDataLength;
  });
  await signIn(page, url);
  await page.waitForLoadState("networkidle");
  context.diagnostic(`${(bytes / 1000).toFixed(1)} KB before the first answer of the API`);
  assert.ok(bytes > 10_000 && bytes <= MOST_BYTES, `${bytes} bytes`);
});

test("it can be used within a second", async (context) => {
  const { page } = await signedIn(browser, { path: "/insights" });
  const times = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const start = performance.now();
    // The way over the issuer and back included.
    await page.reload({ waitUntil: "commit" });
    await page.getByRole("link", { name: "Pipelines" }).first().waitFor();
    times.push(performance.now() - start);
  }
  context.diagnostic(`${times.map((time) => Math.round(time)).join(", ")} ms until the navigation is there`);
  assert.ok(Math.min(...times) <= MOST_MS, `${times}`);
});

test("a page is drawn within a second of its answers", async (context) => {
  const { page } = await signedIn(browser, { path: "/insights" });
  // As many groups, periods and rows as a page asks for of a large organization.
  await page.route(/\/insights\/\w+(\/rows)?\?/, async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    if (answer.groups?.length) {
      const trend = Array.from({ length: 90 }, (_, day) => ({
        ...answer.total,
        period: new Date(Date.UTC(2026, 8, day)).toISOString().slice(0, 10),
      }));
      const [first] = answer.groups;
      const by = Object.keys(first.by)[0];
      answer.trend = trend;
      answer.groups = Array.from({ length: 25 }, (_, number) => ({ ...first, by: { [by]: `${number}` }, trend }));
    }
    if (answer.rows?.length && route.request().url().includes("limit=2000")) {
      answer.rows = Array.from({ length: 2_000 }, (_, number) => answer.rows[number % answer.rows.length]);
    }
    await route.fulfill({ response, json: answer });
  });
  await page.evaluate(() => {
    const spied = /** @type {any} */ (window);
    const original = window.fetch;
    window.fetch = async (...request) => {
      const response = await original(...request);
      if (String(request[0]).includes("/insights/")) spied.answeredAt = performance.now();
      return response;
    };
    new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => (spied.drawnAt = performance.now())))).observe(document.body, {
      childList: true,
      subtree: true,
    });
  });
  for (const place of ["/insights/run_duration?view=heat", "/insights/run_count?view=stacked"]) {
    const times = [];
    for (const days of [90, 30, 14]) {
      await visit(page, `${place}&days=${days}`);
      await page.waitForTimeout(300);
      await settled(page);
      times.push(await page.evaluate(() => /** @type {any} */ (window).drawnAt - /** @type {any} */ (window).answeredAt));
    }
    context.diagnostic(`${place}: drawn ${times.map((time) => Math.round(time)).join(", ")} ms after the last answer`);
    // An answer that changes nothing was drawn before it came.
    const drawn = times.filter((time) => time > 0);
    assert.ok(drawn.length > 0 && Math.min(...drawn) <= MOST_MS, `${place}: ${times}`);
  }
});
