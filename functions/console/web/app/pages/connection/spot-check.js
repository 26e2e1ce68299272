// One thing as it is stored, beside what Azure DevOps says of it now.

import { get } from "../../api.js";
import { words } from "../../format.js";
import { useLoaded, useTitle } from "../../hooks.js";
import { change, useLocation } from "../../router.js";
import { Answer, Card, Empty, Failed, Heading, Notice, Segments, Select, Skeleton, State, Table, Time } from "../../ui/parts.js";
import { html, useState } from "../../view.js";
import { Field, input } from "../connect/credential.js";

/** @typedef {import("../../types").Connection} Connection */
/** @typedef {import("../../types").SpotCheck} SpotCheck */

const KINDS = [
  { value: "work_item", text: "Work item", service: "boards", hint: "Its number." },
  { value: "run", text: "Run", service: "pipelines", hint: "The number behind buildId in its address." },
  { value: "pull_request", text: "Pull request", service: "repos", hint: "Its number." },
  { value: "commit", text: "Commit", service: "repos", hint: "Its whole hash of 40 characters." },
  { value: "changeset", text: "Changeset", service: "tfvc", hint: "Its number." },
];

/** @param {{ id: string }} props */
export function SpotCheckPage({ id }) {
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => /** @type {Promise<Connection>} */ (get(address, { signal })), address);
  useTitle("Spot check");
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${320} />`}>
      ${(/** @type {Connection} */ connection) => html`
        <${Heading} title="Spot check" lead="One thing as it is stored, beside what Azure DevOps says of it now." back=${{ href: address, text: connection.name }} />
        <${Check} connection=${connection} address=${address} />`}
    <//>`;
}

/** @param {{ connection: Connection, address: string }} props */
function Check({ connection, address }) {
  const { query } = useLocation();
  const kinds = KINDS.filter(({ service }) => connection.integrations.some((one) => one.service === service));
  const text = (/** @type {string} */ name) => query.get(name) ?? "";
  const [fields, setFields] = useState({
    kind: kinds.find(({ value }) => value === text("kind"))?.value ?? kinds[0].value,
    id: text("id"),
    organization: text("organization") || connection.organizations[0],
    project: text("project"),
    repository: text("repository"),
  });
  const set = (/** @type {Partial<typeof fields>} */ changes) => setFields({ ...fields, ...changes });
  const kind = kinds.find(({ value }) => value === fields.kind) ?? kinds[0];
  const hasProject = ["run", "pull_request", "commit"].includes(kind.value);
  const asked = new URLSearchParams([...query].filter(([name, value]) => name in fields && value));
  const hint = "Its name; needed where the organization has several.";
  const look = () =>
    change({
      ...fields,
      project: hasProject ? fields.project : null,
      repository: kind.value === "commit" ? fields.repository : null,
    });
  return html`
    <div class="stack">
      <${Card} title="What to look at" class="prose">
        <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          look();
        }}>
          <${Segments} label="Kind" value=${kind.value} options=${kinds} onChange=${(/** @type {string} */ kind) => set({ kind })} />
          ${connection.organizations.length > 1 && html`<${Select} label="Organization" value=${fields.organization} options=${connection.organizations.map((name) => ({ value: name, text: name }))} onChange=${(/** @type {string} */ organization) => set({ organization })} />`}
          <${Field} label=${kind.value === "commit" ? "Hash" : "Number"} hint=${kind.hint} isWrong=${false} error=${null}>
            ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.id} required autocomplete="off" spellcheck=${false} onInput=${input((id) => set({ id: id.trim() }))} />`}
          <//>
          ${
            hasProject &&
            html`
          <${Field} label="Project" hint=${hint} isWrong=${false} error=${null}>
            ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.project} autocomplete="off" onInput=${input((project) => set({ project }))} />`}
          <//>`
          }
          ${
            kind.value === "commit" &&
            html`
          <${Field} label="Repository" hint="Its name." isWrong=${false} error=${null}>
            ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.repository} required autocomplete="off" onInput=${input((repository) => set({ repository }))} />`}
          <//>`
          }
          <div class="buttons"><button class="button primary">Look at both</button></div>
        </form>
      <//>
      ${asked.get("id") && html`<${Result} key=${asked.toString()} path="${address}/spot-check?${asked}" />`}
    </div>`;
}

/** @type {Record<string, string>} */
const TONES = { equal: "good", differs: "bad", missing_here: "bad", stored_is_newer: "bad", stored_is_older: "busy" };

/** @param {{ path: string }} props */
function Result({ path }) {
  const loaded = useLoaded((signal) => /** @type {Promise<SpotCheck>} */ (get(path, { signal })), path);
  const [which, setWhich] = useState("different");
  if (loaded.error) return html`<${Failed} error=${loaded.error} retry=${loaded.reload} title="It could not be looked at" />`;
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${240} />`}>
      ${(/** @type {SpotCheck} */ check) => {
        const different = check.fields.filter((field) => !["equal", "cut", "not_ingested"].includes(field.difference));
        const shown = which === "all" || !different.length ? check.fields : different;
        return html`
          <div role="status"><${Notice} tone=${TONES[check.verdict] ?? "warn"} icon=${check.verdict === "equal" ? "check" : "info"} title=${words(check.verdict)}>
            <p>${check.explanation}</p>
            ${check.follows_at && html`<p class="muted">The next pass that changes this begins <${Time} at=${check.follows_at} />.</p>`}
          <//></div>
          <${Card} class="log" title="${words(check.kind)} ${check.id}" actions=${different.length > 0 && different.length < check.fields.length && html`<${Segments} label="Which fields" value=${which} onChange=${setWhich} options=${[{ value: "different", text: `Different (${different.length})` }, { value: "all", text: `All (${check.fields.length})` }]} />`} foot=${html`<span class="muted">${check.organization} · looked at <${Time} at=${check.checked_at} exact />${check.details.length > 0 && ` · ${check.details.map(({ name, state }) => `${name}: ${state}`).join(", ")}`}</span>`}>
            ${
              shown.length
                ? html`
            <${Table} label="Fields" head=${["Field", "Stored", "In Azure DevOps", ""]}>
              ${shown.map((field) => html`<tr key=${field.name}><td>${words(field.name)}</td><td class="value-cell">${shownValue(field.stored)}</td><td class="value-cell">${shownValue(field.live)}</td><td><${State} state=${field.difference === "equal" ? "complete" : "on_demand"} text=${words(field.difference)} /></td></tr>`)}
            <//>`
                : html`<${Empty} title="There is nothing to show of it" />`
            }
          <//>`;
      }}
    <//>`;
}

/** @param {unknown} value */
function shownValue(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
