// Bars for groups: the value, how far the slow ones reach, and how many rows there are.

import { count, quantity } from "../format.js";
import { html } from "../view.js";

/**
 * @param {{
 *   items: { key: string, label: string, value: number | null, reach?: number | null, count: number, onClick?: () => void, hint?: string }[],
 *   unit: string,
 *   label: string,
 *   tone?: string,
 *   countsOf?: string,
 * }} props
 */
export function Bars({ items, unit, label, tone = "series-1", countsOf = "" }) {
  const largest = unit.startsWith("share") ? 1 : Math.max(...items.map((item) => Math.max(item.value ?? 0, item.reach ?? 0)), 0) || 1;
  const part = (/** @type {number | null | undefined} */ value) => `${Math.max(0, Math.min(100, ((value ?? 0) / largest) * 100))}%`;
  return html`
    <ol class="bars" aria-label=${label}>
      ${items.map(
        (item) => html`
        <li key=${item.key}>
          <span class="bars-label" title=${item.hint ?? item.label}>
            ${item.onClick ? html`<button class="plain" onClick=${item.onClick}>${item.label}</button>` : item.label}
          </span>
          <span class="bars-value">${quantity(item.value, unit)}</span>
          <span class="bars-track" aria-hidden="true">
            ${item.reach !== null && item.reach !== undefined && html`<span class="bars-reach" style=${{ width: part(item.reach) }}></span>`}
            <span class="bars-bar" style=${{ width: part(item.value), background: `var(--${tone})` }}></span>
          </span>
          <span class="bars-note">
            ${item.reach !== null && item.reach !== undefined && html`p90 ${quantity(item.reach, unit)}${countsOf && " · "}`}
            ${countsOf === "n" ? `n = ${count(item.count)}` : countsOf && `${count(item.count)} ${countsOf}`}
          </span>
        </li>`,
      )}
    </ol>`;
}
