// A browser that is signed in, for the tests of one file.

import assert from "node:assert/strict";
import { launch, open, signIn } from "./browser.js";

export const url = process.env.CONSOLE_URL ?? "";
/** @type {Record<string, string>} */
export const tokens = JSON.parse(process.env.CONSOLE_TOKENS ?? "{}");
/** The connection that was there when the tests began. */
export const connection = process.env.CONSOLE_CONNECTION ?? "";

/** How long the first numbers may take on a machine that builds something else meanwhile. */
const PATIENCE_MS = 90_000;

/**
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions & { path?: string, role?: string, scripts?: string[] }} [options]
 */
export async function signedIn(browser, { path = "/connections", role = "admin", ...options } = {}) {
  const opened = await open(browser, url, options);
  opened.page.setDefaultTimeout(PATIENCE_MS);
  await signIn(opened.page, url, path, role);
  return opened;
}

/** Fails if the browser complained of anything. @param {string[]} complaints @param {RegExp} [expected] what the test provoked */
export function assertQuiet(complaints, expected) {
  assert.deepEqual(
    complaints.filter((complaint) => !expected?.test(complaint)),
    [],
  );
}

export { launch };
