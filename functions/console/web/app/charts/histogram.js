// A distribution: how many values lie where. Times get bins that grow, because they do.

import { plural, quantity } from "../format.js";
import { useWidth } from "../hooks.js";
import { html, useState } from "../view.js";

const HEIGHT = 170;
const BOTTOM = 22;

/** @param {{ values: number[], unit: string, label: string, marks: { label: string, value: number | null | undefined }[] }} props */
export function Histogram({ values, unit, label, marks }) {
  const [element, width] = useWidth(480);
  const [index, setIndex] = useState(/** @type {number | null} */ (null));
  const bins = binned(values, unit);
  const most = Math.max(...bins.map((bin) => bin.count), 1);
  const step = (width - 16) / bins.length;
  const x = (/** @type {number} */ at) => 8 + at * step;
  const y = (/** @type {number} */ count) => HEIGHT - BOTTOM - (count / most) * (HEIGHT - BOTTOM - 18);
  const every = Math.max(1, Math.ceil(bins.length / Math.max(1, Math.floor(width / 72))));
  return html`
    <div class="chart" ref=${element}>
      <svg width=${width} height=${HEIGHT} role="img" aria-label=${label} onPointerLeave=${() => setIndex(null)}>
        <line class="chart-zero" x1="8" x2=${width - 8} y1=${HEIGHT - BOTTOM} y2=${HEIGHT - BOTTOM} />
        ${bins.map(
          (bin, at) => html`
          <g key=${at} onPointerEnter=${() => setIndex(at)}>
            <rect class="chart-hit" x=${x(at)} y="0" width=${step} height=${HEIGHT - BOTTOM} />
            <rect class=${index === null || index === at ? "chart-bin" : "chart-bin chart-faint"} x=${x(at) + 0.75} width=${Math.max(1, step - 1.5)} y=${y(bin.count)} height=${HEIGHT - BOTTOM - y(bin.count)} />
            ${at % every === 0 && html`<text class="chart-tick" x=${x(at)} y=${HEIGHT - 6} text-anchor=${at === 0 ? "start" : "middle"}>${quantity(bin.low, unit)}</text>`}
          </g>`,
        )}
        ${marks.map((mark) => {
          const at = mark.value === null || mark.value === undefined ? null : position(bins, mark.value);
          return (
            at !== null &&
            html`
            <g key=${mark.label}>
              <line class="chart-mark" x1=${x(at)} x2=${x(at)} y1="12" y2=${HEIGHT - BOTTOM} />
              <text class="chart-tick" x=${x(at)} y="9" text-anchor=${x(at) > width - 40 ? "end" : "middle"}>${mark.label}</text>
            </g>`
          );
        })}
      </svg>
      ${
        index !== null &&
        bins[index] &&
        html`
        <div class="chart-tip" style=${x(index) > width / 2 ? { right: `${width - x(index) + 8}px` } : { left: `${x(index) + step + 8}px` }}>
          <strong>${quantity(bins[index].low, unit)} to ${quantity(bins[index].high, unit)}</strong>
          <div class="tip-row"><span class="tip-label">${plural(bins[index].count, "row")}</span></div>
        </div>`
      }
    </div>`;
}

/** @param {number[]} values @param {string} unit */
export function binned(values, unit) {
  const sorted = values.toSorted((a, b) => a - b);
  if (!sorted.length) return [];
  const low = sorted[0];
  const high = sorted[sorted.length - 1];
  const number = Math.max(6, Math.min(32, Math.ceil(Math.sqrt(sorted.length) * 1.5)));
  const isGrowing = unit === "seconds" && low > 0 && high / low > 8;
  const edge = (/** @type {number} */ at) => (isGrowing ? low * (high / low) ** (at / number) : low + ((high - low || 1) * at) / number);
  const bins = Array.from({ length: number }, (_, at) => ({ low: edge(at), high: edge(at + 1), count: 0 }));
  let at = 0;
  for (const value of sorted) {
    while (at < number - 1 && value >= bins[at].high) at += 1;
    bins[at].count += 1;
  }
  return bins;
}

/** Where a value lies among bins, in bins. @param {{ low: number, high: number }[]} bins @param {number} value */
function position(bins, value) {
  const at = bins.findIndex((bin) => value < bin.high);
  if (at < 0) return bins.length;
  return at + Math.max(0, (value - bins[at].low) / (bins[at].high - bins[at].low || 1));
}
