// One metric in full: its trend, its groups, its distribution, and the rows that it is made of.

import { text as plainText } from "../api.js";
import { Histogram } from "../charts/histogram.js";
import { FAMILIES, familyOf } from "../families.js";
import { count, plural, quantity, valueText, words } from "../format.js";
import { useLoaded, useTitle } from "../hooks.js";
import { ask, filtersOf, isCutBy, mainDimension, path, rangeOf, useCatalogue, whole, wholeBefore } from "../insights.js";
import { change, useLocation } from "../router.js";
import { Filters } from "../ui/filters.js";
import { Icon } from "../ui/icons.js";
import { Chart, Nothing } from "../ui/metric.js";
import { NoConnection } from "../ui/no-connection.js";
import { Basis, Big, Change, External } from "../ui/numbers.js";
import { Answer, Card, Empty, Failed, Heading, Segments, Select, Skeleton, Table, Time } from "../ui/parts.js";
import { html, useState } from "../view.js";

/** @typedef {import("../types").Metric} Metric */

const PAGE_ROWS = 25;
/** Enough for the shape of a distribution. */
const SAMPLE_ROWS = 2_000;

/** @param {{ name: string }} props */
export function MetricPage({ name }) {
  useTitle(words(name));
  const catalogue = useCatalogue();
  return html`
    <${Answer} loaded=${catalogue} skeleton=${html`<${Skeleton} height=${400} />`}>
      ${(/** @type {Metric[]} */ metrics) => {
        const metric = metrics.find((metric) => metric.name === name);
        if (metric) return html`<${Known} metric=${metric} />`;
        return html`<${Heading} title="There is no metric ${words(name)}" /><${Empty} title="No such metric"><a href="/insights">See all metrics</a><//>`;
      }}
    <//>`;
}

/** @param {{ metric: Metric }} props */
function Known({ metric }) {
  const { query } = useLocation();
  const range = rangeOf(query);
  const filters = filtersOf(query);
  const connection = query.get("connection");
  const asked = query.get("by");
  const by = asked && isCutBy(metric, asked) ? asked : mainDimension(metric);
  const key = JSON.stringify([metric.name, range, filters, connection]);
  const grouped = useLoaded((signal) => whole(metric, range, { filters, connection, by, signal }), key + by);
  const then = useLoaded((signal) => wholeBefore(metric, range, { filters, connection, by, signal }), `before ${key}${by}`);
  const family = familyOf(metric);
  const isSpread = typeof grouped.value?.total.p90 === "number";
  return html`
    <${Heading} title=${words(metric.name)} lead=${metric.definition} back=${{ href: `/${family}`, text: FAMILIES[family].title }} />
    <${Filters} metrics=${[metric]} />
    <${NoConnection} />
    <div class="grid">
      <${Card} class="full metric" title="Over time" foot=${grouped.value && html`<${Basis} answer=${grouped.value} /><span class="muted">${metric.formula}</span>`}>
        <${Answer} loaded=${grouped} skeleton=${html`<${Skeleton} height=${300} />`}>
          ${(/** @type {import("../types").Numbers} */ answer) => html`
            <div class="metric-head">
              <${Big} value=${answer.total.value} unit=${metric.unit} />
              <${Change} metric=${metric} now=${answer.total.value} then=${then.value?.total.value} days=${range.days} />
              ${isSpread && html`<${Spread} total=${answer.total} unit=${metric.unit} />`}
            </div>
            ${answer.total.count === 0 ? html`<${Nothing} answer=${answer} />` : html`<${Chart} metric=${metric} answer=${answer} view="trend" by=${by} range=${range} query=${query} height=${260} />`}`}
        <//>
      <//>
      ${by && html`<${Groups} metric=${metric} by=${by} grouped=${grouped} range=${range} query=${query} />`}
      ${(metric.measure === "duration" || metric.measure === "amount") && html`<${Distribution} metric=${metric} range=${range} filters=${filters} connection=${connection} total=${grouped.value?.total} />`}
      <${RowTable} metric=${metric} range=${range} filters=${filters} connection=${connection} query=${query} />
    </div>`;
}

/** @param {{ total: import("../types").Summary, unit: string }} props */
function Spread({ total, unit }) {
  const parts = /** @type {[string, number | null | undefined][]} */ ([
    ["min", total.min],
    ["mean", total.mean],
    ["p90", total.p90],
    ["p95", total.p95],
    ["max", total.max],
  ]);
  return html`<dl class="spread">${parts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${quantity(value, unit)}</dd></div>`)}</dl>`;
}

/**
 * @param {{ metric: Metric, by: string, grouped: import("../types").Loaded<import("../types").Numbers>, range: import("../insights.js").Range, query: URLSearchParams }} props
 */
function Groups({ metric, by, grouped, range, query }) {
  const asked = query.get("view");
  const isAdditive = metric.measure === "count" || metric.measure === "sum";
  const views = [
    { value: "groups", text: "Bars" },
    { value: "heat", text: "Heat map" },
    isAdditive ? { value: "stacked", text: "Stacked" } : { value: "lines", text: "Lines" },
  ];
  const view = views.find((one) => one.value === asked)?.value ?? "groups";
  return html`
    <${Card}
      class=${view === "groups" && metric.measure === "duration" ? "metric" : "metric full"}
      title="By ${words(by).toLowerCase()}"
      actions=${html`
        <${Select} label="Group by" isQuiet value=${by} options=${metric.dimensions.map((value) => ({ value, text: words(value) }))} onChange=${(/** @type {string} */ value) => change({ by: value })} />
        <${Segments} label="Form" options=${views} value=${view} onChange=${(/** @type {string} */ value) => change({ view: value })} />`}
    >
      <${Answer} loaded=${grouped} skeleton=${html`<${Skeleton} height=${240} />`}>
        ${(/** @type {import("../types").Numbers} */ answer) => {
          if (!answer.groups.length) return html`<${Nothing} answer=${answer} />`;
          const few = view === "stacked" || view === "lines" ? { ...answer, groups: answer.groups.slice(0, 8) } : answer;
          return html`<${Chart} metric=${metric} answer=${few} view=${/** @type {any} */ (view)} by=${by} range=${range} query=${query} height=${240} />`;
        }}
      <//>
    <//>`;
}

/** @typedef {{ metric: Metric, range: import("../insights.js").Range, filters: import("../insights.js").Filter[], connection: string | null }} Asked */

/** @param {Asked & { total?: import("../types").Summary }} props */
function Distribution({ metric, range, filters, connection, total }) {
  const address = path(metric, range, { filters, connection, limit: SAMPLE_ROWS }, "/rows");
  const loaded = useLoaded((signal) => /** @type {Promise<import("../types").Rows>} */ (ask(address, { signal })), address);
  return html`
    <${Card} class="metric" title="Distribution" foot=${loaded.value && loaded.value.rows_in_all > SAMPLE_ROWS && html`<span class="muted">the newest ${count(SAMPLE_ROWS)} of ${count(loaded.value.rows_in_all)}</span>`}>
      <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} height=${180} />`}>
        ${(/** @type {import("../types").Rows} */ answer) => {
          if (!answer.rows.length) return html`<${Empty} title="Nothing in this range" />`;
          const marks = [
            { label: "median", value: total?.median },
            { label: "p90", value: total?.p90 },
          ];
          return html`<${Histogram} values=${answer.rows.map((row) => row.value)} unit=${metric.unit} marks=${marks} label="Distribution of ${plural(answer.rows.length, "value")}: median ${quantity(total?.median, metric.unit)}, 90th percentile ${quantity(total?.p90, metric.unit)}" />`;
        }}
      <//>
    <//>`;
}

/** @param {Asked & { query: URLSearchParams }} props */
function RowTable({ metric, range, filters, connection, query }) {
  const offset = Math.max(0, Number.parseInt(query.get("offset") ?? "0", 10) || 0);
  const address = path(metric, range, { filters, connection, limit: PAGE_ROWS, offset }, "/rows");
  const loaded = useLoaded((signal) => /** @type {Promise<import("../types").Rows>} */ (ask(address, { signal })), address);
  const [failure, setFailure] = useState(/** @type {Error | null} */ (null));
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const csv = await plainText(path(metric, range, { filters, connection, limit: 10_000, format: "csv" }, "/rows"));
      save(csv, `${metric.name}-${range.from}-${range.to}.csv`);
    } catch (error) {
      setFailure(/** @type {Error} */ (error));
    }
    setBusy(false);
  };
  const inAll = loaded.value?.rows_in_all ?? 0;
  const main = mainDimension(metric);
  const ordered = metric.dimensions.toSorted((a, b) => Number(b === main) - Number(a === main));
  const dimensions = ordered.filter((dimension) => loaded.value?.rows.some((row) => row.dimensions[dimension] !== undefined));
  const isCount = metric.measure === "count";
  return html`
    <${Card}
      class="full rows"
      title=${inAll ? `Rows (${count(inAll)})` : "Rows"}
      actions=${html`<button class="button small" onClick=${download} disabled=${busy || !inAll} title=${inAll > 10_000 ? "The newest 10,000" : ""}><${Icon} name="download" />${busy ? "Preparing" : "CSV"}</button>`}
      foot=${inAll > PAGE_ROWS && html`<${Pages} offset=${offset} inAll=${inAll} />`}
    >
      ${failure && html`<${Failed} error=${failure} title="The file could not be made" />`}
      <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} lines=${8} />`}>
        ${(/** @type {import("../types").Rows} */ answer) =>
          answer.rows.length
            ? html`
          <${Table} label="Rows of ${words(metric.name)}" head=${["When", ...(isCount ? [] : [{ text: "Value", class: "right" }]), "Azure DevOps", ...dimensions.map(words)]}>
            ${answer.rows.map(
              (row, index) => html`
              <tr key=${index}>
                <td class="nowrap"><${Time} at=${row.at} exact /></td>
                ${!isCount && html`<td class="right">${metric.measure === "share" ? (row.value ? "yes" : "no") : quantity(row.value, metric.unit)}</td>`}
                <td class="nowrap">${row.link ? html`<${External} href=${row.link}>Open<//>` : html`<span class="muted">gone</span>`}</td>
                ${dimensions.map((dimension) => html`<td key=${dimension}><span class="cell" title=${row.dimensions[dimension] ?? ""}>${valueText(dimension, row.dimensions[dimension] ?? "")}</span></td>`)}
              </tr>`,
            )}
          <//>`
            : html`<${Empty} title="No rows in this range" />`}
      <//>
    <//>`;
}

/** @param {{ offset: number, inAll: number }} props */
function Pages({ offset, inAll }) {
  const to = (/** @type {number} */ next) => change({ offset: next > 0 ? String(next) : null });
  return html`
    <span class="pages">
      <button class="button small" disabled=${offset === 0} onClick=${() => to(offset - PAGE_ROWS)}>Newer</button>
      <span class="muted">${count(offset + 1)} to ${count(Math.min(inAll, offset + PAGE_ROWS))} of ${count(inAll)}</span>
      <button class="button small" disabled=${offset + PAGE_ROWS >= inAll} onClick=${() => to(offset + PAGE_ROWS)}>Older</button>
    </span>`;
}

/** @param {string} content @param {string} name */
function save(content, name) {
  const address = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
