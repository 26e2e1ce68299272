// Numbers with their units and times in the viewer's zone.

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A value in the unit of its metric, as a number and what stands behind it.
 * @param {number | null | undefined} value
 * @param {string} unit
 * @returns {{ number: string, unit: string }}
 */
export function split(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return { number: "–", unit: "" };
  if (unit === "seconds") return duration(value);
  if (unit.startsWith("share") || unit === "ratio") return { number: digits(value * 100, 3), unit: "%" };
  if (unit === "count") return { number: count(value), unit: "" };
  // What is counted stands in the name of the metric, and that a score ends at 100 in its definition.
  if (unit === "amount" || unit.startsWith("score")) return { number: digits(value, 3), unit: "" };
  return { number: digits(value, 3), unit };
}

/** A value with its unit. @param {number | null | undefined} value @param {string} unit */
export function quantity(value, unit) {
  const { number, unit: behind } = split(value, unit);
  if (!behind) return number;
  return behind === "%" ? `${number}%` : `${number} ${behind}`;
}

/** @param {number} seconds */
function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < MINUTE) return { number: digits(seconds, 2), unit: "s" };
  if (size < HOUR) return { number: digits(seconds / MINUTE, 2), unit: "min" };
  if (size < 2 * DAY) return { number: digits(seconds / HOUR, 2), unit: "h" };
  return { number: digits(seconds / DAY, 2), unit: "d" };
}

/** @param {number} value @param {number} significant */
function digits(value, significant) {
  if (Math.abs(value) >= 1000) return count(value);
  const form = new Intl.NumberFormat("en", { maximumSignificantDigits: Math.max(significant, Math.abs(value) >= 100 ? 3 : significant) });
  return form.format(value);
}

/** A count: exact while it is short. @param {number} value */
export function count(value) {
  return Math.abs(value) < 100_000 ? whole.format(value) : compact.format(value);
}

/** `run` or `runs`. @param {number} number @param {string} one @param {string} [many] */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A name of the API in words. @param {string} name */
export function words(name) {
  const text = name.replaceAll("_", " ");
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return upper.replace(/\b(pr|wip|mttr|tfvc|csv|id)\b/gi, (word) => word.toUpperCase());
}

/** Dimensions whose values the API names. */
const OURS = ["result", "status", "state_category", "phase", "approval", "miss", "category", "outcome", "sprint_state", "role"];

/** A value of a dimension: what the API names by itself is put in words, what people named stays. @param {string} dimension @param {string | null} value */
export function valueText(dimension, value) {
  if (value === null || value === "") return "(none)";
  const isOurs = OURS.includes(dimension) && /^[a-z]+(_[a-z]+)*$/.test(value);
  return isOurs ? words(value) : value;
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** An instant in the viewer's zone. @param {string | number} instant */
export function local(instant) {
  return dateTime.format(new Date(instant));
}

/** An instant of today by its time alone. @param {string} instant */
export function localShort(instant) {
  const date = new Date(instant);
  return date.toDateString() === new Date().toDateString() ? time.format(date) : dateTime.format(date);
}

/** An instant in UTC. @param {string | number} instant */
export function utc(instant) {
  return `${new Date(instant).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}

/** How far away an instant is. @param {string | number} instant @param {number} now */
export function ago(instant, now) {
  const seconds = (new Date(instant).getTime() - now) / 1000;
  const size = Math.abs(seconds);
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
  if (size < 45) return seconds > 0 ? "in a moment" : "just now";
  if (size < HOUR) return relative.format(Math.round(seconds / MINUTE), "minute");
  if (size < DAY) return relative.format(Math.round(seconds / HOUR), "hour");
  return relative.format(Math.round(seconds / DAY), "day");
}

/** A day of the API, which has no zone. @param {string} day @param {Intl.DateTimeFormatOptions} options */
export function day(day, options = { day: "numeric", month: "short" }) {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}
