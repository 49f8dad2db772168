import type { CallLine } from "../clients/history.ts";
import { isLedgerKey, ledgerRule } from "../clients/workload.ts";

/** What the keys that belong to one caller each say, by what their caller saw alone. */
export interface Ledger {
  /** The calls of a caller in the order in which it made them. */
  saw(line: CallLine): void;
  /** What the cluster says in the end is left of a key. */
  settled(key: string, remaining: number): void;
  readonly keys: Iterable<string>;
  /** Units that were admitted, and are not counted. */
  readonly lost: number;
  /** Units that are counted more than once. */
  readonly twice: number;
  readonly violations: readonly string[];
}

interface Account {
  /** Units that the caller was told are admitted. */
  told: number;
  /** Units of calls of which the caller does not know. */
  unknown: number;
}

/**
 * A caller that alone uses a key and asks one call after another knows what is left of it: the limit, less what it was
 * given, less some of what it does not know of. What is missing beyond that was charged twice; what is there beyond was
 * acknowledged and lost.
 */
export function createLedger(): Ledger {
  const accounts = new Map<string, Account>();
  const violations: string[] = [];
  let lost = 0;
  let twice = 0;

  function check(key: string, account: Account, remaining: number): void {
    const charged = ledgerRule.limit - remaining;
    const { told, unknown } = account;
    if (charged < told) {
      lost += told - charged;
      violations.push(`${key}: ${told} were acknowledged, ${charged} are counted`);
      account.told = charged;
    }
    if (charged > told + unknown) {
      twice += charged - told - unknown;
      violations.push(`${key}: ${charged} are counted, only ${told} were acknowledged and ${unknown} may have been`);
      account.unknown = charged - told;
    }
  }

  return {
    saw(line) {
      const [item] = line.items;
      if (item === undefined || !isLedgerKey(item.key)) return;
      const account = accounts.get(item.key) ?? { told: 0, unknown: 0 };
      accounts.set(item.key, account);
      if (line.allowed === false) violations.push(`${item.key}: denied, though nearly all of it is left`);
      if (line.allowed === null && line.applied !== "no") account.unknown += item.cost;
      if (line.allowed !== true) return;
      account.told += item.cost;
      if (line.remaining === null) violations.push(`${item.key}: admitted, and nothing said of what is left`);
      else check(item.key, account, line.remaining);
    },
    settled(key, remaining) {
      const account = accounts.get(key);
      if (account !== undefined) check(key, account, remaining);
    },
    get keys() {
      return accounts.keys();
    },
    get lost() {
      return lost;
    },
    get twice() {
      return twice;
    },
    violations,
  };
}
