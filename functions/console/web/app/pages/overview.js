// How are we doing, what changed, where does it hurt.

import { Bars } from "../charts/bars.js";
import { Spark } from "../charts/trend.js";
import { OVERVIEW } from "../families.js";
import { count, quantity, words } from "../format.js";
import { useLoaded, useTitle } from "../hooks.js";
import {
  before,
  changed,
  drawn,
  filtersOf,
  groupName,
  isHighGood,
  mainDimension,
  rangeOf,
  useCatalogue,
  whole,
  wholeBefore,
} from "../insights.js";
import { useLocation } from "../router.js";
import { Filters } from "../ui/filters.js";
import { Icon } from "../ui/icons.js";
import { address, MetricCard } from "../ui/metric.js";
import { NoConnection, useConnections } from "../ui/no-connection.js";
import { Basis, Big, Change } from "../ui/numbers.js";
import { Answer, Card, Empty, Heading, Skeleton, State } from "../ui/parts.js";
import { html } from "../view.js";

/** @typedef {import("../types").Metric} Metric */
/** @typedef {import("../insights.js").Range} Range */

/** Fewer values than this say nothing about a group. */
const ENOUGH = 8;

export function Overview() {
  useTitle("Overview");
  const catalogue = useCatalogue();
  return html`
    <${Heading} title="Overview" lead="How are we doing, what changed, and where does it hurt." />
    <${Answer} loaded=${catalogue} skeleton=${html`<${Skeleton} height=${420} />`}>${(/** @type {Metric[]} */ metrics) => html`<${Known} metrics=${metrics} />`}<//>`;
}

/** @param {{ metrics: Metric[] }} props */
function Known({ metrics }) {
  const { query } = useLocation();
  const range = rangeOf(query);
  const named = (/** @type {string} */ name) => metrics.find((metric) => metric.name === name);
  const headlines = OVERVIEW.headlines.map(named).filter((metric) => metric !== undefined);
  const watched = OVERVIEW.watched.map(named).filter((metric) => metric !== undefined);
  const [rate, duration, runs] = [named("run_success_rate"), named("run_duration"), named("run_count")];
  return html`
    <${Filters} metrics=${headlines} />
    <${NoConnection} />
    <section aria-label="How are we doing" class="tiles">
      ${headlines.map((metric) => html`<${Tile} key=${metric.name} metric=${metric} range=${range} query=${query} />`)}
    </section>
    <div class="grid">
      <${Changes} metrics=${watched} range=${range} query=${query} />
      <${Pains} rate=${rate} range=${range} query=${query} />
      ${duration && html`<${MetricCard} metric=${duration} view="trend" by="pipeline" />`}
      ${runs && html`<${MetricCard} metric=${runs} view="stacked" by="result" title="Runs by result" />`}
      ${rate && html`<${MetricCard} metric=${rate} view="heat" by="pipeline" title="Success rate by pipeline" class="full" />`}
    </div>`;
}

/** @param {{ metric: Metric, range: Range, query: URLSearchParams }} props */
function Tile({ metric, range, query }) {
  const filters = filtersOf(query);
  const by = overviewDimension(metric);
  const key = JSON.stringify([metric.name, range, filters]);
  const loaded = useLoaded((signal) => whole(metric, range, { filters, by, signal }), key);
  const then = useLoaded((signal) => wholeBefore(metric, range, { filters, by, signal }), `before ${key}`);
  return html`
    <a class="tile" href=${address(metric, query, mainDimension(metric))}>
      <span class="tile-title">${words(metric.name)}</span>
      <${Answer} loaded=${loaded} title=${words(metric.name)} skeleton=${html`<${Skeleton} height=${64} />`}>
        ${(/** @type {import("../types").Numbers} */ answer) => html`
          <span class="tile-number"><${Big} value=${answer.total.value} unit=${metric.unit} /><${Spark} points=${drawn(metric, answer)} /></span>
          <span class="tile-foot"><${Change} metric=${metric} now=${answer.total.value} then=${then.value?.total.value} days=${range.days} /><${Basis} answer=${answer} /></span>`}
      <//>
    </a>`;
}

/** By what a metric is grouped here, in everything that shows it. @param {Metric} metric */
function overviewDimension(metric) {
  return metric.name === "run_count" ? "result" : mainDimension(metric);
}

/** @typedef {{ metric: Metric, by: string, name: string, value: string, now: number, old: number, size: number, count: number }} Move */

/** @param {{ metrics: Metric[], range: Range, query: URLSearchParams }} props */
function Changes({ metrics, range, query }) {
  const filters = filtersOf(query);
  const earlier = before(range);
  const loaded = useLoaded(
    (signal) => moves(metrics, range, earlier, { filters, signal }),
    JSON.stringify(["moves", metrics.map((metric) => metric.name), range, filters]),
  );
  return html`
    <${Card} title="What changed" class="list-card" foot=${html`<span class="muted">${earlier ? `against the ${range.days} days before; groups of ${ENOUGH} values and more` : ""}</span>`}>
      ${
        !earlier
          ? html`<${Empty} title="Nothing to compare with">What is kept does not reach back ${count(range.days * 2)} days. Choose a shorter range.<//>`
          : html`
        <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} lines=${6} />`}>
          ${(/** @type {Move[]} */ found) =>
            found.length
              ? html`
            <ol class="moves">
              ${found.map(
                (move) => html`
                <li key=${move.metric.name + move.name}>
                  <a href=${address(move.metric, query, move.by, { [move.by]: move.value })}>
                    <span class="moves-name">${move.name}</span>
                    <span class="muted">${words(move.metric.name)} · n = ${count(move.count)}</span>
                  </a>
                  <span class="moves-numbers"><span class="muted">${quantity(move.old, move.metric.unit)} →</span> ${quantity(move.now, move.metric.unit)}</span>
                  <${Change} metric=${move.metric} now=${move.now} then=${move.old} days=${range.days} />
                </li>`,
              )}
            </ol>`
              : html`<${Empty} title="Nothing changed much" icon="check">No group differs by more than a tenth from the ${range.days} days before.<//>`}
        <//>`
      }
    <//>`;
}

/** The groups that differ most from before. @param {Metric[]} metrics @param {Range} range @param {Range | null} earlier @param {{ filters: import("../insights.js").Filter[], signal: AbortSignal }} manner @returns {Promise<Move[]>} */
async function moves(metrics, range, earlier, { filters, signal }) {
  if (!earlier) return [];
  const each = await Promise.all(
    metrics.map(async (metric) => {
      const by = overviewDimension(metric);
      if (!by) return [];
      const cut = { filters, by, signal };
      const [now, then] = await Promise.all([whole(metric, range, cut), wholeBefore(metric, range, cut)]);
      if (!then) return [];
      return now.groups.flatMap((group) => {
        const old = then.groups.find((other) => other.by[by] === group.by[by]);
        const value = group.by[by];
        if (!old || value === null || group.value === null || old.value === null || group.count < ENOUGH || old.count < ENOUGH) return [];
        const share = metric.unit.startsWith("share") ? (group.value - old.value) * 2 : changed(group.value, old.value);
        if (share === null || Math.abs(share) < 0.1) return [];
        return [
          {
            metric,
            by,
            name: groupName(group),
            value,
            now: group.value,
            old: old.value,
            size: Math.abs(Math.log(1 + Math.max(-0.95, share))),
            count: group.count,
          },
        ];
      });
    }),
  );
  return each
    .flat()
    .toSorted((a, b) => b.size - a.size)
    .slice(0, 7);
}

/** @param {{ rate: Metric | undefined, range: Range, query: URLSearchParams }} props */
function Pains({ rate, range, query }) {
  const filters = filtersOf(query);
  const connections = useConnections();
  const loaded = useLoaded(
    async (signal) => (rate ? (await whole(rate, range, { filters, by: "pipeline", signal })).groups : []),
    JSON.stringify(["pains", range, filters]),
  );
  const sick = (connections.value ?? []).flatMap((one) =>
    one.integrations
      .filter((integration) => ["needs_attention", "reauthorization_needed", "failing"].includes(integration.status))
      .map((integration) => ({ ...integration, connection: one.id })),
  );
  return html`
    <${Card} title="Where it hurts" class="list-card" foot=${rate && html`<span class="muted">pipelines with ${ENOUGH} runs and more, by how many of them succeed</span>`}>
      ${sick.length > 0 && html`<ul class="sick">${sick.map((integration) => html`<li key=${integration.id}><a href="/connections/${integration.connection}">${integration.name}</a><${State} state=${integration.status} /></li>`)}</ul>`}
      <${Answer} loaded=${loaded} skeleton=${html`<${Skeleton} lines=${6} />`}>
        ${(/** @type {import("../types").Group[]} */ groups) => {
          const worst = groups
            .filter((group) => group.count >= ENOUGH && group.value !== null)
            .toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))
            .slice(0, 7);
          if (!rate || !worst.length) return html`<${Empty} title="Too little to say">No pipeline has enough runs in this range.<//>`;
          return html`<${Bars} unit=${rate.unit} label="Pipelines that fail most" tone=${isHighGood(rate) ? "bad-mark" : "series-1"} countsOf="runs" items=${worst.map((group) => ({ key: groupName(group), hint: groupName(group), label: html`<a href=${address(rate, query, "pipeline", { pipeline: group.by.pipeline ?? "" })}>${groupName(group)}</a>`, value: group.value, count: group.count }))} />`;
        }}
      <//>
      ${sick.length === 0 && connections.value && connections.value.length > 0 && html`<p class="note muted"><${Icon} name="check" /> All integrations are in order.</p>`}
    <//>`;
}
