import type { ServiceEnd } from "../sandbox/service-process.ts";
import type { AlertState } from "./prometheus-client.ts";
import type { RawAnswer } from "./raw-grpc.ts";
import type { TrafficReport } from "./traffic.ts";

/** How often each node answered, by its own count. */
export interface Reached {
  readonly sessionsByNode: Readonly<Record<string, number>>;
  readonly unaryByNode: Readonly<Record<string, number>>;
  readonly httpByNode: Readonly<Record<string, number>>;
  /** Answers of HTTP calls that forbade forwarding: HTTP statuses, one per node in turn. */
  readonly notForwarded: readonly number[];
  /** The answer to the call that README.md shows. */
  readonly readmeCall: string;
}

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly httpStatus: number;
  readonly body: string;
}

/** Something that nginx must not let through, and what came of it. */
export interface Refusal {
  readonly what: string;
  readonly httpStatus: number;
  readonly grpcStatus: number | null;
  /** In words: nginx's, or else a node was asked. */
  readonly told: string;
}

/** The death of a leader under traffic, and its return. */
export interface Failover {
  readonly killed: string;
  /** Session streams that nginx had led to it. */
  readonly streamsThroughKilled: number;
  readonly successor: string;
  readonly termBefore: number;
  readonly termAfter: number;
  readonly electionMs: number;
  readonly caughtUpIndex: number;
  readonly traffic: TrafficReport;
  /** The alert for the node, while it was away. */
  readonly downAlert: string | null;
  /** By the dashboard's own question, before and after. */
  readonly changesBefore: number;
  readonly changesAfter: number;
}

/** What a query of the dashboard came to. */
export interface AskedQuery {
  readonly panel: string;
  readonly expr: string;
  readonly series: number;
  readonly numbers: number;
}

/** Answers while no node runs. */
export interface Outage {
  readonly grpc: RawAnswer;
  readonly httpStatus: number;
  readonly httpBody: string;
  /** What each SDK tells its caller. */
  readonly sdkErrors: Readonly<Record<"grpc" | "http", { readonly code: string; readonly applied: string }>>;
}

/** One call by each port to nodes that vanish as soon as they have it: how many of them got it, and the answer. */
export interface LostCalls {
  readonly http: { readonly received: number; readonly status: number; readonly body: string };
  readonly grpc: { readonly received: number; readonly answer: RawAnswer };
}

/** Everything that the driver saw. */
export interface StackReport {
  readonly formedMs: number;
  readonly health: Readonly<Record<string, { readonly code: number | null; readonly output: string }>>;
  readonly reached: Reached;
  readonly refusals: readonly Refusal[];
  /** Calls with messages around the bound: what each port answered. */
  readonly large: readonly { readonly bytes: number; readonly grpc: RawAnswer; readonly http: HttpAnswer }[];
  readonly failover: Failover;
  readonly dashboard: readonly AskedQuery[];
  /** Metrics that an alert or a panel names, and of which Prometheus has no series. */
  readonly unknownMetrics: readonly string[];
  readonly alerts: readonly AlertState[];
  readonly outage: Outage;
  readonly lostCalls: LostCalls;
  readonly ends: Readonly<Record<string, ServiceEnd>>;
  readonly leftovers: boolean;
}
