import type { Algorithm } from "@quorumguard/limiter";

/** As the workload's rules have them. */
export const LIMIT = 10;
const WINDOW_MS = 600_000;

/** What a limiter over a map says of a call. */
export interface MapDecision {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly resetAfterMs: number;
}

/** Asks for one of a key. */
export type MapLimiter = (key: string, nowMs: number) => MapDecision;

/**
 * The limiter that everybody writes first, once per algorithm: a map from the key to an object. It forgets nothing, knows
 * no retries, is not the same on two machines and not on any disk; it is here as a measure of the machine.
 */
export const mapLimiters: Readonly<Record<keyof typeof Algorithm, () => MapLimiter>> = {
  tokenBucket() {
    const buckets = new Map<string, { used: number; atMs: number }>();
    return (key, nowMs) => {
      const bucket = entryOf(buckets, key, () => ({ used: 0, atMs: nowMs }));
      bucket.used = Math.max(0, bucket.used - ((nowMs - bucket.atMs) * LIMIT) / WINDOW_MS);
      bucket.atMs = nowMs;
      const allowed = bucket.used + 1 <= LIMIT;
      if (allowed) bucket.used++;
      return { allowed, remaining: Math.floor(LIMIT - bucket.used), resetAfterMs: (bucket.used * WINDOW_MS) / LIMIT };
    };
  },
  slidingWindowLog() {
    const logs = new Map<string, number[]>();
    return (key, nowMs) => {
      const log = entryOf(logs, key, () => []);
      let past = 0;
      while (past < log.length && log[past]! <= nowMs - WINDOW_MS) past++;
      if (past > 0) log.splice(0, past);
      const allowed = log.length < LIMIT;
      if (allowed) log.push(nowMs);
      return { allowed, remaining: LIMIT - log.length, resetAfterMs: log[log.length - 1]! + WINDOW_MS - nowMs };
    };
  },
  slidingWindowCounter() {
    const counters = new Map<string, { window: number; count: number; before: number }>();
    return (key, nowMs) => {
      const window = Math.floor(nowMs / WINDOW_MS);
      const counter = entryOf(counters, key, () => ({ window, count: 0, before: 0 }));
      if (counter.window !== window) {
        counter.before = counter.window === window - 1 ? counter.count : 0;
        counter.count = 0;
        counter.window = window;
      }
      const leftMs = (window + 1) * WINDOW_MS - nowMs;
      const used = counter.count + Math.ceil((counter.before * leftMs) / WINDOW_MS);
      const allowed = used < LIMIT;
      if (allowed) counter.count++;
      return { allowed, remaining: Math.max(0, LIMIT - used - 1), resetAfterMs: leftMs + WINDOW_MS };
    };
  },
  fixedWindow() {
    const counters = new Map<string, { window: number; count: number }>();
    return (key, nowMs) => {
      const window = Math.floor(nowMs / WINDOW_MS);
      const counter = entryOf(counters, key, () => ({ window, count: 0 }));
      if (counter.window !== window) {
        counter.count = 0;
        counter.window = window;
      }
      const allowed = counter.count < LIMIT;
      if (allowed) counter.count++;
      return { allowed, remaining: LIMIT - counter.count, resetAfterMs: (window + 1) * WINDOW_MS - nowMs };
    };
  },
  /** Who holds the key's slot gives it back first: two calls in one, of which the second is told. */
  concurrency() {
    const slots = new Map<string, { handle: number; endMs: number }[]>();
    const handles = new Map<number, string>();
    let lastHandle = 0;
    return (key, nowMs) => {
      const held = entryOf(slots, key, () => []);
      const settled = held.shift();
      if (settled !== undefined) handles.delete(settled.handle);
      const allowed = held.length < LIMIT;
      if (allowed) {
        held.push({ handle: ++lastHandle, endMs: nowMs + WINDOW_MS });
        handles.set(lastHandle, key);
      }
      return { allowed, remaining: LIMIT - held.length, resetAfterMs: WINDOW_MS };
    };
  },
};

function entryOf<Entry>(entries: Map<string, Entry>, key: string, create: () => Entry): Entry {
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = create();
    entries.set(key, entry);
  }
  return entry;
}
