// Editing a connection. What that does is shown before it is saved.

import { ApiError, get, send } from "../../api.js";
import { useLoaded, useTitle } from "../../hooks.js";
import { forget } from "../../insights.js";
import { go } from "../../router.js";
import { may } from "../../session.js";
import { Answer, Card, Empty, Failed, Heading, Skeleton } from "../../ui/parts.js";
import { html, useState } from "../../view.js";
import { Field, input } from "../connect/credential.js";
import { DetailsFields, detailsChanged, detailsOf, isOfDetails } from "./details.js";
import { Effect } from "./effect.js";

/** @typedef {import("../../types").Connection} Connection */
/** @typedef {import("../../types").EditEffect} EditEffect */

/** @param {{ id: string }} props */
export function EditPage({ id }) {
  useTitle("Edit");
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded((signal) => /** @type {Promise<Connection>} */ (get(address, { signal })), address);
  if (!may("admin")) {
    return html`<${Heading} title="Edit" /><${Empty} title="This needs an administrator">An administrator can change what a connection is called and what it reads.<//>`;
  }
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${320} />`}>
      ${(/** @type {Connection} */ connection) => html`
        <${Heading} title="Edit ${connection.name}" back=${{ href: address, text: connection.name }} />
        <${Form} connection=${connection} address=${address} />`}
    <//>`;
}

/** @param {{ connection: Connection, address: string }} props */
function Form({ connection, address }) {
  const [name, setName] = useState(connection.name);
  const [details, setDetails] = useState(detailsOf(connection));
  const [looked, setLooked] = useState(/** @type {{ at: string, effect: EditEffect } | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState("");
  // What is not said stays, also what somebody else changes meanwhile.
  const changes = {
    ...(name.trim() === connection.name ? {} : { name: name.trim() }),
    ...detailsChanged(details, detailsOf(connection)),
  };
  const said = JSON.stringify(changes);
  const isSame = said === "{}";
  // What was shown may not be what stands there now.
  const seen = looked?.at === said ? looked.effect : null;
  const services = connection.integrations.map(({ service }) => service);
  const set = (/** @type {Partial<typeof details>} */ own) => {
    setDetails({ ...details, ...own });
    setError(null);
  };
  const rename = (/** @type {string} */ text) => {
    setName(text);
    setError(null);
  };
  const wrong = error instanceof ApiError ? (error.field ?? "") : "";
  const isShown = wrong === "name" || isOfDetails(wrong);
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
  const look = () => attempt("look", async () => setLooked({ at: said, effect: await send("POST", `${address}/preview`, changes) }));
  const save = () =>
    attempt("save", async () => {
      await send("PATCH", address, changes);
      forget();
      go(address);
    });
  return html`
    <${Card} title="What it is called and what it reads" class="prose">
      <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (busy || isSame) return;
        if (seen) save();
        else look();
      }}>
        <${Field} label="Name" hint="The integrations are called after it." isWrong=${wrong === "name"} error=${error}>
          ${(/** @type {any} */ own) => html`<input ...${own} value=${name} required maxlength="100" autocomplete="off" onInput=${input(rename)} />`}
        <//>
        <${DetailsFields} details=${details} services=${services} error=${error} wrong=${wrong} set=${set} />
        ${error && !isShown && html`<${Failed} error=${error} title="That did not work" />`}
        <div aria-live="polite">${seen && html`<${Effect} effect=${seen} />`}</div>
        <div class="buttons">
          <a class="button" href=${address}>Cancel</a>
          <button type="button" class="button" onClick=${look} disabled=${isSame || busy !== ""}>${busy === "look" ? "Looking" : "Show the effect"}</button>
          <button type="button" class="button primary" onClick=${save} disabled=${!seen || isSame || busy !== ""} title=${seen ? "" : "Look at the effect first"}>${busy === "save" ? "Saving" : "Save"}</button>
        </div>
      </form>
    <//>`;
}
