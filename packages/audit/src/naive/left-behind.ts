import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { HeldAmount, KeyCounter, Numbers } from "./key-counter.ts";
import { type HoldHome, type NaiveHold, numbersToMove } from "./naive-holds.ts";

/** A counter that stands still since another rule took over. */
export interface Source {
  readonly counter: KeyCounter;
  readonly numbers: Numbers;
  readonly algorithm: number;
  /** What its holds call their home; null: nobody ever asked this counter, it is what would have been counted. */
  readonly home: HoldHome | null;
  /** The policies under which it was what the key had, or waited for it. */
  readonly way: readonly Rule[];
  /** Whether what it would have counted goes by a rate: by numbers of its key, if it has some. */
  readonly goesByRate: () => boolean;
}

/** What a hold left on counters that it was carried over from: an amount of its own on each. */
const left = new WeakMap<NaiveHold, Map<KeyCounter, HeldAmount>>();

function leftOn(hold: NaiveHold, counter: KeyCounter): HeldAmount | undefined {
  return left.get(hold)?.get(counter);
}

function leave(hold: NaiveHold, counter: KeyCounter, amount: HeldAmount): void {
  const places = left.get(hold) ?? new Map<KeyCounter, HeldAmount>();
  left.set(hold, places.set(counter, amount));
}

const total = (holds: readonly NaiveHold[]) => holds.reduce((sum, { cost }) => sum + cost, 0);

/**
 * Takes open holds off the counters that stand still, also what they left there at an earlier change, and says what is
 * used without them. Then each counter that has something is left with all of them, as used as of the stamp of the change:
 * a rule that comes back finds what takes would have left.
 */
export function leaveBehind(
  sources: readonly Source[],
  open: readonly NaiveHold[],
  atUs: number,
  staysForOthers: boolean,
): number {
  let used = 0;
  for (const { counter, numbers, algorithm, home } of sources) {
    const before = counter.usedAt(numbers, atUs);
    const own = open.filter((hold) => hold.home === home);
    if (home === null || (before === 0 && own.length === 0)) {
      used = Math.max(used, before);
      continue;
    }
    for (const hold of own) counter.settle(numbersToMove(hold), hold, 0, atUs);
    const again = open.filter((hold) => leftOn(hold, counter) !== undefined);
    // A bucket drains alike whatever is in it; it is charged at its own rate.
    if (algorithm === Algorithm.tokenBucket) {
      const now = counter.usedAt(numbers, atUs);
      const without = Math.max(0, now - total(again));
      const missing = without + total(open) - now;
      if (missing > 0) counter.charge({ ...numbers, limit: 0 }, missing, atUs);
      used = Math.max(used, without);
      for (const hold of open) leave(hold, counter, hold);
      continue;
    }
    for (const hold of again) counter.settle(numbers, leftOn(hold, counter)!, 0, atUs);
    const without = counter.usedAt(numbers, atUs);
    used = Math.max(used, without);
    // A slot is free as soon as its hold is settled, wherever that is: only other inline rules cannot see it.
    if (algorithm === Algorithm.concurrency) {
      if (staysForOthers && before > without) counter.charge(numbers, before - without, atUs);
      continue;
    }
    for (const hold of open) {
      const datedUs = Math.max(hold.datedUs, atUs);
      const dates = { fromUs: Math.max(hold.fromUs, atUs), datedUs, expiryUs: datedUs };
      const amount: HeldAmount = { cost: hold.cost, ...dates, numbers };
      counter.open(numbers, amount, atUs);
      leave(hold, counter, amount);
    }
  }
  return used;
}
