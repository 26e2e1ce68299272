// Every page, wide and narrow, dark and light: it is drawn, it can be used without a mouse or eyes, and nothing complains.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, violations } from "./accessibility.js";
import { settled, visit } from "./browser.js";
import { placesOf } from "./places.js";
import { assertQuiet, connection, launch, signedIn, url } from "./session.js";

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
