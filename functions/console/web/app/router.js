// Where the person is: the path chooses the page, the query holds everything that was chosen on it.

import { useEffect, useState } from "./view.js";

/** @type {Set<() => void>} */
const listeners = new Set();

/** Goes to an address of the console. @param {string} address @param {{ replace?: boolean }} [options] */
export function go(address, { replace = false } = {}) {
  const here = location.pathname + location.search;
  if (address === here) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  if (!replace && !address.startsWith(`${location.pathname}?`)) window.scrollTo(0, 0);
  for (const listener of listeners) listener();
}

/** The address, kept up to date. */
export function useLocation() {
  const [here, set] = useState(read);
  useEffect(() => {
    const listener = () => set(read());
    listeners.add(listener);
    addEventListener("popstate", listener);
    return () => {
      listeners.delete(listener);
      removeEventListener("popstate", listener);
    };
  }, []);
  return here;
}

function read() {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** Changes parameters of the query: `null` and an empty text take one away. @param {Record<string, string | string[] | null>} changes */
export function change(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one) query.append(name, one);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""));
}

/** Follows links within the console without loading it again. @param {MouseEvent} event */
export function follow(event) {
  const link = /** @type {Element} */ (event.target).closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || link.pathname.startsWith("/api/") || link.pathname.startsWith("/assets/")) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
