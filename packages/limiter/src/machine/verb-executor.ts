import { createVerdict } from "../algorithms/algorithm.ts";
import { Outcome } from "../call-batch.ts";
import type { RollingHash } from "../hash/rolling-hash.ts";
import type { Holds } from "../holds/holds.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { Verb } from "../verb.ts";
import type { VerbCall } from "./verb-call.ts";

/** Executes the calls that are no takes; what they come to goes into the hash by whoever calls it. */
export class VerbExecutor {
  readonly #keys: KeyTable;
  readonly #holds: Holds;
  readonly #hash: RollingHash;
  readonly #verdict = createVerdict();

  constructor(keys: KeyTable, holds: Holds, hash: RollingHash) {
    this.#keys = keys;
    this.#holds = holds;
    this.#hash = hash;
  }

  /** Writes the result at `at`, every column of it. */
  execute(call: VerbCall, results: GrowingResultColumns, at: number): void {
    switch (call.verb) {
      case Verb.reset:
        this.#reset(call, results, at);
        return;
      case Verb.reserve:
        this.#holds.reserve(call, results, at);
        return;
      case Verb.commit:
        this.#holds.commit(call, results, at);
        return;
      case Verb.cancel:
        this.#holds.cancel(call, results, at);
        return;
      case Verb.grant:
        this.#holds.grant(call, results, at);
        return;
      case Verb.giveBack:
        this.#holds.giveBack(call, results, at);
        return;
      default:
        throw new RangeError(`verb ${call.verb} was let through the check of its entry`);
    }
  }

  /** The counter is as if never used, whether or not there was one. */
  #reset(call: VerbCall, results: GrowingResultColumns, at: number): void {
    const keys = this.#keys;
    const { rule, stampUs } = call;
    const block = keys.find(rule, call.hash, call.bytes, call.keyStart, call.keyLength);
    this.#hash.word(call.hash ^ (block === 0 ? 0 : 1));
    if (block !== 0) keys.remove(block);
    keys.judge(rule, 0, 1, 0, stampUs, this.#verdict);
    results.set(at, Outcome.allowed, this.#verdict.available, 0, 0, 0, rule.limit);
  }
}
