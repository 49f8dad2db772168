import { runSeed, type SeedResult } from "../run-seed.ts";

/** The shortest front of a seed's faults that still fails. */
export interface Shortened {
  readonly maxFaults: number;
  readonly untilUs: number;
  readonly result: SeedResult;
}

/**
 * Looks for the shortest failing front of a seed: first how many faults it takes, then how early everything can be mended. Both
 * are found by halving, as if a longer front failed whenever a shorter one does; should that not be so, what is found is
 * still a run that fails. About twenty runs.
 */
export async function shorten(whole: SeedResult, clients?: number): Promise<Shortened> {
  const { seed } = whole;
  let found: Shortened = { maxFaults: whole.strikes, untilUs: whole.faultsUntilUs, result: whole };
  const fails = async (maxFaults: number, untilUs: number): Promise<boolean> => {
    const result = await runSeed(seed, { maxFaults, untilUs, clients });
    if (result.violations.length === 0) return false;
    found = { maxFaults, untilUs, result };
    return true;
  };
  for (let passes = -1; found.maxFaults - passes > 1; ) {
    const middle = Math.floor((passes + found.maxFaults) / 2);
    if (!(await fails(middle, found.untilUs))) passes = middle;
  }
  for (let passesUs = 0; found.untilUs - passesUs > 20_000; ) {
    const middleUs = Math.floor((passesUs + found.untilUs) / 2);
    if (!(await fails(found.maxFaults, middleUs))) passesUs = middleUs;
  }
  return found;
}
