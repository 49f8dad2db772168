import { expect, it } from "vitest";
import type { Bed } from "./bed.ts";
import { grid, reference } from "./configuration.ts";
import { inventedMeasurements } from "./invented.fixture.ts";
import { measureInTurns } from "./measure.ts";

const others = grid.slice(1, 4);
const thoroughness = { leastRepeats: 2, mostRepeats: 5, sampleMs: 4_000, settleMs: 500, warmDecisions: 100 };

/** How often each configuration was sampled by the time that no repeat is begun any more, if each sample takes its time and nothing else does. */
async function samplesBy(lastBeginsAtMs: number) {
  let elapsed = 0;
  const bed: Bed = {
    async sample(configuration, durationMs) {
      elapsed += durationMs;
      return inventedMeasurements([configuration])[0]!.samples[0]!;
    },
    liveKeys: async () => 0,
    pause: () => {},
    resume: () => {},
    stop: async () => {},
  };
  const beds = { of: async () => bed, warmUp: async () => {} };
  const deadline = { elapsedMs: () => elapsed, lastBeginsAtMs };
  const taken = await measureInTurns(beds, [reference, ...others], thoroughness, deadline, () => {});
  return taken.map(({ configuration }) => configuration.name);
}

const [first, second, third] = others.map(({ name }) => name);
const gauge = reference.name;

it("takes samples in turns, the reference before every second one and last, and turns the order round", async () => {
  const once = [gauge, first, second, gauge, third, gauge];
  const back = [gauge, third, second, gauge, first, gauge];
  expect((await samplesBy(0)).slice(0, 12)).toEqual([...once, ...back]);
});

it("repeats it while there is time, never more often than asked, and never less often", async () => {
  const repeatMs = 6 * (thoroughness.settleMs + thoroughness.sampleMs);
  const repeats = async (lastBeginsAtMs: number) =>
    (await samplesBy(lastBeginsAtMs)).filter((name) => name === first).length;
  expect(await repeats(0)).toBe(2);
  expect(await repeats(3 * repeatMs - 1)).toBe(3);
  expect(await repeats(3 * repeatMs)).toBe(4);
  expect(await repeats(100 * repeatMs)).toBe(5);
});
