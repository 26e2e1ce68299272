// One connection: how its integrations are doing, stream by stream, and what can be done with it.

import { ApiError, get } from "../api.js";
import { count, words } from "../format.js";
import { useLoaded, useTitle } from "../hooks.js";
import { may } from "../session.js";
import { Answer, Card, Empty, Heading, Notice, Segments, Skeleton, State, Table, Time } from "../ui/parts.js";
import { html, useState } from "../view.js";
import { Actions, PauseIntegration } from "./connection/actions.js";
import { PARTS } from "./connection/details.js";
import { Warnings } from "./connection/warnings.js";
import { Integrations, METHODS } from "./connections.js";

/** @typedef {import("../types").Connection} Connection */
/** @typedef {import("../types").Report} Report */

/** @param {{ id: string }} props */
export function ConnectionPage({ id }) {
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded(
    (signal) => /** @type {Promise<Connection>} */ (get(address, { signal })),
    address,
    (connection) => (connection.integrations.some((one) => one.status === "syncing") ? 2_000 : 15_000),
  );
  const report = useLoaded((signal) => /** @type {Promise<Report>} */ (get(`${address}/report`, { signal })), `${address}/report`, 5_000);
  useTitle(loaded.value?.name ?? "Integration");
  if (loaded.error instanceof ApiError && loaded.error.status === 404) {
    return html`
      <${Heading} title="There is no such connection" back=${{ href: "/connections", text: "Your integrations" }} />
      <${Empty} title="Nothing is connected under this address" icon="connections" action=${html`<a class="button" href="${address}/delete">Look for a receipt</a>`}>It may have been deleted; then a receipt is kept.<//>`;
  }
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${320} />`}>
      ${(/** @type {Connection} */ connection) => html`
        <${Heading} title=${connection.name} lead=${connection.description} back=${{ href: "/connections", text: "Your integrations" }} actions=${may("admin") && connection.status !== "deleting" && html`<${Actions} connection=${connection} reload=${loaded.reload} />`} />
        ${connection.status === "deleting" && html`<${Notice} tone="warn" icon="wait" title="It is being deleted"><p>What it held is being removed, and nothing new is fetched.</p><a class="button small" href="${address}/delete">Watch it</a><//>`}
        ${connection.paused_at && html`<${Notice} icon="pause" title="It is paused"><p>Nothing is fetched since <${Time} at=${connection.paused_at} />. What is stored stays as it was then.</p><//>`}
        ${connection.status === "reauthorization_needed" && html`<${Notice} tone="bad" title="The credential is not accepted any more"><p>Nothing new is fetched until it is replaced. What is stored stays.</p>${may("admin") && html`<a class="button small" href="/connections/${connection.id}/reauthenticate">Reauthenticate</a>`}<//>`}
        <${Warnings} connection=${connection} />
        <${Reads} connection=${connection} />
        <div class="grid">
          <${Card} class="wide" title="Integrations" foot=${html`<${Foot} connection=${connection} />`}><${Integrations} integrations=${connection.integrations} actions=${may("admin") && connection.status !== "deleting" ? (/** @type {import("../types").Integration} */ integration) => html`<${PauseIntegration} integration=${integration} isWholePaused=${connection.paused_at !== null} reload=${loaded.reload} />` : undefined} /><//>
          <${Card} class="rest" title="Requests">
            <${Answer} loaded=${report}>${(/** @type {Report} */ report) => html`<${Budgets} budgets=${report.request_budgets} />`}<//>
          <//>
          <${Answer} loaded=${report} skeleton=${html`<${Skeleton} height=${300} />`}>${(/** @type {Report} */ report) => html`<${Streams} report=${report} /><${Quarantine} report=${report} />`}<//>
        </div>`}
    <//>`;
}

/** Its tags, and what is read if that is not everything. @param {{ connection: Connection }} props */
function Reads({ connection: { tags, selection } }) {
  const parts = PARTS.flatMap(({ part, title }) => {
    const { include = [], exclude = [] } = selection[part] ?? {};
    if (!include.length && !exclude.length) return [];
    const only = include.length ? ` only ${include.join(", ")}` : "";
    return `${title}:${only}${exclude.length ? `${only && ","} not ${exclude.join(", ")}` : ""}`;
  });
  return html`
    ${tags.length > 0 && html`<ul class="tags" aria-label="Tags">${tags.map((tag) => html`<li key=${tag}>${tag}</li>`)}</ul>`}
    ${parts.length > 0 && html`<${Notice} icon="filter" title="Only a part is read"><p>${parts.join(" · ")}</p><//>`}`;
}

/** @param {{ connection: Connection }} props */
function Foot({ connection }) {
  return html`
    <span class="muted">${METHODS[connection.method] ?? words(connection.method)} · connected <${Time} at=${connection.created_at} />${connection.reauthenticated_at && html` · credential replaced <${Time} at=${connection.reauthenticated_at} />`}</span>
    <span class="links"><a href="/connections/${connection.id}/runs">Run log</a><a href="/connections/${connection.id}/spot-check">Spot check</a></span>`;
}

/** @param {{ budgets: Report["request_budgets"] }} props */
function Budgets({ budgets }) {
  return html`
    <ul class="plain-list">
      ${budgets.map(
        (budget) => html`
        <li key=${budget.organization}>
          <strong>${budget.organization}</strong>
          ${
            budget.paused_until
              ? html`<p><${State} state="paused" text="Paused" /> Azure DevOps asked for a pause, which ends <${Time} at=${budget.paused_until} />${budget.capped ? "; it asked for longer" : ""}.</p>`
              : html`<p class="muted">${budget.metered ? "Near its limit: one request at a time." : "No pause is asked for, requests go as they come."}</p>`
          }
        </li>`,
      )}
    </ul>`;
}

/** @param {{ report: Report }} props */
function Streams({ report }) {
  const [which, setWhich] = useState("attention");
  const all = report.integrations.flatMap((integration) =>
    integration.streams.map((stream) => ({ ...stream, service: integration.service })),
  );
  const attention = all.filter(
    (stream) => ["failing", "incomplete", "syncing"].includes(stream.status) || stream.last_error || stream.hint,
  );
  const shown = which === "all" || !attention.length ? all : attention;
  const byResource = Map.groupBy(shown, (stream) => `${stream.service} ${stream.resource}`);
  return html`
    <${Card} class="full" title="Streams" actions=${attention.length > 0 && html`<${Segments} label="Which streams" value=${which} onChange=${setWhich} options=${[{ value: "attention", text: `To look at (${attention.length})` }, { value: "all", text: `All (${all.length})` }]} />`} foot=${html`<span class="muted">A stream is one resource in one project or repository.</span>`}>
      <${Table} label="Streams by resource" head=${["Resource", "Service", "State", { text: "Streams", class: "right" }, { text: "Records", class: "right" }, { text: "Requests", class: "right" }, "Complete as of", "Next look", "Note"]}>
        ${[...byResource].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([key, streams]) => html`<${Resource} key=${key} streams=${streams} />`)}
      <//>
    <//>`;
}

const WORST = ["failing", "incomplete", "syncing", "complete", "on_demand"];

/** @param {{ streams: (import("../types").StreamReport & { service: string })[] }} props */
function Resource({ streams }) {
  const [first] = streams;
  const sum = (/** @type {"records" | "requests"} */ name) => streams.reduce((sum, stream) => sum + stream.counts[name], 0);
  const state = WORST.find((state) => streams.some((stream) => stream.status === state)) ?? first.status;
  const instants = (/** @type {"complete_as_of" | "next_try"} */ name) =>
    streams
      .map((stream) => stream[name])
      .filter((at) => at !== null)
      .toSorted();
  const notes = [...new Set(streams.flatMap((stream) => [stream.last_error, stream.hint]).filter(Boolean))];
  const isWhole = streams.every((stream) => stream.complete_as_of);
  return html`
    <tr>
      <td class="nowrap">${words(first.resource)}</td>
      <td>${words(first.service)}</td>
      <td><${State} state=${state} /></td>
      <td class="right">${count(streams.length)}</td>
      <td class="right">${count(sum("records"))}</td>
      <td class="right">${count(sum("requests"))}</td>
      <td class="nowrap"><${Time} at=${isWhole ? instants("complete_as_of")[0] : null} none=${state === "on_demand" ? "when wanted" : "not yet"} /></td>
      <td class="nowrap"><${Time} at=${instants("next_try")[0] ?? null} none="–" /></td>
      <td class="note-cell">${notes.join(" ")}</td>
    </tr>`;
}

/** @param {{ report: Report }} props */
function Quarantine({ report }) {
  const items = report.integrations.flatMap((integration) =>
    integration.streams.flatMap((stream) => (stream.quarantined ?? []).map((item) => ({ ...item, resource: stream.resource }))),
  );
  if (!items.length) return null;
  return html`
    <${Card} class="full" title="Items that could not be stored" foot=${html`<span class="muted">The rest of their pages was stored. They are tried again with the next change.</span>`}>
      <${Table} label="Items with the reasons" head=${["Resource", "Item", "Why", "Seen"]}>
        ${items.map((item) => html`<tr key=${item.stream + item.item}><td>${words(item.resource)}</td><td>${item.item}</td><td>${item.reason}</td><td class="nowrap"><${Time} at=${item.seen_at || null} none="–" /></td></tr>`)}
      <//>
    <//>`;
}
