import {
  Algorithm,
  createEntryWriter,
  createLimiter,
  defaultBounds,
  type ListEntryDocument,
  type Operation,
  type PolicyDocument,
  type Rule,
  readAdminRequest,
  readEntry,
  restoreLimiter,
  type SessionId,
  Verb,
} from "@quorumguard/limiter";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sessionName } from "../rate-limit/call-ids.ts";
import { createNaiveLog, type NaiveDecision } from "../rate-limit/naive-log.ts";
import type { AskedItem } from "../rate-limit/records.ts";

const usualBounds = { ...defaultBounds, sessionTtlUs: 900_000, maxHolds: 12, maxHoldsPerSession: 5 };
const ms = 1_000;

/** A small generator of its own: a history is one number, and shrinks to another. */
function createDraw(seed: number) {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const below = (bound: number) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    state = Math.imul(state ^ (state >>> 13), 0x9e3779b1) >>> 0;
    return Math.floor((((state ^ (state >>> 16)) >>> 0) / 2 ** 32) * bound);
  };
  return {
    below,
    between: (from: number, to: number) => from + below(to - from + 1),
    chance: (probability: number) => below(1_000_000) < probability * 1_000_000,
    pick: <T>(values: readonly T[]) => values[below(values.length)]!,
  };
}
type Draw = ReturnType<typeof createDraw>;

const inline: readonly Rule[] = [
  { algorithm: Algorithm.slidingWindowLog, limit: 6, windowUs: 400 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.tokenBucket, limit: 5, windowUs: 300 * ms, burst: 7, policy: "" },
  { algorithm: Algorithm.slidingWindowCounter, limit: 6, windowUs: 400 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.fixedWindow, limit: 6, windowUs: 400 * ms, burst: 0, policy: "" },
  { algorithm: Algorithm.concurrency, limit: 4, windowUs: 500 * ms, burst: 0, policy: "" },
];
const named: readonly Rule[] = [
  { algorithm: Algorithm.slidingWindowLog, limit: 5, windowUs: 400 * ms, burst: 0, policy: "one" },
  { algorithm: Algorithm.tokenBucket, limit: 5, windowUs: 300 * ms, burst: 6, policy: "two" },
  { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "one" },
];
const keys = ["a", "b"];
const moreKeys = ["a", "b", "c", "d"];

function drawPolicy(draw: Draw): PolicyDocument {
  const algorithm = draw.pick([
    "sliding-window-log",
    "token-bucket",
    "sliding-window-counter",
    "fixed-window",
    "concurrency",
  ] as const);
  return {
    name: draw.pick(["one", "two"]),
    algorithm,
    limit: draw.between(0, 8),
    // Under the shortest, a lease of the longest is carried over to many windows.
    windowMs: draw.pick([5, 200, 350, 700]),
    ...(algorithm === "token-bucket" ? { burst: draw.between(1, 8) } : {}),
    ...(draw.chance(0.4)
      ? { ban: { denials: draw.between(1, 4), windowMs: 500, durationsMs: [200, 600], forgetAfterMs: 1_000 } }
      : {}),
    ...(draw.chance(0.25) ? { shadow: true } : {}),
    ...(draw.chance(0.2) ? { lease: false } : {}),
  };
}

function drawList(draw: Draw): ListEntryDocument {
  const policy = draw.chance(0.5) ? { policy: "one" } : {};
  return { list: draw.pick(["allow", "deny"]), match: draw.pick(["key", "prefix"]), value: draw.pick(keys), ...policy };
}

/**
 * Policies go once, and none comes after that: what they leave to inline callers, and these to the next policy, is on the
 * safe side, but depends on which counters were swept. Overrides for the windows alone: a bucket that was counted inline and has expired takes what a policy left behind a
 * second time, if an override has made it slower since. That is on the safe side, and depends on what was swept.
 */
function drawChange(draw: Draw, version: number, haveGone: boolean): { readonly kind: string } {
  const key = draw.pick(keys);
  const policy = draw.pick(["one", "two"]);
  const limit = draw.between(0, 8);
  const moving: readonly (() => { readonly kind: string })[] = [
    () => ({ kind: "putPolicies", policies: [drawPolicy(draw)] }),
    () => ({ kind: "putPolicies", policies: [drawPolicy(draw)] }),
    () => ({ kind: "putPolicies", policies: [drawPolicy(draw)] }),
    () => ({ kind: "deletePolicies", names: [policy] }),
    () => ({ kind: "rollback", version: draw.between(0, version + 1) }),
  ];
  return draw.pick<() => { readonly kind: string }>([
    ...(haveGone ? [] : moving),
    () => ({
      kind: "putOverrides",
      overrides: [{ policy: "one", key, limit, ...(limit > 4 ? { burst: limit } : {}) }],
    }),
    () => ({ kind: "deleteOverrides", overrides: [{ policy: "one", key }] }),
    () => ({ kind: "putTiers", tiers: [{ name: "gold", limits: [{ policy: "one", limit }] }] }),
    () => ({ kind: "putTierKeys", tierKeys: [{ key, tier: "gold" }] }),
    () => ({ kind: "deleteTiers", names: ["gold"] }),
    () => ({ kind: "deleteTierKeys", keys: [key] }),
    () => ({ kind: "putListEntries", entries: [drawList(draw)] }),
    () => ({ kind: "deleteListEntries", entries: [drawList(draw)] }),
    () => ({ kind: "liftBan", policy, key }),
  ])();
}

function drawQuota(draw: Draw): { readonly kind: string; readonly [field: string]: unknown } {
  if (draw.chance(0.3)) return { kind: "putListEntries", entries: [drawList(draw)] };
  if (draw.chance(0.3)) return { kind: "deleteListEntries", entries: [drawList(draw)] };
  return { kind: "setKeyQuota", maxKeys: draw.chance(0.2) ? null : draw.between(1, 5) };
}

const encoder = new TextEncoder();

function batchOf(items: readonly AskedItem[], firstNumber: number) {
  const bytes = items.map(({ key }) => encoder.encode(key));
  const [first] = items;
  return {
    firstNumber,
    calls: 1,
    items: items.length,
    rules: items.map(({ rule }) => rule),
    keyBytes: Uint8Array.from(bytes.flatMap((each) => [...each])),
    keyStarts: Uint32Array.from(items, (_, at) => at),
    keyLengths: Uint32Array.from(items, () => 1),
    ruleIndexes: Uint32Array.from(items, (_, at) => at),
    costs: Uint32Array.from(items, ({ cost }) => cost),
    sizes: Uint32Array.of(items.length),
    verbs: first!.verb ? Uint8Array.of(first!.verb) : null,
    ttlsMs: first!.ttlMs ? Float64Array.of(first!.ttlMs) : null,
    handles: first!.handle ? Float64Array.of(first!.handle) : null,
  };
}

/** What is drawn of one history: which of the rooms take part. */
interface Mix {
  readonly governed: boolean;
  readonly verbs: readonly number[];
  /** So few keys and holds that calls are refused; then an operator sets quotas and lists alone. */
  readonly tight?: boolean;
}

/** Plays one history to the limiter and to the model, and compares every answer. */
function play(seed: number, { governed, verbs, tight = false }: Mix, entries: number): void {
  const draw = createDraw(seed);
  const few = { maxKeys: draw.between(1, 6), maxHolds: draw.between(1, 3), maxHoldsPerSession: 2 };
  const bounds = tight ? { ...usualBounds, ...few } : usualBounds;
  let limiter = createLimiter(bounds);
  const log = createNaiveLog(bounds);
  const writer = createEntryWriter();
  const opened: { readonly handle: number; readonly key: string; readonly rule: Rule }[] = [];
  const sessions: (SessionId | null)[] = [null, null];
  const sent: number[] = [0, 0];
  let nonces = 0;
  const nonceOfClient = [0, 0];
  let stampUs = 1_763_000_000_000_000;
  let changes = 0;
  let version = 0;
  let haveGone = false;
  const nonceOf = (value: number) => Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? value : 1));
  const rules = governed ? [...inline.slice(0, 2), ...named, ...named] : inline;

  const item = (verb: number): AskedItem => {
    const base = {
      key: draw.pick(tight ? moreKeys : keys),
      rule: draw.pick(rules),
      cost: draw.chance(0.7) ? 1 : draw.between(1, 7),
    };
    if (verb === Verb.take) return base;
    if (verb === Verb.reserve || verb === Verb.grant)
      return { ...base, verb, ttlMs: draw.pick([0, 20, 100, 400, 1_500]) };
    if (verb === Verb.reset) return { ...base, cost: 1, verb };
    const hold = draw.chance(0.9) ? opened.at(-1 - draw.below(4)) : opened[draw.below(opened.length)];
    if (hold === undefined) return { ...base, verb: verb as Verb, handle: 1 };
    return { ...base, key: hold.key, rule: hold.rule, verb: verb as Verb, handle: hold.handle };
  };

  for (let index = 1; index <= entries; index++) {
    const takeover = draw.chance(0.06);
    stampUs += draw.chance(0.7) ? draw.below(40 * ms) : draw.below(300 * ms);
    if (takeover && draw.chance(0.6)) stampUs += draw.below(3_000 * ms);
    writer.begin({ takeover });
    const asked: {
      readonly client: number | null;
      readonly session: SessionId | null;
      readonly number: number;
      readonly items: readonly AskedItem[];
    }[] = [];
    for (let left = draw.between(0, 4); left > 0; left--) {
      const client = draw.pick([0, 1, null]);
      if (client !== null && sessions[client] === null) {
        nonceOfClient[client] = ++nonces % 256;
        sent[client] = 0;
        writer.register(nonceOf(nonceOfClient[client]), stampUs, "n");
        asked.push({ client, session: null, number: -1, items: [] });
        break;
      }
      if (client !== null && draw.chance(0.04) && !asked.some((one) => one.number === -2)) {
        writer.goodbye(sessions[client]!, nonceOf(nonceOfClient[client]!));
        asked.push({ client, session: null, number: -2, items: [] });
        continue;
      }
      if (governed && draw.chance(0.1)) {
        const change: { readonly kind: string } = tight ? drawQuota(draw) : drawChange(draw, version, haveGone);
        haveGone ||= change.kind === "deletePolicies" || change.kind === "rollback";
        const request = { namespace: "n", change, changeId: `change-${++changes}` };
        writer.administer(readAdminRequest(request));
        asked.push({ client: null, session: null, number: -3, items: [] });
        continue;
      }
      const verb = draw.pick(verbs);
      const size = verb === Verb.take && draw.chance(0.15) ? draw.between(2, 3) : 1;
      const items = Array.from({ length: size }, () => item(verb));
      if (client === null) {
        writer.calls({ kind: "anonymous", namespace: "n" }, batchOf(items, 0), 0, 1);
        asked.push({ client, session: null, number: 0, items });
      } else {
        const number = ++sent[client]!;
        const nonce = nonceOf(nonceOfClient[client]!);
        writer.calls(
          { kind: "session", session: sessions[client]!, nonce, ackedThrough: number - 1 },
          batchOf(items, number),
          0,
          1,
        );
        asked.push({ client, session: sessions[client]!, number, items });
      }
    }
    const bytes = writer.finish(stampUs);
    const applied = limiter.apply(index, bytes);
    const entry = readEntry(bytes);
    const before = log.executed.length;
    const operations: Operation[] = [...entry.operations];
    log.apply(index, entry.stampUs, entry.takeover, operations);
    let executed = before;
    for (const [place, { client, session, number, items }] of asked.entries()) {
      const result = applied.operations[place]!;
      if (number === -1) sessions[client!] = result.kind === "registered" ? result.session : null;
      if (number === -2) sessions[client!] = null;
      if (number === -3 && result.kind === "administered") {
        const { version: reached, changed, error } = result.result;
        const why = `seed ${seed}, entry ${index}: ${JSON.stringify(operations[place])}`;
        const request = (operations[place] as Operation & { kind: "administer" }).request;
        expect({ version: reached, changed, error: error?.code ?? null }, why).toEqual(
          log.change("n", request.changeId!),
        );
        version = reached;
      }
      if (result.kind !== "calls") continue;
      const from = result.from;
      const outcome = applied.results.outcomes[from]!;
      const decision: NaiveDecision | undefined =
        client === null ? log.decisionAt(executed) : log.decision(sessionName(session!), number);
      const where = `seed ${seed}, entry ${index}, stamp ${stampUs}, operation ${place}: ${JSON.stringify(items)}`;
      if (decision === undefined) {
        expect(outcome, where).toBe(19);
        sessions[client!] = null;
        continue;
      }
      executed++;
      const { outcomes, remaining, resetAfterMs, retryAfterMs, handles, limits, shadows } = applied.results;
      const got = items.map((_, at) => {
        const i = from + at;
        const whole = {
          outcome: outcomes[i]!,
          remaining: remaining[i]!,
          resetAfterMs: resetAfterMs[i]!,
          retryAfterMs: retryAfterMs[i]!,
        };
        return { ...whole, handle: handles[i]!, limit: limits[i]!, shadow: shadows[i]! };
      });
      if (items.length === 1) expect(got[0], where).toEqual(decision.answers[0]);
      else
        expect(
          got.map((one) => one.outcome),
          where,
        ).toEqual(decision.answers.map((one) => one.outcome));
      if (got[0]!.handle > 0) opened.push({ handle: got[0]!.handle, key: items[0]!.key, rule: items[0]!.rule });
    }
    if (draw.chance(0.02)) {
      const cut = limiter.beginSnapshot();
      const restore = restoreLimiter();
      for (let piece = cut.next(65_536); piece !== null; piece = cut.next(65_536)) restore.write(piece);
      limiter = restore.finish();
    }
  }
}

const takes = [Verb.take];
const holding = [0, 0, 2, 2, 2, 3, 3, 4, 1];
const leasing = [0, 0, 5, 5, 6, 2, 3, 4, 1];

test.each<[string, Mix]>([
  ["takes alone", { governed: false, verbs: takes }],
  ["reservations, slots and resets", { governed: false, verbs: holding }],
  ["leases", { governed: false, verbs: leasing }],
  ["policies over takes", { governed: true, verbs: takes }],
  ["policies over holds", { governed: true, verbs: leasing }],
  ["a full table", { governed: false, verbs: takes, tight: true }],
  ["a full table of holds", { governed: false, verbs: leasing, tight: true }],
  ["quotas of keys", { governed: true, verbs: leasing, tight: true }],
])(
  "A1 the model and the limiter agree on every answer: %s",
  (_, mix) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), fc.integer({ min: 5, max: 120 }), (seed, entries) =>
        play(seed, mix, entries),
      ),
      { numRuns: Number(process.env.NAIVE_RUNS ?? 40) },
    );
  },
  600_000,
);
