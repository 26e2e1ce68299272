// The range and the filters of a page, which are in its address.

import { words } from "../format.js";
import { useLoaded } from "../hooks.js";
import { filtersOf, numbers, rangeOf } from "../insights.js";
import { change, useLocation } from "../router.js";
import { html, useId, useState } from "../view.js";
import { Icon } from "./icons.js";
import { Segments, Select } from "./parts.js";

const RANGES = [
  { value: "7", text: "7 d" },
  { value: "14", text: "14 d" },
  { value: "30", text: "30 d" },
  { value: "90", text: "90 d" },
];

/** @param {{ metrics: import("../types").Metric[], children?: any }} props the metrics that the page shows */
export function Filters({ metrics, children }) {
  const { query } = useLocation();
  const range = rangeOf(query);
  const isCustom = query.has("from");
  const [isOpen, setOpen] = useState(isCustom);
  return html`
    <div class="filters" role="group" aria-label="Range and filters">
      <${Segments} label="Range" options=${[...RANGES, { value: "custom", text: "Custom" }]} value=${isCustom || isOpen ? "custom" : String(range.days)}
        onChange=${(/** @type {string} */ value) => {
          if (value === "custom") return setOpen(true);
          setOpen(false);
          change({ days: value === "30" ? null : value, from: null, to: null, offset: null });
        }} />
      ${isOpen && html`<${Custom} range=${range} />`}
      <${Select} label="per" value=${range.interval} options=${["day", "week", "month"].map((value) => ({ value, text: value }))} onChange=${(/** @type {string} */ value) => change({ interval: value })} />
      <${Chosen} />
      <${AddFilter} metrics=${metrics} range=${range} />
      ${children}
    </div>`;
}

/** @param {{ range: import("../insights.js").Range }} props */
function Custom({ range }) {
  const set = (/** @type {"from" | "to"} */ name) => (/** @type {Event} */ event) => {
    const value = /** @type {HTMLInputElement} */ (event.target).value;
    if (value) change({ from: range.from, to: range.to, [name]: value, days: null, offset: null });
  };
  return html`
    <span class="filter-days">
      <input type="date" aria-label="First day" value=${range.from} max=${range.to} onChange=${set("from")} />
      <span aria-hidden="true">–</span>
      <input type="date" aria-label="Last day" value=${range.to} min=${range.from} onChange=${set("to")} />
    </span>`;
}

function Chosen() {
  const { query } = useLocation();
  const rules = /** @type {Record<string, string>} */ ({ "": "is", "!": "is not", "^": "starts with", "*": "contains" });
  return filtersOf(query).map(({ dimension, rule, value }) => {
    const name = dimension + rule;
    const others = query.getAll(name).filter((other) => other !== value);
    return html`
      <span class="chip" key=${`${name}=${value}`}>
        <span class="muted">${words(dimension)} ${rules[rule]}</span> ${value || "(none)"}
        <button class="icon-button" aria-label="Remove the filter ${words(dimension)} ${value}" onClick=${() => change({ [name]: others, offset: null })}><${Icon} name="close" /></button>
      </span>`;
  });
}

/** @param {{ metrics: import("../types").Metric[], range: import("../insights.js").Range }} props */
function AddFilter({ metrics, range }) {
  const [dimension, setDimension] = useState("");
  const dimensions = [...new Set(metrics.flatMap((metric) => metric.dimensions))].toSorted();
  if (!dimensions.length) return null;
  return html`
    <span class="filter-add">
      <${Select} label="Filter by" isQuiet value=${dimension} options=${[{ value: "", text: "Filter by …" }, ...dimensions.map((value) => ({ value, text: words(value) }))]} onChange=${setDimension} />
      ${dimension && html`<${Values} key=${dimension} dimension=${dimension} metric=${metrics.find((metric) => metric.dimensions.includes(dimension))} range=${range} done=${() => setDimension("")} />`}
    </span>`;
}

/** The values that a dimension has. @param {{ dimension: string, metric: import("../types").Metric | undefined, range: import("../insights.js").Range, done: () => void }} props */
function Values({ dimension, metric, range, done }) {
  const id = useId();
  const loaded = useLoaded(
    async (signal) => (metric ? (await numbers(metric, range, { by: [dimension], limit: 500 }, { signal })).groups : []),
    `${metric?.name} ${dimension} ${range.from} ${range.to}`,
  );
  const values = (loaded.value ?? []).map((group) => group.by[dimension]).filter((value) => value !== null);
  const add = (/** @type {string} */ value) => {
    const query = new URLSearchParams(location.search);
    change({ [dimension]: [...new Set([...query.getAll(dimension), value])], offset: null });
    done();
  };
  return html`
    <form class="filter-values" onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const value = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("value") ?? "").trim();
      if (value) add(value);
    }}>
      <input name="value" list=${id} aria-label="${words(dimension)} is" placeholder=${loaded.loading ? "Loading" : "is …"} autocomplete="off" onInput=${(
        /** @type {Event} */ event,
      ) => {
        const value = /** @type {HTMLInputElement} */ (event.target).value;
        // A choice from the list comes whole.
        if (values.includes(value) && !(event instanceof InputEvent && event.inputType.startsWith("insertText"))) add(value);
      }} />
      <datalist id=${id}>${values.map((value) => html`<option key=${value} value=${value}></option>`)}</datalist>
      <button class="button small">Add</button>
    </form>`;
}
