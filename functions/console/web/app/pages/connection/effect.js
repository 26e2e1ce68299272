// What an edit of a connection would do, before it is done.

import { count, plural } from "../../format.js";
import { Notice, Table } from "../../ui/parts.js";
import { html } from "../../view.js";
import { PARTS } from "./details.js";

/** @typedef {import("../../types").EditEffect} EditEffect */

/** @type {Record<string, string>} */
const FIELDS = { selection: "what is read", story_points_field: "the field with the size of a work item" };

/** @param {{ effect: EditEffect }} props */
export function Effect({ effect }) {
  const { fields, projects } = effect;
  if (!fields.length) return html`<${Notice} title="Nothing changes" />`;
  const isSelection = fields.includes("selection");
  const isNothingLeft = isSelection && projects.included === 0 && projects.excluded > 0;
  return html`
    <${Notice} tone=${isNothingLeft ? "bad" : "calm"} title=${isNothingLeft ? "No project would be read any more" : "What this changes"}>
      <ul class="effects">
        <li>It changes: ${fields.map((name) => FIELDS[name] ?? name).join(", ")}.</li>
        ${fields.includes("name") && html`<li>The integrations are called after it.</li>`}
        ${fields.includes("story_points_field") && html`<li>Metrics take the present value of the field for all of an item's past.</li>`}
        ${isSelection && html`<${SelectionEffect} effect=${effect} />`}
        ${!isSelection && html`<li>Nothing else is read than before.</li>`}
      </ul>
    <//>
    ${isSelection && html`<${Parts} effect=${effect} />`}`;
}

/** @param {{ effect: EditEffect }} props */
function SelectionEffect({ effect }) {
  const { streams_read_again: again, streams_ended: ended, unknown_organizations: unknown } = effect;
  return html`
    <li>${effect.explanation}</li>
    ${again > 0 && html`<li>${plural(again, "stream")} ${again === 1 ? "is" : "are"} read again from the beginning, at once.</li>`}
    ${ended > 0 && html`<li>${plural(ended, "stream")} ${ended === 1 ? "ends" : "end"}.</li>`}
    ${unknown.length > 0 && html`<li>Nothing was found yet in ${unknown.join(", ")}, so that is not counted.</li>`}`;
}

/** @param {{ effect: EditEffect }} props */
function Parts({ effect }) {
  return html`
    <${Table} label="What is read then" head=${["What", ...["Read", "Left out", "Comes in", "Goes out"].map((text) => ({ text, class: "right" })), "Left out are"]}>
      ${PARTS.map(({ part, title }) => {
        const own = effect[part];
        return html`
        <tr key=${part}>
          <td>${title}</td>
          <td class="right">${count(own.included)}</td>
          <td class="right">${count(own.excluded)}</td>
          <td class="right">${count(own.comes_in)}</td>
          <td class="right">${count(own.goes_out)}</td>
          <td class="note-cell">${leftOut(own)}</td>
        </tr>`;
      })}
    <//>`;
}

/** The first names of what is left out. @param {import("../../types").Share} share */
export function leftOut({ excluded, excluded_sample: sample }) {
  const more = excluded - sample.length;
  return sample.join(", ") + (more > 0 ? ` and ${count(more)} more` : "") || "–";
}
