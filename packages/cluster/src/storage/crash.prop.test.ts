import fc from "fast-check";
import { expect, it } from "vitest";
import { appendOne, matches, Run, type Step, turn } from "./crash-run.fixture.ts";
import { openForTest } from "./storage.fixture.ts";
import { TestDisk } from "./test-disk.fixture.ts";

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
