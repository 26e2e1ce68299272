// A number, how it changed, and how far it can be trusted.

import { count, localShort, quantity, split, utc } from "../format.js";
import { changed, isHighGood } from "../insights.js";
import { html } from "../view.js";
import { Icon } from "./icons.js";
import { Info } from "./parts.js";

/** @param {{ value: number | null, unit: string, class?: string }} props */
export function Big({ value, unit, class: kind = "" }) {
  const shown = split(value, unit);
  return html`<span class="big ${kind}">${shown.number}${shown.unit && html`<span class="big-unit">${shown.unit}</span>`}</span>`;
}

/**
 * The change since the time before: of a share in points, else in percent.
 * @param {{ metric: import("../types").Metric, now: number | null, then: number | null | undefined, days: number }} props
 */
export function Change({ metric, now, then, days }) {
  const share = changed(now, then);
  if (now === null || then === null || then === undefined || share === null) return null;
  const isShare = metric.unit.startsWith("share");
  const size = isShare ? (now - then) * 100 : share * 100;
  const rounded = Math.abs(size) < 10 ? Math.round(size * 10) / 10 : Math.round(size);
  const text = isShare ? `${Math.abs(rounded)} pt` : `${count(Math.abs(rounded))}%`;
  const isUp = size > 0;
  const high = isHighGood(metric);
  const tone = Math.abs(size) < 1 || high === null ? "calm" : isUp === high ? "good" : "bad";
  const said =
    rounded === 0
      ? "no change"
      : `${isUp ? "up" : "down"} by ${text}${tone === "calm" ? "" : tone === "good" ? ", which is better" : ", which is worse"}`;
  return html`
    <span class="change" data-tone=${tone} title="${quantity(then, metric.unit)} in the ${days} days before">
      <span aria-hidden="true">${rounded === 0 ? "±0" : `${isUp ? "▲" : "▼"} ${text}`}</span>
      <span class="sr-only">${said} against the ${days} days before</span>
    </span>`;
}

/** How many rows, how fresh, and what is missing. @param {{ answer: { freshness: import("../types").Freshness, total?: import("../types").Summary }, noun?: string }} props */
export function Basis({ answer, noun = "" }) {
  const { complete_as_of: at, integrations } = answer.freshness;
  const sum = (/** @type {"syncing" | "failing" | "missing"} */ name) => integrations.reduce((sum, one) => sum + one[name], 0);
  const notes = [
    sum("syncing") && `${sum("syncing")} streams have not seen everything yet`,
    sum("failing") && `${sum("failing")} streams failed last time`,
    sum("missing") && `${sum("missing")} items could not be stored`,
  ].filter(Boolean);
  const tone = sum("failing") || sum("missing") ? "warn" : sum("syncing") ? "busy" : "good";
  return html`
    <span class="basis">
      ${answer.total && html`<span title="How many values the number is made of">n = ${count(answer.total.count)}${noun && ` ${noun}`}</span>`}
      ${
        integrations.length === 0
          ? html`<span>no source connected</span>`
          : html`<span class="basis-fresh" data-tone=${tone} title=${[at ? `Nothing from before ${utc(at)} is missing` : "", ...notes].filter(Boolean).join(". ")}>
            <span class="dot" aria-hidden="true"></span>${at ? `as of ${localShort(at)}` : "still fetching"}${notes.length > 0 && html`<span class="sr-only">: ${notes.join(", ")}</span>`}
          </span>`
      }
    </span>`;
}

/** What a metric is. @param {{ metric: import("../types").Metric }} props */
export function Definition({ metric }) {
  return html`
    <${Info} label="What ${metric.name.replaceAll("_", " ")} is">
      <p>${metric.definition}</p>
      <dl class="facts">
        <dt>Formula</dt><dd>${metric.formula}</dd>
        <dt>Unit</dt><dd>${metric.unit}</dd>
        <dt>From</dt><dd>${metric.inputs.map((input) => input.replaceAll("_", " ")).join(", ")}</dd>
      </dl>
    <//>`;
}

/** A way out, which can only be a page. @param {{ href: string, children: any }} props */
export function External({ href, children }) {
  if (!/^https?:\/\//.test(href)) return children;
  return html`<a href=${href} target="_blank" rel="noopener noreferrer">${children}<${Icon} name="external" /><span class="sr-only"> (opens Azure DevOps)</span></a>`;
}
