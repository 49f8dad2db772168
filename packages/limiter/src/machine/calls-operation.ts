import { isDecided, Outcome } from "../call-batch.ts";
import type { CallsLayout } from "../entry/calls-layout.ts";
import { OriginTag } from "../entry/format.ts";
import type { CallRun, OperationResult } from "../limiter.ts";
import type { CallExecutor } from "./call-executor.ts";
import { requestName } from "./request-name.ts";
import type { MachineState } from "./state.ts";

/** Executes one calls operation at most once per call; results go to the state's columns from `from` on. */
export function applyCalls(
  state: MachineState,
  executor: CallExecutor,
  layout: CallsLayout,
  index: number,
  stampUs: number,
  from: number,
): OperationResult {
  const to = from + layout.items;
  state.results.reserve(to);
  state.results.items = to;
  let runs: readonly CallRun[] | null = null;
  if (layout.origin === OriginTag.session) runs = sessionCalls(state, executor, layout, index, stampUs, from);
  else if (layout.origin === OriginTag.request) runs = requestCall(state, executor, layout, index, stampUs, from);
  else anonymousCalls(state, executor, layout, stampUs, from);
  return { kind: "calls", from, to, stampUs, index, runs };
}

function anonymousCalls(
  state: MachineState,
  executor: CallExecutor,
  layout: CallsLayout,
  stampUs: number,
  from: number,
): void {
  executor.begin(layout, namespaceOf(layout), stampUs, state.bounds.maxKeys, 0);
  let item = 0;
  for (let call = 0; call < layout.calls; call++) {
    const size = layout.sizeOf(call);
    executor.execute(call, item, size, from + item);
    item += size;
  }
}

function sessionCalls(
  state: MachineState,
  executor: CallExecutor,
  layout: CallsLayout,
  index: number,
  stampUs: number,
  from: number,
): readonly CallRun[] | null {
  const { sessions, bounds } = state;
  const session = sessions.find(layout.sessionIndex, layout.sessionPosition, layout.bytes, layout.nonceStart, stampUs);
  if (session === 0) {
    executor.fill(from, from + layout.items, Outcome.sessionExpired);
    return null;
  }
  sessions.heardOf(session, layout.ackedThrough, stampUs, bounds.sessionTtlUs);
  executor.begin(layout, sessions.namespaceOf(session), stampUs, bounds.maxKeys, session);
  const acked = sessions.ackedThrough(session);
  const runs = new Runs(index, stampUs, from);
  let item = 0;
  for (let call = 0; call < layout.calls; call++) {
    const number = layout.firstNumber + call;
    const size = layout.sizeOf(call);
    const at = from + item;
    const stored = number <= acked ? 0 : sessions.calls.find(session, number);
    if (stored !== 0 && sessions.calls.items(stored) === size) {
      sessions.calls.read(stored, state.results, at);
      runs.add(call, at, sessions.calls.entryIndex(stored), sessions.calls.stampUs(stored));
      state.hash.number(number);
    } else {
      runs.add(call, at, index, stampUs);
      // A number that comes back with another shape never was this call: like one that is settled, it does not run.
      const refusal =
        number <= acked || stored !== 0
          ? Outcome.stale
          : sessions.results(session) >= bounds.maxResultsPerSession
            ? Outcome.resultsFull
            : null;
      if (refusal === null) {
        executor.execute(call, item, size, at);
        sessions.calls.store(session, number, state.results, at, size, stampUs, index);
      } else {
        executor.fill(at, at + size, refusal);
      }
    }
    item += size;
  }
  return runs.finish(layout.calls, from + layout.items);
}

function requestCall(
  state: MachineState,
  executor: CallExecutor,
  layout: CallsLayout,
  index: number,
  stampUs: number,
  from: number,
): readonly CallRun[] | null {
  const { requestIds, bounds, hash } = state;
  executor.begin(layout, namespaceOf(layout), stampUs, bounds.maxKeys, 0);
  const name = requestName(layout);
  const fingerprint = executor.fingerprint();
  const stored = requestIds.find(name, name.length, stampUs);
  const to = from + layout.items;
  if (stored !== 0) {
    if (!requestIds.isSameCall(stored, fingerprint, layout.items)) {
      executor.fill(from, to, Outcome.requestIdReused);
      return null;
    }
    requestIds.read(stored, state.results, from);
    hash.word(fingerprint.high);
    const decidedBy = { index: requestIds.entryIndex(stored), stampUs: requestIds.stampUs(stored) };
    return [{ fromCall: 0, toCall: 1, from, to, ...decidedBy }];
  }
  if (!requestIds.hasRoom(stampUs, bounds, hash.low)) {
    executor.fill(from, to, Outcome.requestIdsFull);
    return null;
  }
  executor.execute(0, 0, layout.items, from);
  // What was not decided, say in a full key table, changed nothing: the caller may come back under the same id.
  if (!isDecided(state.results.outcomes[from]!)) return null;
  const ttlUs = bounds.requestIdTtlUs;
  requestIds.store(name, name.length, fingerprint, state.results, from, layout.items, stampUs, index, ttlUs);
  return null;
}

function namespaceOf(layout: CallsLayout): Uint8Array {
  return layout.bytes.subarray(layout.namespaceStart, layout.namespaceStart + layout.namespaceLength);
}

/** Collects which entry decided which calls; costs nothing while all were decided by this one. */
class Runs {
  readonly #index: number;
  #runs: { fromCall: number; from: number; index: number; stampUs: number }[] | null = null;
  readonly #stampUs: number;
  readonly #from: number;

  constructor(index: number, stampUs: number, from: number) {
    this.#index = index;
    this.#stampUs = stampUs;
    this.#from = from;
  }

  add(call: number, from: number, index: number, stampUs: number): void {
    if (this.#runs === null) {
      if (index === this.#index) return;
      this.#runs = call === 0 ? [] : [{ fromCall: 0, from: this.#from, index: this.#index, stampUs: this.#stampUs }];
    }
    if (this.#runs.at(-1)?.index !== index) this.#runs.push({ fromCall: call, from, index, stampUs });
  }

  finish(calls: number, to: number): readonly CallRun[] | null {
    const runs = this.#runs;
    if (runs === null) return null;
    return runs.map((run, i) => ({ ...run, toCall: runs[i + 1]?.fromCall ?? calls, to: runs[i + 1]?.from ?? to }));
  }
}
