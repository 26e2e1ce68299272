// What a person should do before something stops.

import { plural } from "../../format.js";
import { may } from "../../session.js";
import { Notice } from "../../ui/parts.js";
import { html } from "../../view.js";

/** @typedef {import("../../types").Connection} Connection */

/** How soon a credential ends, the most urgent first; nothing if none does. @param {{ connection: Connection }} props */
export function Warnings({ connection }) {
  return connection.warnings.map(
    (warning) => html`
    <${Notice} key=${warning.organization ?? ""} tone=${warning.days_left <= 7 ? "bad" : "warn"} title=${title(warning)}>
      <p>${warning.detail}</p>
      ${may("admin") && html`<a class="button small" href="/connections/${connection.id}/reauthenticate">Reauthenticate</a>`}
    <//>`,
  );
}

/** @param {Connection["warnings"][number]} warning */
function title({ organization, days_left }) {
  const which = organization ? `The credential for ${organization}` : "The credential";
  return days_left === 0 ? `${which} has ended` : `${which} ends in ${plural(days_left, "day")}`;
}
