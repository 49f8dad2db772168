import type { Hold } from "../algorithms/algorithm.ts";
import type { Holds } from "../holds/holds.ts";
import type { OpenAmount } from "../holds/open-holds.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";
import { Algorithm } from "../rule.ts";

/** One of a key's counters that stand still since another rule took over. */
export interface OldCounter {
  readonly rule: QuotaRule;
  /** Which epoch it is of, counted from the oldest. */
  readonly epoch: number;
  /** Moves when it has to grow. */
  block: number;
}

/** What a key's old counters tell of its open holds. */
export interface Lifted {
  /** The fullest of the counters, without what is held. */
  readonly used: number;
  readonly held: number;
}

/** An open amount, and the epoch of the counter that it is on. */
interface Placed extends OpenAmount {
  readonly epoch: number;
}

/**
 * Takes the open holds of a key off its old counters, for the one that carries on, and says what is used without them.
 * On the old counters they are left as used as of the change (SEMANTICS K1, L3): whatever becomes of them from now on, a
 * rule that comes back finds what a take of the same amount would have left. Where an earlier change left the same holds
 * already, that is taken off first: what is open counts once.
 *
 * Every old counter is left the same, also those that a hold was never on. That is never more than what the rule that
 * takes over counts as of the change, and one bit of a hold, that it was carried over, tells where it stands.
 */
export function liftHolds(
  keys: KeyTable,
  holds: Holds,
  counters: readonly OldCounter[],
  atUs: number,
  staysForOthers: boolean,
): Lifted {
  const open = counters.flatMap(({ block, epoch }): readonly Placed[] =>
    keys.isHeld(block) ? holds.ofKey.amountsOn(block, atUs).map((amount) => ({ ...amount, epoch })) : [],
  );
  const held = open.reduce((sum, { cost }) => sum + cost, 0);
  let used = 0;
  for (const counter of counters) {
    const { rule } = counter;
    const before = keys.usedAt(rule, counter.block, atUs);
    const wasHeld = keys.isHeld(counter.block);
    if (before === 0 && !wasHeld) continue;
    const block = wasHeld ? holds.ofKey.lift(counter.block, atUs) : counter.block;
    counter.block = block;
    const left = open.filter(({ isCarried, epoch }) => isCarried && epoch > counter.epoch);
    if (rule.algorithm === Algorithm.tokenBucket) {
      // A bucket drains alike whatever it holds, so what is left of an amount is what it has more.
      const now = keys.usedAt(rule, block, atUs);
      const without = Math.max(0, now - left.reduce((sum, { cost }) => sum + cost, 0));
      used = Math.max(used, without);
      // By its own rate: the old counter is nobody's rule any more.
      const missing = takenAt(without + held - now, atUs);
      counter.block = leave(keys, { ...numbersOf(rule), limit: 0 }, block, missing, atUs);
    } else if (rule.algorithm === Algorithm.concurrency) {
      const without = keys.usedAt(rule, block, atUs);
      used = Math.max(used, without);
      // A slot is free when its hold ends, wherever that is; only callers of other rules cannot see it there.
      const slots = { ...takenAt(staysForOthers ? before - without : 0, atUs), expiryUs: atUs + rule.windowUs };
      counter.block = leave(keys, rule, block, slots, atUs);
    } else {
      for (const amount of left) keys.settle(rule, block, { ...amount, ...amount.left }, 0, atUs);
      used = Math.max(used, keys.usedAt(rule, block, atUs));
      for (const { cost, fromUs, datedUs } of open) {
        const dates = { fromUs: Math.max(fromUs, atUs), datedUs: Math.max(datedUs, atUs) };
        counter.block = leave(keys, rule, counter.block, { cost, ...dates, expiryUs: dates.datedUs }, atUs);
      }
    }
  }
  return { used, held };
}

const numbersOf = ({ limit, windowUs, burst }: QuotaRule) => ({ limit, windowUs, burst });

const takenAt = (cost: number, atUs: number): Hold => ({ cost, fromUs: atUs, datedUs: atUs, expiryUs: atUs });

function leave(
  keys: KeyTable,
  quota: Pick<QuotaRule, "limit" | "windowUs" | "burst">,
  block: number,
  hold: Hold,
  atUs: number,
): number {
  return hold.cost > 0 ? keys.hold(quota, block, hold, atUs) : block;
}
