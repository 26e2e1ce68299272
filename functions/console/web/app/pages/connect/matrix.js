// What a credential can read: organizations by services, and for each thing that it cannot, what to do.

import { count, plural, words } from "../../format.js";
import { Notice, State } from "../../ui/parts.js";
import { html } from "../../view.js";
import { leftOut } from "../connection/effect.js";

/** @typedef {import("../../types").OrganizationReport} OrganizationReport */
/** @typedef {import("../../types").Outlook} Outlook */
/** @typedef {import("../../types").Amount} Amount */

/** @param {{ reports: OrganizationReport[] }} props */
export function Matrix({ reports }) {
  return html`<div class="matrix">${reports.map((report) => html`<${Organization} key=${report.organization} report=${report} />`)}</div>`;
}

/** Whether everything that was asked for can be read. @param {OrganizationReport[]} reports */
export function isReadable(reports) {
  return reports.every((report) => !report.problem && report.services.every((service) => ["readable", "absent"].includes(service.status)));
}

/** @param {{ report: OrganizationReport }} props */
function Organization({ report }) {
  const who = report.identity?.display_name ?? report.identity?.name;
  return html`
    <section class="matrix-organization">
      <h3>${report.organization}${who && html`<span class="muted"> as ${who}</span>`}</h3>
      ${report.problem && html`<${Notice} tone="bad" title=${report.problem.reason}><p>${report.problem.next_step}</p>${report.problem.detail && html`<p class="muted">Azure DevOps says: ${report.problem.detail}</p>`}<//>`}
      ${report.services.map((service) => html`<${Service} key=${service.service} service=${service} />`)}
      ${report.outlook && html`<${Expected} outlook=${report.outlook} />`}
    </section>`;
}

/** @type {{ name: "projects" | "repositories" | "work_items" | "runs" | "pull_requests", one: string, many?: string }[]} */
const AMOUNTS = [
  { name: "projects", one: "project" },
  { name: "repositories", one: "repository", many: "repositories" },
  { name: "work_items", one: "work item" },
  { name: "runs", one: "run" },
  { name: "pull_requests", one: "pull request" },
];

/** What the first look will find, and what the patterns take of it. @param {{ outlook: Outlook }} props */
function Expected({ outlook }) {
  const { selected, short_retention: short } = outlook;
  return html`
    <p class="outlook"><strong>To be read</strong> ${AMOUNTS.map(({ name, one, many }) => {
      const amount = outlook[name];
      return (
        amount &&
        html`<span key=${name}>${{ at_least: "at least ", estimated: "about " }[amount.precision]}${plural(amount.count, one, many)}</span>`
      );
    })}</p>
    ${AMOUNTS.slice(0, 2).map(({ name, one, many }) => {
      const share = selected?.[/** @type {"projects" | "repositories"} */ (name)];
      return (
        share &&
        html`<p class="matrix-why" key=${name}>By the patterns, ${count(share.included)} of ${plural(share.included + share.excluded, one, many)} ${share.included === 1 ? "is" : "are"} read; left out: ${leftOut(share)}.</p>`
      );
    })}
    ${short.map((one) => html`<p class="matrix-why" key=${one.name}>${one.reason} ${one.next_step}</p>`)}`;
}

/** @param {{ service: OrganizationReport["services"][number] }} props */
function Service({ service }) {
  const readable = service.projects.filter((project) => project.status === "readable").length;
  const others = service.projects.filter((project) => project.status !== "readable" && project.status !== "absent");
  const texts = new Set([service.reason]);
  return html`
    <div class="matrix-row">
      <strong>${words(service.service)}</strong>
      <${State} state=${service.status} text=${{ absent: "Not used" }[service.status]} />
      <span class="muted">${service.projects.length > 0 && `${readable} of ${plural(service.projects.length, "project")} looked at`}</span>
      ${service.reason && html`<p class="matrix-why">${service.reason} ${service.next_step}${service.scope && html` <code>${service.scope}</code>`}</p>`}
      ${
        service.status === "readable" &&
        others.map((project) => {
          const isNew = !texts.has(project.reason);
          texts.add(project.reason);
          return html`<p class="matrix-why" key=${project.id}><strong>${project.name}</strong>: ${isNew ? `${project.reason ?? project.status} ${project.next_step ?? ""}` : "the same."}</p>`;
        })
      }
    </div>`;
}
