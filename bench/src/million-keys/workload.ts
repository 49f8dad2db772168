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
 * What the calls of an entry ask for: each of the keys for the first time, or again, or any of them in an order that has
 * nothing to do with the first; or as many others; or others that expire at once, so that in a full table there is always
 * something to look for.
 */
export type Turn = "fill" | "again" | "random" | "others" | "strangers";

function ruleOf(algorithm: Algorithm, windowUs: number): Rule {
  return { algorithm, limit: 10, windowUs, burst: algorithm === Algorithm.tokenBucket ? 10 : 0, policy: "" };
}

/** An entry that is still to be applied, after all that were written before it. */
export interface WrittenEntry {
  readonly bytes: Uint8Array;
  readonly items: number;
  readonly frames: readonly WrittenFrame[];
}

interface WrittenFrame {
  readonly client: Client;
  readonly verbs: Uint8Array | null;
  /** Where its items begin in the entry, and which of the client's keys they are. */
  readonly at: number;
  readonly keys: Int32Array;
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
  readonly #chance = createChance();
  /** A client's keys in the order of `random`, where each has a slot of its own to give back. */
  readonly #shuffled = shuffled(KEYS_PER_SESSION, this.#chance);
  #index = 0;
  #next = 0;

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
    return this.apply(this.write(turn));
  }

  /** Writes the next entry. Of counters, several may be written before they are applied; of slots, a round: the next gives back what this one opens. */
  write(turn: Turn): WrittenEntry {
    const groups = Math.ceil(this.#clients.length / FRAMES);
    const from = Math.floor(this.#next / groups) * CALLS;
    const group = (this.#next++ * 89) % groups;
    this.#writer.begin({ takeover: false });
    let items = 0;
    const frames: WrittenFrame[] = [];
    for (let frame = 0; frame < FRAMES; frame++) {
      const client = this.#clients[group * FRAMES + frame];
      if (client === undefined) continue;
      const { batch, keys } = this.#frame(client, group * FRAMES + frame, from, turn);
      const { session, nonce } = client;
      const origin = { kind: "session", session, nonce, ackedThrough: client.nextNumber - 1 } as const;
      this.#writer.calls(origin, batch, 0, batch.calls);
      client.nextNumber += batch.calls;
      frames.push({ client, verbs: batch.verbs, at: items, keys });
      items += batch.items;
    }
    return { bytes: this.#writer.finish(this.#nowUs()), items, frames };
  }

  /** Applies an entry; returns how many of its calls were allowed. */
  apply({ bytes, items, frames }: WrittenEntry): number {
    const { results } = this.#limiter.apply(++this.#index, bytes);
    for (const { client, verbs, at, keys } of frames) {
      if (verbs === null) continue;
      for (let i = 0; i < verbs.length; i++) {
        if (verbs[i] === Verb.reserve) client.handles[keys[i]!] = results.handles[at + i]!;
      }
    }
    let allowed = 0;
    for (let i = 0; i < items; i++) if (results.outcomes[i] === Outcome.allowed) allowed++;
    return allowed;
  }

  /** Keys `[from, from + 64)` of a client in an order that jumps; of slots, half as many: each is given back and taken anew. */
  #frame(client: Client, number: number, from: number, turn: Turn): { batch: CallBatch; keys: Int32Array } {
    const isAnyKey = turn === "random" && !this.#holds;
    const pairs = this.#holds && (turn === "again" || turn === "random");
    const keys = isAnyKey ? CALLS : Math.min(pairs ? CALLS / 2 : CALLS, KEYS_PER_SESSION - (from % KEYS_PER_SESSION));
    const items = pairs ? keys * 2 : keys;
    const keyBytes = new Uint8Array(items * KEY_BYTES);
    const verbs = this.#holds ? new Uint8Array(items).fill(Verb.reserve) : null;
    const handles = pairs ? new Float64Array(items) : null;
    const ttlMs = (turn === "strangers" ? SHORT_US : WINDOW_US) / 1_000;
    const keyOf = new Int32Array(items);
    for (let i = 0; i < items; i++) {
      const nth = (from + (i % keys)) % KEYS_PER_SESSION;
      const key = turn === "random" ? this.#shuffled[nth]! : (nth * STRIDE) % KEYS_PER_SESSION;
      const owner = isAnyKey ? this.#chance(this.#clients.length) : number;
      keyOf[i] = key;
      writeKey(keyBytes, i * KEY_BYTES, owner * KEYS_PER_SESSION + key, letters[turn]);
      if (handles === null || i >= keys) continue;
      verbs![i] = Verb.cancel;
      handles[i] = client.handles[key]!;
    }
    const batch = {
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
    return { batch, keys: keyOf };
  }
}

/** What stands between `user` and the number: `:`, `+` or `-`. */
const letters: Readonly<Record<Turn, number>> = {
  fill: 58,
  again: 58,
  random: 58,
  others: 43,
  strangers: 45,
};

function writeKey(into: Uint8Array, at: number, number: number, letter: number): void {
  for (const [i, character] of [117, 115, 101, 114, letter].entries()) into[at + i] = character;
  for (let i = KEY_BYTES - 1, rest = number; i >= 5; i--, rest = Math.floor(rest / 10)) into[at + i] = 48 + (rest % 10);
}

/** Whole numbers below a bound, the same in each run. */
function createChance(): (below: number) => number {
  let state = 0x9e3779b9;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function shuffled(length: number, chance: (below: number) => number): Int32Array {
  const order = Int32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const other = chance(i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
