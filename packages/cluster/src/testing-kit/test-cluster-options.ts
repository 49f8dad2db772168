import type { Bounds, NamespaceDocument } from "@quorumguard/limiter";
import type { NodeLog } from "../node/node-log.ts";
import { InvalidField, shown } from "../server/invalid-field.ts";
import { readPolicyFile } from "../server/policy-files/read-policy-file.ts";

/** A span of time: a number of milliseconds, or a number with its unit, such as `"10s"`. */
export type TestSpan = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A policy without its name; the fields are those of a file of policies. */
export interface TestPolicy {
  /** Admissions per window, 0 to 2^31-1; slots under `concurrency`. */
  readonly limit: number;
  /** 1 ms to 400 days. */
  readonly window: TestSpan;
  /** Default `"sliding-window-log"`. */
  readonly algorithm?:
    | "sliding-window-log"
    | "token-bucket"
    | "sliding-window-counter"
    | "fixed-window"
    | "concurrency";
  /** Token bucket only: how many at once. */
  readonly burst?: number;
  /** When a key is shut out for its denials, as in a file of policies. Default: never. */
  readonly ban?: object;
  /** Decide and count, never enforce. Default false. */
  readonly shadow?: boolean;
}

/** What a test cluster is to be. Every field has a default. */
export interface TestClusterOptions {
  /** Nodes, 1 to 9. Default 3. One node is up soonest; three survive the loss of one. */
  readonly nodes?: number;
  /**
   * `"real"`: time is this machine's. `"virtual"`: it is too, and `advance` moves it forward as well; sessions of guards then
   * last 400 days, so that they outlive what is skipped. Default `"real"`.
   */
  readonly clock?: "real" | "virtual";
  /** Limits by name, which are in force before the start resolves. Default: none. */
  readonly policies?: Readonly<Record<string, TestPolicy>>;
  /**
   * In place of `policies`, all that a file of policies may hold: its text, or the object that its JSON would be. Default: none.
   */
  readonly policyFile?: string | object;
  /** Whose policies these are, if the file does not say. Default `""`, the namespace of guards that name none. */
  readonly namespace?: string;
  /** Replicated bounds, such as `{ maxKeys: 100 }`. Default: those of every cluster. */
  readonly bounds?: Partial<Bounds>;
  /** Receives what the nodes have to say to their operators. Default: nothing is said. */
  readonly log?: NodeLog;
}

/** Options with every default filled in and every bound checked. */
export interface ResolvedTestClusterOptions {
  readonly nodes: number;
  readonly clock: "real" | "virtual";
  /** Null: none. */
  readonly policies: TestPolicyDocument | null;
  /** Whose policies are set later: those of the start's file, if it says. */
  readonly namespace: string;
  readonly bounds: Partial<Bounds>;
  readonly log: NodeLog | undefined;
}

/** What is to be in force, and whose it is. */
export interface TestPolicyDocument {
  readonly namespace: string;
  readonly document: Partial<NamespaceDocument>;
}

const names: readonly string[] = ["nodes", "clock", "policies", "policyFile", "namespace", "bounds", "log"];

/**
 * Fills in every default and checks every bound.
 * @throws {InvalidField} naming field, value and bound; {PolicyFileError} when the policies are not to be had so.
 */
export function resolveTestClusterOptions(options: TestClusterOptions): ResolvedTestClusterOptions {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InvalidField(unknown, shown("unknown"), `the options are ${names.join(", ")}`);
  const { nodes = 3, clock = "real", policies, policyFile, namespace = "", log } = options;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 9) {
    throw new InvalidField("nodes", nodes, "it must be a whole number from 1 to 9; 3 survive the loss of one");
  }
  if (clock !== "real" && clock !== "virtual") throw new InvalidField("clock", clock, "it must be real or virtual");
  if (policies !== undefined && policyFile !== undefined) {
    throw new InvalidField("policyFile", shown("given beside policies"), "give one of them");
  }
  const file = policies === undefined ? policyFile : fileOf(policies);
  const bounds = clock === "virtual" ? { sessionTtlUs: longSessionUs, ...options.bounds } : (options.bounds ?? {});
  const read = file === undefined ? null : readTestPolicies(file, namespace);
  return { nodes, clock, bounds, log, policies: read, namespace: read?.namespace ?? namespace };
}

/** 400 days, the most that there is: a guard cannot renew its session in the middle of a leap. */
const longSessionUs = 34_560_000_000_000;

/**
 * The object of a file that holds these policies and nothing else. A file knows whole numbers with a unit, so spans are written so.
 * @throws {InvalidField} when a window is no span.
 */
export function fileOf(policies: Readonly<Record<string, TestPolicy>>): object {
  const written = Object.entries(policies).map(([name, policy]) => {
    const window = policy?.window;
    const inMs = typeof window === "number" || String(window).includes(".");
    // To the microsecond: 1.1 hours have no exact number.
    const spanOf = () => `${Number(spanMs(`policies.${name}.window`, window).toFixed(3))}ms`;
    return { name, ...policy, ...(inMs && { window: spanOf() }) };
  });
  return { policies: written };
}

/** Reads a file's text or object. @throws {PolicyFileError} saying what is wrong where. */
export function readTestPolicies(file: string | object, namespace: string): TestPolicyDocument {
  const text = typeof file === "string" ? file : JSON.stringify(file, null, 1);
  const read = readPolicyFile(text, "policies");
  return { namespace: read.namespace ?? namespace, document: read.document };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 400 * 86_400_000;

/** A span in milliseconds, 0 to 400 days. @throws {InvalidField} naming the field, its value and its bound. */
export function spanMs(field: string, span: TestSpan): number {
  const match = typeof span === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(span) : null;
  const ms = typeof span === "number" ? span : Number(match?.[1]) * (unitsMs[match?.[2] ?? ""] ?? Number.NaN);
  if (ms >= 0 && ms <= longestMs) return ms;
  throw new InvalidField(field, span, 'it must be milliseconds, or a text such as "90s" or "1.5h", up to 400d');
}
