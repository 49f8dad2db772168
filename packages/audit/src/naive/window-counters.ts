import type { HeldAmount, Judgement, KeyCounter, Numbers } from "./key-counter.ts";

/** An amount that a window counts. */
interface Charge {
  amount: number;
  readonly fromUs: number;
  readonly datedUs: number;
  readonly held: HeldAmount | null;
}

const sum = (charges: readonly Charge[]) => charges.reduce((total, { amount }) => total + amount, 0);

/** What all windows have in common: a list of charges; a reservation or lease is a charge that can still shrink. */
function createCharges() {
  let charges: Charge[] = [];
  return {
    all: () => charges,
    clear() {
      charges = [];
    },
    charge({ windowUs }: Numbers, amount: number, stampUs: number) {
      // What is four windows old counts in none, whatever the algorithm.
      if (charges.length > 0 && charges[0]!.datedUs + 4 * windowUs < stampUs)
        charges = charges.filter(({ datedUs, held }) => held !== null || datedUs + 4 * windowUs >= stampUs);
      charges.push({ amount, fromUs: stampUs, datedUs: stampUs, held: null });
    },
    open(_numbers: Numbers, held: HeldAmount) {
      charges.push({ amount: held.cost, fromUs: held.fromUs, datedUs: held.datedUs, held });
    },
    settle(_numbers: Numbers, held: HeldAmount, actual: number, stampUs: number) {
      charges = charges.flatMap((charge) => {
        if (charge.held !== held) return [charge];
        const { fromUs, datedUs } = charge;
        return actual === 0 ? [] : [{ fromUs, datedUs, amount: Math.min(actual, held.cost), held: null }];
      });
      const debt = actual - held.cost;
      if (debt > 0) charges.push({ amount: debt, fromUs: stampUs, datedUs: stampUs, held: null });
    },
  };
}

/** A charge counts until one window after its date, and from before it: what is leased may be spent at any time. */
export function createLogCounter(): KeyCounter {
  const { all, ...rest } = createCharges();
  const counted = (windowUs: number, stampUs: number) =>
    all().filter(({ amount, datedUs }) => amount > 0 && datedUs + windowUs > stampUs);
  return {
    ...rest,
    usedAt: ({ windowUs }, stampUs) => sum(counted(windowUs, stampUs)),
    judge({ limit, windowUs }, wanted, stampUs) {
      const charges = counted(windowUs, stampUs).sort((one, other) => one.datedUs - other.datedUs);
      const used = sum(charges);
      const allowed = used + wanted <= limit;
      const never = wanted > limit;
      const lastUs = charges.at(-1)?.datedUs;
      const resetNowUs = lastUs === undefined ? 0 : lastUs + windowUs - stampUs;
      let retryUs = 0;
      if (!allowed && !never) {
        let left = used;
        const freeing = charges.find(({ amount }) => {
          left -= amount;
          return left + wanted <= limit;
        });
        retryUs = freeing!.datedUs + windowUs - stampUs;
      }
      const resetChargedUs = Math.max(resetNowUs, windowUs);
      return { allowed, never, available: Math.max(0, limit - used), retryUs, resetNowUs, resetChargedUs };
    },
  };
}

const numberOf = (windowUs: number, stampUs: number) => Math.floor(stampUs / windowUs);

/** What counts in the aligned window of that number: what may be spent in it, or was. */
function inWindow(charges: readonly Charge[], windowUs: number, number: number): number {
  return sum(
    charges.filter(
      ({ fromUs, datedUs }) => numberOf(windowUs, fromUs) <= number && number <= numberOf(windowUs, datedUs),
    ),
  );
}

/** What counts in some window behind that one. */
const behindWindow = (charges: readonly Charge[], windowUs: number, number: number) =>
  sum(charges.filter(({ datedUs }) => numberOf(windowUs, datedUs) > number));

/** The number of the last window that something counts in; -1: there is none. */
const lastWindow = (charges: readonly Charge[], windowUs: number) =>
  Math.max(-1, ...charges.map(({ amount, datedUs }) => (amount > 0 ? numberOf(windowUs, datedUs) : -1)));

/** A charge counts to the end of the window that it is dated in. */
export function createFixedWindowCounter(): KeyCounter {
  const { all, ...rest } = createCharges();
  return {
    ...rest,
    usedAt({ windowUs }, stampUs) {
      const number = numberOf(windowUs, stampUs);
      return Math.max(inWindow(all(), windowUs, number), behindWindow(all(), windowUs, number));
    },
    judge({ limit, windowUs }, wanted, stampUs) {
      const number = numberOf(windowUs, stampUs);
      const used = inWindow(all(), windowUs, number);
      const last = lastWindow(all(), windowUs);
      const untilNextUs = (number + 1) * windowUs - stampUs;
      const allowed = used + wanted <= limit;
      const never = wanted > limit;
      let next = number + 1;
      while (!never && inWindow(all(), windowUs, next) + wanted > limit) next++;
      const resetNowUs = last < number ? 0 : (last + 1) * windowUs - stampUs;
      return {
        allowed,
        never,
        available: Math.max(0, limit - used),
        retryUs: allowed || never ? 0 : next * windowUs - stampUs,
        resetNowUs,
        resetChargedUs: Math.max(resetNowUs, untilNextUs),
      };
    },
  };
}

/** All of the current bucket counts, and of the one before as large a part, rounded up, as the window still covers. */
export function createEstimateCounter(): KeyCounter {
  const { all, ...rest } = createCharges();

  function estimate(windowUs: number, stampUs: number): number {
    const number = numberOf(windowUs, stampUs);
    const coveredUs = BigInt((number + 1) * windowUs - stampUs);
    const previous = BigInt(inWindow(all(), windowUs, number - 1));
    const share = (previous * coveredUs + BigInt(windowUs) - 1n) / BigInt(windowUs);
    return inWindow(all(), windowUs, number) + Number(share);
  }

  /** The first stamp at which so much fits: within a bucket less and less counts, so each is searched by halving. */
  function firstFit({ limit, windowUs }: Numbers, wanted: number, stampUs: number): number {
    for (let fromUs = stampUs; ; fromUs = (numberOf(windowUs, fromUs) + 1) * windowUs) {
      const lastUs = (numberOf(windowUs, fromUs) + 1) * windowUs - 1;
      if (estimate(windowUs, lastUs) + wanted > limit) continue;
      let [earliestUs, fitsUs] = [fromUs, lastUs];
      while (earliestUs < fitsUs) {
        const middleUs = Math.floor((earliestUs + fitsUs) / 2);
        if (estimate(windowUs, middleUs) + wanted <= limit) fitsUs = middleUs;
        else earliestUs = middleUs + 1;
      }
      return fitsUs;
    }
  }

  return {
    ...rest,
    usedAt: ({ windowUs }, stampUs) =>
      Math.max(estimate(windowUs, stampUs), behindWindow(all(), windowUs, numberOf(windowUs, stampUs))),
    judge(numbers, wanted, stampUs): Judgement {
      const { limit, windowUs } = numbers;
      const used = estimate(windowUs, stampUs);
      const number = numberOf(windowUs, stampUs);
      // A charge is forgotten with the end of the bucket behind its own.
      const emptyUs = Math.max(stampUs, (lastWindow(all(), windowUs) + 2) * windowUs);
      const allowed = used + wanted <= limit;
      const never = wanted > limit;
      return {
        allowed,
        never,
        available: Math.max(0, limit - used),
        retryUs: allowed || never ? 0 : firstFit(numbers, wanted, stampUs) - stampUs,
        resetNowUs: emptyUs - stampUs,
        resetChargedUs: Math.max(emptyUs, (number + 2) * windowUs) - stampUs,
      };
    },
  };
}
