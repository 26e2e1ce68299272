// A list of the API that goes on behind a cursor.

import { get } from "../../api.js";
import { plural } from "../../format.js";
import { useLoaded } from "../../hooks.js";
import { Failed } from "../../ui/parts.js";
import { html, useState } from "../../view.js";

/**
 * The first page of a list, and as many of the next ones as were asked for.
 * @template T
 * @param {(answer: any) => T[]} linesOf
 * @param {string} path
 */
export function useMore(linesOf, path) {
  const loaded = useLoaded((signal) => /** @type {Promise<{ next: string | null }>} */ (get(path, { signal })), path);
  const [rest, setRest] = useState(
    /** @type {{ lines: T[], next: string | null | undefined, busy: boolean, error: Error | null }} */ ({
      lines: [],
      next: undefined,
      busy: false,
      error: null,
    }),
  );
  const next = rest.next === undefined ? (loaded.value?.next ?? null) : rest.next;
  const lines = loaded.value ? [...linesOf(loaded.value), ...rest.lines] : [];
  const further = async () => {
    setRest({ ...rest, busy: true, error: null });
    try {
      const answer = await get(`${path}?cursor=${encodeURIComponent(next ?? "")}`);
      setRest({ lines: [...rest.lines, ...linesOf(answer)], next: answer.next, busy: false, error: null });
    } catch (error) {
      setRest({ ...rest, busy: false, error: /** @type {Error} */ (error) });
    }
  };
  return { loaded, lines, next, further, busy: rest.busy, error: rest.error };
}

/** @param {{ more: ReturnType<typeof useMore> }} props */
export function More({ more: { lines, next, further, busy, error } }) {
  return html`
    <span class="muted" role="status">${lines.length > 0 && `${plural(lines.length, "line")}${next ? ", and there are more" : ""}`}</span>
    ${next && html`<button class="button small" onClick=${further} disabled=${busy}>${busy ? "Loading" : "Older"}</button>`}
    ${error && html`<${Failed} error=${error} retry=${further} />`}`;
}
