import type { Quota } from "../algorithms/algorithm.ts";
import { digest, sipHash } from "../hash/sip.ts";
import { Algorithm } from "../rule.ts";

/** Longest namespace and policy name, in bytes. */
export const MAX_NAMESPACE_BYTES = 255;
export const MAX_POLICY_BYTES = 128;
/** Longest identity without its key. */
export const MAX_PREFIX_BYTES = MAX_NAMESPACE_BYTES + MAX_POLICY_BYTES + 32;

/**
 * A rule made ready for look-ups: its numbers, and the bytes that with a key make up the identity of a counter
 * (SEMANTICS K1). Reused from frame to frame, so that decoding a rule allocates nothing.
 */
export class QuotaRule implements Quota {
  algorithm: number = Algorithm.slidingWindowLog;
  limit = 0;
  windowUs = 0.5;
  burst = 0;
  /** Callers bring the rate of a bucket that others share, so the next charge may set any other. */
  isRateOpen = false;
  /** The prefix, four bytes at a time: it is compared for every key that is looked up. */
  readonly prefixWords = new Uint32Array((MAX_PREFIX_BYTES + 3) >> 2);
  readonly prefix = new Uint8Array(this.prefixWords.buffer);
  prefixLength = 0;
  /** The key of the hash for this rule's keys. */
  hash0 = 0;
  hash1 = 0;
  /** The seed that this key was derived from; false: from none yet. */
  #isSeeded = false;
  #seed0 = 0;
  #seed1 = 0;

  /**
   * Sets all fields. `policy` is empty for an inline rule: then a bucket's limit and burst are part of the identity,
   * because a bucket's level means nothing under another capacity.
   */
  set(
    namespace: Uint8Array,
    algorithm: number,
    limit: number,
    windowUs: number,
    burst: number,
    source: Uint8Array,
    policyStart: number,
    policyLength: number,
  ): void {
    this.#isSeeded = false;
    this.algorithm = algorithm;
    this.limit = limit;
    this.windowUs = windowUs;
    this.burst = burst;
    this.isRateOpen = policyLength > 0 && algorithm === Algorithm.tokenBucket;
    const prefix = this.prefix;
    let at = 0;
    prefix[at++] = namespace.length;
    for (let i = 0; i < namespace.length; i++) prefix[at++] = namespace[i]!;
    prefix[at++] = policyLength;
    for (let i = 0; i < policyLength; i++) prefix[at++] = source[policyStart + i]!;
    prefix[at++] = algorithm;
    at = this.#put(at, windowUs % 4294967296);
    at = this.#put(at, Math.floor(windowUs / 4294967296));
    if (policyLength === 0 && algorithm === Algorithm.tokenBucket) {
      at = this.#put(at, limit);
      at = this.#put(at, burst);
    }
    this.prefixLength = at;
  }

  /** The name's counters start anew with each rule that takes over (SEMANTICS K1); follows {@link set}. */
  setEpoch(epoch: number): void {
    this.#isSeeded = false;
    if (epoch > 0) this.prefixLength = this.#put(this.prefixLength, epoch);
  }

  #put(at: number, word: number): number {
    const prefix = this.prefix;
    prefix[at] = word;
    prefix[at + 1] = word >>> 8;
    prefix[at + 2] = word >>> 16;
    prefix[at + 3] = word >>> 24;
    return at + 4;
  }

  /** Derives the key for the hash of keys under this rule from the table's seed. */
  seed(seed0: number, seed1: number): void {
    if (this.#isSeeded && this.#seed0 === seed0 && this.#seed1 === seed1) return;
    this.#isSeeded = true;
    this.#seed0 = seed0;
    this.#seed1 = seed1;
    sipHash(seed0, seed1, this.prefix, 0, this.prefixLength);
    this.hash0 = digest[0]!;
    this.hash1 = digest[1]!;
  }
}
