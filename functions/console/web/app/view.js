// Preact with tagged templates: text in a template is a text node, whatever it holds.

import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export { createContext, Fragment, render } from "../vendor/preact.js";
export {
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "../vendor/preact-hooks.js";

export const html = htm.bind(h);
