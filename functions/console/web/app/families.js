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
      { name: "lead_time", view: "trend" },
      { name: "change_failure_rate", view: "trend" },
      { name: "time_to_restore", view: "trend" },
      { name: "lead_time_stages", view: "stages", by: "phase", class: "wide" },
    ],
  },
  reviews: {
    title: "Reviews",
    lead: "How long pull requests wait, who reviews them, and what is merged.",
    blocks: [
      { name: "pull_request_cycle_time", view: "trend" },
      { name: "pull_request_count", view: "stacked" },
    ],
  },
  boards: {
    title: "Boards",
    lead: "How work items flow, what waits, and how well they are kept.",
    blocks: [{ name: "cumulative_flow", view: "areas", class: "full" }],
  },
  sprints: {
    title: "Sprints",
    lead: "What was committed, what was delivered, and what came in between.",
    blocks: [],
  },
};

/** The page that a metric belongs to. @param {Metric} metric */
export function familyOf({ name, inputs }) {
  const has = (/** @type {string[]} */ ...kinds) => kinds.some((kind) => inputs.includes(kind));
  if (/sprint|velocity|burn/.test(name)) return "sprints";
  if (/^(run|stage|job|step|test|pipeline)_/.test(name)) return "pipelines";
  if (/deploy|lead_time|change_failure|restore|dora/.test(name)) return "delivery";
  if (/^(pull_request|pr|review|commit|push|reviewer|code|author|coding)/.test(name)) return "reviews";
  if (/^work_item/.test(name) || has("work_item", "work_item_link")) return "boards";
  if (has("pull_request", "push", "commit", "changeset")) return "reviews";
  if (has("deployment", "environment_deployment")) return "delivery";
  return "pipelines";
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
