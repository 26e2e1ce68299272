// The form of a connection. What it says is looked at before it is saved, and looked at again when it is.

import { ApiError, send } from "../../api.js";
import { forget } from "../../insights.js";
import { Card, Failed, Notice } from "../../ui/parts.js";
import { html, useId, useState } from "../../view.js";
import { isReadable, Matrix } from "./matrix.js";

/** @typedef {import("../../types").OrganizationReport} OrganizationReport */
/** @typedef {{ name: string, organizations: string, pat: string, services: string[] }} Fields */

export const SERVICES = [
  { id: "boards", title: "Boards", what: "work items, sprints, teams" },
  { id: "pipelines", title: "Pipelines", what: "runs, stages, jobs, deployments" },
  { id: "repos", title: "Repos", what: "pull requests, pushes, commits" },
  { id: "tfvc", title: "TFVC", what: "changesets, shelvesets" },
];

/** @param {{ method: import("./instructions.js").Method, back: () => void, done: (id: string) => void }} props */
export function Form({ method, back, done }) {
  const [fields, setFields] = useState(
    /** @type {Fields} */ ({ name: "", organizations: "", pat: "", services: ["boards", "pipelines", "repos", "tfvc"] }),
  );
  const [reports, setReports] = useState(/** @type {OrganizationReport[] | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState("");
  const set = (/** @type {Partial<Fields>} */ changes) => {
    setFields({ ...fields, ...changes });
    // What was looked at is not what stands there now.
    if (Object.keys(changes).some((name) => name !== "name")) setReports(null);
    setError(null);
  };
  const attempt = async (/** @type {string} */ what, /** @type {() => Promise<void>} */ work) => {
    setBusy(what);
    setError(null);
    try {
      await work();
    } catch (error) {
      setError(/** @type {Error} */ (error));
    }
    setBusy("");
  };
  const validate = () =>
    attempt("validate", async () => setReports((await send("POST", "/connections/validate", credential(fields))).organizations));
  const save = () =>
    attempt("save", async () => {
      const body = { ...credential(fields), ...(fields.name.trim() && { name: fields.name.trim() }) };
      const created = await send("POST", "/connections", body);
      forget();
      done(created.id);
    });
  const wrong = error instanceof ApiError ? (error.field ?? "") : "";
  const isComplete = organizations(fields).length > 0 && fields.pat && fields.services.length > 0;
  return html`
    <${Card} title=${method.title} class="prose">
      <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (busy) return;
        if (reports && isReadable(reports)) save();
        else validate();
      }}>
        <${Field} label="Name" hint="What the integrations are called; each gets its service behind it." isWrong=${wrong === "name"} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.name} maxlength="100" autocomplete="off" placeholder=${organizations(fields)[0] ?? ""} onInput=${input((name) => set({ name }))} />`}
        <//>
        <${Field} label="Organizations" hint="The name in https://dev.azure.com/name; several with commas between." isWrong=${wrong.startsWith("organization")} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.organizations} required autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${input((organizations) => set({ organizations }))} />`}
        <//>
        <${Field} label="Personal access token" hint="It is kept in the secret store of your own account, and never shown again." isWrong=${wrong === "pat"} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} type="password" value=${fields.pat} required autocomplete="off" spellcheck=${false} onInput=${input((pat) => set({ pat: pat.trim() }))} />`}
        <//>
        <fieldset aria-describedby=${wrong.startsWith("services") ? "services-error" : undefined}>
          <legend>Services</legend>
          <div class="checks">
            ${SERVICES.map(
              (service) => html`
              <label key=${service.id}>
                <input type="checkbox" checked=${fields.services.includes(service.id)} onChange=${() => set({ services: SERVICES.map((one) => one.id).filter((id) => (id === service.id) !== fields.services.includes(id)) })} />
                <span><strong>${service.title}</strong> <span class="muted">${service.what}</span></span>
              </label>`,
            )}
          </div>
          ${wrong.startsWith("services") && html`<p class="field-error" id="services-error">${error?.message}</p>`}
        </fieldset>
        ${error && !["name", "pat"].includes(wrong) && !/^(organization|services)/.test(wrong) && html`<${Failed} error=${error} title="That did not work" />`}
        <div aria-live="polite">${reports && html`<${Verdict} reports=${reports} />`}</div>
        <div class="buttons">
          <button type="button" class="button" onClick=${back}>Back</button>
          <button type="button" class="button" onClick=${validate} disabled=${!isComplete || busy !== ""}>${busy === "validate" ? "Looking" : "Validate connection"}</button>
          <button type="button" class="button primary" onClick=${save} disabled=${!reports || !isReadable(reports) || busy !== ""} title=${reports ? "" : "Validate first"}>${busy === "save" ? "Connecting" : "Connect"}</button>
        </div>
      </form>
    <//>`;
}

/** @param {{ reports: OrganizationReport[] }} props */
function Verdict({ reports }) {
  return html`
    ${
      isReadable(reports)
        ? html`<${Notice} tone="good" title="Everything that you chose can be read" />`
        : html`<${Notice} tone="warn" title="Not everything can be read">Mend it as it says below and validate again, or leave the service out.<//>`
    }
    <${Matrix} reports=${reports} />`;
}

/** A label, a field, and what is wrong with it. @param {{ label: string, hint: string, isWrong: boolean, error: Error | null, children: (own: Record<string, unknown>) => any }} props */
export function Field({ label, hint, isWrong, error, children }) {
  const id = useId();
  const own = { id, "aria-invalid": isWrong, "aria-describedby": `${id}-hint` };
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${children(own)}
      <p id="${id}-hint" class=${isWrong ? "field-error" : "muted"} role=${isWrong ? "alert" : undefined}>${isWrong ? error?.message : hint}</p>
    </div>`;
}

/** @param {(value: string) => void} take */
export function input(take) {
  return (/** @type {Event} */ event) => take(/** @type {HTMLInputElement} */ (event.target).value);
}

/** @param {Fields} fields */
function organizations(fields) {
  return fields.organizations.split(/[\s,;]+/).filter(Boolean);
}

/** @param {Fields} fields */
function credential(fields) {
  return { organizations: organizations(fields), pat: fields.pat, services: fields.services };
}
