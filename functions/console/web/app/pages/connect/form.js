// The form of a connection. What it says is looked at before it is saved, and looked at again when it is.

import { ApiError, beginEntraSignIn, send } from "../../api.js";
import { forget } from "../../insights.js";
import { Card, Failed, Notice } from "../../ui/parts.js";
import { html, useState } from "../../view.js";
import { DetailsFields, detailsChanged, detailsOf, isOfDetails } from "../connection/details.js";
import { Credential, carried, credentialOf, Field, input, isGiven, isOfCredential, NOTHING_GIVEN } from "./credential.js";
import { isReadable, Matrix } from "./matrix.js";

/** @typedef {import("../../types").Validation} Validation */
/** @typedef {import("./instructions.js").Method["id"]} MethodId */
/** @typedef {import("../connection/details.js").Details} Details */
/** @typedef {{ name: string, organizations: string, services: string[], given: import("./credential.js").Given }} Fields */

export const SERVICES = [
  { id: "boards", title: "Boards", what: "work items, sprints, teams" },
  { id: "pipelines", title: "Pipelines", what: "runs, stages, jobs, deployments" },
  { id: "repos", title: "Repos", what: "pull requests, pushes, commits" },
  { id: "tfvc", title: "TFVC", what: "changesets, shelvesets" },
];

/** @param {{ method: import("./instructions.js").Method, back: () => void, done: (id: string) => void }} props */
export function Form({ method, back, done }) {
  const [fields, setFields] = useState(
    /** @type {Fields} */ ({
      name: "",
      organizations: "",
      services: ["boards", "pipelines", "repos", "tfvc"],
      given: NOTHING_GIVEN,
    }),
  );
  const [details, setDetails] = useState(detailsOf());
  const [seen, setSeen] = useState(/** @type {Validation | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState("");
  const set = (/** @type {Partial<Fields>} */ changes) => {
    setFields({ ...fields, ...changes });
    // What was looked at is not what stands there now.
    if (Object.keys(changes).some((name) => name !== "name")) setSeen(null);
    setError(null);
  };
  const all = organizations(fields);
  const place = (/** @type {string} */ text) =>
    set({ organizations: text, given: carried(fields.given, all, organizations({ organizations: text })) });
  const describe = (/** @type {Partial<Details>} */ own) => {
    setDetails({ ...details, ...own });
    if ("patterns" in own) setSeen(null);
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
  const { selection } = detailsChanged(details);
  const validate = () =>
    attempt("validate", async () =>
      setSeen(await send("POST", "/connections/validate", { ...asked(method.id, fields), ...(selection && { selection }) })),
    );
  const save = () =>
    attempt("save", async () => {
      const body = { ...asked(method.id, fields), ...named(fields), ...detailsChanged(details) };
      const created = await send("POST", "/connections", body);
      forget();
      done(created.id);
    });
  const signIn = () =>
    attempt("sign-in", async () =>
      location.assign(await beginEntraSignIn({ ...asked(method.id, fields), ...named(fields), ...detailsChanged(details) })),
    );
  const wrong = error instanceof ApiError ? (error.field ?? "") : "";
  const isSignIn = method.id === "oauth";
  const isComplete = (isSignIn || all.length > 0) && isGiven(method.id, all, fields.given) && fields.services.length > 0;
  const isReady = seen !== null && isReadable(seen.organizations);
  const isShown = /^(name|organization|services)/.test(wrong) || isOfCredential(method.id, all, wrong) || isOfDetails(wrong);
  return html`
    <${Card} title=${method.title} class="prose">
      <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (busy) return;
        if (isSignIn) signIn();
        else if (isReady) save();
        else validate();
      }}>
        <${Field} label="Name" hint="What the integrations are called; each gets its service behind it." isWrong=${wrong === "name"} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.name} maxlength="100" autocomplete="off" placeholder=${all[0] ?? ""} onInput=${input((name) => set({ name }))} />`}
        <//>
        <${Field} label="Organizations" hint="The name in https://dev.azure.com/name; several with commas between.${isSignIn ? " Without any: all that the person is in, also those that they join later." : ""}" isWrong=${wrong.startsWith("organization")} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} value=${fields.organizations} required=${!isSignIn} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${input(place)} />`}
        <//>
        <${Credential} method=${method.id} organizations=${all} given=${fields.given} error=${error} wrong=${wrong} set=${(/** @type {any} */ given) => set({ given })} />
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
        <details class="more" open=${isOfDetails(wrong) || undefined}>
          <summary>Description, tags, and reading only a part</summary>
          <div class="form">
            <${DetailsFields} details=${details} services=${fields.services} error=${error} wrong=${wrong} set=${describe} />
          </div>
        </details>
        ${error && !isShown && html`<${Failed} error=${error} title="That did not work" />`}
        <div aria-live="polite">${seen && html`<${Verdict} seen=${seen} />`}</div>
        <div class="buttons">
          <button type="button" class="button" onClick=${back}>Back</button>
          ${
            isSignIn
              ? html`<button type="button" class="button primary" onClick=${signIn} disabled=${!isComplete || busy !== ""}>${busy ? "Leaving" : "Sign in with Microsoft"}</button>`
              : html`
          <button type="button" class="button" onClick=${validate} disabled=${!isComplete || busy !== ""}>${busy === "validate" ? "Looking" : "Validate connection"}</button>
          <button type="button" class="button primary" onClick=${save} disabled=${!isReady || busy !== ""} title=${seen ? "" : "Validate first"}>${busy === "save" ? "Connecting" : "Connect"}</button>`
          }
        </div>
      </form>
    <//>`;
}

/** @param {{ seen: Validation }} props */
function Verdict({ seen: { organizations, warnings = [] } }) {
  return html`
    ${
      isReadable(organizations)
        ? html`<${Notice} tone="good" title="Everything that you chose can be read" />`
        : html`<${Notice} tone="warn" title="Not everything can be read">Mend it as it says below and validate again, or leave the service out.<//>`
    }
    ${warnings.map((warning) => html`<${Notice} key=${warning} tone="warn" title=${warning} />`)}
    <${Matrix} reports=${organizations} />`;
}

/** @param {Pick<Fields, "organizations">} fields */
function organizations(fields) {
  return fields.organizations.split(/[\s,;]+/).filter(Boolean);
}

/** What is asked of the API. @param {MethodId} method @param {Fields} fields */
function asked(method, fields) {
  const all = organizations(fields);
  const credential = credentialOf(method, all, fields.given);
  const isSaid = "pats" in credential || (method === "oauth" && all.length === 0);
  return { ...(isSaid ? {} : { organizations: all }), services: fields.services, ...credential };
}

/** @param {Fields} fields */
function named({ name }) {
  return name.trim() ? { name: name.trim() } : {};
}
