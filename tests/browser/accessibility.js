// What axe finds wrong with a page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The script that a page runs before. */
export const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds wrong, in words. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
export function violations(page) {
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
