import type { Ban } from "../abuse/bans.ts";
import { createVerdict } from "../algorithms/algorithm.ts";
import { algorithmOf } from "../algorithms/registry.ts";
import { type CallBatch, Outcome, type ResultColumns } from "../call-batch.ts";
import { ByteReader } from "../entry/byte-reader.ts";
import { CallsLayout } from "../entry/calls-layout.ts";
import { EntryError } from "../entry/entry-error.ts";
import { HEADER_BYTES, NONCE_BYTES, OPERATION_HEADER_BYTES, Tag } from "../entry/format.ts";
import {
  operationEnd,
  readAdminister,
  readBounds,
  readHeader,
  readRegister,
  readSession,
} from "../entry/read-entry.ts";
import { createUtf8Cache, decodeUtf8 } from "../entry/utf8.ts";
import { HoldKind } from "../holds/hold-block.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import type {
  Applied,
  Bounds,
  Limiter,
  LimiterStats,
  OperationResult,
  SessionId,
  SnapshotCut,
  StateHash,
} from "../limiter.ts";
import type { AdminRequest } from "../policies/admin-change.ts";
import { carrySomeHeld, HELD_STEPS_PER_ENTRY } from "../policies/carry-held.ts";
import { type Explanation, explain } from "../policies/explain.ts";
import { GovernedCalls } from "../policies/governed-calls.ts";
import { GovernedQuestions } from "../policies/governed-questions.ts";
import type { PolicyReader } from "../policies/policy-book.ts";
import { GrowingResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { beginCut } from "../snapshot/cut.ts";
import { applyAdministration } from "./administer-operation.ts";
import { CallExecutor, ceilMs, writeVerdict } from "./call-executor.ts";
import { applyCalls } from "./calls-operation.ts";
import { requestNameOf } from "./request-name.ts";
import type { MachineState } from "./state.ts";
import { VerbExecutor } from "./verb-executor.ts";

/** Slots that the sweep looks at for each item of an entry, and for an entry without any (an idle leader's stamp). */
const SWEEP_SLOTS_PER_ITEM = 2;
const SWEEP_SLOTS_IDLE = 4096;
/** Keys below which nobody waits for memory. */
const WORTH_LOOKING_AHEAD = 16_384;

/** The replicated state machine over {@link MachineState}. */
export class Machine implements Limiter {
  readonly #state: MachineState;
  readonly #executor: CallExecutor;
  readonly #governed: GovernedCalls;
  readonly #questions: GovernedQuestions;
  /** One per calls operation of an entry, reused. */
  readonly #layouts: CallsLayout[] = [];
  /** The administrative changes of an entry, in order. */
  #requests: AdminRequest[] = [];
  readonly #verdict = createVerdict();
  readonly #peeked = new GrowingResultColumns(1);
  #ahead = new Uint32Array(64);
  readonly #rule = new QuotaRule();
  #preparedSeeds = -1;
  #preparedNamespace = "";
  #preparedPolicy = "";
  readonly #namespaceBytes = createUtf8Cache();
  readonly #policyBytes = createUtf8Cache();

  constructor(state: MachineState) {
    this.#state = state;
    state.policies.open();
    this.#governed = new GovernedCalls(state);
    this.#questions = new GovernedQuestions(state, this.#governed.carryOver);
    this.#executor = new CallExecutor(state, new VerbExecutor(state), this.#governed);
  }

  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get stampUs(): number {
    return this.#state.stampUs;
  }

  get bounds(): Bounds {
    return this.#state.bounds;
  }

  get policies(): PolicyReader {
    return this.#state.policies;
  }

  countBans(stampUs: number): number {
    return this.#state.bans.countAt(Math.max(stampUs, this.#state.stampUs));
  }

  bans(namespace: string, stampUs: number, most: number): { readonly bans: readonly Ban[]; readonly total: number } {
    return this.#state.bans.list(namespace, Math.max(stampUs, this.#state.stampUs), most);
  }

  get stats(): LimiterStats {
    const { keys, sessions, requestIds, holds, keysFull, bans, bounds } = this.#state;
    return {
      keys: keys.count,
      maxKeys: bounds.maxKeys,
      maxHolds: bounds.maxHolds,
      sessions: sessions.count,
      requestIds: requestIds.count,
      keysFull,
      reservations: holds.openOf(HoldKind.reservation),
      slots: holds.openOf(HoldKind.slot),
      leases: holds.openOf(HoldKind.lease),
      reservationsEnded: holds.endedOf(HoldKind.reservation),
      slotsEnded: holds.endedOf(HoldKind.slot),
      leasesEnded: holds.endedOf(HoldKind.lease),
      holdsFull: holds.refused,
      bansBegun: bans.begun,
      denialsUncounted: bans.uncounted,
    };
  }

  apply(index: number, entry: Uint8Array): Applied {
    const state = this.#state;
    if (!(Number.isSafeInteger(index) && index > state.appliedIndex)) {
      throw new RangeError(`index is ${index}; it must be an integer above appliedIndex, ${state.appliedIndex}`);
    }
    const { takeover, stampUs: proposedUs } = readHeader(entry);
    this.#check(entry);
    const stampUs = Math.max(state.stampUs, proposedUs);
    state.results.items = 0;
    state.resets = [];
    state.hash.number(index);
    state.hash.number(stampUs);
    if (takeover) {
      state.hash.word(1);
      state.sessions.takeover(state.stampUs, stampUs, state.bounds.sessionTtlUs);
      state.requestIds.takeover(state.stampUs, stampUs);
      state.holds.takeover(state.stampUs, stampUs);
      state.policies.takeover(state.stampUs, stampUs);
    }
    state.keys.sweep.beginEntry();
    state.holds.sweep(stampUs);
    state.heldBacklog.stepsLeft = HELD_STEPS_PER_ENTRY;
    carrySomeHeld(state, this.#governed.carryOver, stampUs);
    const operations: OperationResult[] = [];
    let layouts = 0;
    for (let at = HEADER_BYTES; at < entry.length; ) {
      const end = operationEnd(entry, at);
      operations.push(
        entry[at] === Tag.calls
          ? applyCalls(state, this.#executor, this.#layouts[layouts++]!, index, stampUs, state.results.items)
          : this.#operation(entry, at, end, index, operations.length, stampUs),
      );
      at = end;
    }
    this.#sweep(stampUs, operations.length);
    state.appliedIndex = index;
    state.stampUs = stampUs;
    this.#close();
    return { index, stampUs, operations, results: state.results, resets: state.resets };
  }

  /** Checks every operation before any is executed, so that an entry is applied as a whole or not at all. */
  #check(entry: Uint8Array): void {
    let layouts = 0;
    this.#requests = [];
    for (let at = HEADER_BYTES; at < entry.length; ) {
      const end = operationEnd(entry, at);
      const reader = new ByteReader(entry, at + OPERATION_HEADER_BYTES, end);
      switch (entry[at]) {
        case Tag.calls:
          if (layouts === this.#layouts.length) this.#layouts.push(new CallsLayout());
          this.#layouts[layouts++]!.read(reader);
          break;
        case Tag.register:
          readRegister(reader);
          break;
        case Tag.renew:
          readSession(reader);
          reader.u64("ackedThrough");
          reader.finish("renew");
          break;
        case Tag.goodbye:
          readSession(reader);
          reader.finish("goodbye");
          break;
        case Tag.bounds:
          readBounds(reader);
          break;
        case Tag.administer:
          this.#requests.push(readAdminister(reader));
          break;
        default:
          throw new EntryError(
            `the operation at offset ${at} has tag ${entry[at]}; this version knows 1 to 6: upgrade this node`,
          );
      }
      at = end;
    }
  }

  #operation(
    entry: Uint8Array,
    at: number,
    end: number,
    index: number,
    position: number,
    stampUs: number,
  ): OperationResult {
    const { sessions, hash, bounds } = this.#state;
    const reader = new ByteReader(entry, at + OPERATION_HEADER_BYTES, end);
    hash.word(entry[at]!);
    if (entry[at] === Tag.bounds) {
      this.#state.bounds = readBounds(reader);
      for (let i = at + OPERATION_HEADER_BYTES; i < end; i++) hash.word(entry[i]!);
      return { kind: "bounds" };
    }
    if (entry[at] === Tag.administer) {
      const from = at + OPERATION_HEADER_BYTES;
      const { carryOver } = this.#governed;
      const request = this.#requests.shift()!;
      const applied = applyAdministration(this.#state, carryOver, request, entry, from, end, index, stampUs);
      if (applied.result.changed > 0 && this.#state.keys.census.hasFrozen) {
        this.#state.heldBacklog.open();
        carrySomeHeld(this.#state, carryOver, stampUs);
      }
      return applied;
    }
    if (entry[at] === Tag.register) {
      const registration = readRegister(reader);
      for (let i = 0; i < NONCE_BYTES; i++) hash.word(entry[registration.nonceStart + i]!);
      const session = sessions.register(entry, registration, index, position, stampUs, bounds, hash.low);
      if (typeof session === "string") return { kind: "refused", reason: session };
      hash.number(session.index);
      hash.word(session.position);
      return { kind: "registered", session };
    }
    const { session, nonceStart } = readSession(reader);
    const block = sessions.find(session.index, session.position, entry, nonceStart, stampUs);
    const known = block !== 0;
    hash.number(session.index);
    hash.word(known ? 1 : 0);
    if (entry[at] === Tag.renew) {
      if (known) sessions.heardOf(block, reader.u64("ackedThrough"), stampUs, bounds.sessionTtlUs);
      return { kind: "renewed", known };
    }
    if (known) sessions.close(block, stampUs, bounds);
    return { kind: "closed", known };
  }

  #sweep(stampUs: number, operations: number): void {
    const { keys, sessions, requestIds, results, bounds } = this.#state;
    const slots = operations === 0 ? SWEEP_SLOTS_IDLE : 16 + SWEEP_SLOTS_PER_ITEM * results.items;
    keys.sweep.run(slots, stampUs, Number.POSITIVE_INFINITY);
    sessions.sweep(stampUs, bounds);
    requestIds.sweep(stampUs);
    this.#state.bans.sweep(stampUs);
  }

  /** What the entry leaves behind goes into the hash as well: occupancy depends on sweeps, results alone do not show it. */
  #close(): void {
    const { keys, sessions, requestIds, holds, results, hash, heap } = this.#state;
    for (let i = 0; i < results.items; i++) if (results.outcomes[i] === Outcome.keysFull) this.#state.keysFull++;
    hash.word(keys.count);
    hash.word(sessions.count);
    hash.word(requestIds.count);
    hash.word(holds.count);
    hash.word(this.#state.bans.count);
    hash.word(heap.pages);
  }

  lookAhead(namespace: string, batch: CallBatch): void {
    const { keys } = this.#state;
    const { calls, rules, ruleIndexes, keyBytes, keyStarts, keyLengths } = batch;
    // What fits into the processor's caches is there already.
    if (keys.count < WORTH_LOOKING_AHEAD) return;
    if (this.#ahead.length < calls) this.#ahead = new Uint32Array(calls * 2);
    let count = 0;
    for (let call = 0; call < calls; call++) {
      const rule = rules[ruleIndexes === null ? 0 : (ruleIndexes[call] ?? 0)];
      if (rule === undefined || algorithmOf(rule.algorithm) === undefined) continue;
      // Their counters are elsewhere, or nothing is taken of them.
      if (rule.algorithm === Algorithm.concurrency || this.#questions.governs(namespace, rule)) continue;
      const quota = this.#prepare(namespace, rule);
      this.#ahead[count++] = keys.hashOf(quota, keyBytes, keyStarts[call]!, keyLengths[call]!);
    }
    keys.prefetch(this.#ahead, count);
  }

  denies(namespace: string, batch: CallBatch, item: number, stampUs: number, into: ResultColumns, at: number): boolean {
    const rule = batch.rules[batch.ruleIndexes === null ? 0 : (batch.ruleIndexes[item] ?? 0)];
    if (rule === undefined || algorithmOf(rule.algorithm) === undefined) return false;
    if (this.#questions.governs(namespace, rule))
      return this.#deniesGoverned(namespace, rule, batch, item, stampUs, into, at);
    // Slots are taken by reservations alone: a take under `concurrency` is refused, which is no denial.
    if (rule.algorithm === Algorithm.concurrency) return false;
    const cost = batch.costs === null ? 1 : batch.costs[item]!;
    const start = batch.keyStarts[item]!;
    const length = batch.keyLengths[item]!;
    const block = this.#judge(namespace, rule, batch.keyBytes, start, length, cost, stampUs);
    if (this.#verdict.allowed) return false;
    writeVerdict(this.#verdict, cost, this.#rule, this.#peeked, 0);
    this.#copyPeeked(into, at);
    // What is held may come back at any moment.
    if (this.#state.keys.isHeld(block)) into.firmForMs[at] = 0;
    return true;
  }

  #deniesGoverned(
    namespace: string,
    rule: Rule,
    batch: CallBatch,
    item: number,
    stampUs: number,
    into: ResultColumns,
    at: number,
  ): boolean {
    const key = { bytes: batch.keyBytes, start: batch.keyStarts[item]!, length: batch.keyLengths[item]! };
    const cost = batch.costs === null ? 1 : batch.costs[item]!;
    const stamp = Math.max(stampUs, this.#state.stampUs);
    if (!this.#questions.denies(namespace, rule, key, cost, stamp, this.#peeked, 0)) return false;
    this.#copyPeeked(into, at);
    return true;
  }

  #copyPeeked(into: ResultColumns, at: number): void {
    const results = this.#peeked;
    into.outcomes[at] = results.outcomes[0]!;
    into.remaining[at] = results.remaining[0]!;
    into.resetAfterMs[at] = results.resetAfterMs[0]!;
    into.retryAfterMs[at] = results.retryAfterMs[0]!;
    into.firmForMs[at] = results.firmForMs[0]!;
    into.handles[at] = 0;
    into.limits[at] = results.limits[0]!;
    into.shadows[at] = 0;
  }

  peek(namespace: string, rule: Rule, key: Uint8Array, cost: number, stampUs: number): ResultColumns {
    this.#peeked.items = 1;
    if (this.#questions.governs(namespace, rule) || rule.algorithm === Algorithm.concurrency) {
      const at = { bytes: key, start: 0, length: key.length };
      const stamp = Math.max(stampUs, this.#state.stampUs);
      this.#questions.peek(namespace, rule, at, cost, stamp, this.#peeked, 0);
      return this.#peeked;
    }
    const block = this.#judge(namespace, rule, key, 0, key.length, cost, stampUs);
    writeVerdict(this.#verdict, cost, this.#rule, this.#peeked, 0);
    if (this.#state.keys.isHeld(block)) this.#peeked.firmForMs[0] = 0;
    // Nothing was taken, so what is left is told as it stands: not as it would be afterwards.
    this.#peeked.remaining[0] = this.#verdict.available;
    this.#peeked.resetAfterMs[0] = ceilMs(this.#verdict.resetNowUs);
    return this.#peeked;
  }

  /** Fills the verdict; returns the block of the key. */
  #judge(
    namespace: string,
    rule: Rule,
    bytes: Uint8Array,
    start: number,
    length: number,
    cost: number,
    stampUs: number,
  ): number {
    const { keys } = this.#state;
    const quota = this.#prepare(namespace, rule);
    const block = keys.find(quota, keys.hashOf(quota, bytes, start, length), bytes, start, length);
    keys.judge(quota, block, cost, 0, Math.max(stampUs, this.#state.stampUs), this.#verdict);
    return block;
  }

  /** The rule made ready; a batch asks for the same one item after item, so the last one is kept. */
  #prepare(namespace: string, rule: Rule): QuotaRule {
    const { keys } = this.#state;
    const quota = this.#rule;
    const { algorithm, limit, windowUs, burst, policy } = rule;
    if (
      this.#preparedSeeds !== keys.seeds ||
      this.#preparedNamespace !== namespace ||
      this.#preparedPolicy !== policy ||
      quota.algorithm !== algorithm ||
      quota.limit !== limit ||
      quota.windowUs !== windowUs ||
      quota.burst !== burst
    ) {
      const name = this.#policyBytes(policy);
      quota.set(this.#namespaceBytes(namespace), algorithm, limit, windowUs, burst, name, 0, name.length);
      keys.prepare(quota);
      this.#preparedSeeds = keys.seeds;
      this.#preparedNamespace = namespace;
      this.#preparedPolicy = policy;
    }
    return quota;
  }

  explain(namespace: string, rule: Rule, key: Uint8Array, stampUs: number): Explanation {
    return explain(this.#state, this.#questions, namespace, rule, key, Math.max(stampUs, this.#state.stampUs));
  }

  countSessions(namespace: string): number {
    return this.#state.sessions.countOf(namespace);
  }

  knowsSession(session: SessionId, nonce: Uint8Array): boolean {
    if (nonce.length !== NONCE_BYTES) return false;
    return this.#state.sessions.find(session.index, session.position, nonce, 0, this.#state.stampUs) !== 0;
  }

  sessionNamespace(session: SessionId, nonce: Uint8Array): string | null {
    if (nonce.length !== NONCE_BYTES) return null;
    const { sessions, stampUs } = this.#state;
    const block = sessions.find(session.index, session.position, nonce, 0, stampUs);
    if (block === 0) return null;
    const namespace = sessions.namespaceOf(block);
    return decodeUtf8(namespace, 0, namespace.length);
  }

  knowsCall(session: SessionId, nonce: Uint8Array, number: number): boolean {
    if (nonce.length !== NONCE_BYTES) return false;
    const { sessions, stampUs } = this.#state;
    const block = sessions.find(session.index, session.position, nonce, 0, stampUs);
    return block !== 0 && (number <= sessions.ackedThrough(block) || sessions.calls.find(block, number) !== 0);
  }

  knowsRequestId(namespace: string, identity: string, requestId: string): boolean {
    const name = requestNameOf(namespace, identity, requestId);
    return this.#state.requestIds.find(name, name.length, this.#state.stampUs) !== 0;
  }

  nextDueUs(): number | null {
    const { keys, sessions, requestIds, holds, bounds } = this.#state;
    const due = [keys.nextDueUs(), sessions.nextDueUs(bounds.sessionTtlUs), requestIds.nextDueUs(), holds.nextDueUs()];
    due.push(this.#state.bans.nextDueUs(), this.#state.heldBacklog.isOpen ? this.#state.stampUs : null);
    return due.reduce((least, each) => (least === null || (each !== null && each < least) ? each : least), null);
  }

  stateHash(): StateHash {
    return { index: this.#state.appliedIndex, hash: this.#state.hash.toHex() };
  }

  beginSnapshot(): SnapshotCut {
    return beginCut(this.#state);
  }
}
