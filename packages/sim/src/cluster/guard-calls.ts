import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, algorithmNames } from "@quorumguard/limiter";
import { type Guard, GuardError, type Hold, type InlineOptions } from "@quorumguard/sdk-core";
import type { CallEnd } from "./verb-callers.ts";

/** The deadline of a call that says nothing. */
const DEFAULT_TIMEOUT_MS = 1_000;

/** One call, or one of a group. `told` hears what it throws, in words. */
export async function askGuard(
  guard: Guard,
  items: readonly AskedItem[],
  chosen: { readonly timeoutMs: number; readonly requestId?: string; readonly onUnavailable?: "local" },
  told: (message: string) => void,
): Promise<CallEnd> {
  const rules = items.map(checkOf);
  try {
    const none = { error: null, applied: null };
    if (rules.length === 1) {
      const { key, limit, window, ...options } = rules[0]!;
      const { cost, rule } = items[0]!;
      // Without options, as most callers ask, a guard may answer by itself before it makes a call of it.
      const isDefault = chosen.timeoutMs === DEFAULT_TIMEOUT_MS && Object.keys(chosen).length === 1;
      const isPlain = isDefault && cost === 1 && rule.algorithm === Algorithm.slidingWindowLog;
      const asked = isPlain
        ? guard.allow(key, limit, window)
        : // Slots too, which the types refuse as the guard does.
          guard.allow(key, limit, window, { ...options, ...chosen } as InlineOptions);
      const { allowed, source, degraded } = await asked;
      return { allowed, source, degraded, ...none };
    }
    const { allowed, decisions } = await guard.allowAll(rules, chosen);
    const first = decisions[0]!;
    return { allowed, source: first.source, degraded: decisions.some((one) => one.degraded), ...none };
  } catch (error) {
    if (error instanceof GuardError) told(`${error.code}, applied ${error.applied}: ${error.message}`);
    return failed(error);
  }
}

/** What a user would write for this item. */
export function checkOf({ key, cost, rule }: AskedItem) {
  return {
    key,
    cost,
    limit: rule.limit,
    window: `${rule.windowUs / 1000}ms` as const,
    algorithm: algorithmNames[rule.algorithm - 1]!,
    ...(rule.algorithm === Algorithm.tokenBucket ? { burst: rule.burst } : {}),
  };
}

function failed(error: unknown): CallEnd {
  const known = error instanceof GuardError;
  return {
    allowed: null,
    source: "none",
    degraded: false,
    error: known ? error.code : String(error instanceof Error ? error.stack : error),
    applied: known ? error.applied : "unknown",
  };
}

/** Of a call of which the SDK tells no more than that it is done. */
export async function endOf(done: Promise<void>): Promise<CallEnd> {
  try {
    await done;
    return { allowed: true, source: "quorum", degraded: false, error: null, applied: null };
  } catch (error) {
    return failed(error);
  }
}

/** Reserves, and hands back the hold; null: it opened nothing. */
export async function reserveBySdk(
  guard: Guard,
  item: AskedItem,
  timeoutMs: number,
): Promise<CallEnd & { readonly hold: Hold | null }> {
  const { key, cost, rule, ttlMs = 0 } = item;
  // Numbers of zero: a name alone.
  const check = rule.windowUs === 0 ? { key, cost, policy: rule.policy } : checkOf(item);
  try {
    const held = await guard.reserve(check, { timeoutMs, ...(ttlMs > 0 ? { ttl: `${ttlMs}ms` as const } : {}) });
    const { allowed, source, degraded } = held;
    return { allowed, source, degraded, error: null, applied: null, hold: held.allowed ? held : null };
  } catch (error) {
    return { ...failed(error), hold: null };
  }
}

/** What a caller of `wait` chose; at least one of them is not null. */
export interface WaitTerms {
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
}

/** Waits for the item's turn. */
export async function waitForTurn(guard: Guard, item: AskedItem, { timeoutMs, signal }: WaitTerms): Promise<CallEnd> {
  const chosen = { ...(timeoutMs === null ? {} : { timeoutMs }), ...(signal === null ? {} : { signal }) };
  try {
    const { allowed, source, degraded } = await guard.wait(checkOf(item), chosen as { timeoutMs: number });
    return { allowed, source, degraded, error: null, applied: null };
  } catch (error) {
    return failed(error);
  }
}
