// A connection that was just made: what comes in, as it comes in.

import { get } from "../../api.js";
import { FIRST } from "../../families.js";
import { count, quantity, words } from "../../format.js";
import { useLoaded } from "../../hooks.js";
import { forget, numbers, rangeOf, useCatalogue } from "../../insights.js";
import { Answer, Card, Notice } from "../../ui/parts.js";
import { html } from "../../view.js";
import { Integrations } from "../connections.js";

/** @typedef {import("../../types").Connection} Connection */

/** @param {{ id: string }} props */
export function Arrived({ id }) {
  const isBusy = (/** @type {Connection} */ connection) => connection.integrations.some((one) => one.status === "syncing");
  const loaded = useLoaded(
    (signal) => /** @type {Promise<Connection>} */ (get(`/connections/${id}`, { signal })),
    id,
    (connection) => (isBusy(connection) ? 1_000 : 10_000),
  );
  return html`
    <${Answer} loaded=${loaded}>
      ${(/** @type {Connection} */ connection) => html`
        ${
          isBusy(connection)
            ? html`<${Notice} tone="busy" icon="sync" role="status" title="${connection.name} is connected, and the last 90 days are on their way">You can leave this page; it goes on.<//>`
            : html`<${Notice} tone="good" role="status" title="${connection.name} is connected, and everything is there">From now on it is kept up to date.<//>`
        }
        <div class="grid">
          <${Card} class="wide" title="What has come so far"><${Integrations} integrations=${connection.integrations} /><//>
          <${FirstNumbers} id=${id} records=${connection.integrations.reduce((sum, one) => sum + one.counts.records, 0)} />
        </div>
        <div class="buttons"><a class="button primary" href="/">To the overview</a><a class="button" href="/connections/${id}">To the integration</a></div>`}
    <//>`;
}

/** @param {{ id: string, records: number }} props */
function FirstNumbers({ id, records }) {
  const catalogue = useCatalogue();
  const metrics = FIRST.map((name) => catalogue.value?.find((metric) => metric.name === name)).filter((metric) => metric !== undefined);
  const range = rangeOf(new URLSearchParams({ days: "90" }));
  const loaded = useLoaded(async () => {
    forget();
    return Promise.all(metrics.map(async (metric) => ({ metric, answer: await numbers(metric, range, { connection: id, limit: 1 }) })));
  }, `${id} ${metrics.length} ${records}`);
  return html`
    <${Card} title="First numbers" foot=${html`<span class="muted">of the last 90 days, from what has come so far</span>`}>
      <${Answer} loaded=${loaded}>
        ${(/** @type {{ metric: import("../../types").Metric, answer: import("../../types").Numbers }[]} */ found) => html`
          <dl class="first-numbers">
            <div><dt>Records</dt><dd>${count(records)}</dd></div>
            ${found.map(({ metric, answer }) => html`<div key=${metric.name}><dt><a href="/insights/${metric.name}?connection=${id}">${words(metric.name)}</a></dt><dd>${quantity(answer.total.value, metric.unit)}</dd></div>`)}
          </dl>`}
      <//>
    <//>`;
}
