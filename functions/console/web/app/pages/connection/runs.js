// The run log of an integration: which passes ended when, and what they did.

import { get } from "../../api.js";
import { count, quantity, words } from "../../format.js";
import { useLoaded, useTitle } from "../../hooks.js";
import { change, useLocation } from "../../router.js";
import { Answer, Card, Empty, Heading, Segments, Skeleton, State, Table, Time } from "../../ui/parts.js";
import { html } from "../../view.js";
import { More, useMore } from "./more.js";

/** @typedef {import("../../types").Connection} Connection */
/** @typedef {import("../../types").Run} Run */

/** @param {{ id: string }} props */
export function RunsPage({ id }) {
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => /** @type {Promise<Connection>} */ (get(address, { signal })), address);
  const { query } = useLocation();
  useTitle(loaded.value ? `Run log of ${loaded.value.name}` : "Run log");
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${320} />`}>
      ${(/** @type {Connection} */ connection) => {
        const integrations = connection.integrations;
        const chosen = integrations.find((one) => one.service === query.get("service")) ?? integrations[0];
        return html`
          <${Heading} title="Run log" lead="Passes that ended in the last 30 days, the newest first." back=${{ href: address, text: connection.name }} />
          <${Segments} label="Service" value=${chosen.service} options=${integrations.map((one) => ({ value: one.service, text: words(one.service) }))} onChange=${(/** @type {string} */ service) => change({ service })} />
          <${Runs} key=${chosen.id} integration=${chosen} />`;
      }}
    <//>`;
}

/** @param {{ integration: import("../../types").Integration }} props */
function Runs({ integration }) {
  const more = useMore(/** @type {(answer: any) => Run[]} */ ((answer) => answer.runs), `/integrations/${integration.id}/runs`);
  return html`
    <${Card} title=${integration.name} class="log" foot=${html`<${More} more=${more} />`}>
      <${Answer} loaded=${more.loaded} skeleton=${html`<${Skeleton} lines=${8} />`}>
        ${() =>
          more.lines.length
            ? html`
          <${Table} label="Passes of ${integration.name}" head=${["Ended", "Resource", "State", { text: "Took", class: "right" }, { text: "Pages", class: "right" }, { text: "Records", class: "right" }, { text: "Requests", class: "right" }, { text: "Retries", class: "right" }, { text: "Set aside", class: "right" }, "Trace"]}>
            ${more.lines.map(
              (run) => html`
              <tr key=${run.ended_at + run.resource + run.scope}>
                <td class="nowrap"><${Time} at=${run.ended_at} exact /></td>
                <td class="nowrap">${words(run.resource)}</td>
                <td><${State} state=${run.status} /></td>
                <td class="right">${quantity(run.duration_ms / 1000, "seconds")}</td>
                <td class="right">${count(run.counts.pages)}</td>
                <td class="right">${count(run.counts.records)}</td>
                <td class="right">${count(run.counts.requests)}</td>
                <td class="right">${count(run.counts.retries)}</td>
                <td class="right">${count(run.counts.quarantined)}</td>
                <td class="nowrap">${run.trace_id && html`<code>${run.trace_id}</code>`}</td>
              </tr>`,
            )}
          <//>`
            : html`<${Empty} title="No pass has ended yet" icon="wait">The first one is here as soon as a list was read to its end.<//>`}
      <//>
    <//>`;
}
