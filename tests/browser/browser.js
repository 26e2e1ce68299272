// A browser before a console: Debian's Chromium, which talks to this machine only, and what it complains about.

import { readdir, readFile } from "node:fs/promises";
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
 * @param {import("playwright-core").BrowserContextOptions & { scripts?: string[] }} [options] and what every page runs first
 */
export async function open(browser, url, { scripts = [], ...options } = {}) {
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
  if (process.env.CONSOLE_FILES === "working-tree") await serveWorkingTree(context);
  await page.exposeFunction("complain", (/** @type {string} */ text) => complaints.push(text));
  for (const content of scripts) await page.addInitScript({ content });
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
  // On a narrow page the navigation is behind a button.
  await page.locator("main#content").waitFor();
}

/**
 * Goes to a place of the console without loading it again, and waits until all of it is there.
 * @param {import("playwright-core").Page} page
 * @param {string} place
 */
export async function visit(page, place) {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, place);
  await settled(page);
  await reveal(page);
  await settled(page);
}

/**
 * Waits until nothing of the page is loading any more.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector("[aria-busy=true]"));
}

/**
 * Scrolls to the end and back: what nobody has scrolled to has not been asked for.
 * @param {import("playwright-core").Page} page
 */
async function reveal(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight) {
      scrollTo(0, top);
      await frame();
      await frame();
    }
    scrollTo(0, 0);
    await frame();
  });
}

/**
 * Shows a change to the console without building it: its own files are read from the working tree, only those that are
 * vendored come out of the program.
 * @param {import("playwright-core").BrowserContext} context
 */
async function serveWorkingTree(context) {
  const web = new URL("../../functions/console/web/", import.meta.url);
  await context.route(/\/assets\/[0-9a-f]+\/app\//, async (route) => {
    const path = new URL(route.request().url()).pathname.split("/").slice(3).join("/");
    await route.fulfill({ body: await readFile(new URL(path, web)), contentType: "text/javascript" });
  });
  await context.route(/\/assets\/[0-9a-f]+\/console.css/, async (route) => {
    const files = await Promise.all((await styles(web)).map((file) => readFile(file)));
    await route.fulfill({ body: Buffer.concat(files), contentType: "text/css" });
  });
}

/** @param {URL} web */
async function styles(web) {
  const names = (await readdir(new URL("styles/", web))).toSorted();
  return names.map((name) => new URL(`styles/${name}`, web));
}
