// Every page, wide and narrow, dark and light: it is drawn, it can be used without a mouse or eyes, and nothing complains.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { settled, visit } from "./browser.js";
import { placesOf } from "./places.js";
import { assertQuiet, connection, launch, signedIn, url } from "./session.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LOOKS = /** @type {const} */ ([
  ["wide and light", { width: 1440, height: 900 }, "light"],
  ["narrow and dark", { width: 360, height: 740 }, "dark"],
]);

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("every page", async (context) => {
  const { page, complaints } = await signedIn(browser, { scripts: [axe] });
  for (const place of placesOf(connection)) {
    await context.test(place, async () => {
      await visit(page, place);
      assert.ok(await page.locator("h1").textContent());
      for (const [name, viewport, colorScheme] of LOOKS) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await settled(page);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${name}: the page is ${width} wide`);
        assert.deepEqual(await violations(page), [], name);
      }
      // What is not there is asked for and refused, which Chromium writes to the console.
      assertQuiet(complaints.splice(0), place.startsWith("/connections/nothing") ? /404 .*\/connections\/nothing/ : undefined);
    });
  }
});

test("a narrow page has its navigation behind a button", async () => {
  const { page, complaints } = await signedIn(browser, { viewport: { width: 360, height: 740 } });
  const navigation = page.getByRole("navigation", { name: "Console" });
  assert.equal(await navigation.count(), 0);
  await page.getByRole("button", { name: "Menu" }).click();
  await navigation.getByRole("link", { name: "All metrics" }).click();
  await page.getByRole("heading", { level: 1, name: "All metrics" }).waitFor();
  assert.equal(await navigation.count(), 0);
  assertQuiet(complaints);
});

test("a reload asks nothing and stays where it is", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/connections?days=7" });
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Your integrations" }).waitFor();
  assert.equal(page.url(), `${url}/connections?days=7`);
  assertQuiet(complaints);
});

/** What axe finds wrong, in words. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
function violations(page) {
  return page.evaluate(async (tags) => {
    // @ts-expect-error axe puts itself there.
    const found = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"], preload: false });
    return found.violations.map(
      (/** @type {any} */ one) =>
        `${one.id}: ${one.nodes
          .slice(0, 3)
          .map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`)
          .join(" | ")}`,
    );
  }, TAGS);
}
