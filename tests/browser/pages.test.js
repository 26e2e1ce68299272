// Every page, wide and narrow, dark and light: it is drawn, it can be used without a mouse or eyes, and nothing complains.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { settled } from "./browser.js";
import { PLACES } from "./places.js";
import { assertQuiet, launch, signedIn, url } from "./session.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const [name, viewport, colorScheme] of /** @type {const} */ ([
  ["wide and light", { width: 1440, height: 900 }, "light"],
  ["narrow and dark", { width: 360, height: 740 }, "dark"],
])) {
  test(`pages that are ${name}`, async (context) => {
    // The policy refuses scripts that are put into a page, which is how axe comes in.
    const { page, complaints } = await signedIn(browser, { viewport, colorScheme, bypassCSP: true });
    for (const place of PLACES) {
      await context.test(place, async () => {
        await page.evaluate((to) => history.pushState(null, "", to), place);
        await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
        await settled(page);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `the page is ${width} wide`);
        await page.evaluate(axe);
        const violations = await page.evaluate(async (tags) => {
          // @ts-expect-error axe puts itself there.
          const found = await window.axe.run(document, { runOnly: tags });
          return found.violations.map(
            (/** @type {any} */ one) =>
              `${one.id}: ${one.nodes
                .slice(0, 3)
                .map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`)
                .join(" | ")}`,
          );
        }, TAGS);
        assert.deepEqual(violations, []);
      });
    }
    assertQuiet(complaints);
  });
}

test("every page under its own policy", async () => {
  const { page, complaints } = await signedIn(browser);
  for (const place of PLACES) {
    await page.evaluate((to) => history.pushState(null, "", to), place);
    await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
    await settled(page);
    assert.ok(await page.locator("h1").textContent(), place);
  }
  assertQuiet(complaints);
});

test("a reload asks nothing and stays where it is", async () => {
  const { page, complaints } = await signedIn(browser, { path: "/pipelines?days=7" });
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Pipelines" }).waitFor();
  assert.equal(page.url(), `${url}/pipelines?days=7`);
  assertQuiet(complaints);
});
