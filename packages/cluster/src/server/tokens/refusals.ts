import { ErrorReason } from "@quorumguard/proto";
import { Counter, type Registry } from "prom-client";
import type { NodeLog } from "../../node/node-log.ts";
import { isTokenRefusal, scopeReasons, tokenReasons, usageReasons } from "./token-refusal.ts";

/** Between two lines of the log about the same reason, in milliseconds: a stranger must not be able to fill it. */
const quietMs = 10_000;

const names = new Map<ErrorReason, string>(
  Object.entries(ErrorReason).map(([name, reason]) => [reason, name.toLowerCase().replaceAll("_", "-")]),
);

/** A reason as labels and the log have it, such as `token-expired`. */
export function reasonName(reason: ErrorReason): string {
  return names.get(reason) ?? "unknown";
}

/** Counts refused tokens by reason. */
export function refusedTokensMetric(registry: Registry): (reason: ErrorReason) => void {
  const counter = new Counter({
    name: "quorumguard_refused_tokens_total",
    help: "Calls and streams refused for want of a token, because their token does not allow them, or because its holder has too many, by reason. 0 without --token-keys.",
    labelNames: ["reason"],
    registers: [registry],
  });
  // There from the beginning, at 0: Prometheus sees no rise where there was nothing.
  for (const reason of [...tokenReasons, ...scopeReasons, ...usageReasons])
    counter.inc({ reason: reasonName(reason) }, 0);
  return (reason) => counter.inc({ reason: reasonName(reason) });
}

/** Does something, and tells of the error that refuses it. */
export function telling<T>(refused: (error: unknown) => void, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    refused(error);
    throw error;
  }
}

/** Where refusals are counted and told. */
export interface RefusalsOptions {
  readonly count: (reason: ErrorReason) => void;
  readonly log: NodeLog;
  readonly monotonicMs: () => number;
}

/**
 * Hears of errors, counts those that refuse a token, and tells the operator of each reason now and then. Nothing of the token itself
 * is told: whoever reads the log could use it.
 */
export function createRefusals({ count, log, monotonicMs }: RefusalsOptions): (error: unknown) => void {
  const told = new Map<ErrorReason, { atMs: number; since: number }>();
  return (error) => {
    if (!isTokenRefusal(error)) return;
    const { reason } = error.detail;
    count(reason);
    const last = told.get(reason);
    const nowMs = monotonicMs();
    if (last !== undefined && nowMs - last.atMs < quietMs) {
      last.since += 1;
      return;
    }
    log("warn", "token-refused", { reason: reasonName(reason), refusals: (last?.since ?? 0) + 1 });
    told.set(reason, { atMs: nowMs, since: 0 });
  };
}
