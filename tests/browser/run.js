// Runs every test before one stack: `node run.js [part of a file's name]`.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { start } from "./stack.js";

const here = fileURLToPath(new URL("./", import.meta.url));
const wanted = process.argv[2] ?? "";
const files = readdirSync(here)
  .filter((file) => file.endsWith(".test.js") && file.includes(wanted))
  // What connects comes last: pages of two connections take twice as long.
  .toSorted((a, b) => Number(a.startsWith("connect")) - Number(b.startsWith("connect")));
const stack = await start();
process.env.CONSOLE_URL = stack.url;
process.env.CONSOLE_TOKENS = JSON.stringify(stack.tokens);
process.env.CONSOLE_CONNECTION = stack.connection;
const results = run({ files: files.map((file) => join(here, file)), concurrency: 1 });
results.on("test:fail", () => {
  process.exitCode = 1;
});
results.compose(new spec()).pipe(process.stdout);
results.on("end", () => stack.stop());
