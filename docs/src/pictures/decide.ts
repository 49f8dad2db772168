import { Algorithm, createEntryWriter, createLimiter, Outcome, type Rule, singleCall } from "@quorumguard/limiter";

/** One call of a picture, at a time of the picture. */
export interface DrawnCall {
  readonly atMs: number;
}

/** What the limiter made of it. */
export interface DrawnDecision extends DrawnCall {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfterMs: number;
}

/** A quantity over the time of the picture. */
export interface DrawnLevel {
  readonly atMs: number;
  readonly level: number;
}

/** The default algorithm, inline. */
export function slidingWindowLog(limit: number, windowMs: number): Rule {
  return { algorithm: Algorithm.slidingWindowLog, limit, windowUs: windowMs * 1_000, burst: 0, policy: "" };
}

/** A bucket of `burst` tokens, refilled at `limit` per window. */
export function tokenBucket(limit: number, windowMs: number, burst: number): Rule {
  return { algorithm: Algorithm.tokenBucket, limit, windowUs: windowMs * 1_000, burst, policy: "" };
}

/** A count for each window that begins at a multiple of its length. */
export function fixedWindow(limit: number, windowMs: number): Rule {
  return { algorithm: Algorithm.fixedWindow, limit, windowUs: windowMs * 1_000, burst: 0, policy: "" };
}

/** The estimate of a sliding window from two such counts. */
export function slidingWindowCounter(limit: number, windowMs: number): Rule {
  return { algorithm: Algorithm.slidingWindowCounter, limit, windowUs: windowMs * 1_000, burst: 0, policy: "" };
}

const key = new TextEncoder().encode("key");
const namespace = "pictures";
/** Nothing is before it; a multiple of every window that is drawn, so that windows begin at round times of the picture. */
const startUs = 1_000_000_000_000;
const stampOf = (atMs: number) => startUs + atMs * 1_000;

/**
 * Decides the calls by the replicated state machine itself, one log entry per call: what a picture shows is what a
 * cluster does. Calls must be in order of time. Levels are read at the given times, and around each call: of a bucket its
 * tokens, of a window what counts.
 */
export function decide(rule: Rule, calls: readonly DrawnCall[], levelsAtMs: readonly number[] = []) {
  const limiter = createLimiter();
  const writer = createEntryWriter();
  const decisions: DrawnDecision[] = [];
  const levels: DrawnLevel[] = [];
  const readLevel = (atMs: number) => {
    const peeked = limiter.peek(namespace, rule, key, 1, stampOf(atMs));
    if (rule.burst === 0) {
      levels.push({ atMs, level: rule.limit - peeked.remaining[0]! });
      return;
    }
    // A bucket is full again after resetAfterMs, so it lacks what flows in until then.
    const missing = (peeked.resetAfterMs[0]! * rule.limit * 1_000) / rule.windowUs;
    levels.push({ atMs, level: rule.burst - missing });
  };

  const times = [...levelsAtMs];
  const readsLevels = times.length > 0;
  for (const [index, { atMs }] of calls.entries()) {
    while (times.length > 0 && times[0]! < atMs) readLevel(times.shift()!);
    if (readsLevels) readLevel(atMs);
    writer.begin({ takeover: false });
    writer.calls({ kind: "anonymous", namespace }, singleCall(rule, key), 0, 1);
    const { results } = limiter.apply(index + 1, writer.finish(stampOf(atMs)));
    decisions.push({
      atMs,
      allowed: results.outcomes[0] === Outcome.allowed,
      remaining: results.remaining[0]!,
      retryAfterMs: results.retryAfterMs[0]!,
    });
    if (readsLevels) readLevel(atMs);
  }
  for (const atMs of times) readLevel(atMs);
  return { decisions, levels };
}
