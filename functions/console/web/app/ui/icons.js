// Icons, drawn on a grid of 16. They repeat what a word beside them says, or their button has a name.

import { html } from "../view.js";

/** @type {Record<string, string>} */
const PATHS = {
  overview: "M2 9.5h3l2-6 3 10 2-4h2",
  pipelines: "M3.500 2.500v7m0 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4Zm0 0c0-3 9-1.500 9-5.500m0 0a2 2 0 1 0 0-.010Z",
  delivery: "M8 1.500c2.500 1.500 4 4 4 7l-1.500 2h-5L4 8.500c0-3 1.500-5.500 4-7Zm0 5v1M6 13l2 1.500 2-1.500",
  reviews: "M2 3h12v8H8l-3 3v-3H2Zm3 3.500h6M5 8.500h4",
  boards: "M2 2.500h3.500v11H2Zm4.500 0H10v7H6.500Zm4.500 0h3.500v9H11Z",
  sprints: "M13.500 8a5.500 5.500 0 1 1-1.600-3.900M13.500 1.500v3h-3M8 5v3l2 1.500",
  metrics: "M2 14V8h3v6Zm4.500 0V2h3v12Zm4.500 0V5h3v9Z",
  connections: "M6 10 10 6M5 7 3.500 8.500a2.800 2.800 0 0 0 4 4L9 11M7 5l1.500-1.500a2.800 2.800 0 0 1 4 4L11 9",
  audit: "M3.500 1.500h6l3 3v10h-9Zm6 0v3h3M5.500 8h5M5.500 11h5",
  add: "M8 3v10M3 8h10",
  close: "m4 4 8 8m0-8-8 8",
  menu: "M2 4h12M2 8h12M2 12h12",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z",
  info: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 7.500v3.500M8 5v.010",
  check: "m3 8.500 3.500 3.500L13 4.500",
  warn: "M8 2 1.500 13.500h13ZM8 6.500v3.500M8 12v.010",
  bad: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM5.500 5.500l5 5m0-5-5 5",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  wait: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 4.500V8l2.500 1.500",
  sync: "M13.500 6.500A5.700 5.700 0 0 0 3 5M2.500 9.500A5.700 5.700 0 0 0 13 11M3 2v3h3M13 14v-3h-3",
  download: "M8 2v8m0 0L4.500 6.500M8 10l3.500-3.500M2.500 13.500h11",
  external: "M9 2.500h4.500V7M13.500 2.500l-6 6M6.500 4h-4v9.500H12v-4",
  right: "m6 3.500 4.500 4.500L6 12.500",
  person: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5.500 6.500a5.500 5.500 0 0 1 11 0",
  filter: "M2 3.500h12L9.500 8.500v4l-3 1.500V8.500Z",
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d=${PATHS[name] ?? ""} /></svg>`;
}
