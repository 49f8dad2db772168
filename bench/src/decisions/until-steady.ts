/** Nobody measures a server that has just started: what is asked one call at a time is warmed up by more. */
export const warmUpInFlight = 64;

/** So much faster than ever before, or a stretch says that who is measured is as warm as it gets. */
const worthWaitingFor = 1.05;

/** Stretches without anything faster, after which nothing more is waited for. */
const enough = 3;

/**
 * Warms up, stretch by stretch, for as long as that helps: what is compiled as it runs gets faster for seconds, a server in C is as fast
 * as it will be at once, and neither is measured before. Ends after three stretches in a row of which none was faster by a twentieth than
 * the last one that was, or after `most`.
 *
 * @param stretch Resolves with a rate.
 * @returns All rates.
 */
export async function untilSteady(most: number, stretch: () => Promise<number>): Promise<readonly number[]> {
  const rates: number[] = [];
  let fastest = 0;
  for (let waited = 0; waited < enough && rates.length < most; ) {
    const rate = await stretch();
    rates.push(rate);
    const isFaster = rate > fastest * worthWaitingFor;
    waited = isFaster ? 0 : waited + 1;
    if (isFaster) fastest = rate;
  }
  return rates;
}
