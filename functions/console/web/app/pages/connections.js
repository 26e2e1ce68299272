// What is connected, and how it is doing.

import { count, quantity, words } from "../format.js";
import { useTitle } from "../hooks.js";
import { may } from "../session.js";
import { Icon } from "../ui/icons.js";
import { useConnections } from "../ui/no-connection.js";
import { Answer, Card, Empty, Heading, Progress, Skeleton, State, Time } from "../ui/parts.js";
import { html } from "../view.js";
import { Warnings } from "./connection/warnings.js";

/** @typedef {import("../types").Connection} Connection */
/** @typedef {import("../types").Integration} Integration */

export function Connections() {
  useTitle("Integrations");
  const connections = useConnections();
  return html`
    <${Heading}
      title="Your integrations"
      lead="Organizations that are connected, with one integration for each service."
      actions=${may("admin") && html`<a class="button primary" href="/connections/new"><${Icon} name="add" />Connect</a>`}
    />
    <${Answer} loaded=${connections} skeleton=${html`<${Skeleton} height=${260} />`}>
      ${(/** @type {Connection[]} */ all) =>
        all.length
          ? html`<div class="stack">${all.map((connection) => html`<${ConnectionCard} key=${connection.id} connection=${connection} />`)}</div>`
          : html`<${Empty} title="Nothing is connected yet" icon="connections" action=${may("admin") && html`<a class="button primary" href="/connections/new">Connect Azure DevOps</a>`}>${may("admin") ? "It takes a minute and a token that may only read." : "An administrator can connect an Azure DevOps organization."}<//>`}
    <//>`;
}

/** @type {Record<string, string>} */
export const METHODS = { pat: "Personal access token", o_auth: "OAuth", oauth: "OAuth", service_principal: "Service principal" };

/** @param {{ connection: Connection }} props */
function ConnectionCard({ connection }) {
  return html`
    <${Card}
      title=${html`<a href="/connections/${connection.id}">${connection.name}</a>`}
      actions=${connection.status !== "active" && html`<${State} state=${connection.status} />`}
      foot=${html`<span class="muted">${METHODS[connection.method] ?? words(connection.method)} · ${connection.organizations.join(", ")} · connected <${Time} at=${connection.created_at} /></span>`}
    >
      ${connection.description && html`<p class="muted">${connection.description}</p>`}
      <${Warnings} connection=${connection} />
      <${Integrations} integrations=${connection.integrations} />
    <//>`;
}

/** @param {{ integrations: Integration[], actions?: (integration: Integration) => any }} props */
export function Integrations({ integrations, actions }) {
  return html`
    <ul class="integrations">
      ${integrations.map(
        (integration) => html`
        <li key=${integration.id}>
          <span class="integration-name">${integration.name}</span>
          <${State} state=${integration.status} />
          <span class="integration-progress">
            <${Progress} part=${integration.streams.complete} whole=${integration.streams.total} label="${integration.name}: streams that have seen everything" />
            <span class="muted">${integration.streams.total ? `${count(integration.streams.complete)} of ${count(integration.streams.total)} streams (${quantity(integration.coverage, "share")})` : "looking around"}</span>
          </span>
          <span class="integration-facts">
            <span><strong>${count(integration.counts.records)}</strong> <span class="muted">records</span></span>
            <span><strong>${count(integration.counts.requests)}</strong> <span class="muted">requests</span></span>
            <span class="muted">complete as of <${Time} at=${integration.complete_as_of} none="not yet" /></span>
            <span class="muted">next look <${Next} integration=${integration} /></span>
          </span>
          ${actions?.(integration)}
          ${integration.errors?.length ? html`<p class="integration-error">${integration.errors[0].error}${integration.errors.length > 1 ? ` and ${integration.errors.length - 1} more` : ""}</p>` : null}
        </li>`,
      )}
    </ul>`;
}

/** When it is looked at next, if it is at all. @param {{ integration: Integration }} props */
function Next({ integration: { status, next_run } }) {
  if (status === "paused") return "when it is resumed";
  const isDue = next_run !== null && new Date(next_run) <= new Date();
  return isDue ? "now" : html`<${Time} at=${next_run} none="not planned" />`;
}
