import fc from "fast-check";
import { expect, it } from "vitest";
import { confState, entriesFrom, logOf, openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** What a node may do to its storage, in numbers that are reduced to what its state allows. */
type Step =
  | { readonly kind: "append"; readonly count: number; readonly bytes: number; readonly back: number }
  | { readonly kind: "vote" }
  | { readonly kind: "commit" }
  | { readonly kind: "wait" }
  | { readonly kind: "snapshot"; readonly back: number }
  | { readonly kind: "receive"; readonly ahead: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 5 }),
      bytes: fc.constantFrom(0, 1, 100, 430, 600, 9_000, 30_000),
      back: fc.constantFrom(0, 0, 0, 1, 3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("vote" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("commit" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("snapshot" as const), back: fc.integer({ min: 0, max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("receive" as const), ahead: fc.integer({ min: -3, max: 5 }) }),
  },
);

/** A state that storage was told to reach; after a crash it must be in one of those, and in none before the last that was done. */
interface Told {
  readonly term: number;
  readonly vote: number;
  readonly lastIndex: number;
  /** Every entry since the last received snapshot, by index. */
  readonly log: ReadonlyMap<number, string>;
}

class Run {
  readonly told: Told[] = [{ term: 0, vote: 0, lastIndex: 0, log: new Map() }];
  done = 0;
  private readonly storage: Storage;
  private term = 1;
  private vote = 0;
  private commit = 0;
  private pieces = 0;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  async take(step: Step): Promise<void> {
    const { storage } = this;
    if (step.kind === "append") {
      const first = Math.max(this.commit, storage.firstIndex() - 1, storage.lastIndex() - step.back) + 1;
      // Only a leader of a later term replaces entries.
      if (first <= storage.lastIndex()) this.term += 1;
      this.hand(entriesFrom(first, step.count, this.term, step.bytes));
    } else if (step.kind === "vote") {
      this.term += 1;
      this.vote = 1 + (this.term % 3);
      this.hand([]);
    } else if (step.kind === "commit") {
      this.commit = storage.lastIndex();
      this.hand([]);
    } else if (step.kind === "wait") {
      const target = this.told.length - 1;
      while (this.done < target) await turn();
    } else if (step.kind === "snapshot") await this.snapshot(step.back);
    else if (step.kind === "receive") await this.receive(step.ahead);
  }

  private async snapshot(back: number): Promise<void> {
    const { storage } = this;
    const index = Math.max(storage.firstIndex() - 1, this.commit - back);
    const term = storage.term(index);
    if (index > this.commit || typeof term === "string" || index === 0) return;
    const writer = await storage.writeSnapshot({ index, term, confState });
    await writer.write(Buffer.from(`piece ${this.pieces}`));
    await writer.commit();
    await storage.compact(index);
  }

  private async receive(ahead: number): Promise<void> {
    const { storage } = this;
    const donor = await openForTest(new TestDisk());
    const index = Math.max(this.commit + 1, storage.lastIndex() + ahead);
    const meta = { index, term: this.term, confState };
    const image = await donor.writeSnapshot(meta);
    await image.write(Buffer.alloc(3_000, "donor"));
    await image.commit();
    const reader = await donor.openSnapshot();
    const writer = await storage.receiveSnapshot(meta);
    for (let at = 0; reader !== null && at < reader.bytes; at += 1_000)
      await writer.write(await reader.read(at, 1_000));
    await writer.commit();
    this.commit = meta.index;
    this.hand([], meta);
  }

  private hand(
    entries: ReturnType<typeof entriesFrom>,
    snapshot: { index: number; term: number; confState: typeof confState } | null = null,
  ): void {
    const hardState = { term: this.term, vote: this.vote, commit: this.commit };
    const number = this.told.length;
    this.storage.append({ hardState, entries, snapshot }, () => {
      expect(this.done).toBe(number - 1);
      this.done = number;
    });
    const before = this.told.at(-1);
    const log = new Map(snapshot === null ? before?.log : []);
    const first = entries[0]?.index ?? Number.POSITIVE_INFINITY;
    for (const index of log.keys()) if (index >= first) log.delete(index);
    for (const entry of entries)
      log.set(entry.index, `${entry.index} ${entry.term} ${Buffer.from(entry.data).toString("latin1")}`);
    this.told.push({ term: this.term, vote: this.vote, lastIndex: this.storage.lastIndex(), log });
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function matches(storage: Storage, told: Told): boolean {
  const { hardState } = storage.initialState();
  if (hardState.term !== told.term || hardState.vote !== told.vote || storage.lastIndex() !== told.lastIndex)
    return false;
  return logOf(storage).every((line) => told.log.get(Number(line.split(" ")[0])) === line);
}

/** The disk after a power failure; `chances` decides what of the unflushed reached it. */
function fail(disk: TestDisk, chances: readonly boolean[]): TestDisk {
  let at = 0;
  return disk.afterPowerFailure(() => {
    at += 1;
    return chances[at % chances.length] ?? false;
  });
}

it("after a power failure at any moment, everything that was done is there, and nothing is half there", async () => {
  const chances = fc.array(fc.boolean(), { minLength: 1, maxLength: 97 });
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 40 }),
    fc.nat(300),
    fc.nat(12),
    chances,
    chances,
    async (steps, cutAt, cutRecoveryAt, first, second) => {
      const disk = new TestDisk();
      const setTimer = (callback: () => void) => {
        const timer = setImmediate(callback);
        return () => clearImmediate(timer);
      };
      const storage = await openForTest(disk, { setTimer });
      const run = new Run(storage);
      const cut = disk.cutPowerAt(disk.operations + cutAt);
      const work = (async () => {
        for (const each of steps) await run.take(each);
        while (run.done < run.told.length - 1) await turn();
      })();
      await Promise.race([work, cut]);
      disk.cutPowerAt(0);
      const { done } = run;

      // The power fails again while the node recovers, and then it does not.
      const halfway = fail(disk, first);
      const cutAgain = halfway.cutPowerAt(cutRecoveryAt);
      await Promise.race([openForTest(halfway), cutAgain]);
      halfway.cutPowerAt(0);
      const recovered = await openForTest(fail(halfway, second));
      const candidates = run.told.slice(done).filter((told) => matches(recovered, told));
      expect(candidates.length, `done ${done} of ${run.told.length - 1}`).toBeGreaterThan(0);
      await appendOne(recovered);
    },
  );
  const examples: [Step[], number, number, boolean[], boolean[]][] = [
    // A first frame larger than a segment, then its snapshot: once, two segments began with the same sequence.
    [
      [{ kind: "append", count: 3, bytes: 30_000, back: 0 }, { kind: "commit" }, { kind: "snapshot", back: 0 }],
      18,
      0,
      [false, false, true, false],
      [false],
    ],
  ];
  await fc.assert(property, { numRuns: 400, examples });
});

/** A recovered storage works. */
async function appendOne(storage: Storage): Promise<void> {
  const term = storage.initialState().hardState.term + 1;
  const entries = entriesFrom(storage.lastIndex() + 1, 1, term);
  await new Promise<void>((resolve) => {
    storage.append({ hardState: { term, vote: 0, commit: 0 }, entries, snapshot: null }, resolve);
  });
}
