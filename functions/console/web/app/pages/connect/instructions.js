// What has to be there before a connection can be made: the rights, one by one, and where they are given.

import { Card, Notice, Table } from "../../ui/parts.js";
import { html } from "../../view.js";

/** @typedef {{ id: "oauth" | "pat" | "service_principal", title: string, lead: string, ready: string }} Method */

/** @type {Method[]} */
export const METHODS = [
  {
    id: "oauth",
    title: "Sign in with Microsoft",
    lead: "Whoever signs in lends what they may read, in all their organizations. Nothing to copy; it ends when the person leaves.",
    ready: "Go on to the sign-in",
  },
  {
    id: "pat",
    title: "Personal access token",
    lead: "A token that a person makes for one organization. Quick to try; it ends when it expires or when the person leaves.",
    ready: "I have a personal access token",
  },
  {
    id: "service_principal",
    title: "Service principal",
    lead: "An application of Entra ID that is a user of the organization. Belongs to nobody, so nobody's leaving ends it.",
    ready: "I have a service principal",
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

const WHAT = {
  oauth: { title: "What is agreed to", body: Delegated },
  pat: { title: "Make a token with these scopes, and no others", body: Token },
  service_principal: { title: "Register an application and let it in", body: Application },
};

/** @param {{ method: Method, next: () => void, back: () => void }} props */
export function Instructions({ method, next, back }) {
  const { title, body: Body } = WHAT[method.id];
  return html`
    <${Card} title=${title} class="prose">
      <${Body} />
      <div class="buttons"><button class="button" onClick=${back}>Back</button><button class="button primary" onClick=${next}>${method.ready}</button></div>
    <//>`;
}

function Token() {
  return html`
    <ol class="how">
      <li>Open <code>https://dev.azure.com/<em>your organization</em>/_usersSettings/tokens</code> and choose <strong>New Token</strong>.</li>
      <li>Choose the one organization that it is for. Tokens for all organizations stop working on 1 December 2026.</li>
      <li>Choose <strong>Custom defined</strong>, then <strong>Show all scopes</strong>, and tick what stands below. Everything is <em>Read</em>.</li>
      <li>Choose when it expires. You can replace it here at any time; what is stored stays.</li>
    </ol>
    <${Scopes} />
    <${Notice}><p>The owner of the token needs access to the projects that are to be read: <strong>Basic</strong> access and membership as a <strong>Reader</strong> will do.</p><//>`;
}

function Delegated() {
  return html`
    <ol class="how">
      <li>This deployment needs an application in Entra ID, with these delegated permissions of <strong>Azure DevOps</strong>; its parameters <code>OAuthClientId</code> and <code>OAuthRedirectUri</code> name it.</li>
      <li>Sign in as somebody who may read every project of interest, with <strong>Basic</strong> access. A service account outlives people.</li>
      <li>The organization must allow <strong>Third-party application access via OAuth</strong> (Organization settings, Policies).</li>
      <li>You come back to a page that says what was connected. Only the services that you choose are agreed to.</li>
    </ol>
    <${Scopes} />`;
}

function Application() {
  return html`
    <ol class="how">
      <li>In Entra ID, under <strong>App registrations</strong>, register an application of your own directory. It needs no permissions there.</li>
      <li>Under <strong>Certificates &amp; secrets</strong> make a client secret and copy its <em>value</em>, which is shown once; or upload a certificate, whose key never leaves you and this service.</li>
      <li>In Azure DevOps, under <strong>Organization settings, Users</strong>, add the application with <strong>Basic</strong> access, and as a <strong>Reader</strong> to every project that is to be read.</li>
      <li>The organization must be connected to the same directory.</li>
    </ol>
    <${Notice}><p>An application has no scopes: it reads what it was let into. Analytics needs <strong>View analytics</strong> in each project, which Readers have.</p><//>`;
}

export function Scopes() {
  return html`
    <${Table} label="Scopes" head=${["Scope", "In the list", "For", "Needed"]}>
      ${SCOPES.map((scope) => html`<tr key=${scope.scope}><td><code>${scope.scope}</code></td><td class="nowrap">${scope.name}</td><td>${scope.what}</td><td class="nowrap">${scope.isOptional ? html`<span class="muted">better with</span>` : scope.services.length > 2 ? "always" : scope.services.map((service) => ({ boards: "Boards", pipelines: "Pipelines", repos: "Repos", tfvc: "TFVC" })[service]).join(", ")}</td></tr>`)}
    <//>`;
}
