// Every metric that there is, with what it says.

import { FAMILIES, familyOf } from "../families.js";
import { words } from "../format.js";
import { useTitle } from "../hooks.js";
import { useCatalogue } from "../insights.js";
import { Answer, Empty, Heading } from "../ui/parts.js";
import { html, useState } from "../view.js";

export function Metrics() {
  useTitle("All metrics");
  const catalogue = useCatalogue();
  const [wanted, setWanted] = useState("");
  return html`
    <${Heading} title="All metrics" lead="What is calculated, how, and from what." />
    <div class="filters"><input type="search" class="search" aria-label="Find a metric" placeholder="Find a metric" value=${wanted} onInput=${(/** @type {Event} */ event) => setWanted(/** @type {HTMLInputElement} */ (event.target).value)} /></div>
    <${Answer} loaded=${catalogue}>
      ${(/** @type {import("../types").Metric[]} */ metrics) => {
        const needle = wanted.trim().toLowerCase();
        const found = metrics.filter((metric) =>
          `${words(metric.name)} ${metric.name} ${metric.definition}`.toLowerCase().includes(needle),
        );
        if (!found.length) return html`<${Empty} title="No metric is called that" />`;
        return Object.entries(FAMILIES).map(([family, { title }]) => {
          const own = found.filter((metric) => familyOf(metric) === family);
          return (
            own.length > 0 &&
            html`
            <section key=${family} class="catalogue">
              <h2>${title}</h2>
              <ul>${own.map((metric) => html`<li key=${metric.name}><a href="/insights/${metric.name}">${words(metric.name)}</a><p class="muted">${metric.definition}</p></li>`)}</ul>
            </section>`
          );
        });
      }}
    <//>`;
}
