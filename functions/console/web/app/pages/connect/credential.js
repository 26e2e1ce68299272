// What a connection authenticates with, by method: its fields, and how the API wants it.

import { Segments } from "../../ui/parts.js";
import { html, useId } from "../../view.js";

/** @typedef {import("./instructions.js").Method["id"]} MethodId */
/** A token for one organization. @typedef {{ pat: string, expires_on: string }} Token */
/** @typedef {{ tenant_id: string, client_id: string, proof: "client_secret" | "certificate", client_secret: string, certificate: string, expires_on: string }} Application */
/** @typedef {{ tokens: Token[], application: Application }} Given */

/** @type {Token} */
const NO_TOKEN = { pat: "", expires_on: "" };

/** @type {Given} */
export const NOTHING_GIVEN = {
  tokens: [],
  application: { tenant_id: "", client_id: "", proof: "client_secret", client_secret: "", certificate: "", expires_on: "" },
};

const ELSEWHERE = "kept in the secret store of your own account, and never shown again.";

/** @typedef {{ method: MethodId, organizations: string[], given: Given, error: Error | null, wrong: string, set: (given: Given) => void }} Props and the field of the API that is wrong */

/** The fields of a method. @param {Props} props */
export function Credential(props) {
  if (props.method === "oauth") return null;
  return props.method === "pat" ? html`<${Tokens} ...${props} />` : html`<${Principal} ...${props} />`;
}

/** A token for each organization. @param {Props} props */
function Tokens({ organizations, given, error, wrong, set }) {
  return tokensOf(organizations, given).map(({ pat, expires_on }, index, tokens) => {
    const where = tokens.length > 1 ? ` for ${organizations[index]}` : "";
    const change = (/** @type {Partial<Token>} */ changes) =>
      set({ ...given, tokens: tokens.with(index, { pat, expires_on, ...changes }) });
    const fieldOf = (/** @type {string} */ name) => (where ? `pats[${index}].${name}` : name);
    return html`
    <div class="pair" key=${index}>
      <${Field} label="Personal access token${where}" hint="It is ${ELSEWHERE}" isWrong=${wrong === fieldOf("pat")} error=${error}>
        ${(/** @type {any} */ own) => html`<input ...${own} type="password" value=${pat} required autocomplete="off" spellcheck=${false} onInput=${input((value) => change({ pat: value.trim() }))} />`}
      <//>
      <${Expiry} where=${where} value=${expires_on} isWrong=${wrong === fieldOf("expires_on")} error=${error} set=${(/** @type {string} */ on) => change({ expires_on: on })} />
    </div>`;
  });
}

/** An application of Entra ID. @param {Props} props */
function Principal({ given, error, wrong, set }) {
  const { application } = given;
  const change = (/** @type {Partial<Application>} */ changes) => set({ ...given, application: { ...application, ...changes } });
  const isWrong = (/** @type {string} */ name) => wrong === `service_principal.${name}`;
  const text = (
    /** @type {"tenant_id" | "client_id" | "client_secret"} */ name,
    /** @type {string} */ label,
    /** @type {string} */ hint,
  ) => html`
    <${Field} key=${name} label=${label} hint=${hint} isWrong=${isWrong(name)} error=${error}>
      ${(/** @type {any} */ own) => html`<input ...${own} type=${name === "client_secret" ? "password" : "text"} value=${application[name]} required autocomplete="off" spellcheck=${false} onInput=${input((value) => change({ [name]: value.trim() }))} />`}
    <//>`;
  return html`
    ${text("tenant_id", "Directory (tenant) ID", "From the overview of the app registration.")}
    ${text("client_id", "Application (client) ID", "From the overview of the app registration.")}
    <${Segments} label="It proves itself by" value=${application.proof} options=${[
      { value: "client_secret", text: "Client secret" },
      { value: "certificate", text: "Certificate" },
    ]} onChange=${(/** @type {Application["proof"]} */ proof) => change({ proof, client_secret: "", certificate: "" })} />
    <div class="pair">
      ${
        application.proof === "client_secret"
          ? text("client_secret", "Client secret", `Its value, not its id. It is ${ELSEWHERE}`)
          : html`
      <${Field} key="certificate" label="Certificate and its key" hint="One PEM file with both, the key without a password. They are ${ELSEWHERE}" isWrong=${isWrong("certificate")} error=${error}>
        ${(/** @type {any} */ own) => html`<input ...${own} type="file" accept=".pem" required onChange=${chosen((certificate) => change({ certificate }))} />`}
      <//>`
      }
      <${Expiry} where="" value=${application.expires_on} isWrong=${isWrong("expires_on")} error=${error} set=${(/** @type {string} */ on) => change({ expires_on: on })} />
    </div>`;
}

/** @param {{ where: string, value: string, isWrong: boolean, error: Error | null, set: (on: string) => void }} props */
function Expiry({ where, value, isWrong, error, set }) {
  return html`
    <${Field} label=${html`Expires on<span class="sr-only">${where}</span>`} hint="Azure DevOps does not tell. With it you are warned in time." isWrong=${isWrong} error=${error}>
      ${(/** @type {any} */ own) => html`<input ...${own} type="date" value=${value} onInput=${input(set)} />`}
    <//>`;
}

/** The tokens that are asked for, as far as they are given. @param {string[]} organizations @param {Given} given @returns {Token[]} */
function tokensOf(organizations, { tokens }) {
  return Array.from({ length: Math.max(1, organizations.length) }, (_, index) => tokens[index] ?? NO_TOKEN);
}

/**
 * The same tokens for other organizations: each stays with its own, and with one that is written differently now.
 * @param {Given} given @param {string[]} before @param {string[]} after @returns {Given}
 */
export function carried(given, before, after) {
  const tokens = after.map((name, index) => {
    const at = before.indexOf(name);
    if (at >= 0) return given.tokens[at] ?? NO_TOKEN;
    return after.includes(before[index] ?? "") ? NO_TOKEN : (given.tokens[index] ?? NO_TOKEN);
  });
  return { ...given, tokens: tokens.length ? tokens : given.tokens.slice(0, 1) };
}

/** Whether nothing is left out. @param {MethodId} method @param {string[]} organizations @param {Given} given */
export function isGiven(method, organizations, given) {
  if (method === "oauth") return true;
  if (method === "pat") return tokensOf(organizations, given).every(({ pat }) => pat);
  const { tenant_id, client_id, proof } = given.application;
  return Boolean(tenant_id && client_id && given.application[proof]);
}

/** Whether a field of the API is one of these. @param {MethodId} method @param {string[]} organizations @param {string} wrong */
export function isOfCredential(method, organizations, wrong) {
  if (method === "oauth") return false;
  if (method === "service_principal") return /^service_principal\.(tenant_id|client_id|client_secret|certificate|expires_on)$/.test(wrong);
  return organizations.length > 1 ? /^pats\[\d+\]\.(pat|expires_on)$/.test(wrong) : /^(pat|expires_on)$/.test(wrong);
}

/** What the API is given. @param {MethodId} method @param {string[]} organizations @param {Given} given */
export function credentialOf(method, organizations, given) {
  if (method === "oauth") return {};
  if (method === "service_principal") {
    const { tenant_id, client_id, proof, expires_on } = given.application;
    return { service_principal: { tenant_id, client_id, [proof]: given.application[proof], ...dated(expires_on) } };
  }
  const tokens = tokensOf(organizations, given).map(({ pat, expires_on }) => ({ pat, ...dated(expires_on) }));
  if (tokens.length === 1) return tokens[0];
  return { pats: tokens.map((token, index) => ({ organization: organizations[index], ...token })) };
}

/** @param {string} expires_on */
function dated(expires_on) {
  return expires_on ? { expires_on } : {};
}

/** A label, a field, and what is wrong with it. @param {{ label: any, hint: string, isWrong: boolean, error: Error | null, children: (own: Record<string, unknown>) => any }} props */
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

/** The text of the file that was chosen. @param {(text: string) => void} take */
function chosen(take) {
  return async (/** @type {Event} */ event) => take((await /** @type {HTMLInputElement} */ (event.target).files?.[0]?.text()) ?? "");
}
