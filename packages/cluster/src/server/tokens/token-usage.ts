import type { CallError } from "../call-error.ts";
import { edgeLimits } from "../edge-limits.ts";
import { overused } from "./token-refusal.ts";

/** How much the holder of tokens may use a node. */
export interface TokenUsageOptions {
  /** Calls that one account may make for as long as it likes. */
  readonly callsPerSecond: number;
  /** Milliseconds that never step. */
  readonly monotonicMs: () => number;
  /** Accounts that are remembered; the one that was used least recently goes first. Default 65,536: some 10 MiB. */
  readonly maxAccounts?: number;
  /** Streams that one account may have open. Default 100. */
  readonly maxStreams?: number;
}

/** A check at its largest has a third of it, so that whoever sends checks pays for checks. */
const bytesPerCall = 4_096;

/** How many calls a request counts as by its size alone: to read and decode it costs as much as so many small ones. */
export function callsOfBytes(bytes: number): number {
  return Math.max(1, Math.ceil(Math.min(bytes, edgeLimits.maxMessageBytes) / bytesPerCall));
}

/** So much of an account's calls may come at once, in milliseconds of its rate. Pages repeat their calls while a leader is elected. */
const burstMs = 5_000;

/**
 * Bounds what one holder of tokens takes of what all share, before anything of it is proposed: a bucket of calls for each account,
 * and a count of its open streams. An account without a record has a whole bucket, so that one that has filled up can be forgotten.
 */
export class TokenUsage {
  readonly #options: TokenUsageOptions;
  readonly #maxAccounts: number;
  readonly #maxStreams: number;
  readonly #callMs: number;
  /** When the bucket of an account is whole again, in the order of their last calls. */
  readonly #wholeAtMs = new Map<string, number>();
  readonly #streams = new Map<string, number>();

  constructor(options: TokenUsageOptions) {
    this.#options = options;
    this.#maxAccounts = options.maxAccounts ?? 65_536;
    this.#maxStreams = options.maxStreams ?? 100;
    this.#callMs = 1_000 / options.callsPerSecond;
  }

  /** How many accounts are remembered. */
  get size(): number {
    return this.#wholeAtMs.size;
  }

  /**
   * Takes calls out of an account's bucket. As long as anything is left, a request may take more than that, and the account owes the
   * rest: else one of many calls could never be made. `paid`: so many of them are taken already, since the request knocked.
   *
   * @throws {CallError} TOKEN_OVERUSED, and nothing is taken.
   */
  spend(account: string, calls: number, paid = 0): void {
    if (calls <= paid) return;
    const nowMs = this.#options.monotonicMs();
    const paidMs = paid * this.#callMs;
    // Not less what was paid: that may have filled up again since.
    const wholeAtMs = Math.max(nowMs, this.#wholeAtMs.get(account) ?? nowMs);
    const owedMs = wholeAtMs - paidMs - nowMs - burstMs;
    if (owedMs >= 0) throw this.#tooManyCalls(owedMs);
    this.#wholeAtMs.delete(account);
    this.#wholeAtMs.set(account, wholeAtMs + (calls - paid) * this.#callMs);
    if (this.#wholeAtMs.size <= this.#maxAccounts) return;
    const [oldest] = this.#wholeAtMs.keys();
    this.#wholeAtMs.delete(oldest!);
  }

  /** Counts a stream until what is returned is called, any number of times. @throws {CallError} TOKEN_OVERUSED */
  open(account: string): () => void {
    const streams = this.#streams.get(account) ?? 0;
    if (streams >= this.#maxStreams) {
      throw overused(`the token's holder has ${streams} streams open on this node, the most there may be: close some`);
    }
    this.#streams.set(account, streams + 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.#close(account);
      isOpen = false;
    };
  }

  #close(account: string): void {
    const left = (this.#streams.get(account) ?? 0) - 1;
    if (left > 0) this.#streams.set(account, left);
    else this.#streams.delete(account);
  }

  #tooManyCalls(owedMs: number): CallError {
    // Until one call can be made.
    const waitMs = Math.ceil(owedMs + this.#callMs);
    const bound = `${this.#options.callsPerSecond} a second (--token-calls-per-second)`;
    return overused(`the token's holder makes more calls on this node than ${bound}: wait ${waitMs} ms`, waitMs);
  }
}
