// Who changed what, and when.

import { words } from "../format.js";
import { useTitle } from "../hooks.js";
import { may } from "../session.js";
import { Answer, Card, Empty, Heading, Skeleton, Table, Time } from "../ui/parts.js";
import { html } from "../view.js";
import { More, useMore } from "./connection/more.js";

/** @typedef {import("../types").AuditEntry} AuditEntry */

export function Audit() {
  useTitle("Audit log");
  return html`
    <${Heading} title="Audit log" lead="Who changed which connection, the newest first. Lines are kept for 400 days, also of connections that are gone." />
    ${may("admin") ? html`<${Log} />` : html`<${Empty} title="This needs an administrator">An administrator can see who changed what.<//>`}`;
}

function Log() {
  const more = useMore(/** @type {(answer: any) => AuditEntry[]} */ ((answer) => answer.entries), "/audit");
  return html`
    <${Card} class="log" title="Changes" foot=${html`<${More} more=${more} />`}>
      <${Answer} loaded=${more.loaded} skeleton=${html`<${Skeleton} lines=${8} />`}>
        ${() =>
          more.lines.length
            ? html`
          <${Table} label="Who changed what" head=${["When", "Who", "What", "Connection", "Of it"]}>
            ${more.lines.map((entry, index) => html`<${Line} key=${index} entry=${entry} />`)}
          <//>`
            : html`<${Empty} title="Nobody has changed anything yet" icon="audit" />`}
      <//>
    <//>`;
}

/** @param {{ entry: AuditEntry }} props */
function Line({ entry: { at, by, action, connection, name, integration, fields } }) {
  const isGone = action === "deleted" || action === "deletion_requested";
  const who = by.subject === "system" ? "the product itself" : (by.name ?? by.subject);
  return html`
    <tr>
      <td class="nowrap"><${Time} at=${at} exact /></td>
      <td title=${by.subject}>${who}</td>
      <td class="nowrap">${words(action)}</td>
      <td><a href="/connections/${connection}${isGone ? "/delete" : ""}">${name}</a></td>
      <td class="note-cell">${integration ? html`integration <code>${integration}</code>` : "all of it"}${fields?.length ? `: ${fields.join(", ")}` : ""}</td>
    </tr>`;
}
