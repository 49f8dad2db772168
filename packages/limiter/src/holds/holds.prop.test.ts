import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { createLimiter, restoreLimiter } from "../create-limiter.ts";
import type { EntryWriter } from "../entry.ts";
import type { SessionId } from "../limiter.ts";
import { Algorithm, type Rule } from "../rule.ts";
import {
  batchOf,
  bucket,
  copyOf,
  Harness,
  type Item,
  type ItemResult,
  itemsOf,
  nonceOf,
  START_US,
  windowLog,
} from "../testing/harness.ts";
import { NaiveHolds, type NaiveSession } from "../testing/naive-holds.ts";
import { endsHold, opensHold } from "../verb.ts";

const bounds = { maxHolds: 5, maxHoldsPerSession: 3, sessionTtlUs: 900_000 };

const rules: readonly Rule[] = [
  windowLog(9, 400_000),
  bucket(7, 300_000, 8),
  { algorithm: Algorithm.fixedWindow, limit: 9, windowUs: 400_000, burst: 0, policy: "" },
  { algorithm: Algorithm.slidingWindowCounter, limit: 9, windowUs: 400_000, burst: 0, policy: "" },
  { algorithm: Algorithm.concurrency, limit: 5, windowUs: 500_000, burst: 0, policy: "" },
];

const call = fc.record({
  what: fc.constantFrom("call", "call", "call", "call", "call", "retry", "renew", "goodbye"),
  verb: fc.constantFrom(0, 0, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 1),
  key: fc.constantFrom("a", "b"),
  rule: fc.nat(rules.length - 1),
  cost: fc.integer({ min: 1, max: 6 }),
  ttlMs: fc.oneof(fc.nat(60), fc.nat(1_500)),
  /** Which hold, of those ever opened on the key; among the last few, mostly. */
  which: fc.nat(3),
  client: fc.nat(2),
});
const step = fc.record({
  stepUs: fc.oneof(fc.nat(60_000), fc.nat(60_000), fc.nat(500_000), fc.constant(0)),
  takeover: fc.nat(9).map((value) => value === 0),
  jumpUs: fc.oneof(fc.constant(0), fc.nat(3_000_000)),
  copied: fc.nat(15).map((value) => value === 0),
  calls: fc.array(call, { minLength: 1, maxLength: 4 }),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Call = Step["calls"][number];

interface Client {
  readonly nonce: number;
  readonly id: SessionId;
  readonly session: NaiveSession;
  readonly sent: { readonly item: Item; readonly result: ItemResult }[];
}

/** Drives the machine and the model through one history, and compares whatever the model tells. */
class History {
  readonly harness = new Harness(bounds);
  readonly model = new NaiveHolds(bounds);
  readonly #clients: (Client | null)[] = [null, null];
  #nonce = 0;
  stampUs = START_US;

  step({ stepUs, takeover, jumpUs, calls }: Step): void {
    this.stampUs += stepUs + (takeover ? jumpUs : 0);
    const checks: ((results: readonly ItemResult[]) => void)[] = [];
    this.#register();
    this.model.enter(this.stampUs, takeover);
    const applied = this.harness.apply(
      this.stampUs,
      (writer) => {
        for (const each of calls) checks.push(this.#write(writer, each));
      },
      takeover,
    );
    for (const [i, check] of checks.entries()) {
      check(applied.operations[i]!.kind === "calls" ? itemsOf(applied, i) : []);
    }
  }

  /** Both clients have a session, in an entry of its own before the step, at the stamp that was. */
  #register(): void {
    for (const [i, client] of this.#clients.entries()) {
      if (client !== null) continue;
      const nonce = ++this.#nonce;
      const { stampUs } = this.harness.limiter;
      const at = Math.max(stampUs, START_US);
      this.model.enter(at, false);
      const id = this.harness.session(at, nonce);
      this.#clients[i] = { nonce, id, session: this.model.register(), sent: [] };
    }
  }

  #write(writer: EntryWriter, each: Call): (results: readonly ItemResult[]) => void {
    const client = this.#clients[each.client] ?? null;
    if (each.what === "renew" || each.what === "goodbye") return this.#session(writer, each);
    if (client === null) return this.#call(writer, this.#itemOf(each), null, 0);
    const again = each.what === "retry" ? client.sent[each.which] : undefined;
    if (again !== undefined) {
      this.#send(writer, client, again.item, each.which + 1);
      if (!this.model.isAlive(client.session)) return expired(this.#clients, each.client);
      this.model.renew(client.session);
      return ([result]) => expect(result).toEqual(again.result);
    }
    return this.#call(writer, this.#itemOf(each), client, each.client);
  }

  #session(writer: EntryWriter, each: Call): (results: readonly ItemResult[]) => void {
    const client = this.#clients[each.client];
    if (!client) {
      writer.renew({ index: 0, position: 0 }, nonceOf(0), 0);
      return () => {};
    }
    const alive = this.model.isAlive(client.session);
    if (each.what === "renew") {
      writer.renew(client.id, nonceOf(client.nonce), 0);
      if (alive) this.model.renew(client.session);
    } else {
      writer.goodbye(client.id, nonceOf(client.nonce));
      if (alive) this.model.goodbye(client.session);
    }
    return alive && each.what === "renew" ? () => {} : expired(this.#clients, each.client);
  }

  #itemOf({ verb, key, rule, cost, ttlMs, which }: Call): Item {
    const item = { key, rule: rules[rule]!, cost, verb, ttlMs: opensHold(verb) ? ttlMs : 0 };
    if (!endsHold(verb)) return item;
    return { ...item, handle: this.model.handles(item).at(-1 - which) ?? which + 1 };
  }

  #call(writer: EntryWriter, item: Item, client: Client | null, at: number): (results: readonly ItemResult[]) => void {
    if (client === null) {
      const expected = this.model.call(item, null);
      writer.calls({ kind: "anonymous", namespace: "n" }, batchOf([[item]]), 0, 1);
      return ([result]) => expect(result, JSON.stringify(item)).toMatchObject(expected);
    }
    const number = client.sent.length + 1;
    this.#send(writer, client, item, number);
    if (!this.model.isAlive(client.session)) return expired(this.#clients, at);
    const expected = this.model.call(item, client.session);
    const slot = { item, result: null as unknown as ItemResult };
    client.sent.push(slot);
    return ([result]) => {
      expect(result, JSON.stringify(item)).toMatchObject(expected);
      slot.result = result!;
    };
  }

  #send(writer: EntryWriter, { id, nonce }: Client, item: Item, number: number): void {
    const origin = { kind: "session", session: id, nonce: nonceOf(nonce), ackedThrough: 0 } as const;
    writer.calls(origin, batchOf([[item]], number), 0, 1);
  }
}

/** What a session that is gone is answered; the client then registers anew. */
function expired(clients: (Client | null)[], at: number): (results: readonly ItemResult[]) => void {
  return (results) => {
    clients[at] = null;
    for (const result of results) expect(result.outcome).toBe(Outcome.sessionExpired);
  };
}

it("R1, R2, L1 to L3, S5: whole histories come out as a dumb model says, and within the published bounds", () => {
  const seen = new Map<string, number>();
  const histories = fc.array(step, { minLength: 5, maxLength: 60 });
  fc.assert(
    fc.property(histories, (steps) => {
      const history = new History();
      for (const each of steps) {
        history.step(each);
        if (each.copied) history.harness.limiter = copyOf(history.harness.limiter);
      }
      expect(history.model.audit()).toEqual([]);
      const { stats } = history.harness.limiter;
      for (const [name, value] of Object.entries(stats)) seen.set(name, (seen.get(name) ?? 0) + value);
      const other = createLimiter(bounds);
      for (const { index, bytes } of history.harness.entries) other.apply(index, bytes);
      expect(other.stateHash()).toEqual(history.harness.limiter.stateHash());
      expect(other.stats).toEqual(stats);
    }),
    // A third of them are always the same, so that it is no matter of luck what they reach.
    { numRuns: 300, examples: fc.sample(histories, { seed: 1, numRuns: 100 }).map((one) => [one]) },
  );
  // The histories must reach what they are about.
  for (const name of [
    "reservations",
    "slots",
    "leases",
    "reservationsEnded",
    "slotsEnded",
    "leasesEnded",
    "holdsFull",
  ]) {
    expect(seen.get(name), name).toBeGreaterThan(5);
  }
});

it("S8 a cut that is read while holds come and go restores exactly what was open when it began", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.nat(39),
      fc.integer({ min: 1_000, max: 40_000 }),
      (steps, cutAt, maxBytes) => {
        const history = new History();
        let cut: ReturnType<Harness["limiter"]["beginSnapshot"]> | null = null;
        const restore = restoreLimiter();
        const statsAtCut: unknown[] = [];
        for (const [at, each] of steps.entries()) {
          history.step(each);
          if (at === Math.min(cutAt, steps.length - 1)) {
            const { limiter } = history.harness;
            cut = limiter.beginSnapshot();
            statsAtCut.push(limiter.stats, limiter.nextDueUs());
          }
          const piece = cut?.next(maxBytes);
          if (piece) restore.write(piece);
        }
        for (let piece = cut!.next(maxBytes); piece !== null; piece = cut!.next(maxBytes)) restore.write(piece);
        const restored = restore.finish();
        expect([restored.stats, restored.nextDueUs()]).toEqual(statsAtCut);
        for (const { index, bytes } of history.harness.entries) {
          if (index > restored.appliedIndex) restored.apply(index, bytes);
        }
        expect(restored.stateHash()).toEqual(history.harness.limiter.stateHash());
        expect(restored.stats).toEqual(history.harness.limiter.stats);
      },
    ),
    { numRuns: 100 },
  );
});
