import { overused } from "./token-refusal.ts";

/** How many keys the holder of tokens may open. */
export interface OpenedKeysOptions {
  /** Different keys that one account may ask for in a minute. */
  readonly keysPerMinute: number;
  /** Milliseconds that never step. */
  readonly monotonicMs: () => number;
  /** Keys that are remembered, of all accounts; the account whose minute began first goes first. Default 65,536: some 10 MiB, at most 40. */
  readonly maxKeys?: number;
}

interface Minute {
  readonly startMs: number;
  readonly keys: Set<string>;
}

const minuteMs = 60_000;

/**
 * Bounds how many counts one holder of tokens opens in the cluster, before anything of it is proposed: of each account it remembers
 * the keys of the minute under way, which begins with the first of them. An account without a record has asked for none, so that the
 * record of a minute that is over can be forgotten.
 */
export class OpenedKeys {
  readonly #options: OpenedKeysOptions;
  readonly #maxKeys: number;
  /** In the order in which their minutes began. */
  readonly #minutes = new Map<string, Minute>();
  #size = 0;

  constructor(options: OpenedKeysOptions) {
    this.#options = options;
    this.#maxKeys = options.maxKeys ?? 65_536;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#size;
  }

  /** How many accounts are. */
  get accounts(): number {
    return this.#minutes.size;
  }

  /** Counts the keys of a request that the account has not asked for in this minute. @throws {CallError} TOKEN_OVERUSED, and none is counted. */
  open(account: string, keys: readonly string[]): void {
    if (keys.length === 0) return;
    const { keysPerMinute, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    const minute = this.#minuteOf(account, nowMs);
    const opened = new Set(keys.filter((key) => !minute.keys.has(key)));
    if (minute.keys.size + opened.size > keysPerMinute) {
      const waitMs = Math.ceil(minute.startMs + minuteMs - nowMs);
      const bound = `${keysPerMinute} a minute (--visitor-keys-per-minute)`;
      throw overused(`the token's holder asks for more keys on this node than ${bound}: wait ${waitMs} ms`, waitMs);
    }
    // Not before: records without keys would be bounded by nothing.
    this.#minutes.set(account, minute);
    for (const key of opened) minute.keys.add(key);
    this.#size += opened.size;
    this.#makeRoom(account);
  }

  #minuteOf(account: string, nowMs: number): Minute {
    const known = this.#minutes.get(account);
    if (known !== undefined && nowMs < known.startMs + minuteMs) return known;
    this.#forget(account);
    return { startMs: nowMs, keys: new Set() };
  }

  #makeRoom(account: string): void {
    for (const oldest of this.#minutes.keys()) {
      if (this.#size <= this.#maxKeys) return;
      // Whoever asks keeps its own, however little room there is.
      if (oldest !== account) this.#forget(oldest);
    }
  }

  #forget(account: string): void {
    this.#size -= this.#minutes.get(account)?.keys.size ?? 0;
    this.#minutes.delete(account);
  }
}
