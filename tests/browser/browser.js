// A browser before a console: Debian's Chromium, which talks to this machine only, and what it complains about.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
}

/**
 * Opens a page that writes down what must not happen: errors on the console, uncaught exceptions, requests to another
 * host, and violations of the content security policy.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url of the console
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "Europe/Berlin", ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  const host = new URL(url).host;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== "blob:" && asked.protocol !== "data:" && asked.host !== host) complaints.push(`request to ${asked.host}`);
  });
  await page.exposeFunction("complain", (/** @type {string} */ text) => complaints.push(text));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      // @ts-expect-error It is exposed above.
      window.complain(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  return { page, context, complaints };
}

/**
 * Signs in with one click, as a person would.
 * @param {import("playwright-core").Page} page
 * @param {string} url
 * @param {string} [path] where to begin
 * @param {string} [role] as whom
 */
export async function signIn(page, url, path = "/", role = "admin") {
  await page.goto(url + path);
  await page.getByRole("button", { name: `Sign in as ${role}` }).click();
  await page.getByRole("navigation", { name: "Console" }).waitFor({ state: "attached" });
}

/**
 * Waits until nothing of the page is loading any more.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector("[aria-busy=true]"), null, { timeout: 240_000 });
}
