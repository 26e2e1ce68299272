// Another credential for a connection that there is, by the same or another method.

import { ApiError, beginEntraSignIn, get, send } from "../api.js";
import { words } from "../format.js";
import { useLoaded, useTitle } from "../hooks.js";
import { forget } from "../insights.js";
import { go } from "../router.js";
import { may } from "../session.js";
import { Answer, Card, Empty, Failed, Heading, Notice, Segments } from "../ui/parts.js";
import { html, useState } from "../view.js";
import { Credential, credentialOf, isGiven, isOfCredential, NOTHING_GIVEN } from "./connect/credential.js";
import { METHODS } from "./connect/instructions.js";

/** @typedef {import("../types").Connection} Connection */
/** @typedef {import("./connect/credential.js").MethodId} MethodId */

/** @param {{ id: string }} props */
export function Reauthenticate({ id }) {
  useTitle("Reauthenticate");
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => /** @type {Promise<Connection>} */ (get(address, { signal })), address);
  if (!may("admin")) {
    return html`<${Heading} title="Reauthenticate" /><${Empty} title="This needs an administrator">An administrator can replace the credential.<//>`;
  }
  return html`
    <${Answer} loaded=${loaded}>
      ${(/** @type {Connection} */ connection) => html`
        <${Heading} title="Reauthenticate ${connection.name}" back=${{ href: address, text: connection.name }} />
        <${Form} connection=${connection} address=${address} />`}
    <//>`;
}

/** @param {{ connection: Connection, address: string }} props */
function Form({ connection, address }) {
  const [method, setMethod] = useState(
    /** @type {MethodId} */ (METHODS.find(({ id }) => id === connection.method.replace("o_auth", "oauth"))?.id ?? "pat"),
  );
  const [given, setGiven] = useState(NOTHING_GIVEN);
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const { organizations } = connection;
  const wrong = error instanceof ApiError ? (error.field ?? "") : "";
  const isOther = error instanceof ApiError && error.type === "/problems/identity-changes";
  const replace = async (/** @type {boolean} */ isConfirmed) => {
    setBusy(true);
    setError(null);
    const confirmed = isConfirmed ? { confirm_identity_change: true } : {};
    try {
      if (method === "oauth") return location.assign(await beginEntraSignIn({ connection: connection.id, ...confirmed }));
      await send("POST", `${address}/reauthenticate`, { ...credentialOf(method, organizations, given), ...confirmed });
      forget();
      return go(address);
    } catch (error) {
      setError(/** @type {Error} */ (error));
    }
    setBusy(false);
  };
  return html`
    <${Card} title="The new credential" class="prose">
      <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (!busy) replace(false);
      }}>
        <p class="muted">It is looked at first, and kept if it can read what the old one read, for all integrations of ${connection.name}: ${connection.integrations.map((one) => words(one.service)).join(", ")} in ${connection.organizations.join(", ")}. They go on where they stand; what was fetched stays.</p>
        <${Segments} label="Method" value=${method} options=${METHODS.map(({ id, title }) => ({ value: id, text: title }))} onChange=${(
          /** @type {MethodId} */ next,
        ) => {
          setMethod(next);
          setError(null);
        }} />
        <${Credential} method=${method} organizations=${organizations} given=${given} error=${error} wrong=${wrong} set=${(
          /** @type {typeof given} */ next,
        ) => {
          setGiven(next);
          setError(null);
        }} />
        ${isOther && html`<${Notice} tone="warn" role="alert" title="This is somebody else's"><p>${/** @type {Error} */ (error).message.split(" Send ")[0]}</p><button type="button" class="button small" disabled=${busy} onClick=${() => replace(true)}>Use it anyway</button><//>`}
        ${error && !isOther && !isOfCredential(method, organizations, wrong) && html`<${Failed} error=${error} title="The old one stays" />`}
        <div class="buttons">
          <a class="button" href=${address}>Cancel</a>
          <button class="button primary" disabled=${busy || !isGiven(method, organizations, given)}>${busy ? "Looking" : method === "oauth" ? "Sign in with Microsoft" : "Replace the credential"}</button>
        </div>
      </form>
    <//>`;
}
