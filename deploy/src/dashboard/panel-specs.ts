/** A question to Prometheus, and how its series are named. */
export interface QuerySpec {
  readonly expr: string;
  /** Labels in double braces. */
  readonly legend: string;
}

/** One panel: what it shows, and how to read it. */
export interface PanelSpec {
  /** stat: the last value, large. states: a bar per series that changes colour. lines: over time. */
  readonly kind: "stat" | "states" | "lines";
  readonly title: string;
  readonly description: string;
  /** Grafana's name of it. */
  readonly unit: string;
  /** Of 24 columns. */
  readonly columns: number;
  readonly queries: readonly QuerySpec[];
  /** Shown where there is no series. Default: "No data". */
  readonly noValue?: string;
}

const latency = (quantile: number, by: readonly string[], metric: string) =>
  `histogram_quantile(${quantile}, sum by (${[...by, "le"].join(", ")}) (rate(${metric}_bucket[$__rate_interval])))`;

const decisionSeconds = "quorumguard_decision_seconds";
const flushSeconds = "quorumguard_flush_duration_seconds";

const headline: readonly PanelSpec[] = [
  {
    kind: "stat",
    title: "Leader",
    description: "The id of the node that leads; 0: nobody does, and no call is decided.",
    unit: "none",
    columns: 4,
    queries: [{ expr: "max(quorumguard_raft_leader * quorumguard_raft_leader_id)", legend: "leader" }],
    noValue: "nobody",
  },
  {
    kind: "stat",
    title: "Term",
    description: "Each election begins a new term.",
    unit: "none",
    columns: 4,
    queries: [{ expr: "max(quorumguard_raft_term)", legend: "term" }],
  },
  {
    kind: "stat",
    title: "Nodes up",
    description: "Nodes that Prometheus reached at its last attempt. A majority must be up.",
    unit: "none",
    columns: 4,
    queries: [{ expr: 'sum(up{job="quorumguard"})', legend: "up" }],
  },
  {
    kind: "stat",
    title: "Leader changes in this range",
    description: "As the node that saw most of them counts, the first election included.",
    unit: "none",
    columns: 4,
    queries: [{ expr: "round(max(increase(quorumguard_leader_changes_total[$__range])))", legend: "changes" }],
  },
  {
    kind: "stat",
    title: "Decisions",
    description: "Checks answered per second by all nodes, denials included.",
    unit: "ops",
    columns: 4,
    queries: [{ expr: "sum(rate(quorumguard_decisions_total[$__rate_interval]))", legend: "decisions" }],
  },
  {
    kind: "stat",
    title: "Slowest 1 %",
    description: "One decision in a hundred takes longer, from its arrival at a node until its answer.",
    unit: "s",
    columns: 4,
    queries: [{ expr: latency(0.99, [], decisionSeconds), legend: "p99" }],
  },
];

const leadership: readonly PanelSpec[] = [
  {
    kind: "states",
    title: "Who leads",
    description: "1 while the node leads.",
    unit: "none",
    columns: 12,
    queries: [{ expr: "quorumguard_raft_leader", legend: "{{node}}" }],
  },
  {
    kind: "lines",
    title: "Failovers",
    description: "Changes of leader that each node saw. A failover shows on every node that lived through it.",
    unit: "none",
    columns: 12,
    queries: [{ expr: "increase(quorumguard_leader_changes_total[$__rate_interval])", legend: "{{node}}" }],
  },
];

const decisions: readonly PanelSpec[] = [
  {
    kind: "lines",
    title: "Decisions by outcome and source",
    description:
      "Per second. quorum: through the log, exact. leader: a denial from the leader's applied state. Counted at the node that the caller asked.",
    unit: "ops",
    columns: 12,
    queries: [
      {
        expr: "sum by (outcome, source) (rate(quorumguard_decisions_total[$__rate_interval]))",
        legend: "{{outcome}} ({{source}})",
      },
    ],
  },
  {
    kind: "lines",
    title: "Calls that failed, by reason",
    description: "Per second, attempts that a node did not decide. SDKs try again, so a caller need not have noticed.",
    unit: "ops",
    columns: 12,
    queries: [
      { expr: "sum by (reason) (rate(quorumguard_failed_calls_total[$__rate_interval]))", legend: "{{reason}}" },
    ],
    noValue: "none since the nodes started",
  },
  {
    kind: "lines",
    title: "Time to a decision",
    description: "From a call's arrival at a node until its answer, over all nodes.",
    unit: "s",
    columns: 12,
    queries: [0.5, 0.9, 0.99].map((quantile) => ({
      expr: latency(quantile, [], decisionSeconds),
      legend: `p${quantile * 100}`,
    })),
  },
  {
    kind: "lines",
    title: "Time to flush",
    description: "Every decision through the log waits for a flush on a majority of nodes.",
    unit: "s",
    columns: 12,
    queries: [0.5, 0.99].map((quantile) => ({
      expr: latency(quantile, ["node"], flushSeconds),
      legend: `{{node}} p${quantile * 100}`,
    })),
  },
  {
    kind: "lines",
    title: "Flushes",
    description: "Per second. Calls that arrive together share one.",
    unit: "ops",
    columns: 12,
    queries: [{ expr: "rate(quorumguard_flushes_total[$__rate_interval])", legend: "{{node}}" }],
  },
  {
    kind: "lines",
    title: "Committed entries",
    description: "Per second. A node that was away catches up in a peak.",
    unit: "ops",
    columns: 12,
    queries: [{ expr: "rate(quorumguard_raft_commit_index[$__rate_interval])", legend: "{{node}}" }],
  },
];

const state: readonly PanelSpec[] = [
  {
    kind: "lines",
    title: "Keys",
    description: "Keys with a live count, and checks per second that were refused because the table was full.",
    unit: "short",
    columns: 12,
    queries: [
      { expr: "max(quorumguard_keys)", legend: "keys" },
      { expr: "max(rate(quorumguard_keys_full_total[$__rate_interval]))", legend: "refused per second" },
    ],
  },
  {
    kind: "lines",
    title: "Clients",
    description: "Live sessions and remembered request ids are replicated; streams are each node's own.",
    unit: "short",
    columns: 12,
    queries: [
      { expr: "max(quorumguard_sessions)", legend: "sessions" },
      { expr: "max(quorumguard_request_ids)", legend: "request ids" },
      { expr: "quorumguard_session_streams", legend: "{{node}} streams" },
    ],
  },
  {
    kind: "lines",
    title: "Lag in the log",
    description:
      "Entries on a node that are not yet committed, and committed ones that it has not yet applied. Within one node: nodes are scraped at different moments, so their indexes cannot be compared.",
    unit: "short",
    columns: 12,
    queries: [
      { expr: "quorumguard_raft_last_index - quorumguard_raft_commit_index", legend: "{{node}} to commit" },
      { expr: "quorumguard_raft_commit_index - quorumguard_raft_applied_index", legend: "{{node}} to apply" },
    ],
  },
  {
    kind: "lines",
    title: "Log since the last snapshot",
    description: "Entries that a restart replays.",
    unit: "short",
    columns: 12,
    queries: [{ expr: "quorumguard_raft_last_index - quorumguard_raft_snapshot_index", legend: "{{node}}" }],
  },
];

const processes: readonly PanelSpec[] = [
  {
    kind: "lines",
    title: "Memory",
    description: "Resident memory of each process.",
    unit: "bytes",
    columns: 8,
    queries: [{ expr: "process_resident_memory_bytes", legend: "{{node}}" }],
  },
  {
    kind: "lines",
    title: "Event loop",
    description:
      "One turn in a hundred is later than this. A node that is late by an election timeout loses leadership.",
    unit: "s",
    columns: 8,
    queries: [{ expr: "nodejs_eventloop_lag_p99_seconds", legend: "{{node}}" }],
  },
  {
    kind: "lines",
    title: "Processor time",
    description: "Cores in use. One node uses little more than one.",
    unit: "none",
    columns: 8,
    queries: [{ expr: "rate(process_cpu_seconds_total[$__rate_interval])", legend: "{{node}}" }],
  },
];

/** The dashboard's panels, from the top, in reading order. */
export const panelSpecs: readonly PanelSpec[] = [...headline, ...leadership, ...decisions, ...state, ...processes];
