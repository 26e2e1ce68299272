// What the API answers, as far as the pages use it. README and docs/insights.md say what it means.

export type Settings = { issuer: string; client_id: string; scope: string; api: string };

export type Problem = { type: string; status: number; title: string; detail: string; field?: string };

export type Counts = {
  fetched: number;
  pages: number;
  records: number;
  requests: number;
  retries: number;
  quarantined: number;
};

export type Integration = {
  id: string;
  service: string;
  name: string;
  status: string;
  complete_as_of: string | null;
  next_run: string | null;
  coverage: number | null;
  counts: Counts;
  streams: { total: number; complete: number; failing: number };
  story_points_field: string | null;
  errors?: { stream: string; error: string }[];
};

export type Patterns = { include?: string[]; exclude?: string[] };

export type Selection = { projects?: Patterns; repositories?: Patterns; pipelines?: Patterns };

export type Connection = {
  id: string;
  name: string;
  description: string | null;
  tags: string[];
  method: string;
  organizations: string[];
  selection: Selection;
  status: string;
  paused_at: string | null;
  created_at: string;
  reauthenticated_at: string | null;
  warnings: { organization: string | null; on: string; days_left: number; detail: string }[];
  integrations: Integration[];
  [other: string]: unknown;
};

export type EditedPart = Share & { comes_in: number; goes_out: number };

export type EditEffect = {
  fields: string[];
  projects: EditedPart;
  repositories: EditedPart;
  pipelines: EditedPart;
  streams_read_again: number;
  streams_ended: number;
  unknown_organizations: string[];
  explanation: string;
};

export type Actor = { subject: string; name?: string };

export type Deletion = {
  connection: string;
  name: string;
  status: "not_requested" | "deleting" | "deleted" | string;
  requested_at: string | null;
  requested_by: Actor | null;
  finished_at: string | null;
  holdings: {
    records: Record<string, number>;
    streams: number;
    runs: number;
    quarantined: number;
    discovered: number;
    throttles: number;
    integrations: number;
    secrets: number;
  };
  complete: boolean;
};

export type Run = {
  resource: string;
  scope: string;
  status: string;
  started_at: string;
  ended_at: string;
  duration_ms: number;
  counts: Counts;
  trace_id?: string;
};

export type AuditEntry = {
  at: string;
  by: Actor;
  action: string;
  connection: string;
  name: string;
  integration?: string;
  fields?: string[];
};

export type SpotCheck = {
  kind: string;
  id: string;
  organization: string;
  service: string;
  checked_at: string;
  verdict: string;
  why: string | null;
  explanation: string;
  follows_at: string | null;
  stored: boolean;
  live: boolean;
  expires_at: string | null;
  fields: { name: string; stored: unknown; live: unknown; difference: string }[];
  details: { name: string; state: string }[];
};

export type Quarantined = { stream: string; item: string; reason: string; seen_at: string };

export type StreamReport = {
  resource: string;
  scope: string;
  status: string;
  complete_as_of: string | null;
  next_try: string | null;
  counts: Counts;
  last_error?: string;
  hint?: string;
  quarantined?: Quarantined[];
};

export type Report = {
  integrations: { integration: string; service: string; streams: StreamReport[] }[];
  request_budgets: { organization: string; paused_until: string | null; capped: boolean; metered: boolean }[];
};

export type Finding = {
  status: "readable" | "absent" | "forbidden" | "unreachable" | string;
  scope?: string;
  reason?: string;
  next_step?: string;
  detail?: string | null;
};

export type OrganizationReport = {
  organization: string;
  reachable: boolean;
  identity: { display_name?: string | null; name?: string | null; [other: string]: unknown } | null;
  problem: { kind: string; reason: string; next_step: string; detail: string | null } | null;
  services: (Finding & { service: string; projects: (Finding & { id: string; name: string })[] })[];
  outlook?: Outlook;
};

export type Validation = { organizations: OrganizationReport[]; warnings?: string[] };

export type Amount = { precision: "exact" | "at_least" | "estimated" | string; count: number };

/** How many things a selection takes and leaves out. */
export type Share = { included: number; excluded: number; included_sample: string[]; excluded_sample: string[] };

export type Outlook = {
  projects: Amount | null;
  repositories: Amount | null;
  work_items: Amount | null;
  runs: Amount | null;
  pull_requests: Amount | null;
  short_retention: { name: string; days: number; reason: string; next_step: string }[];
  selected?: { projects: Share | null; repositories: Share | null };
};

export type Metric = {
  name: string;
  definition: string;
  formula: string;
  measure: string;
  unit: string;
  inputs: string[];
  dimensions: string[];
  form: string;
  /** Whether every field of work items is a dimension, too; said by the pages. */
  hasFields?: boolean;
};

export type Summary = {
  value: number | null;
  count: number;
  min?: number | null;
  median?: number | null;
  mean?: number | null;
  p90?: number | null;
  p95?: number | null;
  max?: number | null;
};

export type Point = Summary & { period: string };

export type Group = Summary & { by: Record<string, string | null>; trend?: Point[] };

export type Freshness = {
  complete_as_of: string | null;
  integrations: { service: string; syncing: number; failing: number; missing: number }[];
};

export type Numbers = {
  metric: Metric;
  range: { from: string; to: string };
  zone: string;
  records: number;
  freshness: Freshness;
  groups_in_all: number;
  total: Summary;
  trend?: Point[];
  groups: Group[];
};

export type Row = { at: string; value: number; link: string | null; dimensions: Record<string, string> };

export type Rows = {
  metric: Metric;
  records: number;
  freshness: Freshness;
  rows_in_all: number;
  next_offset?: number;
  rows: Row[];
};

export type Loaded<T> = {
  /** The last answer, which stays while a newer one is on its way. */
  value: T | null;
  error: Error | null;
  /** Whether an answer is on its way. */
  loading: boolean;
  /** Whether what is there answers another question than the present one. */
  isStale: boolean;
  reload: () => void;
};
