// What is said where numbers would be, as long as nothing is connected.

import { get } from "../api.js";
import { useLoaded } from "../hooks.js";
import { may } from "../session.js";
import { html } from "../view.js";
import { Notice } from "./parts.js";

/** @typedef {import("../types").Connection} Connection */

/** All connections, looked at again while one of them is at work. */
export function useConnections() {
  return useLoaded(
    async (signal) => /** @type {Connection[]} */ ((await get("/connections", { signal })).connections),
    "connections",
    pace,
  );
}

/** @param {Connection[]} connections */
function pace(connections) {
  const isBusy =
    connections.length === 0 || connections.some((one) => one.integrations.some((integration) => integration.status === "syncing"));
  return isBusy ? 2_000 : 20_000;
}

export function NoConnection() {
  const connections = useConnections();
  if (!connections.value) return null;
  if (connections.value.length === 0) {
    return html`
      <${Notice} title="Nothing is connected yet">
        <p>${may("admin") ? "Connect an Azure DevOps organization, and the first numbers are here within a minute." : "An administrator has to connect an Azure DevOps organization first."}</p>
        ${may("admin") && html`<a class="button primary small" href="/connections/new">Connect Azure DevOps</a>`}
      <//>`;
  }
  const busy = connections.value.flatMap((one) => one.integrations).filter((integration) => integration.status === "syncing");
  if (!busy.length) return null;
  const sum = (/** @type {"total" | "complete"} */ name) => busy.reduce((sum, one) => sum + one.streams[name], 0);
  return html`
    <${Notice} tone="busy" icon="sync" role="status" title="The first synchronization is under way">
      <p>Numbers are made of what has come so far. ${sum("total") ? `${sum("complete")} of ${sum("total")} streams have seen everything.` : ""} <a href="/connections">Watch it</a></p>
    <//>`;
}
