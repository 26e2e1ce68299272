// One metric in the form that suits it, as a card.

import { Bars } from "../charts/bars.js";
import { HeatMap } from "../charts/heatmap.js";
import { Stacked } from "../charts/stacked.js";
import { Lines, Trend } from "../charts/trend.js";
import { quantity, words } from "../format.js";
import { useLoaded, useSeen } from "../hooks.js";
import { drawn, filtersOf, groupName, isCutBy, isHighGood, mainDimension, rangeOf, whole, wholeBefore } from "../insights.js";
import { useLocation } from "../router.js";
import { Fragment, html } from "../view.js";
import { Basis, Big, Change, Definition } from "./numbers.js";
import { Answer, Card, Empty, Skeleton } from "./parts.js";

/** @typedef {import("../types").Metric} Metric */
/** @typedef {import("../types").Numbers} Numbers */
/** @typedef {"trend" | "groups" | "stacked" | "areas" | "heat" | "lines" | "stages" | "stat"} View */

/** Which view shows a form. @param {Metric} metric @returns {View} */
export function viewOf(metric) {
  const views = /** @type {Record<string, View>} */ ({
    line: "trend",
    stacked_bar: "stacked",
    stacked_area: "areas",
    heat_map: "heat",
    stages: "stages",
    stat: "trend",
    table: "groups",
  });
  return views[metric.form] ?? "groups";
}

/** What results mean, in colours that say it. */
const RESULT_COLORS = /** @type {Record<string, string>} */ ({
  succeeded: "var(--good-mark)",
  passed: "var(--good-mark)",
  succeeded_with_issues: "var(--warn-mark)",
  partially_succeeded: "var(--warn-mark)",
  failed: "var(--bad-mark)",
  abandoned: "var(--series-rest)",
  canceled: "var(--series-rest)",
  skipped: "var(--line-strong)",
});

/** The colour that a value of a dimension has by its meaning. @param {string} value */
export function meaning(value) {
  return RESULT_COLORS[value.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase()];
}

/** The address of a metric's own page, with the range and the filters of this one. @param {Metric} metric @param {URLSearchParams} query @param {string | null} by @param {Record<string, string>} [more] */
export function address(metric, query, by, more = {}) {
  const next = new URLSearchParams(query);
  for (const name of ["by", "offset", "view"]) next.delete(name);
  for (const name of [...next.keys()])
    if (!["days", "from", "to", "interval", "connection"].includes(name) && !isCutBy(metric, name.replace(/[!^*]$/, ""))) next.delete(name);
  if (by) next.set("by", by);
  for (const [name, value] of Object.entries(more)) next.set(name, value);
  const text = next.toString();
  return `/insights/${metric.name}${text ? `?${text}` : ""}`;
}

/** @param {{ metric: Metric, view?: View, by?: string | null, title?: string, class?: string }} props */
export function MetricCard(props) {
  const [element, isSeen] = useSeen();
  if (isSeen) return html`<${SeenCard} ...${props} />`;
  return html`<div class="card metric ${props.class ?? ""}" ref=${element}><${Skeleton} height=${280} /></div>`;
}

/** @param {{ metric: Metric, view?: View, by?: string | null, title?: string, class?: string }} props */
function SeenCard({ metric, view = viewOf(metric), by = mainDimension(metric), title = words(metric.name), class: kind = "" }) {
  const { query } = useLocation();
  const range = rangeOf(query);
  const filters = filtersOf(query);
  const connection = query.get("connection");
  // A day is too narrow for a cell that can be read.
  const asked =
    view === "heat" && range.days > 14 && range.interval === "day" ? { ...range, interval: /** @type {const} */ ("week") } : range;
  const key = JSON.stringify([metric.name, asked, filters, connection, by]);
  const loaded = useLoaded((signal) => whole(metric, asked, { filters, connection, by, signal }), key);
  const then = useLoaded((signal) => wholeBefore(metric, range, { filters, connection, by, signal }), `before ${key}`);
  return html`
    <${Card}
      class="metric ${kind}"
      title=${html`<a href=${address(metric, query, by)}>${title}</a>`}
      actions=${html`<${Definition} metric=${metric} />`}
      foot=${loaded.value && html`<${Basis} answer=${loaded.value} />`}
    >
      <${Answer} loaded=${loaded} title="${title} could not be loaded" skeleton=${html`<${Skeleton} height=${200} />`}>
        ${(/** @type {Numbers} */ answer) => html`
          ${view !== "stages" && html`<${Head} metric=${metric} total=${answer.total} then=${then.value?.total.value} days=${range.days} />`}
          ${answer.total.count === 0 ? html`<${Nothing} answer=${answer} />` : html`<${Chart} metric=${metric} answer=${answer} view=${view} by=${by} range=${asked} query=${query} most=${view === "heat" ? 12 : 6} />`}`}
      <//>
    <//>`;
}

/** The one number for all of it. The parts of a way have none together: a median over unlike parts says nothing. @param {{ metric: Metric, total: import("../types").Summary, then: number | null | undefined, days: number }} props */
function Head({ metric, total, then, days }) {
  return html`
    <div class="metric-head">
      <${Big} value=${total.value} unit=${metric.unit} />
      <${Change} metric=${metric} now=${total.value} then=${then} days=${days} />
      ${typeof total.p90 === "number" && html`<span class="muted metric-aside">median · p90 ${quantity(total.p90, metric.unit)}</span>`}
    </div>`;
}

/** Why there is nothing. @param {{ answer: Numbers }} props */
export function Nothing({ answer }) {
  const sources = answer.freshness.integrations;
  if (sources.length === 0)
    return html`<${Empty} title="No source is connected" icon="connections">What this is made of comes from an integration that is not there yet. <a href="/connections">See integrations</a><//>`;
  if (!answer.freshness.complete_as_of)
    return html`<${Empty} title="Still fetching" icon="sync">The first synchronization has not seen everything yet.<//>`;
  return html`<${Empty} title="Nothing in this range">Nothing counts here between these days with these filters.<//>`;
}

/** @param {{ metric: Metric, answer: Numbers, view: View, by: string | null, range: import("../insights.js").Range, query: URLSearchParams, height?: number, most?: number }} props */
export function Chart({ metric, answer, view, by, range, query, height = 190, most = 25 }) {
  const { unit } = metric;
  const label = `${words(metric.name)}, ${range.from} to ${range.to}: ${quantity(answer.total.value, unit)} from ${answer.total.count} values`;
  const { interval, isPartial } = range;
  const groups = ordered(answer.groups, by).slice(0, most);
  const drill = (/** @type {import("../types").Group} */ group) =>
    by && group.by[by] ? address(metric, query, by, { [by]: group.by[by] }) : null;
  if (view === "stacked" || view === "areas") {
    const series = groups.map((group) => ({
      label: groupName(group),
      color: by ? meaning(group.by[by] ?? "") : undefined,
      points: group.trend ?? [],
    }));
    return html`<${Stacked} series=${series} unit=${unit} label=${label} interval=${interval} height=${height} form=${view === "stacked" ? "bars" : "areas"} />`;
  }
  if (view === "lines")
    return html`<${Lines} series=${groups.map((group) => ({ label: groupName(group), points: drawn(metric, answer, group.trend) }))} unit=${unit} label=${label} interval=${interval} height=${height} />`;
  if (view === "heat") {
    const rows = groups.map((group) => ({ label: groupName(group), points: group.trend ?? [] }));
    return html`<${HeatMap} rows=${rows} unit=${unit} label=${label} interval=${interval} isHighGood=${isHighGood(metric)} />`;
  }
  if (view === "stages") return html`<${Stages} metric=${metric} groups=${groups} label=${label} />`;
  if (view === "groups") {
    return html`
      <${Fragment}>
        <${Bars} unit=${unit} label=${label} items=${groups.map((group) => ({ key: JSON.stringify(group.by), label: html`<${GroupLink} href=${drill(group)}>${groupName(group)}<//>`, hint: groupName(group), value: group.value, reach: group.p90, count: group.count }))} countsOf=${unit === "count" ? "" : "n"} />
        ${answer.groups_in_all > groups.length && html`<p class="muted note">${groups.length} of ${answer.groups_in_all}</p>`}
      <//>`;
  }
  return html`<${Trend} points=${drawn(metric, answer)} unit=${unit} label=${label} interval=${interval} isPartial=${isPartial} height=${height} noun="values" />`;
}

/** What work and changes pass on their way, in this order. */
const PHASES = ["created", "started", "committed", "opened", "reviewed", "approved", "merged", "built", "deployed"];

/** Groups by their size, as they come; phases in the order of the way, sprints from the newest on. @param {import("../types").Group[]} groups @param {string | null} by */
function ordered(groups, by) {
  if (by === "phase") return groups.toSorted((a, b) => PHASES.indexOf(a.by.phase ?? "") - PHASES.indexOf(b.by.phase ?? ""));
  if (by !== "sprint") return groups;
  return groups.toSorted((a, b) => groupName(b).localeCompare(groupName(a), "en", { numeric: true }));
}

/** @param {{ href: string | null, children: any }} props */
function GroupLink({ href, children }) {
  return href ? html`<a href=${href}>${children}</a>` : children;
}

/** Stages one after the other, each as long as its median. @param {{ metric: Metric, groups: import("../types").Group[], label: string }} props */
function Stages({ metric, groups, label }) {
  const whole = groups.reduce((sum, group) => sum + Math.max(0, group.value ?? 0), 0) || 1;
  return html`
    <div>
      <div class="stages" role="img" aria-label=${label}>
        ${groups.map((group, index) => html`<span key=${groupName(group)} style=${{ flexGrow: Math.max(0.02, (group.value ?? 0) / whole), background: `var(--series-${(index % 8) + 1})` }} title="${groupName(group)}: ${quantity(group.value, metric.unit)}"></span>`)}
      </div>
      <ol class="stage-list">
        ${groups.map(
          (group, index) => html`
          <li key=${groupName(group)}><span class="swatch" style=${{ background: `var(--series-${(index % 8) + 1})` }} aria-hidden="true"></span><span>${words(groupName(group))}</span><strong>${quantity(group.value, metric.unit)}</strong><span class="muted">${typeof group.p90 === "number" ? `p90 ${quantity(group.p90, metric.unit)}` : ""}</span></li>`,
        )}
      </ol>
    </div>`;
}
