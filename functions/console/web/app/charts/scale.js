// Axes: where values and periods lie, and which of them are named.

import { scaleLinear } from "../../vendor/d3-scale.js";
import { day, quantity } from "../format.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
/** Steps that people count time in. */
const DURATION_STEPS = [
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  5 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
];

/**
 * The scale of the values, from 0 or below to above the largest, with its ticks.
 * @param {(number | null | undefined)[]} values
 * @param {string} unit
 * @param {[number, number]} range
 * @param {number} wanted about how many ticks
 */
export function valueScale(values, unit, range, wanted = 4) {
  const known = values.filter((value) => typeof value === "number");
  const low = Math.min(0, ...known);
  const high = unit.startsWith("share") ? 1 : Math.max(...known, 0) || 1;
  const scale = scaleLinear().domain([low, high]).range(range);
  if (unit === "seconds" && high >= 1) {
    const step = DURATION_STEPS.find((step) => (high - low) / step <= wanted + 1) ?? Math.ceil(high / wanted / DAY) * DAY;
    const top = Math.ceil(high / step) * step;
    const bottom = Math.floor(low / step) * step;
    scale.domain([bottom, top]);
    const ticks = [];
    for (let tick = bottom; tick <= top; tick += step) ticks.push(tick);
    return { y: scale, ticks };
  }
  scale.nice(wanted);
  let ticks = scale.ticks(wanted);
  if (unit === "count") ticks = ticks.filter(Number.isInteger);
  return { y: scale, ticks };
}

/** @param {number} tick @param {string} unit */
export function tickText(tick, unit) {
  if (tick === 0) return "0";
  return quantity(tick, unit).replace(" per day", "/d");
}

/**
 * Which periods get a label, so that labels do not touch.
 * @param {string[]} periods
 * @param {number} width
 */
export function labelled(periods, width) {
  const room = Math.max(1, Math.floor(width / 64));
  const step = Math.max(1, Math.ceil(periods.length / room));
  const last = periods.length - 1;
  const chosen = periods.map((_, index) => index).filter((index) => (last - index) % step === 0);
  return chosen.map((index) => ({ index, text: day(periods[index]) }));
}

/** @param {string} period @param {string | null} interval */
export function periodText(period, interval) {
  const long = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  if (interval === "month") return day(period, { month: "long", year: "numeric" });
  const text = day(period, /** @type {Intl.DateTimeFormatOptions} */ (long));
  return interval === "week" ? `Week of ${text}` : text;
}
