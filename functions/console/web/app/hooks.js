// State that comes from elsewhere: answers of the API, the clock, the size of an element.

import { ApiError } from "./api.js";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

/**
 * Loads something again whenever the key changes; what was there stays until the new answer is. Answers that come after
 * the key has changed are dropped.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {string} key
 * @param {number | ((value: T) => number)} [everyMs] how often to look again; 0 for never
 * @returns {import("./types").Loaded<T>}
 */
export function useLoaded(load, key, everyMs = 0) {
  const [state, setState] = useState(
    /** @type {{ value: T | null, error: Error | null, loading: boolean, key: string }} */ ({
      value: null,
      error: null,
      loading: true,
      key,
    }),
  );
  const [turn, setTurn] = useState(0);
  const latest = useRef({ load, everyMs });
  latest.current = { load, everyMs };
  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = async () => {
      try {
        const value = await latest.current.load(abort.signal);
        if (abort.signal.aborted) return;
        setState({ value, error: null, loading: false, key });
        schedule(value);
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((old) => ({ ...old, error: /** @type {Error} */ (error), loading: false, key }));
        // What is not there, or not for this person, will not be there in a moment either.
        if (!(error instanceof ApiError && error.status >= 400 && error.status < 500)) schedule(null);
      }
    };
    /** @param {T | null} value */
    const schedule = (value) => {
      const every = latest.current.everyMs;
      const wait = typeof every === "number" ? every : value === null ? 10_000 : every(value);
      if (wait > 0) timer = setTimeout(lookWhenSeen, wait);
    };
    // Nobody looks at a hidden tab.
    const lookWhenSeen = () => {
      if (!document.hidden) return void look();
      document.addEventListener("visibilitychange", lookWhenSeen, { once: true });
    };
    setState((old) => ({ ...old, loading: true, error: old.key === key ? old.error : null }));
    look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", lookWhenSeen);
    };
  }, [key, turn]);
  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  return { ...state, isStale: state.value !== null && state.key !== key, reload };
}

/** The time, a new one every so often. @param {number} everyMs */
export function useNow(everyMs) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/**
 * How wide an element is, in whole pixels.
 * @param {number} initial
 * @returns {[{ current: HTMLElement | null }, number]}
 */
export function useWidth(initial) {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(initial);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const measure = () => setWidth(Math.max(200, Math.floor(current.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

/**
 * Whether an element has come into sight, or nearly. What nobody has scrolled to need not be asked for.
 * @returns {[{ current: HTMLElement | null }, boolean]}
 */
export function useSeen() {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), {
      rootMargin: "200px",
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, isSeen];
}

/** Sets the title of the tab. @param {string} title */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · ado-lens` : "ado-lens";
  }, [title]);
}
