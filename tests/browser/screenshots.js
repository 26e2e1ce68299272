// Pictures of every page, light and dark, from a telephone to a large screen: `npm run screenshots [-- part of an address]`.
// They go to /screenshots, which is not committed; those that README shows go to docs/pictures, at one size.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, open, settled, signIn, visit } from "./browser.js";
import { placesOf } from "./places.js";
import { start } from "./stack.js";

const WIDTHS = [360, 1280, 2560];
/** @type {Record<string, { place: string, colorScheme: "light" | "dark" }>} */
const README = {
  overview: { place: "/", colorScheme: "light" },
  pipelines: { place: "/pipelines", colorScheme: "dark" },
  metric: { place: "/insights/run_duration?by=pipeline", colorScheme: "light" },
  integration: { place: "/connections/$connection", colorScheme: "light" },
};

const directory = fileURLToPath(new URL("../../screenshots/", import.meta.url));
const pictures = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
const wanted = process.argv[2] ?? "";

const stack = await start();
const browser = await launch();
try {
  mkdirSync(directory, { recursive: true });
  mkdirSync(pictures, { recursive: true });
  const { page } = await open(browser, stack.url, { reducedMotion: "reduce" });
  page.setDefaultTimeout(180_000);
  await signIn(page, stack.url, "/connections");
  for (const place of placesOf(stack.connection).filter((place) => place.includes(wanted))) {
    await visit(page, place);
    const name =
      place
        .slice(1)
        .replace(stack.connection, "connection")
        .replace(/[^a-z_]+/g, "-") || "overview";
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await page.screenshot({ path: `${directory}${name}--${colorScheme}-${width}.png`, fullPage: true });
      }
    }
    const shown = Object.entries(README).find(([, one]) => one.place.replace("$connection", stack.connection) === place);
    if (shown) {
      await page.emulateMedia({ colorScheme: shown[1].colorScheme });
      await page.setViewportSize({ width: 1280, height: 860 });
      await settled(page);
      await page.screenshot({ path: `${pictures}${shown[0]}.png` });
    }
    console.log(place);
  }
} finally {
  await browser.close();
  await stack.stop();
}
