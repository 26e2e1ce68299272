// Names are written by people, and not all of them mean well: wherever a text of Azure DevOps is shown, it is text.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { visit } from "./browser.js";
import { assertQuiet, connection, launch, signedIn } from "./session.js";

const FORMS = [
  (/** @type {string} */ run) => `<img src=x onerror=${run}>`,
  (/** @type {string} */ run) => `<script>${run}</script>`,
  (/** @type {string} */ run) => `"><svg/onload=${run}>`,
  (/** @type {string} */ run) => `' onfocus=${run} autofocus='`,
  (/** @type {string} */ run) => `javascript:${run}`,
  (/** @type {string} */ run) => `</textarea></title><iframe srcdoc="<script>parent.${run}</script>">`,
  (/** @type {string} */ run) => `\${${run}}{{${run}}}`,
  (/** @type {string} */ run) => `<a href="javascript:${run}">click</a>`,
  (/** @type {string} */ run) => `<style>@import 'https://elsewhere.example/${run}'</style>`,
  (/** @type {string} */ run) => `<math><mtext><table><mglyph><style><!--</style><img title="--><img src onerror=${run}>">`,
];
/** A thousand texts, each of which would say its number. */
const HOSTILE = Array.from({ length: 1000 }, (_, number) => FORMS[number % FORMS.length](`complain('ran_${number}')`));

/** What the pages find their way by; everything else is written by people somewhere. */
const KEPT = new Set([
  ..."id integration status service method at period from to complete_as_of created_at seen_at next_try paused_until paused_at next_run last_good_pass reauthenticated_at".split(
    " ",
  ),
  ..."resource type unit zone metric metrics freshness range expires_on expires_at kind cadence".split(" "),
]);

let next = 0;
const draw = () => HOSTILE[next++ % HOSTILE.length];

/** An answer whose texts are hostile. @param {any} value @param {string} [key] @returns {any} */
function poisoned(value, key = "") {
  if (KEPT.has(key)) return value;
  if (key === "link") return `javascript:complain('ran_link')`;
  if (typeof value === "string") return draw();
  if (Array.isArray(value)) return value.map((one) => poisoned(one));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, poisoned(one, key)]));
}

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("a thousand hostile texts are shown, and none runs", async () => {
  const { page, complaints } = await signedIn(browser);
  await page.route(/\/api\/v1\/(insights\/|connections)/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: poisoned(await response.json()) });
  });
  /** @type {Set<string>} */
  const shown = new Set();
  const rows = (/** @type {string} */ metric, offset = 0) => `/insights/${metric}?days=90&offset=${offset}`;
  const places = ["/", "/connections", `/connections/${connection}`];
  const metrics = ["run_duration", "pull_request_merge_time", "work_items_updated", "commit_count", "job_duration"];
  // Which texts an answer brings and a page shows of it depends on the data: more rows are looked at until each was there.
  const pages = Array.from({ length: 12 }, (_, number) => metrics.map((metric) => rows(metric, 25 * number))).flat();
  for (const place of [...places, ...pages]) {
    if (shown.size === HOSTILE.length) break;
    await visit(page, place);
    for (const text of await page.evaluate(textsOf, HOSTILE)) shown.add(text);
    const foreign = await page.evaluate(
      () =>
        document.body.querySelectorAll(
          "img, iframe, style, script, math, [onerror], [onload], [onfocus], [autofocus], [href^='javascript' i]",
        ).length,
    );
    assert.equal(foreign, 0, place);
  }
  assert.equal(shown.size, HOSTILE.length, "not every text was shown somewhere");
  // A click on whatever stands where a link would.
  for (const cell of await page.locator("tbody tr:first-child td").all()) await cell.click();
  assertQuiet(complaints);
});

/** Which of these texts the page shows or says. @param {string[]} texts */
function textsOf(texts) {
  const said = [...document.querySelectorAll("[title], [aria-label], [value]")].flatMap((element) =>
    ["title", "aria-label", "value"].map((name) => element.getAttribute(name) ?? ""),
  );
  const all = `${document.body.textContent}\n${said.join("\n")}`;
  return texts.filter((text) => all.includes(text));
}
