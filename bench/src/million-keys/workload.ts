import {
  Algorithm,
  type CallBatch,
  createEntryWriter,
  type Limiter,
  Outcome,
  type Rule,
  type SessionId,
  Verb,
} from "@quorumguard/limiter";

/** Keys of each session, fewer than it may have holds. */
export const KEYS_PER_SESSION = 1_000;
/** Calls of one frame, and frames in one entry: 256 calls from four clients. */
const CALLS = 64;
const FRAMES = 4;
/** An entry of {@link Workload.entry} at full size. */
export const CALLS_PER_ENTRY = CALLS * FRAMES;
/** `user:` and 15 digits. */
const KEY_BYTES = 20;
/** Coprime to 1,000: neighbours in time are no neighbours in memory. */
const STRIDE = 617;
const WINDOW_US = 600_000_000;

/** After so long without a call every key has expired: the counter of a sliding window looks two windows back. */
export const EXPIRY_US = 2 * WINDOW_US + 60_000_000;

/** The shortest window there is: whatever was counted in the entry before has expired. */
const SHORT_US = 1_000;

/**
 * What the calls of an entry ask for: each of the keys for the first time, or again, or as many others; or others that
 * expire at once, so that in a full table there is always something to look for.
 */
export type Turn = "fill" | "again" | "others" | "strangers";

function ruleOf(algorithm: Algorithm, windowUs: number): Rule {
  return { algorithm, limit: 10, windowUs, burst: algorithm === Algorithm.tokenBucket ? 10 : 0, policy: "" };
}

/** A session's part: what it acknowledges, and the open slot of each of its keys. */
interface Client {
  readonly session: SessionId;
  readonly nonce: Uint8Array;
  nextNumber: number;
  readonly handles: Float64Array;
}

/** Calls over a fixed set of keys, as many clients would send them in frames, an entry at a time. */
export class Workload {
  readonly #limiter: Limiter;
  readonly #rules: readonly Rule[];
  readonly #shortRules: readonly Rule[];
  readonly #holds: boolean;
  readonly #clients: Client[] = [];
  readonly #writer = createEntryWriter();
  readonly #nowUs: () => number;
  #index = 0;
  #next = 0;
  /** Keys of this entry's reservations, by item. */
  readonly #keyOf = new Int32Array(CALLS_PER_ENTRY);

  constructor(limiter: Limiter, algorithm: Algorithm, keys: number, nowUs: () => number) {
    this.#limiter = limiter;
    this.#rules = [ruleOf(algorithm, WINDOW_US)];
    this.#shortRules = [ruleOf(algorithm, SHORT_US)];
    this.#holds = algorithm === Algorithm.concurrency;
    this.#nowUs = nowUs;
    for (let i = 0; i < keys / KEYS_PER_SESSION; i++) this.#clients.push(this.#register(i));
  }

  /** Entries that go through all clients and all of their keys once. */
  get round(): number {
    return Math.ceil(KEYS_PER_SESSION / CALLS) * Math.ceil(this.#clients.length / FRAMES);
  }

  /** Begins with the first key again. */
  rewind(): void {
    this.#next = 0;
  }

  #register(number: number): Client {
    const nonce = new Uint8Array(16);
    new DataView(nonce.buffer).setUint32(0, number);
    const stampUs = this.#nowUs();
    this.#writer.begin({ takeover: false });
    this.#writer.register(nonce, stampUs, "default");
    const [result] = this.#limiter.apply(++this.#index, this.#writer.finish(stampUs)).operations;
    if (result?.kind !== "registered") throw new Error(`a session was not registered: ${JSON.stringify(result)}`);
    return { session: result.session, nonce, nextNumber: 1, handles: new Float64Array(KEYS_PER_SESSION) };
  }

  /** An entry without calls: the stamp of an idle leader, or of a new one. */
  stamp(takeover = false): void {
    this.#writer.begin({ takeover });
    this.#limiter.apply(++this.#index, this.#writer.finish(this.#nowUs()));
  }

  /** Writes and applies the next entry; returns how many of its calls were allowed. */
  entry(turn: Turn): number {
    const groups = Math.ceil(this.#clients.length / FRAMES);
    const from = Math.floor(this.#next / groups) * CALLS;
    const group = (this.#next++ * 89) % groups;
    this.#writer.begin({ takeover: false });
    let items = 0;
    const frames: { readonly client: Client; readonly verbs: Uint8Array | null; readonly at: number }[] = [];
    for (let frame = 0; frame < FRAMES; frame++) {
      const client = this.#clients[group * FRAMES + frame];
      if (client === undefined) continue;
      const batch = this.#frame(client, group * FRAMES + frame, from, turn, items);
      const { session, nonce } = client;
      const origin = { kind: "session", session, nonce, ackedThrough: client.nextNumber - 1 } as const;
      this.#writer.calls(origin, batch, 0, batch.calls);
      client.nextNumber += batch.calls;
      frames.push({ client, verbs: batch.verbs, at: items });
      items += batch.items;
    }
    const { results } = this.#limiter.apply(++this.#index, this.#writer.finish(this.#nowUs()));
    for (const { client, verbs, at } of frames) {
      if (verbs === null) continue;
      for (let i = 0; i < verbs.length; i++) {
        if (verbs[i] === Verb.reserve) client.handles[this.#keyOf[at + i]!] = results.handles[at + i]!;
      }
    }
    let allowed = 0;
    for (let i = 0; i < items; i++) if (results.outcomes[i] === Outcome.allowed) allowed++;
    return allowed;
  }

  /** Keys `[from, from + 64)` of a client in an order that jumps; of slots, half as many: each is given back and taken anew. */
  #frame(client: Client, number: number, from: number, turn: Turn, at: number): CallBatch {
    const pairs = this.#holds && turn === "again";
    const keys = Math.min(pairs ? CALLS / 2 : CALLS, KEYS_PER_SESSION - (from % KEYS_PER_SESSION));
    const items = pairs ? keys * 2 : keys;
    const keyBytes = new Uint8Array(items * KEY_BYTES);
    const verbs = this.#holds ? new Uint8Array(items).fill(Verb.reserve) : null;
    const handles = pairs ? new Float64Array(items) : null;
    const ttlMs = (turn === "strangers" ? SHORT_US : WINDOW_US) / 1_000;
    for (let i = 0; i < items; i++) {
      const key = ((from + (i % keys)) * STRIDE) % KEYS_PER_SESSION;
      this.#keyOf[at + i] = key;
      writeKey(keyBytes, i * KEY_BYTES, number * KEYS_PER_SESSION + key, letters[turn]);
      if (handles === null || i >= keys) continue;
      verbs![i] = Verb.cancel;
      handles[i] = client.handles[key]!;
    }
    return {
      firstNumber: client.nextNumber,
      calls: items,
      items,
      rules: turn === "strangers" ? this.#shortRules : this.#rules,
      keyBytes,
      keyStarts: Uint32Array.from({ length: items }, (_, i) => i * KEY_BYTES),
      keyLengths: new Uint32Array(items).fill(KEY_BYTES),
      ruleIndexes: null,
      costs: null,
      sizes: null,
      verbs,
      ttlsMs: verbs === null ? null : Float64Array.from(verbs, (verb) => (verb === Verb.reserve ? ttlMs : 0)),
      handles,
    };
  }
}

/** What stands between `user` and the number: `:`, `+` or `-`. */
const letters: Readonly<Record<Turn, number>> = { fill: 58, again: 58, others: 43, strangers: 45 };

function writeKey(into: Uint8Array, at: number, number: number, letter: number): void {
  for (const [i, character] of [117, 115, 101, 114, letter].entries()) into[at + i] = character;
  for (let i = KEY_BYTES - 1, rest = number; i >= 5; i--, rest = Math.floor(rest / 10)) into[at + i] = 48 + (rest % 10);
}
