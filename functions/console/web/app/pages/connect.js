// Connecting: what, how, what is needed, the form, what it can read, and the first numbers.

import { useTitle } from "../hooks.js";
import { change, useLocation } from "../router.js";
import { may } from "../session.js";
import { Icon } from "../ui/icons.js";
import { Empty, Heading, Notice } from "../ui/parts.js";
import { html, useState } from "../view.js";
import { Arrived } from "./connect/arrived.js";
import { Form } from "./connect/form.js";
import { Instructions, METHODS } from "./connect/instructions.js";

const STEPS = ["Source", "Method", "Before you begin", "Connection", "First numbers"];

export function Connect() {
  useTitle("Connect");
  const { query } = useLocation();
  const [created, setCreated] = useState(/** @type {string | null} */ (null));
  const method = METHODS.find((method) => method.id === query.get("method"));
  const at = created ? 4 : !query.has("source") ? 0 : !method ? 1 : query.get("step") === "form" ? 3 : 2;
  if (!may("admin")) {
    return html`<${Heading} title="Connect" /><${Empty} title="This needs an administrator">You can look at everything, and an administrator can connect more.<//>`;
  }
  return html`
    <${Heading} title="Connect Azure DevOps" back=${{ href: "/connections", text: "Your integrations" }} />
    <ol class="steps" aria-label="Steps">
      ${STEPS.map((step, index) => html`<li key=${step} aria-current=${index === at ? "step" : undefined} data-done=${index < at}><span class="steps-sign">${index < at ? html`<${Icon} name="check" />` : index + 1}</span><span class="steps-text">${step}</span></li>`)}
    </ol>
    ${at === 0 && html`<${Source} />`}
    ${at === 1 && html`<${Choice} />`}
    ${at === 2 && method && html`<${Instructions} method=${method} next=${() => change({ step: "form" })} back=${() => change({ method: null })} />`}
    ${at === 3 && method && html`<${Form} method=${method} back=${() => change({ step: null })} done=${setCreated} />`}
    ${created && html`<${Arrived} id=${created} />`}`;
}

function Source() {
  return html`
    <div class="choices">
      <button class="choice" onClick=${() => change({ source: "azure-devops" })}>
        <span class="choice-title">Azure DevOps Services</span>
        <span class="muted">Boards, Pipelines, Repos and TFVC of one or more organizations. The last 90 days are fetched at once, then what is new every few minutes.</span>
      </button>
    </div>`;
}

function Choice() {
  return html`
    <div class="choices">
      ${METHODS.map(
        (method) => html`
        <button class="choice" key=${method.id} onClick=${() => change({ method: method.id })}>
          <span class="choice-title">${method.title}</span>
          <span class="muted">${method.lead}</span>
        </button>`,
      )}
    </div>
    <${Notice}>Whatever you choose only reads. Nothing is ever written to Azure DevOps.<//>`;
}
