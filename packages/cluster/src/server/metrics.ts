import { Verb } from "@quorumguard/limiter";
import { type ErrorReason, Outcome } from "@quorumguard/proto";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { type ClusterNode, type NodeFailure, type NodeStatus, nodeFailureReasons } from "../node/node.ts";
import { DurationCounts } from "../storage/duration-counts.ts";
import type { AnsweredItems, DecisionMeter } from "./decision-meter.ts";
import { policyMetrics } from "./policy-metrics.ts";
import { prometheusHistogram } from "./prometheus-histogram.ts";
import { refusedTokensMetric } from "./tokens/refusals.ts";
import { version } from "./version.ts";

/** A node's metrics for Prometheus. No label ever holds a key, a session or a name that callers chose: what a stranger chooses must not grow them. */
export interface NodeMetrics {
  readonly meter: DecisionMeter;
  /** Counts a call that was refused by its token, or for want of one. */
  readonly refusedToken: (reason: ErrorReason) => void;
  readonly contentType: string;
  /** The page that Prometheus reads. `ready`: what `/readyz` says at the same moment. */
  text(ready: boolean): Promise<string>;
}

const sources = ["quorum", "leader"] as const;

/** Counted like an outcome, though on the wire it is none: outcomes are bytes, and this is the number after them. */
const groupDenied = 256;

/** Upper bounds of the latency histogram's buckets in milliseconds: from a denial out of memory to a failover. */
const latencyBoundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

/** Counts what handlers answer, and shows it with the node's own state. `process`: also memory, event loop and the like. */
export function createNodeMetrics(node: ClusterNode, options: { readonly process: boolean }): NodeMetrics {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const counts = new DecisionCounts(registry);
  const gauges = statusGauges(registry);
  const showPolicies = policyMetrics(registry);
  const readiness = new Gauge({
    name: "quorumguard_ready",
    help: "1 while the node has caught up, knows a leader and is not stopping: while /readyz answers 200.",
    registers: [registry],
  });
  let status = node.status();
  registry.registerMetric(
    prometheusHistogram(
      "quorumguard_flush_duration_seconds",
      "Time to write a frame of the log and make it durable, one observation per flush.",
      () => status.flushDurations,
    ),
  );
  new Gauge({
    name: "quorumguard_build_info",
    help: "1; its labels say what runs: the package's version and that of Node.js.",
    labelNames: ["version", "node_version"],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1);
  return {
    meter: counts,
    refusedToken: refusedTokensMetric(registry),
    contentType: registry.contentType,
    text(ready) {
      counts.publish();
      readiness.set(ready ? 1 : 0);
      status = node.status();
      for (const show of gauges) show(status, node);
      showPolicies(node);
      return registry.metrics();
    },
  };
}

/** Plain arrays on the hot path; Prometheus's own objects are filled when somebody looks. */
class DecisionCounts implements DecisionMeter {
  /** By source, then by outcome: a byte, as the limiter gives it. The last place is for items of denied groups. */
  readonly #outcomes = sources.map(() => new Float64Array(groupDenied + 1));
  /** Calls that are no takes, by verb, then by outcome. */
  readonly #verbs = Object.values(Verb).map(() => new Float64Array(groupDenied + 1));
  #repeated = 0;
  #framed = 0;
  /** Every counter is there, at 0, before its first failure: Prometheus sees no rise where there was nothing. */
  readonly #failures = new Map(nodeFailureReasons.map((reason) => [reason, 0]));
  readonly #latency = new DurationCounts(latencyBoundsMs);
  readonly #decisions: Counter<"outcome" | "source">;
  readonly #otherCalls: Counter<"outcome" | "verb">;
  readonly #repeats: Counter;
  readonly #failed: Counter<"reason">;
  readonly #frames: Counter;
  readonly #streams: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#decisions = new Counter({
      name: "quorumguard_decisions_total",
      help:
        "Items of takes decided for callers of this node, by outcome and by where the decision was made. allowed: admitted and " +
        "charged; group-denied: had room, but another item of its all-or-nothing call had none. Without repeated answers.",
      labelNames: ["outcome", "source"],
      registers,
    });
    this.#otherCalls = new Counter({
      name: "quorumguard_other_calls_total",
      help:
        "Calls that are no takes: resets, reservations and leases, and what settles them, by verb and outcome. allowed: done. " +
        "Without repeated answers.",
      labelNames: ["verb", "outcome"],
      registers,
    });
    this.#repeats = new Counter({
      name: "quorumguard_repeated_answers_total",
      help: "Items of retries that were answered with what was decided the first time; nothing was charged again.",
      registers,
    });
    this.#failed = new Counter({
      name: "quorumguard_failed_calls_total",
      help: "Calls that this node did not decide, by reason.",
      labelNames: ["reason"],
      registers,
    });
    this.#frames = new Counter({
      name: "quorumguard_frames_total",
      help: "Frames of calls that came over Session streams; each has what one client asked at once.",
      registers,
    });
    this.#streams = new Gauge({ name: "quorumguard_session_streams", help: "Open Session streams.", registers });
    registry.registerMetric(
      prometheusHistogram(
        "quorumguard_decision_seconds",
        "Time from receiving a call to its decision on this node, one observation per item, repeated answers included.",
        () => this.#latency,
      ),
    );
  }

  decided({ outcomes, from, to, sizes, verbs, facts, durationMs }: AnsweredItems): void {
    this.#latency.observe(durationMs, to - from);
    if (facts.repeated) {
      this.#repeated += to - from;
      return;
    }
    const counts = this.#outcomes[facts.source === "quorum" ? 0 : 1]!;
    if (verbs !== null) this.#countByVerb(counts, outcomes, from, sizes, verbs);
    else if (sizes === null) for (let item = from; item < to; item++) counts[outcomes[item]!]! += 1;
    else countCalls(counts, outcomes, from, sizes);
  }

  #countByVerb(
    counts: Float64Array,
    outcomes: Uint8Array,
    from: number,
    sizes: ArrayLike<number> | null,
    verbs: ArrayLike<number>,
  ): void {
    let item = from;
    for (let call = 0; call < verbs.length; call++) {
      const size = sizes?.[call] ?? 1;
      const verb = verbs[call]!;
      if (verb === Verb.take) countCalls(counts, outcomes, item, [size]);
      else this.#verbs[verb]![outcomes[item]!]! += 1;
      item += size;
    }
  }

  failed(reason: NodeFailure["reason"], calls: number): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + calls);
  }

  frame(): void {
    this.#framed += 1;
  }

  streams(change: 1 | -1): void {
    this.#streams.inc(change);
  }

  publish(): void {
    this.#decisions.reset();
    for (const [at, source] of sources.entries()) {
      for (const [outcome, count] of this.#outcomes[at]!.entries()) {
        if (count > 0 || isCommon(outcome, source))
          this.#decisions.inc({ outcome: outcomeName(outcome), source }, count);
      }
    }
    this.#otherCalls.reset();
    for (const [verb, counts] of this.#verbs.entries()) {
      for (const [outcome, count] of counts.entries()) {
        if (count > 0) this.#otherCalls.inc({ verb: verbNames[verb]!, outcome: outcomeName(outcome) }, count);
      }
    }
    this.#repeats.reset();
    this.#repeats.inc(this.#repeated);
    this.#frames.reset();
    this.#frames.inc(this.#framed);
    this.#failed.reset();
    for (const [reason, calls] of this.#failures) this.#failed.inc({ reason }, calls);
  }
}

/** An item is admitted only if all of its call are: one that would have been is counted apart. */
function countCalls(counts: Float64Array, outcomes: Uint8Array, from: number, sizes: ArrayLike<number>): void {
  let item = from;
  for (let call = 0; call < sizes.length; call++) {
    const end = item + sizes[call]!;
    let denied = false;
    for (let at = item; at < end; at++) denied ||= outcomes[at] !== Outcome.ALLOWED;
    for (; item < end; item++) {
      const outcome = outcomes[item]!;
      counts[denied && outcome === Outcome.ALLOWED ? groupDenied : outcome]! += 1;
    }
  }
}

/** What every node will count sooner or later; shown at 0 until then, for the same reason. Only denials come from applied state. */
function isCommon(outcome: number, source: (typeof sources)[number]): boolean {
  return outcome === Outcome.LIMITED || (outcome === Outcome.ALLOWED && source === "quorum");
}

const outcomeNames = new Map<number, string>([
  ...Object.entries(Outcome).map(
    ([name, number]) => [Number(number), name.toLowerCase().replaceAll("_", "-")] as const,
  ),
  [groupDenied, "group-denied"],
]);

const verbNames = Object.keys(Verb).map((name) => name.replace("giveBack", "give-back"));

function outcomeName(outcome: number): string {
  return outcomeNames.get(outcome) ?? "unknown";
}

type ShowStatus = (status: NodeStatus, node: ClusterNode) => void;

function statusGauges(registry: Registry): ShowStatus[] {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (status: NodeStatus, node: ClusterNode) => number): ShowStatus => {
    const metric = new Gauge({ name: `quorumguard_${name}`, help, registers });
    return (status, node) => metric.set(read(status, node));
  };
  const total = (name: string, help: string, read: (status: NodeStatus) => number): ShowStatus => {
    const metric = new Counter({ name: `quorumguard_${name}_total`, help, registers });
    return (status) => {
      metric.reset();
      metric.inc(read(status));
    };
  };
  return [
    gauge("raft_term", "The current term.", (status) => status.term),
    gauge("raft_leader", "1 while this node leads.", (status) => (status.role === "leader" ? 1 : 0)),
    gauge("raft_leader_id", "Who leads, as far as this node knows; 0: nobody.", (_, node) => node.topology().leaderId),
    gauge("raft_commit_index", "The last committed index.", (status) => status.commitIndex),
    gauge("raft_applied_index", "The last applied index.", (status) => status.appliedIndex),
    gauge("raft_last_index", "The last index of the log.", (status) => status.lastIndex),
    gauge("raft_snapshot_index", "The index of the last snapshot.", (status) => status.snapshotIndex),
    gauge("abstaining", "1 while the node abstains after a damaged last frame.", (status) =>
      status.abstaining ? 1 : 0,
    ),
    gauge("flush_seconds", "Moving average of flush durations.", (status) => status.flushMs / 1_000),
    gauge("keys", "Keys with a live count.", (status) => status.limiter.keys),
    gauge("max_keys", "Keys with a live count that there may be; replicated.", (status) => status.limiter.maxKeys),
    gauge("sessions", "Live sessions.", (status) => status.limiter.sessions),
    gauge("reservations", "Open reservations, slots apart.", (status) => status.limiter.reservations),
    gauge("slots", "Slots of concurrency that are held.", (status) => status.limiter.slots),
    gauge("leases", "Outstanding leases.", (status) => status.limiter.leases),
    gauge(
      "max_holds",
      "Reservations, slots and leases that may be open at once; replicated.",
      (status) => status.limiter.maxHolds,
    ),
    gauge("request_ids", "Request ids remembered.", (status) => status.limiter.requestIds),
    total("flushes", "Flushes of the log since start.", (status) => status.flushes),
    total(
      "leader_changes",
      "Leaders heard of since start, one for each term that had one: a failover adds one.",
      (status) => status.leaderChanges,
    ),
    total("keys_full", "Items refused because the key table was full.", (status) => status.limiter.keysFull),
    total("holds_full", "Holds refused because as many were open as may be.", (s) => s.limiter.holdsFull),
    total("reservations_ended", "Reservations that nobody settled in time: spent.", (s) => s.limiter.reservationsEnded),
    total("slots_ended", "Slots that ended by their time or with their session.", (s) => s.limiter.slotsEnded),
    total("bans_begun", "Bans that began.", (status) => status.limiter.bansBegun),
    total(
      "uncounted_denials",
      "Denials that no ban could count, since the memory for them was full.",
      (status) => status.limiter.denialsUncounted,
    ),
    total("leases_ended", "Leases that reached their end.", (s) => s.limiter.leasesEnded),
  ];
}
