// Every place of the console that shows something of its own.

export const PLACES = [
  "/",
  "/pipelines",
  "/delivery",
  "/reviews",
  "/boards",
  "/sprints",
  "/insights",
  "/insights/run_duration?by=pipeline",
  "/insights/run_success_rate?view=heat&days=90",
  "/insights/run_count?by=result&view=stacked",
  "/insights/stage_duration?view=lines&days=90",
  "/insights/nothing",
  "/connections",
  "/connections/new",
  "/connections/new?source=azure-devops",
  "/connections/new?source=azure-devops&method=pat",
  "/connections/new?source=azure-devops&method=pat&step=form",
  "/nowhere",
];
