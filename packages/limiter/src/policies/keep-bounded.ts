import { algorithmNumber } from "./documents.ts";
import { type Lineage, type PastEpoch, safeSum, spanUs } from "./lineage.ts";

/** Rules whose counts are told apart, of those that took over from each other before anything of the first has faded. */
export const MAX_PAST_EPOCHS = 32;
/** Counters of earlier rules that are looked for when a key is first touched, all epochs together. */
export const MAX_SHAPES = 32;

/**
 * What is kept of a name's past, so that looking it up stays bounded work and no change need ever be refused: a limit of
 * 0 must not wait. Of what is more, what fades first is forgotten, on the safe side: until the stamp from which it could
 * not have mattered even if it had been full, every key counts as full at each change (SEMANTICS K1).
 *
 * The naive model of the audits forgets nothing: where more was, it takes these denials for wrong ones.
 */
export function keepBounded(
  past: readonly PastEpoch[],
  mostEpochs: number,
  fullUntilUs: number,
): Pick<Lineage, "past" | "fullUntilUs"> {
  const last = past.length - 1;
  const older = past.slice(0, last).sort((a, b) => lastsUs(a) - lastsUs(b));
  const gone = new Set(older.slice(0, Math.max(0, past.length - mostEpochs)));
  const epochs = past.filter((epoch) => !gone.has(epoch));
  const forgotten = shapesBeyond(epochs);
  return {
    past: epochs.map((epoch) => ({ ...epoch, shapes: epoch.shapes.filter((shape) => !forgotten.has(shape)) })),
    fullUntilUs: handedOnUntilUs(past, Math.max(fullUntilUs, ...[...gone].map(lastsUs), ...forgotten.values())),
  };
}

/** A key that was full when a policy took over, and that nobody touched then, has used what is left of that. */
function handedOnUntilUs(past: readonly PastEpoch[], fullUntilUs: number): number {
  let untilUs = fullUntilUs;
  for (const [at, { numbers }] of past.entries()) {
    const startUs = past[at - 1]?.endUs ?? Number.POSITIVE_INFINITY;
    if (startUs >= untilUs || numbers === null) continue;
    untilUs = Math.max(
      untilUs,
      safeSum(startUs, spanUs(numbers.algorithm, numbers.limit, numbers.windowUs, numbers.burst)),
    );
  }
  return untilUs;
}

type Shape = PastEpoch["shapes"][number];

/** The shapes that are too many, those that fade first, and when each has faded. */
function shapesBeyond(epochs: readonly PastEpoch[]): ReadonlyMap<Shape, number> {
  const all = epochs.flatMap((epoch, at) => epoch.shapes.map((shape) => ({ shape, epoch, at })));
  const beyond = Math.max(0, all.length - MAX_SHAPES);
  return new Map(
    all
      // A policy that goes has but one, and inline rules inherit what is held on it.
      .filter(({ epoch, at }) => at < epochs.length - 1 || epoch.numbers === null)
      .map(({ shape, epoch }): [Shape, number] => [shape, fadedUs(epoch, shape)])
      .sort(([, a], [, b]) => a - b)
      .slice(0, beyond),
  );
}

/** The stamp from which nothing of an epoch counts, by itself or for whom it is kept. */
function lastsUs(epoch: PastEpoch): number {
  return Math.max(epoch.retainUs, ...epoch.shapes.map((shape) => fadedUs(epoch, shape)));
}

/** The stamp from which a counter of an epoch is empty, even if it was full at the epoch's end. */
function fadedUs({ endUs, retainUs, numbers }: PastEpoch, { algorithm, windowUs }: Shape): number {
  if (numbers !== null) return safeSum(endUs, spanUs(algorithm, numbers.limit, windowUs, numbers.burst));
  // How fast a bucket drains that callers define is not known here.
  return algorithm === algorithmNumber("token-bucket") ? retainUs : safeSum(endUs, 2 * windowUs);
}
