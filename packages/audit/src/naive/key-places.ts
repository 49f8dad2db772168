import { Algorithm } from "@quorumguard/limiter";
import type { KeyCounter, Numbers } from "./key-counter.ts";
import type { NaiveHolds } from "./naive-holds.ts";

/**
 * Which keys have a place in the table (SEMANTICS K2). A key has one from its first charge or hold until everything that
 * was ever counted on it would have ended by itself, also what was given back early; a bucket until it is full again; and
 * whatever holds are open until the last of them ends. A reset takes the place away, but for what is held.
 *
 * Policies that take over from each other keep the places of what they replaced: that is not told here.
 */
export interface KeyPlaces {
  /** The same counter, watched: it has no place yet. */
  watch(counter: KeyCounter, algorithm: number, namespace: string): KeyCounter;
  /** Whether these would be more keys of the namespace than its quota, if those that have no place got one. */
  exceedQuota(counters: readonly KeyCounter[], namespace: string, stampUs: number): boolean;
  /** The same for all keys. */
  exceedTable(counters: readonly KeyCounter[], maxKeys: number, stampUs: number): boolean;
}

interface Place {
  readonly namespace: string;
  readonly isTakenAt: (stampUs: number) => boolean;
}

/** Until when what is dated so would count by itself, by the rules of the windows. */
function countsUntilUs(algorithm: number, windowUs: number, datedUs: number): number {
  const windows = Math.floor(datedUs / windowUs);
  if (algorithm === Algorithm.fixedWindow) return (windows + 1) * windowUs;
  if (algorithm === Algorithm.slidingWindowCounter) return (windows + 2) * windowUs;
  return datedUs + windowUs;
}

/** Makes the places of an empty table; `quotaOf` tells how many keys a namespace may have. */
export function createKeyPlaces(holds: NaiveHolds, quotaOf: (namespace: string) => number | null): KeyPlaces {
  const places = new Map<KeyCounter, Place>();

  function watch(counter: KeyCounter, algorithm: number, namespace: string): KeyCounter {
    const isBucket = algorithm === Algorithm.tokenBucket;
    let keptUntilUs = 0;
    let last: Numbers | null = null;
    const keep = (numbers: Numbers, untilUs: number) => {
      if (numbers.limit > 0) last = numbers;
      keptUntilUs = Math.max(keptUntilUs, untilUs);
    };
    const watched: KeyCounter = {
      judge: counter.judge,
      usedAt: counter.usedAt,
      charge(numbers, cost, stampUs) {
        counter.charge(numbers, cost, stampUs);
        keep(numbers, countsUntilUs(algorithm, numbers.windowUs, stampUs));
      },
      open(numbers, held, stampUs) {
        counter.open(numbers, held, stampUs);
        const isSlot = algorithm === Algorithm.concurrency;
        keep(numbers, isSlot ? held.expiryUs : countsUntilUs(algorithm, numbers.windowUs, held.datedUs));
        keep(numbers, held.expiryUs);
      },
      settle(numbers, held, actual, stampUs) {
        counter.settle(numbers, held, actual, stampUs);
        const isDebt = actual > held.cost && algorithm !== Algorithm.concurrency;
        keep(numbers, isDebt ? countsUntilUs(algorithm, numbers.windowUs, stampUs) : 0);
      },
      clear() {
        counter.clear();
        keptUntilUs = 0;
      },
    };
    const isTakenAt = (stampUs: number) => {
      if (holds.on(watched).length > 0) return true;
      if (!isBucket || last === null) return keptUntilUs > stampUs;
      return counter.judge(last, 1, stampUs).resetNowUs > 0;
    };
    places.set(watched, { namespace, isTakenAt });
    return watched;
  }

  function exceed(counters: readonly KeyCounter[], namespace: string | null, most: number, stampUs: number): boolean {
    // Nobody has asked for so many yet: nothing needs to be counted.
    if (places.size <= most) return false;
    const wanted = new Set(counters.filter((counter) => !places.get(counter)!.isTakenAt(stampUs))).size;
    if (wanted === 0) return false;
    const all = [...places.values()].filter((place) => namespace === null || place.namespace === namespace);
    return all.filter(({ isTakenAt }) => isTakenAt(stampUs)).length + wanted > most;
  }

  return {
    watch,
    exceedQuota(counters, namespace, stampUs) {
      const most = quotaOf(namespace);
      return most !== null && exceed(counters, namespace, most, stampUs);
    },
    exceedTable: (counters, maxKeys, stampUs) => exceed(counters, null, maxKeys, stampUs),
  };
}
