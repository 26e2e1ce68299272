// The product on this machine, against a simulated organization: what `cargo run` starts, in a directory of its own.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** @typedef {{ url: string, tokens: Record<string, string>, connection: string, stop: () => Promise<void> }} Stack */

/**
 * Starts it and waits until it is synchronized. One that runs already, at `CONSOLE_URL` with its data in `CONSOLE_DATA`, is
 * taken as it is.
 * @returns {Promise<Stack>}
 */
export async function start() {
  const { CONSOLE_URL: running, CONSOLE_DATA: data } = process.env;
  if (running && data) return described(running, data, async () => {});
  const directory = mkdtempSync(join(tmpdir(), "console-"));
  const port = await freePort();
  const program = spawn(join(ROOT, "target/debug/local"), ["--data-dir", directory, "--port", String(port)], { cwd: ROOT });
  const ended = new Promise((resolve) => program.once("exit", resolve));
  let said = "";
  const ready = new Promise((/** @type {(value?: any) => void} */ resolve, reject) => {
    program.stdout.resume();
    program.stderr.on("data", (text) => {
      said += text;
      if (said.includes("until Ctrl-C")) resolve();
    });
    program.once("error", reject);
    program.once("exit", () => reject(new Error(`the stack ended:\n${said}`)));
  });
  const stop = async () => {
    program.kill("SIGINT");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  await ready;
  return described(`http://127.0.0.1:${port}`, directory, stop);
}

/** @param {string} url @param {string} directory with its data @param {() => Promise<void>} stop @returns {Promise<Stack>} */
async function described(url, directory, stop) {
  const token = readFileSync(join(directory, "token"), "utf8");
  const answer = await fetch(`${url}/api/v1/connections`, { headers: { authorization: `Bearer ${token}` } });
  const { connections } = /** @type {any} */ (await answer.json());
  return { url, tokens: simulated(directory), connection: connections[0].id, stop };
}

/** The tokens of the simulated organization, by what is right or wrong with them. @param {string} directory */
function simulated(directory) {
  const lines = readFileSync(join(directory, "simulated-tokens"), "utf8").trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(": ")));
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
