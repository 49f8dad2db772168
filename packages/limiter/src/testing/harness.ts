import type { CallBatch } from "../call-batch.ts";
import { createLimiter, restoreLimiter } from "../create-limiter.ts";
import { createEntryWriter } from "../entry/entry-writer.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import type { CallOrigin, EntryWriter } from "../entry.ts";
import type { Applied, Bounds, Limiter, OperationResult, SessionId } from "../limiter.ts";
import { Algorithm, type Rule } from "../rule.ts";

/** A stamp of our time, so that tests meet the magnitudes of production. */
export const START_US = 1_763_000_000_000_000;

export interface Item {
  readonly key: string;
  readonly rule: Rule;
  readonly cost?: number;
  /** The verb of its call, which a call of several items has none of. */
  readonly verb?: number;
  readonly ttlMs?: number;
  readonly handle?: number;
}

export function windowLog(limit: number, windowUs: number, policy = ""): Rule {
  return { algorithm: Algorithm.slidingWindowLog, limit, windowUs, burst: 0, policy };
}

export function bucket(limit: number, windowUs: number, burst: number, policy = ""): Rule {
  return { algorithm: Algorithm.tokenBucket, limit, windowUs, burst, policy };
}

/** Calls as a batch; a call is a list of items, all-or-nothing if there are several. */
export function batchOf(calls: readonly (readonly Item[])[], firstNumber = 0): CallBatch {
  const items = calls.flat();
  const rules = [...new Set(items.map((item) => item.rule))];
  const keys = items.map((item) => encodeUtf8(item.key));
  const keyBytes = new Uint8Array(keys.reduce((sum, key) => sum + key.length, 0));
  const keyStarts = new Uint32Array(items.length);
  let at = 0;
  for (const [i, key] of keys.entries()) {
    keyBytes.set(key, at);
    keyStarts[i] = at;
    at += key.length;
  }
  return {
    firstNumber,
    calls: calls.length,
    items: items.length,
    rules,
    keyBytes,
    keyStarts,
    keyLengths: Uint32Array.from(keys, (key) => key.length),
    ruleIndexes: Uint32Array.from(items, (item) => rules.indexOf(item.rule)),
    costs: Uint32Array.from(items, (item) => item.cost ?? 1),
    sizes: Uint32Array.from(calls, (call) => call.length),
    verbs: items.some((item) => item.verb) ? Uint8Array.from(calls, ([item]) => item?.verb ?? 0) : null,
    ttlsMs: items.some((item) => item.ttlMs) ? Float64Array.from(items, (item) => item.ttlMs ?? 0) : null,
    handles: items.some((item) => item.handle) ? Float64Array.from(items, (item) => item.handle ?? 0) : null,
  };
}

export interface ItemResult {
  readonly outcome: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly retryAfterMs: number;
  readonly firmForMs: number;
  readonly handle: number;
  readonly limit: number;
  readonly shadow: number;
}

/** The items of one operation, copied out of the shared columns. */
export function itemsOf(applied: Applied, operation = 0): ItemResult[] {
  const result = applied.operations[operation];
  if (result?.kind !== "calls") throw new Error(`operation ${operation} is ${result?.kind}, not calls`);
  const { results } = applied;
  return Array.from({ length: result.to - result.from }, (_, i) => ({
    outcome: results.outcomes[result.from + i]!,
    remaining: results.remaining[result.from + i]!,
    resetAfterMs: results.resetAfterMs[result.from + i]!,
    retryAfterMs: results.retryAfterMs[result.from + i]!,
    firmForMs: results.firmForMs[result.from + i]!,
    handle: results.handles[result.from + i]!,
    limit: results.limits[result.from + i]!,
    shadow: results.shadows[result.from + i]!,
  }));
}

export function nonceOf(value: number): Uint8Array {
  const nonce = new Uint8Array(16);
  new DataView(nonce.buffer).setUint32(0, value, true);
  return nonce;
}

/** A limiter and a log: keeps the entries, so that they can be applied elsewhere too. */
export class Harness {
  limiter: Limiter;
  readonly entries: { readonly index: number; readonly bytes: Uint8Array }[] = [];
  readonly #writer = createEntryWriter();
  #index = 0;

  constructor(bounds?: Partial<Bounds>) {
    this.limiter = createLimiter(bounds);
  }

  apply(stampUs: number, write: (writer: EntryWriter) => void = () => {}, takeover = false): Applied {
    this.#writer.begin({ takeover });
    write(this.#writer);
    const bytes = this.#writer.finish(stampUs);
    const index = ++this.#index;
    this.entries.push({ index, bytes });
    return this.limiter.apply(index, bytes);
  }

  calls(stampUs: number, origin: CallOrigin, batch: CallBatch): ItemResult[] {
    return itemsOf(this.apply(stampUs, (writer) => void writer.calls(origin, batch, 0, batch.calls)));
  }

  /** One unprotected call of one item in namespace "n". */
  take(stampUs: number, key: string, rule: Rule, cost = 1, namespace = "n"): ItemResult {
    return this.calls(stampUs, { kind: "anonymous", namespace }, batchOf([[{ key, rule, cost }]]))[0]!;
  }

  /** One unprotected call of another verb than take, in namespace "n". */
  verb(stampUs: number, verb: number, item: Item): ItemResult {
    return this.calls(stampUs, { kind: "anonymous", namespace: "n" }, batchOf([[{ ...item, verb }]]))[0]!;
  }

  register(stampUs: number, nonce: Uint8Array, helloStampUs = stampUs, namespace = "n"): OperationResult {
    return this.apply(stampUs, (writer) => void writer.register(nonce, helloStampUs, namespace)).operations[0]!;
  }

  /** A new session, by a nonce of its own. */
  session(stampUs: number, nonce: number): SessionId {
    const result = this.register(stampUs, nonceOf(nonce));
    if (result.kind !== "registered") throw new Error(`register came to ${JSON.stringify(result)}`);
    return result.session;
  }
}

/** The whole snapshot of `limiter`, restored, pieces of `maxBytes`. */
export function copyOf(limiter: Limiter, maxBytes = 65_536): Limiter {
  const cut = limiter.beginSnapshot();
  const restore = restoreLimiter();
  for (let piece = cut.next(maxBytes); piece !== null; piece = cut.next(maxBytes)) restore.write(piece);
  return restore.finish();
}
