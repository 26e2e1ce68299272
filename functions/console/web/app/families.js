// Which metrics stand on which page, and what stands first there. Metrics that no page asks for by name are put on one by
// what they are made of, so that a new metric needs no line here.

/** @typedef {import("./types").Metric} Metric */
/** @typedef {import("./ui/metric.js").View} View */
/** @typedef {{ name: string, view?: View, by?: string, title?: string, class?: string }} Block */

/** @type {Record<string, { title: string, lead: string, blocks: Block[] }>} */
export const FAMILIES = {
  pipelines: {
    title: "Pipelines",
    lead: "How often runs pass, how long they take, and where the time goes.",
    blocks: [
      { name: "run_success_rate", view: "trend", by: "pipeline" },
      { name: "run_duration", view: "trend", by: "pipeline" },
      { name: "run_count", view: "stacked", by: "result", title: "Runs by result" },
      { name: "run_success_rate", view: "heat", by: "pipeline", title: "Success rate by pipeline", class: "full" },
      { name: "stage_duration", view: "groups", by: "stage" },
      { name: "job_duration", view: "groups", by: "job" },
      { name: "run_queue_time", view: "trend" },
    ],
  },
  delivery: {
    title: "Delivery",
    lead: "How often changes reach people, how long they take to get there, and how often they break something.",
    blocks: [
      { name: "deployment_frequency", view: "trend" },
      { name: "change_failure_rate", view: "trend" },
      { name: "time_to_restore", view: "trend" },
      { name: "deployment_count", view: "stacked", by: "result", title: "Deployments by result" },
      { name: "lead_time_for_changes", view: "trend" },
      { name: "lead_time_for_changes_stages", view: "stages", by: "phase" },
      { name: "lead_time", view: "trend" },
      { name: "lead_time_stages", view: "stages", by: "phase" },
    ],
  },
  reviews: {
    title: "Reviews",
    lead: "How long pull requests wait, who reviews them, and what is merged.",
    blocks: [
      { name: "pull_request_count", view: "stacked", by: "status", title: "Pull requests by status" },
      { name: "pull_request_merge_time", view: "trend" },
      { name: "pull_request_first_review_time", view: "trend" },
      { name: "pull_request_stage_time", view: "stages", by: "phase" },
      { name: "review_count", view: "groups", by: "reviewer" },
      { name: "review_collaboration", view: "stacked", by: "approval" },
      { name: "open_pull_request_age", view: "groups", by: "repository" },
    ],
  },
  boards: {
    title: "Boards",
    lead: "How work items flow, what waits, and how well they are kept.",
    blocks: [
      { name: "cumulative_flow", view: "areas", by: "state_category", class: "full" },
      { name: "throughput", view: "trend" },
      { name: "cycle_time", view: "trend" },
      { name: "resolution_time", view: "trend" },
      { name: "work_in_progress", view: "trend" },
      { name: "time_in_state", view: "groups", by: "state" },
      { name: "hygiene_misses", view: "areas", by: "miss" },
      { name: "alignment_effort", view: "stacked", by: "category" },
    ],
  },
  sprints: {
    title: "Sprints",
    lead: "What was committed, what was delivered, and what came in between.",
    blocks: [
      { name: "sprint_velocity", view: "groups", by: "sprint" },
      { name: "sprint_commit_done_ratio", view: "groups", by: "sprint" },
      { name: "sprint_scope_creep", view: "groups", by: "sprint" },
      { name: "sprint_burndown", view: "lines", by: "sprint", class: "wide" },
      { name: "sprint_carry_over", view: "groups", by: "sprint" },
    ],
  },
};

/** What the overview shows: what says most about how things are, where changes are looked for. */
export const OVERVIEW = {
  headlines: [
    "deployment_frequency",
    "change_failure_rate",
    "time_to_restore",
    "lead_time_for_changes",
    "run_success_rate",
    "run_duration",
    "pull_request_merge_time",
    "cycle_time",
  ],
  watched: [
    "run_success_rate",
    "run_duration",
    "stage_duration",
    "run_queue_time",
    "change_failure_rate",
    "pull_request_merge_time",
    "pull_request_first_review_time",
    "cycle_time",
  ],
};

/** What is told first of a new connection. */
export const FIRST = ["run_count", "run_success_rate", "pull_request_count", "open_work_items"];

/** The page that a metric belongs to. @param {Metric} metric */
export function familyOf({ name, inputs }) {
  const has = (/** @type {string[]} */ ...kinds) => kinds.some((kind) => inputs.includes(kind));
  if (/^sprint_/.test(name)) return "sprints";
  if (/deploy|lead_time|change_failure|restore/.test(name) && !/^pull_request/.test(name)) return "delivery";
  if (has("run", "definition") || /^(run|stage|job|step|pipeline)_/.test(name)) return "pipelines";
  if (has("work_item")) return "boards";
  return "reviews";
}

/** What a page shows of the metrics that there are: first what it asks for, then the rest. @param {string} family @param {Metric[]} metrics */
export function blocksOf(family, metrics) {
  const own = metrics.filter((metric) => familyOf(metric) === family);
  const chosen = FAMILIES[family].blocks.flatMap((block) => {
    const metric = metrics.find((metric) => metric.name === block.name);
    const isPossible = metric && (!block.by || metric.dimensions.includes(block.by));
    return isPossible ? [{ ...block, metric }] : [];
  });
  const rest = own.filter((metric) => !chosen.some((block) => block.metric === metric));
  return [...chosen, ...rest.map((metric) => /** @type {Block & { metric: Metric }} */ ({ name: metric.name, metric }))];
}
