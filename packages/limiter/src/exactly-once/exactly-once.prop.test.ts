import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import type { CallRun, SessionId } from "../limiter.ts";
import {
  batchOf,
  Harness,
  type Item,
  type ItemResult,
  itemsOf,
  nonceOf,
  START_US,
  windowLog,
} from "../testing/harness.ts";
import { NaiveModel, type NaiveResult } from "../testing/naive-model.ts";
import { Verb } from "../verb.ts";

const ttlUs = 10_000;
const maxResults = 6;
const rule = windowLog(9, 4_000);

interface Remembered {
  readonly results: NaiveResult[];
  readonly index: number;
  readonly stampUs: number;
}

/** One client's session as a dumb model has it: a map from number to answer. */
interface NaiveSession {
  readonly id: SessionId;
  readonly nonce: number;
  expiryUs: number;
  ackedThrough: number;
  readonly results: Map<number, Remembered>;
}

const frame = fc.record({
  kind: fc.constant("frame" as const),
  session: fc.nat(2),
  wrongNonce: fc.nat(9).map((n) => n === 0),
  // Around 16, where the numbers that share a block end.
  firstNumber: fc.integer({ min: 11, max: 24 }),
  acked: fc.nat(9).map((acked) => (acked === 0 ? 0 : acked + 10)),
  sizes: fc.array(fc.constantFrom(1, 1, 1, 2), { minLength: 1, maxLength: 6 }),
});
const step = fc.record({
  stepUs: fc.oneof(fc.nat(1_500), fc.constant(ttlUs), fc.constant(ttlUs + 1)),
  takeover: fc.nat(12).map((n) => n === 0),
  what: fc.oneof(
    { weight: 9, arbitrary: frame },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("goodbye" as const), session: fc.nat(2) }) },
  ),
});

/** The items of call `number`: the same whenever it is sent, as a client's retries are. Every fifth is a reset. */
function itemsOfCall(session: number, number: number, size: number): Item[] {
  return Array.from({ length: size }, (_, i) => ({
    key: `k${(number + i + session) % 3}`,
    rule,
    cost: 1 + (number % 2),
    verb: size === 1 && number % 5 === 0 ? Verb.reset : Verb.take,
  }));
}

const undecided = { remaining: 0, resetAfterMs: 0, retryAfterMs: 0, handle: 0, limit: 0, shadow: 0 };

/** The answers expected for a frame, in order, and which entry decided each call. */
function expected(
  model: NaiveModel,
  session: NaiveSession | undefined,
  which: number,
  step: { firstNumber: number; acked: number; sizes: readonly number[] },
  index: number,
  stampUs: number,
): { results: NaiveResult[]; decidedBy: number[] } {
  const results: NaiveResult[] = [];
  const decidedBy: number[] = [];
  if (session !== undefined) {
    session.expiryUs = stampUs + ttlUs;
    session.ackedThrough = Math.max(session.ackedThrough, step.acked);
    for (const number of session.results.keys()) if (number <= session.ackedThrough) session.results.delete(number);
  }
  for (const [i, size] of step.sizes.entries()) {
    const number = step.firstNumber + i;
    const refuse = (outcome: number) => {
      decidedBy.push(index);
      for (let item = 0; item < size; item++) results.push({ outcome, ...undecided });
    };
    const known = session?.results.get(number);
    if (session === undefined) refuse(Outcome.sessionExpired);
    else if (number <= session.ackedThrough) refuse(Outcome.stale);
    else if (known !== undefined) {
      if (known.results.length !== size) refuse(Outcome.stale);
      else {
        decidedBy.push(known.index);
        results.push(...known.results);
      }
    } else if (session.results.size >= maxResults) refuse(Outcome.resultsFull);
    else {
      const items = itemsOfCall(which, number, size);
      const answer = items[0]!.verb === Verb.reset ? [model.reset("n", items[0]!)] : model.call("n", items, stampUs);
      session.results.set(number, { results: answer, index, stampUs });
      decidedBy.push(index);
      results.push(...answer);
    }
  }
  return { results, decidedBy };
}

function withoutFirmness(items: readonly ItemResult[]): NaiveResult[] {
  return items.map(({ firmForMs: _, ...rest }) => rest);
}

function entriesByCall(runs: readonly CallRun[] | null, calls: number, index: number): number[] {
  if (runs === null) return new Array<number>(calls).fill(index);
  return runs.flatMap((run) => new Array<number>(run.toCall - run.fromCall).fill(run.index));
}

it("S2 S3 S4 S5 no call runs twice, and every copy gets the first answer, as in a model with a map per session", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (script) => {
      const harness = new Harness({ sessionTtlUs: ttlUs, maxResultsPerSession: maxResults });
      const model = new NaiveModel();
      let stampUs = START_US;
      const sessions: (NaiveSession | undefined)[] = [0, 1, 2].map((nonce) => ({
        id: harness.session(stampUs, nonce),
        nonce,
        expiryUs: stampUs + ttlUs,
        ackedThrough: 0,
        results: new Map(),
      }));
      const ids = sessions.map((session) => session!.id);
      for (const { stepUs, takeover, what } of script) {
        const precedingUs = stampUs;
        stampUs += stepUs;
        for (const [i, session] of sessions.entries()) {
          if (session === undefined) continue;
          if (takeover && session.expiryUs >= precedingUs)
            session.expiryUs = Math.max(session.expiryUs, stampUs + ttlUs);
          if (session.expiryUs < stampUs) sessions[i] = undefined;
        }
        const alive = sessions[what.session];
        const session = ids[what.session]!;
        if (what.kind === "goodbye") {
          const nonce = nonceOf(what.session);
          const applied = harness.apply(stampUs, (writer) => void writer.goodbye(session, nonce), takeover);
          expect(applied.operations[0]).toEqual({ kind: "closed", known: alive !== undefined });
          sessions[what.session] = undefined;
          continue;
        }
        const origin = {
          kind: "session",
          session,
          nonce: nonceOf(what.wrongNonce ? 77 : what.session),
          ackedThrough: what.acked,
        } as const;
        const calls = what.sizes.map((size, i) => itemsOfCall(what.session, what.firstNumber + i, size));
        const applied = harness.apply(
          stampUs,
          (writer) => void writer.calls(origin, batchOf(calls, what.firstNumber), 0, calls.length),
          takeover,
        );
        const told = expected(model, what.wrongNonce ? undefined : alive, what.session, what, applied.index, stampUs);
        expect(withoutFirmness(itemsOf(applied))).toEqual(told.results);
        const result = applied.operations[0]!;
        expect(entriesByCall(result.kind === "calls" ? result.runs : null, calls.length, applied.index)).toEqual(
          told.decidedBy,
        );
      }
    }),
    { numRuns: 250 },
  );
});
