// Parts of a whole by period: stacked bars, or stacked areas for what accumulates.

import { area, curveStep, stack } from "../../vendor/d3-shape.js";
import { quantity } from "../format.js";
import { html } from "../view.js";
import { color, Frame, Legend, TipRow } from "./frame.js";
import { periodText, valueScale } from "./scale.js";

/** @typedef {{ label: string, color?: string, points: import("../types").Point[] }} Series */

/**
 * @param {{ series: Series[], unit: string, label: string, interval: string, height?: number, form?: "bars" | "areas" }} props
 */
export function Stacked({ series, unit, label, interval, height = 180, form = "bars" }) {
  const keys = series.map((_, index) => String(index));
  const periods = series[0]?.points.map((point) => point.period) ?? [];
  const table = periods.map((_, at) => Object.fromEntries(series.map((one, key) => [key, one.points[at]?.value ?? 0])));
  const layers = stack().keys(keys)(/** @type {any} */ (table));
  const tops = layers.at(-1)?.map((pair) => pair[1]) ?? [];
  const tint = (/** @type {number} */ index) => series[index].color ?? color(index);
  return html`
    <div>
      <${Legend} items=${series.map((one, index) => ({ label: one.label, color: tint(index) }))} />
      <${Frame}
        height=${height} label=${label} unit=${unit} placed=${form === "bars" ? "bands" : "points"} periods=${periods}
        scaled=${(/** @type {[number, number]} */ range) => valueScale(tops, unit, range, 3)}
        draw=${(/** @type {any} */ place) => (form === "bars" ? bars(layers, tint, place) : areas(layers, tint, place))}
        tip=${(/** @type {number} */ index) => html`
          <strong>${periodText(periods[index], interval)}</strong>
          ${series.map((one, at) => html`<${TipRow} key=${at} label=${one.label} value=${quantity(one.points[index]?.value ?? 0, unit)} color=${tint(at)} />`)}`}
      />
    </div>`;
}

/** @param {any[]} layers @param {(index: number) => string} tint @param {any} place */
function bars(layers, tint, { x, y, step, index }) {
  const width = Math.max(1, Math.min(36, step * 0.72));
  return layers.map(
    (layer, key) => html`
    <g key=${key} style=${{ fill: tint(key) }}>
      ${layer.map(
        (/** @type {[number, number]} */ [low, high], /** @type {number} */ at) =>
          high > low &&
          html`
        <rect key=${at} class=${index === null || index === at ? "" : "chart-faint"} x=${x(at) - width / 2} width=${width} y=${y(high)} height=${Math.max(0.5, y(low) - y(high))} />`,
      )}
    </g>`,
  );
}

/** @param {any[]} layers @param {(index: number) => string} tint @param {any} place */
function areas(layers, tint, { x, y }) {
  const shape = area()
    .x(/** @type {any} */ ((/** @type {any} */ _, /** @type {number} */ index) => x(index)))
    .y0((pair) => y(pair[0]))
    .y1((pair) => y(pair[1]))
    .curve(curveStep);
  return layers.map((layer, key) => html`<path key=${key} class="chart-area" style=${{ fill: tint(key) }} d=${shape(layer) ?? ""} />`);
}
