// The pages by their addresses.

import { Audit } from "./pages/audit.js";
import { Connect } from "./pages/connect.js";
import { DeletePage } from "./pages/connection/delete.js";
import { EditPage } from "./pages/connection/edit.js";
import { RunsPage } from "./pages/connection/runs.js";
import { SpotCheckPage } from "./pages/connection/spot-check.js";
import { ConnectionPage } from "./pages/connection.js";
import { Connections } from "./pages/connections.js";
import { Family } from "./pages/family.js";
import { MetricPage } from "./pages/metric.js";
import { Metrics } from "./pages/metrics.js";
import { Overview } from "./pages/overview.js";
import { Reauthenticate } from "./pages/reauthenticate.js";
import { html } from "./view.js";

/** @type {{ path: string, title: string, icon: string, group: "insights" | "settings", role?: string }[]} */
export const PAGES = [
  { path: "/", title: "Overview", icon: "overview", group: "insights" },
  { path: "/pipelines", title: "Pipelines", icon: "pipelines", group: "insights" },
  { path: "/delivery", title: "Delivery", icon: "delivery", group: "insights" },
  { path: "/reviews", title: "Reviews", icon: "reviews", group: "insights" },
  { path: "/boards", title: "Boards", icon: "boards", group: "insights" },
  { path: "/sprints", title: "Sprints", icon: "sprints", group: "insights" },
  { path: "/insights", title: "All metrics", icon: "metrics", group: "insights" },
  { path: "/connections", title: "Integrations", icon: "connections", group: "settings" },
  { path: "/audit", title: "Audit log", icon: "audit", group: "settings", role: "admin" },
];

/** The page at an address; `null` if there is none. @param {string} path */
export function find(path) {
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const [first, second, third] = parts;
  if (parts.length === 0) return html`<${Overview} />`;
  if (parts.length === 1) {
    if (["pipelines", "delivery", "reviews", "boards", "sprints"].includes(first)) return html`<${Family} name=${first} />`;
    if (first === "insights") return html`<${Metrics} />`;
    if (first === "connections") return html`<${Connections} />`;
    if (first === "audit") return html`<${Audit} />`;
  }
  if (parts.length === 2) {
    if (first === "insights") return html`<${MetricPage} name=${second} />`;
    if (first === "connections") return second === "new" ? html`<${Connect} />` : html`<${ConnectionPage} id=${second} />`;
  }
  if (parts.length === 3 && first === "connections") {
    if (third === "reauthenticate") return html`<${Reauthenticate} id=${second} />`;
    if (third === "edit") return html`<${EditPage} id=${second} />`;
    if (third === "delete") return html`<${DeletePage} id=${second} />`;
    if (third === "runs") return html`<${RunsPage} id=${second} />`;
    if (third === "spot-check") return html`<${SpotCheckPage} id=${second} />`;
  }
  return null;
}
