// What the charts with periods have in common: margins, axes, and a cursor that follows the pointer or the arrow keys.

import { useWidth } from "../hooks.js";
import { html, useId, useState } from "../view.js";
import { labelled, tickText } from "./scale.js";

export const MARGIN = { top: 8, right: 12, bottom: 22, left: 44 };

/**
 * @param {{
 *   height: number,
 *   label: string,
 *   periods: string[],
 *   placed: "points" | "bands",
 *   unit: string,
 *   scaled: (range: [number, number]) => { y: import("d3-scale").ScaleLinear<number, number>, ticks: number[] },
 *   draw: (place: { x: (index: number) => number, y: (value: number) => number, step: number, index: number | null }) => any,
 *   tip: (index: number) => any,
 * }} props
 */
export function Frame({ height, label, periods, placed, unit, scaled, draw, tip }) {
  const [element, width] = useWidth(480);
  const [index, setIndex] = useState(/** @type {number | null} */ (null));
  const live = useId();
  const inner = width - MARGIN.left - MARGIN.right;
  const { y, ticks } = scaled([height - MARGIN.bottom, MARGIN.top]);
  const count = Math.max(1, periods.length);
  const step = placed === "bands" ? inner / count : inner / Math.max(1, count - 1);
  const start = placed === "bands" ? step / 2 : count === 1 ? inner / 2 : 0;
  const x = (/** @type {number} */ at) => MARGIN.left + start + at * step;
  const shown = index !== null && index < periods.length ? index : null;

  const point = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
    const at = Math.round((event.clientX - box.left - MARGIN.left - start) / (step || 1));
    setIndex(Math.max(0, Math.min(count - 1, at)));
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const moves = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count });
    if (event.key === "Escape") return setIndex(null);
    if (!(event.key in moves)) return;
    event.preventDefault();
    const from = shown ?? (moves[event.key] > 0 ? -1 : count);
    setIndex(Math.max(0, Math.min(count - 1, from + moves[event.key])));
  };

  const isRight = shown !== null && x(shown) > width / 2;
  return html`
    <div class="chart" ref=${element}>
      <svg
        width=${width} height=${height} viewBox="0 0 ${width} ${height}"
        role="img" aria-label=${label} aria-describedby=${live} tabindex="0"
        onPointerMove=${point} onPointerLeave=${() => setIndex(null)} onKeyDown=${key} onBlur=${() => setIndex(null)}
      >
        ${ticks.map(
          (tick) => html`
          <g key=${tick}>
            <line class=${tick === 0 ? "chart-zero" : "chart-grid"} x1=${MARGIN.left} x2=${width - MARGIN.right} y1=${y(tick)} y2=${y(tick)} />
            <text class="chart-tick" x=${MARGIN.left - 8} y=${y(tick)} dy="0.32em" text-anchor="end">${tickText(tick, unit)}</text>
          </g>`,
        )}
        ${labelled(periods, inner).map(
          ({ index, text }) => html`
          <text key=${index} class="chart-tick" x=${x(index)} y=${height - 6} text-anchor=${anchor(x(index), width)}>${text}</text>`,
        )}
        ${shown !== null && placed === "points" && html`<line class="chart-cursor" x1=${x(shown)} x2=${x(shown)} y1=${MARGIN.top} y2=${height - MARGIN.bottom} />`}
        ${draw({ x, y, step, index: shown })}
      </svg>
      ${
        shown !== null &&
        html`
        <div class="chart-tip" style=${isRight ? { right: `${width - x(shown) + 12}px` } : { left: `${x(shown) + 12}px` }}>${tip(shown)}</div>`
      }
      <div id=${live} class="sr-only" aria-live="polite">${shown !== null && tip(shown)}</div>
    </div>`;
}

/** @param {number} x @param {number} width */
function anchor(x, width) {
  if (x > width - 34) return "end";
  return x < MARGIN.left + 10 ? "start" : "middle";
}

/** A row of a tip. @param {{ label: string, value: string, color?: string }} props */
export function TipRow({ label, value, color }) {
  return html`
    <div class="tip-row">
      ${color && html`<span class="swatch" style=${{ background: color }} aria-hidden="true"></span>`}
      <span class="tip-label">${label}</span><span class="tip-value">${value}</span>
    </div>`;
}

/** The colour of the n-th of several things; beyond the palette they share one. @param {number} index */
export function color(index) {
  return index < 8 ? `var(--series-${index + 1})` : "var(--series-rest)";
}

/** @param {{ items: { label: string, color: string }[] }} props */
export function Legend({ items }) {
  return html`
    <ul class="legend">
      ${items.map((item) => html`<li key=${item.label}><span class="swatch" style=${{ background: item.color }} aria-hidden="true"></span>${item.label}</li>`)}
    </ul>`;
}
