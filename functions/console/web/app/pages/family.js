// A page of metrics that belong together.

import { blocksOf, FAMILIES } from "../families.js";
import { useTitle } from "../hooks.js";
import { useCatalogue } from "../insights.js";
import { Filters } from "../ui/filters.js";
import { MetricCard } from "../ui/metric.js";
import { NoConnection } from "../ui/no-connection.js";
import { Answer, Empty, Heading, Skeleton } from "../ui/parts.js";
import { html } from "../view.js";

/** @param {{ name: string }} props */
export function Family({ name }) {
  const { title, lead } = FAMILIES[name];
  useTitle(title);
  const catalogue = useCatalogue();
  return html`
    <${Heading} title=${title} lead=${lead} />
    <${Answer} loaded=${catalogue} skeleton=${html`<${Skeleton} height=${400} />`}>
      ${(/** @type {import("../types").Metric[]} */ metrics) => {
        const blocks = blocksOf(name, metrics);
        if (!blocks.length)
          return html`<${Empty} title="No metric here yet" icon="metrics">This deployment has no metrics about this. <a href="/insights">See all metrics</a><//>`;
        return html`
          <${Filters} metrics=${[...new Set(blocks.map((block) => block.metric))]} />
          <${NoConnection} />
          <div class="grid">
            ${blocks.map((block, index) => html`<${MetricCard} key=${`${block.name} ${index}`} metric=${block.metric} view=${block.view} by=${block.by} title=${block.title} class=${block.class ?? ""} />`)}
          </div>`;
      }}
    <//>`;
}
