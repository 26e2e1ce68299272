// What a connection authenticates with, by method: its fields, and how the API wants it.

import { html, useId } from "../../view.js";

/** @typedef {import("./instructions.js").Method["id"]} MethodId */
/** @typedef {{ pat: string, tenant_id: string, client_id: string, client_secret: string }} Given */

/** @type {Given} */
export const NOTHING_GIVEN = { pat: "", tenant_id: "", client_id: "", client_secret: "" };

/** What is asked for: here, in the API, and what is to know. @type {Record<MethodId, { name: keyof Given, field: string, label: string, hint: string, isSecret: boolean }[]>} */
const FIELDS = {
  oauth: [],
  pat: [
    {
      name: "pat",
      field: "pat",
      label: "Personal access token",
      hint: "It is kept in the secret store of your own account, and never shown again.",
      isSecret: true,
    },
  ],
  service_principal: [
    {
      name: "tenant_id",
      field: "service_principal.tenant_id",
      label: "Directory (tenant) ID",
      hint: "From the overview of the app registration.",
      isSecret: false,
    },
    {
      name: "client_id",
      field: "service_principal.client_id",
      label: "Application (client) ID",
      hint: "From the overview of the app registration.",
      isSecret: false,
    },
    {
      name: "client_secret",
      field: "service_principal.client_secret",
      label: "Client secret",
      hint: "Its value, not its id. It is kept in the secret store of your own account, and never shown again.",
      isSecret: true,
    },
  ],
};

/** The fields of a method. @param {{ method: MethodId, given: Given, error: Error | null, wrong: string, set: (changes: Partial<Given>) => void }} props and the field of the API that is wrong */
export function Credential({ method, given, error, wrong, set }) {
  return FIELDS[method].map(
    ({ name, field, label, hint, isSecret }) => html`
    <${Field} key=${name} label=${label} hint=${hint} isWrong=${wrong === field} error=${error}>
      ${(/** @type {any} */ own) => html`<input ...${own} type=${isSecret ? "password" : "text"} value=${given[name]} required autocomplete="off" spellcheck=${false} onInput=${input((value) => set({ [name]: value.trim() }))} />`}
    <//>`,
  );
}

/** Whether nothing is left out. @param {MethodId} method @param {Given} given */
export function isGiven(method, given) {
  return FIELDS[method].every(({ name }) => given[name]);
}

/** Whether a field of the API is one of these. @param {MethodId} method @param {string} wrong */
export function isOfCredential(method, wrong) {
  return FIELDS[method].some(({ field }) => field === wrong);
}

/** What the API is given. @param {MethodId} method @param {Given} given */
export function credentialOf(method, { pat, tenant_id, client_id, client_secret }) {
  if (method === "oauth") return {};
  return method === "pat" ? { pat } : { service_principal: { tenant_id, client_id, client_secret } };
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
