// What a connection may have besides its credential: what it is for, what of its organizations is read, and where the size of a
// work item stands.

import { html } from "../../view.js";
import { Field, input } from "../connect/credential.js";

/** @typedef {import("../../types").Connection} Connection */
/** @typedef {import("../../types").Selection} Selection */
/** @typedef {keyof Selection} Part */
/** @typedef {"include" | "exclude"} Side */
/** @typedef {{ description: string, tags: string, patterns: Record<Part, Record<Side, string>>, story_points_field: string }} Details */

/** @type {{ part: Part, title: string, service: string | null, example: string }[]} */
export const PARTS = [
  { part: "projects", title: "Projects", service: null, example: "Old*" },
  { part: "repositories", title: "Repositories", service: "repos", example: "*-sandbox" },
  { part: "pipelines", title: "Pipelines", service: "pipelines", example: "nightly*" },
];

/** @type {{ side: Side, label: string, hint: string }[]} */
const SIDES = [
  { side: "include", label: "Only these", hint: "One pattern a line; without any: all." },
  { side: "exclude", label: "Not these", hint: "One pattern a line." },
];

/** The fields as they stand at a connection, or empty. @param {Connection} [connection] @returns {Details} */
export function detailsOf(connection) {
  const patterns = (/** @type {Part} */ part) => {
    const { include = [], exclude = [] } = connection?.selection[part] ?? {};
    return { include: include.join("\n"), exclude: exclude.join("\n") };
  };
  return {
    description: connection?.description ?? "",
    tags: (connection?.tags ?? []).join(", "),
    patterns: { projects: patterns("projects"), repositories: patterns("repositories"), pipelines: patterns("pipelines") },
    story_points_field: connection?.integrations.find(({ service }) => service === "boards")?.story_points_field ?? "",
  };
}

/** What the API is given of them: all that says something else than before. @param {Details} details @param {Details} [before] */
export function detailsChanged(details, before = detailsOf()) {
  const [now, then] = [bodyOf(details), bodyOf(before)];
  const isOther = (/** @type {keyof typeof now} */ name) => JSON.stringify(now[name]) !== JSON.stringify(then[name]);
  return Object.fromEntries(Object.entries(now).filter(([name]) => isOther(/** @type {keyof typeof now} */ (name))));
}

/** @param {Details} details */
function bodyOf({ description, tags, patterns, story_points_field }) {
  const side = (/** @type {Part} */ part, /** @type {Side} */ side) => listed(patterns[part][side], /\n/);
  const both = (/** @type {Part} */ part) => ({ include: side(part, "include"), exclude: side(part, "exclude") });
  return {
    description: description.trim() || null,
    tags: listed(tags, /[,\n]/),
    selection: { projects: both("projects"), repositories: both("repositories"), pipelines: both("pipelines") },
    story_points_field: story_points_field.trim() || null,
  };
}

/** @param {string} text @param {RegExp} between */
function listed(text, between) {
  const parts = text.split(between).map((part) => part.trim());
  return parts.filter(Boolean);
}

/** Whether a field of the API is one of these. @param {string} wrong */
export function isOfDetails(wrong) {
  return /^(description|tags|selection|story_points_field)\b/.test(wrong);
}

/** @param {{ details: Details, services: string[], error: Error | null, wrong: string, set: (changes: Partial<Details>) => void }} props and the field of the API that is wrong */
export function DetailsFields({ details, services, error, wrong, set }) {
  const { patterns } = details;
  const setPattern = (/** @type {Part} */ part, /** @type {Side} */ side) => (/** @type {string} */ text) =>
    set({ patterns: { ...patterns, [part]: { ...patterns[part], [side]: text } } });
  return html`
    <${Field} label="Description" hint="What it is for." isWrong=${wrong === "description"} error=${error}>
      ${(/** @type {any} */ own) => html`<textarea ...${own} value=${details.description} rows="2" maxlength="1000" onInput=${input((description) => set({ description }))}></textarea>`}
    <//>
    <${Field} label="Tags" hint="Words by which it is found, with commas between." isWrong=${wrong.startsWith("tags")} error=${error}>
      ${(/** @type {any} */ own) => html`<input ...${own} value=${details.tags} autocomplete="off" onInput=${input((tags) => set({ tags }))} />`}
    <//>
    <p class="muted">What is read goes by names: <code>*</code> is any text, <code>?</code> one character, and letter case does not matter. A project that is left out takes everything in it along; changesets and links between work items name no project, and are always read.</p>
    ${PARTS.filter(({ service }) => service === null || services.includes(service)).map(
      ({ part, title, example }) => html`
      <fieldset key=${part}>
        <legend>${title}</legend>
        <div class="sides">
          ${SIDES.map(({ side, label, hint }) => {
            const field = `selection.${part}.${side}`;
            return html`
            <${Field} key=${side} label=${label} hint=${hint} isWrong=${wrong === field || wrong.startsWith(`${field}[`)} error=${error}>
              ${(/** @type {any} */ own) => html`<textarea ...${own} value=${patterns[part][side]} rows="2" spellcheck=${false} autocapitalize="off" placeholder=${side === "exclude" ? example : ""} onInput=${input(setPattern(part, side))}></textarea>`}
            <//>`;
          })}
        </div>
      </fieldset>`,
    )}
    ${
      services.includes("boards") &&
      html`
    <${Field} label="Field with the size of a work item" hint="Its reference name, such as Custom.Size; without any: the one of the process." isWrong=${wrong === "story_points_field"} error=${error}>
      ${(/** @type {any} */ own) => html`<input ...${own} value=${details.story_points_field} maxlength="70" autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${input((story_points_field) => set({ story_points_field }))} />`}
    <//>`
    }`;
}
