// Deleting a connection: what goes is counted first, then it goes, and a receipt stays.

import { ApiError, get, send } from "../../api.js";
import { count, plural, words } from "../../format.js";
import { useLoaded, useTitle } from "../../hooks.js";
import { forget } from "../../insights.js";
import { may } from "../../session.js";
import { Answer, Card, Empty, Failed, Heading, Notice, Skeleton, State, Table, Time } from "../../ui/parts.js";
import { html, useState } from "../../view.js";
import { Field, input } from "../connect/credential.js";

/** @typedef {import("../../types").Deletion} Deletion */

const BACK = { href: "/connections", text: "Your integrations" };

/** @param {{ id: string }} props */
export function DeletePage({ id }) {
  const address = `/connections/${encodeURIComponent(id)}`;
  const loaded = useLoaded(
    (signal) => /** @type {Promise<Deletion>} */ (get(`${address}/deletion`, { signal })),
    `${address}/deletion`,
    (deletion) => (deletion.status === "deleting" ? 1_500 : 0),
  );
  useTitle(loaded.value ? `Delete ${loaded.value.name}` : "Delete");
  if (loaded.error instanceof ApiError && loaded.error.status === 404) {
    return html`
      <${Heading} title="There is no such connection" back=${BACK} />
      <${Empty} title="Nothing is connected under this address" icon="connections">And none was deleted of which a receipt is kept.<//>`;
  }
  return html`
    <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${320} />`}>
      ${(/** @type {Deletion} */ deletion) =>
        deletion.status === "not_requested"
          ? html`<${Preview} deletion=${deletion} address=${address} reload=${loaded.reload} />`
          : html`<${Receipt} deletion=${deletion} />`}
    <//>`;
}

/** @param {{ deletion: Deletion, address: string, reload: () => void }} props */
function Preview({ deletion, address, reload }) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const isMeant = typed.trim() === deletion.name.trim();
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await send("DELETE", address);
      forget();
      reload();
    } catch (error) {
      setError(/** @type {Error} */ (error));
      setBusy(false);
    }
  };
  return html`
    <${Heading} title="Delete ${deletion.name}" back=${{ href: address, text: deletion.name }} />
    <div class="grid">
      <${Card} title="What that means">
        <ul class="effects">
          <li>Its credential is removed first, and nothing is asked of Azure DevOps any more.</li>
          <li>Everything that was fetched is removed. Metrics do not count it any more from this moment on.</li>
          <li>Azure DevOps itself is left as it is. Connecting again fetches what it still has, as at the first time.</li>
          <li>It cannot be undone. What stays is a receipt with these counts, and the lines of the audit log.</li>
        </ul>
        ${
          may("admin")
            ? html`
          <form class="form" onSubmit=${(/** @type {SubmitEvent} */ event) => {
            event.preventDefault();
            if (isMeant && !busy) remove();
          }}>
            <${Field} label="Name of the connection" hint="Type ${deletion.name} to say that you mean it." isWrong=${false} error=${null}>
              ${(/** @type {any} */ own) => html`<input ...${own} value=${typed} autocomplete="off" spellcheck=${false} onInput=${input(setTyped)} />`}
            <//>
            ${error && html`<${Failed} error=${error} title="Nothing was deleted" />`}
            <div class="buttons">
              <a class="button" href=${address}>Cancel</a>
              <button class="button danger" disabled=${!isMeant || busy}>${busy ? "Deleting" : "Delete for good"}</button>
            </div>
          </form>`
            : html`<${Notice} title="This needs an administrator" />`
        }
      <//>
      <${Card} title="What goes"><${Holdings} deletion=${deletion} /><//>
    </div>`;
}

/** @param {{ deletion: Deletion }} props */
function Receipt({ deletion }) {
  const isOver = deletion.status === "deleted";
  const by = deletion.requested_by?.name ?? deletion.requested_by?.subject ?? "";
  return html`
    <${Heading} title=${isOver ? `${deletion.name} is deleted` : `${deletion.name} is being deleted`} back=${BACK} />
    <div role="status">
      <${Notice} tone=${isOver ? "good" : "busy"} icon=${isOver ? "check" : "sync"} title=${isOver ? "Nothing of it is left" : "It goes on by itself"}>
        <p>${isOver ? "Every place where something of it could be was looked at again, and nothing was found. This receipt stays at this address." : "You can leave this page. Workers that were at it are waited for, a few minutes at most."}</p>
      <//>
    </div>
    <div class="grid">
      <${Card} title="Receipt">
        <dl class="facts">
          <dt>State</dt><dd><${State} state=${isOver ? "complete" : "deleting"} text=${isOver ? "Deleted" : "Deleting"} /></dd>
          <dt>Asked for</dt><dd><${Time} at=${deletion.requested_at} exact /></dd>
          <dt>By</dt><dd>${by}</dd>
          <dt>Finished</dt><dd><${Time} at=${deletion.finished_at} exact none="not yet" /></dd>
          <dt>Connection</dt><dd><code>${deletion.connection}</code></dd>
        </dl>
      <//>
      <${Card} title=${isOver ? "What was removed" : "Removed so far"}><${Holdings} deletion=${deletion} /><//>
    </div>`;
}

/** @type {[keyof Omit<Deletion["holdings"], "records">, string][]} */
const OTHERS = [
  ["integrations", "integrations"],
  ["secrets", "secrets: the credential"],
  ["streams", "streams with their cursors"],
  ["runs", "lines of the run log"],
  ["quarantined", "notes of items that could not be stored"],
  ["discovered", "organizations, projects and repositories that were found"],
  ["throttles", "notes on pauses and tokens"],
];

/** @param {{ deletion: Deletion }} props */
function Holdings({ deletion: { holdings, complete } }) {
  const records = Object.entries(holdings.records).toSorted(([, a], [, b]) => b - a);
  const sum = records.reduce((sum, [, number]) => sum + number, 0);
  return html`
    <p class="holdings-sum"><strong>${complete ? "" : "at least "}${count(sum)}</strong> ${sum === 1 ? "record" : "records"}${records.length > 0 && ` of ${plural(records.length, "kind")}`}</p>
    <${Table} label="What is held, by kind" head=${["What", { text: "How many", class: "right" }]}>
      ${records.map(([kind, number]) => html`<tr key=${kind}><td>${words(kind)}</td><td class="right">${count(number)}</td></tr>`)}
      ${OTHERS.map(([name, what]) => html`<tr key=${name}><td class="muted">${what.charAt(0).toUpperCase() + what.slice(1)}</td><td class="right">${count(holdings[name])}</td></tr>`)}
    <//>`;
}
