// What has to be there before a connection can be made: the rights, one by one, and where they are given.

import { Card, Notice, Table } from "../../ui/parts.js";
import { html } from "../../view.js";

/** @typedef {{ id: string, title: string, lead: string }} Method */

/** @type {Method[]} */
export const METHODS = [
  {
    id: "pat",
    title: "Personal access token",
    lead: "A token that a person makes for one organization. Quick to try; it ends when it expires or when the person leaves.",
  },
];

/** @type {{ scope: string, name: string, what: string, services: string[], isOptional?: boolean }[]} */
export const SCOPES = [
  {
    scope: "vso.project",
    name: "Project and Team (Read)",
    what: "which projects and teams there are",
    services: ["boards", "pipelines", "repos", "tfvc"],
  },
  { scope: "vso.work", name: "Work Items (Read)", what: "work items, their history, areas and sprints", services: ["boards"] },
  { scope: "vso.build", name: "Build (Read)", what: "runs of pipelines with their stages and jobs", services: ["pipelines"] },
  {
    scope: "vso.code",
    name: "Code (Read)",
    what: "pull requests, pushes, commits, changesets; no file is read",
    services: ["repos", "tfvc"],
  },
  { scope: "vso.release", name: "Release (Read)", what: "deployments of classic releases", services: ["pipelines"], isOptional: true },
  { scope: "vso.test", name: "Test Management (Read)", what: "how tests of runs ended", services: ["pipelines"], isOptional: true },
  {
    scope: "vso.analytics",
    name: "Analytics (Read)",
    what: "saves requests on the first look at the runs",
    services: ["pipelines"],
    isOptional: true,
  },
];

/** @param {{ method: Method, next: () => void, back: () => void }} props */
export function Instructions({ method, next, back }) {
  return html`
    <${Card} title="Make a token with these scopes, and no others" class="prose">
      <ol class="how">
        <li>Open <code>https://dev.azure.com/<em>your organization</em>/_usersSettings/tokens</code> and choose <strong>New Token</strong>.</li>
        <li>Choose the one organization that it is for. Tokens for all organizations stop working on 1 December 2026.</li>
        <li>Choose <strong>Custom defined</strong>, then <strong>Show all scopes</strong>, and tick what stands below. Everything is <em>Read</em>.</li>
        <li>Choose when it expires. You can replace it here at any time; what is stored stays.</li>
      </ol>
      <${Scopes} />
      <${Notice}>The owner of the token needs access to the projects that are to be read: <strong>Basic</strong> access and membership as a <strong>Reader</strong> will do.<//>
      <div class="buttons"><button class="button" onClick=${back}>Back</button><button class="button primary" onClick=${next}>I have a ${method.title.toLowerCase()}</button></div>
    <//>`;
}

export function Scopes() {
  return html`
    <${Table} label="Scopes" head=${["Scope", "In the list", "For", "Needed"]}>
      ${SCOPES.map((scope) => html`<tr key=${scope.scope}><td><code>${scope.scope}</code></td><td class="nowrap">${scope.name}</td><td>${scope.what}</td><td class="nowrap">${scope.isOptional ? html`<span class="muted">better with</span>` : scope.services.length > 2 ? "always" : scope.services.map((service) => ({ boards: "Boards", pipelines: "Pipelines", repos: "Repos", tfvc: "TFVC" })[service]).join(", ")}</td></tr>`)}
    <//>`;
}
