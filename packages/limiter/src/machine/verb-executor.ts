import { createVerdict } from "../algorithms/algorithm.ts";
import { algorithmOf } from "../algorithms/registry.ts";
import { NEVER, Outcome } from "../call-batch.ts";
import type { CallsLayout } from "../entry/calls-layout.ts";
import { HoldKind } from "../holds/hold-block.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { Algorithm } from "../rule.ts";
import { defaultTtlUs, Verb } from "../verb.ts";
import { ceilMs, writeVerdict } from "./call-executor.ts";
import type { MachineState } from "./state.ts";
import type { VerbCall } from "./verb-call.ts";

/** A client counts a lease in milliseconds: a shorter one could not be spent. */
const SHORTEST_LEASE_US = 1_000;
/** The longest lease reaches into a hundred of the shortest windows that have leases; behind them is room. */
const MOST_WINDOWS = 104;

/** Executes the calls that are no takes; what they come to goes into the hash by whoever calls it. */
export class VerbExecutor {
  readonly #state: MachineState;
  readonly #verdict = createVerdict();

  constructor(state: MachineState) {
    this.#state = state;
  }

  /** Writes the result at `at`, every column of it. */
  execute(call: VerbCall, results: GrowingResultColumns, at: number): void {
    switch (call.verb) {
      case Verb.reset:
        this.#reset(call, results, at);
        return;
      case Verb.reserve:
        this.#reserve(call, results, at);
        return;
      case Verb.commit:
        this.#settle(call, call.cost, results, at);
        return;
      case Verb.cancel:
        this.#settle(call, 0, results, at);
        return;
      case Verb.grant:
        this.#grant(call, results, at);
        return;
      case Verb.giveBack:
        this.#giveBack(call, results, at);
        return;
      default:
        throw new RangeError(`verb ${call.verb} was let through the check of its entry`);
    }
  }

  /** Whether {@link prepareKey} must precede what a key is asked for. */
  get lagging(): boolean {
    return this.#state.holds.lagging;
  }

  /** Brings close what the calls of a frame are going to read of holds. */
  prefetch(layout: CallsLayout): void {
    this.#state.holds.prefetch(layout.items, (item) => layout.handleOf(item));
  }

  /** Ends what is over on a key, when more was over than an entry's sweep looks at. */
  prepareKey(block: number, stampUs: number): void {
    this.#state.holds.sweepKey(block, stampUs);
  }

  /** The counter is as if never used but for what is held, whether or not there was one (SEMANTICS L3). */
  #reset(call: VerbCall, results: GrowingResultColumns, at: number): void {
    const { keys, holds, hash } = this.#state;
    let block = this.#find(call);
    hash.word(call.hash ^ (block === 0 ? 0 : 1));
    if (keys.isHeld(block)) {
      block = holds.reset(block, call.rule, call.stampUs);
      hash.word(keys.fingerprint(block));
    } else if (block !== 0) {
      keys.remove(block);
      block = 0;
    }
    this.#writeDone(call, block, results, at);
  }

  /** Withholds. A slot of `concurrency` is taken in the same way. */
  #reserve(call: VerbCall, results: GrowingResultColumns, at: number): void {
    const { rule, stampUs, ttlUs } = call;
    const kind = rule.algorithm === Algorithm.concurrency ? HoldKind.slot : HoldKind.reservation;
    this.#open(call, kind, stampUs + (ttlUs === 0 ? defaultTtlUs(rule) : ttlUs), results, at);
  }

  /** Leases, for as long as is asked and the rule allows; too short a rest of a window is not worth a lease. */
  #grant(call: VerbCall, results: GrowingResultColumns, at: number): void {
    const { rule, stampUs } = call;
    if (rule.algorithm === Algorithm.concurrency) {
      results.set(at, Outcome.needsReservation, 0, 0, 0, 0, 0);
      return;
    }
    const lastUs = algorithmOf(rule.algorithm)!.leaseEndUs(rule, stampUs);
    const endUs = call.ttlUs === 0 ? lastUs : Math.min(lastUs, stampUs + call.ttlUs);
    if (endUs - stampUs < SHORTEST_LEASE_US) {
      const block = this.#find(call);
      this.#judge(call, block, 1);
      const { available, resetNowUs } = this.#verdict;
      results.set(at, Outcome.limited, available, ceilMs(resetNowUs), this.#leaseAfterMs(call, block), 0, rule.limit);
      return;
    }
    this.#open(call, HoldKind.lease, endUs, results, at);
  }

  /**
   * Milliseconds until the same lease would be granted: until there is room, and as much of the window left as a lease
   * needs. When it is too late in one window it may be too early in the next, so that is asked again: twice, or for as many
   * windows as leases of longer ones reach into.
   */
  #leaseAfterMs({ rule, cost, stampUs }: VerbCall, block: number): number {
    if (Math.floor(rule.windowUs / 10) < SHORTEST_LEASE_US) return NEVER;
    const { leaseEndUs } = algorithmOf(rule.algorithm)!;
    let waitMs = 0;
    for (let window = 0; window < MOST_WINDOWS; window++) {
      const judgedUs = stampUs + waitMs * 1000;
      this.#state.keys.judge(rule, block, cost, 0, judgedUs, this.#verdict);
      if (this.#verdict.never) return NEVER;
      waitMs += ceilMs(this.#verdict.retryAfterUs);
      const startUs = stampUs + waitMs * 1000;
      const lastUs = leaseEndUs(rule, startUs);
      if (lastUs - startUs >= SHORTEST_LEASE_US) return waitMs;
      waitMs = ceilMs(lastUs + 1 - stampUs);
    }
    return waitMs;
  }

  #open(call: VerbCall, kind: HoldKind, expiryUs: number, results: GrowingResultColumns, at: number): void {
    const { keys, holds, hash, bounds } = this.#state;
    const { rule, cost, session, stampUs } = call;
    let block = this.#find(call);
    this.#judge(call, block, cost);
    if (!this.#verdict.allowed) {
      writeVerdict(this.#verdict, cost, rule, results, at);
      if (kind === HoldKind.lease) results.retryAfterMs[at] = this.#leaseAfterMs(call, block);
      if (rule.algorithm === Algorithm.concurrency || keys.isHeld(block)) results.firmForMs[at] = 0;
      return;
    }
    if (!holds.hasRoom(session, stampUs, bounds)) {
      results.set(at, Outcome.holdsFull, 0, 0, 0, 0, 0);
      return;
    }
    // Making room for the hold may have freed the block of a key that has expired.
    block = this.#find(call);
    if (block === 0) {
      if (!keys.makeRoom(1, call.maxKeys, stampUs)) {
        results.set(at, Outcome.keysFull, 0, 0, 0, 0, 0);
        return;
      }
      block = keys.create(rule, call.hash, call.bytes, call.keyStart, call.keyLength);
    }
    const number = holds.open(kind, rule, block, cost, session, stampUs, expiryUs);
    block = this.#find(call);
    hash.word(keys.fingerprint(block));
    this.#writeDone(call, block, results, at);
    results.firmForMs[at] = Math.floor((expiryUs - stampUs) / 1000);
    results.handles[at] = number;
  }

  /** Commit and cancel: a reservation or slot came to `actual`. */
  #settle(call: VerbCall, actual: number, results: GrowingResultColumns, at: number): void {
    const hold = this.#findHold(call);
    if (hold === 0 || this.#state.holds.kindOf(hold) === HoldKind.lease) this.#writeNotHeld(results, at);
    else this.#end(call, hold, actual, results, at);
  }

  /** A lease ends early: what its client has spent was spent by now. */
  #giveBack(call: VerbCall, results: GrowingResultColumns, at: number): void {
    const { holds } = this.#state;
    const hold = this.#findHold(call);
    if (hold === 0 || holds.kindOf(hold) !== HoldKind.lease) this.#writeNotHeld(results, at);
    else this.#end(call, hold, Math.max(0, holds.costOf(hold) - call.cost), results, at);
  }

  #end(call: VerbCall, hold: number, actual: number, results: GrowingResultColumns, at: number): void {
    const { keys, holds, hash } = this.#state;
    const block = holds.settle(hold, call.rule, actual, call.stampUs);
    hash.word(keys.fingerprint(block));
    this.#writeDone(call, block, results, at);
  }

  #find(call: VerbCall): number {
    return this.#state.keys.find(call.rule, call.hash, call.bytes, call.keyStart, call.keyLength);
  }

  #findHold(call: VerbCall): number {
    const block = this.#find(call);
    return block === 0 ? 0 : this.#state.holds.find(call.handle, block, call.session, call.stampUs);
  }

  #judge(call: VerbCall, block: number, cost: number): void {
    this.#state.keys.judge(call.rule, block, cost, 0, call.stampUs, this.#verdict);
  }

  /** What is left now that it is done. */
  #writeDone(call: VerbCall, block: number, results: GrowingResultColumns, at: number): void {
    this.#judge(call, block, 1);
    const { available, resetNowUs } = this.#verdict;
    results.set(at, Outcome.allowed, available, ceilMs(resetNowUs), 0, 0, call.rule.limit);
  }

  #writeNotHeld(results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.notHeld, 0, 0, 0, 0, 0);
  }
}
