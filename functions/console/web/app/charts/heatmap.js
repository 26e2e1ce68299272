// A heat map: groups by periods, darker where the value is larger. It is a table, so that it can be read without colours.

import { count, day, quantity } from "../format.js";
import { html } from "../view.js";
import { periodText } from "./scale.js";

/**
 * @param {{
 *   rows: { label: string, points: import("../types").Point[], onClick?: () => void }[],
 *   unit: string,
 *   label: string,
 *   interval: string,
 *   isHighGood?: boolean | null,
 * }} props
 */
export function HeatMap({ rows, unit, label, interval, isHighGood = null }) {
  const periods = rows[0]?.points.map((point) => point.period) ?? [];
  const known = rows.flatMap((row) => row.points.map((point) => point.value)).filter((value) => value !== null);
  const isShare = unit.startsWith("share");
  const high = isShare ? 1 : Math.max(...known, 0);
  // One slow run must not make all others look alike.
  const rank = (/** @type {number} */ value) => (isShare ? value : Math.sqrt(value / (high || 1)));
  const scale = isHighGood === null ? "neutral" : isHighGood ? "good" : "bad";
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label=${label}>
      <table class="heat">
        <caption class="sr-only">${label}</caption>
        <thead><tr><td></td>${periods.map((period, index) => html`<th key=${period} scope="col" title=${periodText(period, interval)}><span class=${index % 2 && periods.length > 9 ? "sr-only" : ""} title=${periodText(period, interval)}>${day(period)}</span></th>`)}</tr></thead>
        <tbody>
          ${rows.map(
            (row) => html`
            <tr key=${row.label}>
              <th scope="row" title=${row.label}>${row.onClick ? html`<button class="plain" onClick=${row.onClick}>${row.label}</button>` : row.label}</th>
              ${row.points.map((point) => html`<${Cell} key=${point.period} point=${point} unit=${unit} interval=${interval} scale=${scale} level=${point.value === null ? null : rank(point.value)} />`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** @param {{ point: import("../types").Point, unit: string, interval: string, scale: string, level: number | null }} props */
function Cell({ point, unit, interval, scale, level }) {
  if (level === null || (unit === "count" && point.count === 0)) {
    return html`<td class="heat-none" title="${periodText(point.period, interval)}: no data"><span class="sr-only">no data</span></td>`;
  }
  const step = Math.max(0, Math.min(6, Math.round(level * 6)));
  const text = quantity(point.value, unit);
  return html`<td class="heat-${scale}-${step}" title="${periodText(point.period, interval)}: ${text} of ${count(point.count)}">${text}</td>`;
}
