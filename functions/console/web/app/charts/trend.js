// A trend: one line with the band up to its 90th percentile, or one line for each of a few groups.

import { area, curveMonotoneX, line } from "../../vendor/d3-shape.js";
import { count, quantity } from "../format.js";
import { html } from "../view.js";
import { color, Frame, Legend, TipRow } from "./frame.js";
import { periodText, valueScale } from "./scale.js";

/** @typedef {import("../types").Point} Point */

/**
 * @param {{
 *   points: Point[],
 *   unit: string,
 *   label: string,
 *   interval: string,
 *   height?: number,
 *   isPartial?: boolean,
 *   noun?: string,
 * }} props
 */
export function Trend({ points, unit, label, interval, height = 190, isPartial = false, noun = "rows" }) {
  const hasBand = points.some((point) => typeof point.p90 === "number");
  const values = points.flatMap((point) => (hasBand ? [point.value, point.p90] : [point.value]));
  const last = points.length - 1;
  return html`
    <${Frame}
      height=${height} label=${label} unit=${unit} placed="points" periods=${points.map((point) => point.period)}
      scaled=${(/** @type {[number, number]} */ range) => valueScale(values, unit, range, height > 200 ? 5 : 3)}
      draw=${(/** @type {any} */ { x, y, index }) => {
        const isThere = (/** @type {Point} */ point) => point.value !== null;
        const at = (/** @type {Point} */ _, /** @type {number} */ index) => x(index);
        const band = area()
          .x(/** @type {any} */ (at))
          .y0(/** @type {any} */ ((/** @type {Point} */ p) => y(p.value ?? 0)))
          .y1(/** @type {any} */ ((/** @type {Point} */ p) => y(p.p90 ?? p.value ?? 0)))
          .defined(/** @type {any} */ (isThere))
          .curve(curveMonotoneX);
        const path = line()
          .x(/** @type {any} */ (at))
          .y(/** @type {any} */ ((/** @type {Point} */ p) => y(p.value ?? 0)))
          .defined(/** @type {any} */ (isThere))
          .curve(curveMonotoneX);
        const all = /** @type {any} */ (points);
        return html`
          <path class="chart-gap" d=${bridge(points, x, y)} />
          ${hasBand && html`<path class="chart-band" d=${band(all) ?? ""} />`}
          <path class="chart-line" d=${path(all) ?? ""} />
          ${points.map(
            (point, at) =>
              point.value !== null &&
              (isAlone(points, at) || at === index || (at === last && isPartial)) &&
              html`
            <circle key=${at} class=${at === last && isPartial ? "chart-dot partial" : "chart-dot"} cx=${x(at)} cy=${y(point.value)} r="3.5" />`,
          )}`;
      }}
      tip=${(/** @type {number} */ index) => html`
        <strong>${periodText(points[index].period, interval)}${index === last && isPartial ? " (not over yet)" : ""}</strong>
        ${tipRows(points[index], unit, noun)}`}
    />`;
}

/** @param {Point} point @param {string} unit @param {string} noun */
function tipRows(point, unit, noun) {
  if (unit === "count") return html`<${TipRow} label=${noun} value=${count(point.value ?? 0)} />`;
  if (point.value === null) return html`<${TipRow} label="no data" value="" />`;
  const isSpread = typeof point.p90 === "number";
  return html`
    <${TipRow} label=${isSpread ? "median" : "value"} value=${quantity(point.value, unit)} color="var(--series-1)" />
    ${isSpread && html`<${TipRow} label="90th percentile" value=${quantity(point.p90, unit)} color="var(--band)" />`}
    ${isSpread && html`<${TipRow} label="95th percentile" value=${quantity(point.p95, unit)} />`}
    <${TipRow} label=${noun} value=${count(point.count)} />`;
}

/** What leads over periods without data, so that the eye finds the next point. @param {Point[]} points @param {(index: number) => number} x @param {(value: number) => number} y */
function bridge(points, x, y) {
  const pieces = points.flatMap((point, to) => {
    const from = points.slice(0, to).findLastIndex((earlier) => earlier.value !== null);
    if (point.value === null || from < 0 || from === to - 1) return [];
    return [`M${x(from)},${y(points[from].value ?? 0)}L${x(to)},${y(point.value)}`];
  });
  return pieces.join("");
}

/** Whether a line has no length here. @param {Point[]} points @param {number} index */
function isAlone(points, index) {
  const before = points[index - 1]?.value ?? null;
  const after = points[index + 1]?.value ?? null;
  return before === null && after === null;
}

/**
 * @param {{ series: { label: string, points: Point[] }[], unit: string, label: string, interval: string, height?: number }} props
 */
export function Lines({ series, unit, label, interval, height = 220 }) {
  const shown = series.slice(0, 8);
  const values = shown.flatMap((one) => one.points.map((point) => point.value));
  const periods = shown[0]?.points.map((point) => point.period) ?? [];
  return html`
    <div>
      <${Legend} items=${shown.map((one, index) => ({ label: one.label, color: color(index) }))} />
      <${Frame}
        height=${height} label=${label} unit=${unit} placed="points" periods=${periods}
        scaled=${(/** @type {[number, number]} */ range) => valueScale(values, unit, range)}
        draw=${(/** @type {any} */ { x, y, index }) =>
          shown.map((one, at) => {
            const path = line()
              .x(/** @type {any} */ ((/** @type {any} */ _, /** @type {number} */ i) => x(i)))
              .y(/** @type {any} */ ((/** @type {Point} */ p) => y(p.value ?? 0)))
              .defined(/** @type {any} */ ((/** @type {Point} */ p) => p.value !== null))
              .curve(curveMonotoneX);
            return html`
            <g key=${one.label}>
              <path class="chart-gap" style=${{ stroke: color(at) }} d=${bridge(one.points, x, y)} />
              <path class="chart-line" style=${{ stroke: color(at) }} d=${path(/** @type {any} */ (one.points)) ?? ""} />
              ${one.points.map((point, i) => point.value !== null && (i === index || isAlone(one.points, i)) && html`<circle key=${i} class="chart-dot" style=${{ fill: color(at) }} cx=${x(i)} cy=${y(point.value)} r="3" />`)}
            </g>`;
          })}
        tip=${(/** @type {number} */ index) => html`
          <strong>${periodText(periods[index], interval)}</strong>
          ${shown.map((one, at) => html`<${TipRow} key=${one.label} label=${one.label} value=${quantity(one.points[index]?.value, unit)} color=${color(at)} />`)}`}
      />
    </div>`;
}

/** A trend as small as a word. @param {{ points: Point[] }} props */
export function Spark({ points }) {
  const [width, height] = [96, 28];
  const known = points.flatMap(({ value }, index) => (value === null ? [] : [{ value, index }]));
  if (known.length < 2) return null;
  const values = known.map((point) => point.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (/** @type {number} */ value) => (high === low ? height / 2 : height - 3 - ((value - low) / (high - low)) * (height - 6));
  const x = (/** @type {number} */ index) => 2 + (index / Math.max(1, points.length - 1)) * (width - 4);
  // Too small for gaps: it leads over them.
  const path = known.map((point, at) => `${at ? "L" : "M"}${x(point.index)},${y(point.value)}`).join("");
  return html`<svg class="spark" width=${width} height=${height} viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true"><path class="chart-line" d=${path} /></svg>`;
}
