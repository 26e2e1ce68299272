// Questions to the API of insights: which metrics there are, of what range, cut how.

import { get } from "./api.js";
import { valueText, zone } from "./format.js";
import { useLoaded } from "./hooks.js";

/** @typedef {import("./types").Metric} Metric */
/** @typedef {import("./types").Numbers} Numbers */
/** @typedef {{ from: string, to: string, days: number, interval: "day" | "week" | "month", isPartial: boolean }} Range */
/** @typedef {{ dimension: string, value: string, rule: string }} Filter */

const DAY_MS = 86_400_000;
/** How long an answer is good for: another page that asks the same gets the same. */
const FRESH_MS = 60_000;
/** How many questions are asked at once: answers are made of the same records, and on one machine each slows down the others. */
const AT_ONCE = 2;

/**
 * A question: when it was asked, its answer, and how many still want it.
 * @typedef {{ at: number, answer: Promise<any>, wanted: number, abort: AbortController }} Question
 */

/** @type {Map<string, Question>} */
const questions = new Map();
let asking = 0;
/** Those that wait for their turn; what only adds to what is shown waits behind everything else. @type {{ now: (() => void)[], later: (() => void)[] }} */
const waiting = { now: [], later: [] };

/** @typedef {{ signal?: AbortSignal, isLater?: boolean }} Manner who asks no more when the signal says so; whether others go first */

/** Asks, unless it was asked a moment ago. @param {string} path @param {Manner} [manner] @returns {Promise<any>} */
export function ask(path, { signal, isLater = false } = {}) {
  let question = questions.get(path);
  if (!question || Date.now() - question.at >= FRESH_MS) {
    const abort = new AbortController();
    const answer = inTurn(isLater ? waiting.later : waiting.now, async () => {
      abort.signal.throwIfAborted();
      return get(path, { signal: abort.signal });
    });
    const asked = { at: Date.now(), answer, wanted: 0, abort };
    answer.catch(() => forgetOne(path, asked));
    questions.set(path, asked);
    question = asked;
  }
  want(path, question, signal);
  return question.answer;
}

/** A question that nobody waits for any more makes room for others. @param {string} path @param {Question} question @param {AbortSignal} [signal] */
function want(path, question, signal) {
  let isAnswered = false;
  question.wanted += 1;
  question.answer.then(
    () => {
      isAnswered = true;
    },
    () => {},
  );
  signal?.addEventListener("abort", () => {
    question.wanted -= 1;
    if (question.wanted > 0 || isAnswered) return;
    question.abort.abort();
    forgetOne(path, question);
  });
}

/** @param {string} path @param {Question} question */
function forgetOne(path, question) {
  if (questions.get(path) === question) questions.delete(path);
}

/** Forgets what was answered, so that it is asked again. */
export function forget() {
  questions.clear();
}

/** @template T @param {(() => void)[]} queue @param {() => Promise<T>} work @returns {Promise<T>} */
async function inTurn(queue, work) {
  // A turn is handed on and not given back, so that nobody takes it in between.
  if (asking < AT_ONCE) asking += 1;
  else await new Promise((/** @type {(value?: any) => void} */ next) => queue.push(next));
  try {
    return await work();
  } finally {
    const next = waiting.now.shift() ?? waiting.later.shift();
    if (next) next();
    else asking -= 1;
  }
}

/** How the catalogue says that the fields of work items are dimensions, too. */
const ANY_FIELD = "field:REFERENCE_NAME";

/** All metrics. */
export function useCatalogue() {
  return useLoaded(async () => {
    const { metrics } = /** @type {{ metrics: Metric[] }} */ (await ask("/insights"));
    return metrics.map((metric) => ({
      ...metric,
      dimensions: metric.dimensions.filter((dimension) => dimension !== ANY_FIELD),
      hasFields: metric.dimensions.includes(ANY_FIELD),
    }));
  }, "catalogue");
}

/** Whether the values of a metric can be told apart by this. @param {Metric} metric @param {string} dimension */
export function isCutBy(metric, dimension) {
  return metric.dimensions.includes(dimension) || (metric.hasFields === true && /^field:./.test(dimension));
}

/** The range that the address asks for: days up to today, or two days. @param {URLSearchParams} query @returns {Range} */
export function rangeOf(query) {
  const today = isoDay(new Date());
  const custom = [query.get("from"), query.get("to")];
  let [from, to] = [custom[0] ?? "", custom[1] ?? today];
  if (!isDay(from) || !isDay(to) || from > to) {
    const days = [7, 14, 30, 90].find((days) => String(days) === query.get("days")) ?? 30;
    [from, to] = [moved(today, 1 - days), today];
  }
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
  const asked = query.get("interval");
  const interval = asked === "day" || asked === "week" || asked === "month" ? asked : days > 45 ? "week" : "day";
  return { from, to, days, interval, isPartial: to >= today };
}

/** The range of the same length before; `null` if the records do not reach back so far. @param {Range} range @returns {Range | null} */
export function before(range) {
  if (range.days > 44) return null;
  const from = moved(range.from, -range.days);
  if (Date.parse(from) < Date.now() - 89 * DAY_MS) return null;
  return { ...range, from, to: moved(range.from, -1), isPartial: false };
}

/** A day of the viewer's calendar. @param {Date} date */
function isoDay(date) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** @param {string} text */
function isDay(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** @param {string} day @param {number} days */
function moved(day, days) {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

const OWN_PARAMETERS = new Set(["days", "from", "to", "interval", "by", "view", "offset", "connection", "statistic"]);

/** The filters of an address: every parameter that is no other. @param {URLSearchParams} query @returns {Filter[]} */
export function filtersOf(query) {
  const filters = [];
  for (const [name, value] of query) {
    if (OWN_PARAMETERS.has(name)) continue;
    const rule = /[!^*]$/.exec(name)?.[0] ?? "";
    filters.push({ dimension: rule ? name.slice(0, -1) : name, rule, value });
  }
  return filters;
}

/**
 * The path of a question. Filters by what a metric does not have are left out.
 * @param {Metric} metric
 * @param {Range} range
 * @param {{ filters?: Filter[], by?: string[], trend?: boolean, limit?: number, connection?: string | null, offset?: number, format?: string, settings?: Record<string, string> }} [options]
 * @param {string} [kind] `/rows` for the rows
 */
export function path(metric, range, options = {}, kind = "") {
  const query = new URLSearchParams({ from: range.from, to: range.to, zone });
  if (options.trend) query.set("interval", range.interval);
  if (options.by?.length) query.set("group_by", options.by.join(","));
  if (options.limit) query.set("limit", String(options.limit));
  if (options.offset) query.set("offset", String(options.offset));
  if (options.format) query.set("format", options.format);
  if (options.connection) query.set("connection", options.connection);
  for (const filter of options.filters ?? []) {
    if (isCutBy(metric, filter.dimension)) query.append(filter.dimension + filter.rule, filter.value);
  }
  for (const [name, value] of Object.entries(options.settings ?? {})) query.set(name, value);
  return `/insights/${encodeURIComponent(metric.name)}${kind}?${query}`;
}

/** @param {Metric} metric @param {Range} range @param {Parameters<typeof path>[2]} options @param {Manner} [manner] @returns {Promise<Numbers>} */
export function numbers(metric, range, options, manner) {
  return ask(path(metric, range, options), manner);
}

/** How many groups are asked for: as many as anything on a page shows, so that all of it is one question. */
const GROUPS = 25;

/** @typedef {{ filters: Filter[], connection?: string | null, by: string | null, signal?: AbortSignal }} Cut */

/**
 * The numbers of a metric with its groups and their trends: the one question that tiles, cards and lists share.
 * @param {Metric} metric
 * @param {Range} range
 * @param {Cut} cut
 */
export function whole(metric, range, { filters, connection, by, signal }) {
  return numbers(metric, range, { filters, connection, by: by ? [by] : [], trend: true, limit: GROUPS }, { signal });
}

/** The same of the time before; `null` if nothing is kept of it. @param {Metric} metric @param {Range} range @param {Cut} cut */
export async function wholeBefore(metric, range, { filters, connection, by, signal }) {
  const earlier = before(range);
  return earlier && numbers(metric, earlier, { filters, connection, by: by ? [by] : [], limit: GROUPS }, { signal, isLater: true });
}

/** Measures of how often something happened: in a time in which nothing did, that is 0. Of what is measured there is no value then. */
const COUNTED = ["count", "frequency", "sum", "distinct", "days_per_week"];

/**
 * A trend as it is drawn: what is counted is 0 where nothing happened, if everything has been seen. Without anything in the
 * whole range it stays empty.
 * @param {Metric} metric
 * @param {Numbers} answer
 * @param {import("./types").Point[]} [points] of one group of it
 */
export function drawn(metric, answer, points = answer.trend ?? []) {
  const { complete_as_of: seen, integrations } = answer.freshness;
  if (!COUNTED.includes(metric.measure) || !seen || integrations.some((one) => one.syncing > 0)) return points;
  if (points.every((point) => point.count === 0)) return points;
  return points.map((point) => (point.count === 0 ? { ...point, value: 0 } : point));
}

/** Whether more of it is better; `null` if that cannot be said. @param {Metric} metric @returns {boolean | null} */
export function isHighGood({ name, measure }) {
  if (/fail|abandon|rework|miss|flaky|overdue|without|bounce|churn|creep|stale|reopen|unlinked|hop|blocked|restore/.test(name))
    return false;
  if (/success|merge_rate|frequency|done|delivered|velocity|throughput|hygiene_score/.test(name)) return true;
  return measure === "duration" || measure === "age" ? false : null;
}

/** By what a metric is told apart where that is not what its name or its records say. @type {[RegExp, string][]} */
const MAIN = [
  [/^sprint_/, "sprint"],
  [/^time_in_state|^stage_bounces$/, "state"],
  [/^cumulative_flow$/, "state_category"],
  [/^hygiene_misses$/, "miss"],
  [/^alignment_/, "category"],
  [/^review_count$/, "reviewer"],
  [/^review_collaboration$/, "approval"],
  [/^(coding_days|commit_|committer_)/, "repository"],
  [/^deployment_/, "environment"],
];

const DIMENSIONS = [
  "stage",
  "job",
  "step",
  "pipeline",
  "environment",
  "repository",
  "team",
  "sprint",
  "type",
  "state",
  "reviewer",
  "author",
  "project",
];

/** The dimension that says most about a metric. @param {Metric} metric */
export function mainDimension(metric) {
  const chosen = MAIN.find(([names, dimension]) => names.test(metric.name) && metric.dimensions.includes(dimension));
  if (chosen) return chosen[1];
  const own = metric.dimensions.find((dimension) => metric.name.startsWith(`${dimension}_`) && dimension !== "project");
  if (own) return own;
  // The parts of a way are what its stages are.
  if (metric.form === "stages" && metric.dimensions.includes("phase")) return "phase";
  const wanted = metric.name.startsWith("work_item") || metric.inputs.includes("work_item") ? ["type", "state", "team"] : [];
  const activity = /^(stage|job|step)_/.test(metric.name) ? [] : ["stage", "job", "step"];
  const order = [...wanted, ...DIMENSIONS.filter((dimension) => !activity.includes(dimension))];
  return order.find((dimension) => metric.dimensions.includes(dimension)) ?? metric.dimensions[0] ?? null;
}

/** A group by its values. @param {import("./types").Group} group */
export function groupName(group) {
  return Object.entries(group.by)
    .map(([dimension, value]) => valueText(dimension, value))
    .join(" / ");
}

/** How much a number changed, as a share of what it was; `null` if it was nothing. @param {number | null} now @param {number | null | undefined} then */
export function changed(now, then) {
  if (now === null || then === null || then === undefined || then === 0) return null;
  return (now - then) / Math.abs(then);
}
