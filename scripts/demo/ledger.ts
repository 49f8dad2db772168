/**
 * What the demo's callers saw, and whether it breaks a promise. Nothing here knows how the limiter works: the verdicts
 * need only the callers' own clock, what they were told, and what the cluster says is left at the end.
 */

/** A limit that the demo's traffic runs into. */
export interface DemoKey {
  readonly key: string;
  readonly limit: number;
  readonly windowMs: number;
  /** `account`: its window outlasts the demo, so that every charge must be accounted for. `rolling`: refills all the time. */
  readonly kind: "account" | "rolling";
}

/** How often each promise was broken, in decisions. All zero is what the cluster promises. */
export interface Verdicts {
  /** Admissions beyond a limit within one of its windows. */
  readonly overAdmitted: number;
  /** Charges of an account beyond the admissions that its callers were told of. */
  readonly chargedTwice: number;
  /** Admissions that callers were told of and the recovered cluster does not count. */
  readonly lostAcknowledged: number;
}

/** Stamps advance at 0.99 to 1.01 of real time, so a caller's window counts only when it is that much shorter. */
const clockTolerance = 1.01;

/** Keeps every admission of every key: `from` when it was asked, `to` when the answer came, in milliseconds of one monotonic clock. */
export class Ledger {
  readonly #admissions = new Map<string, { from: number; to: number }[]>();

  admitted(key: DemoKey, from: number, to: number): void {
    const all = this.#admissions.get(key.key);
    if (all === undefined) this.#admissions.set(key.key, [{ from, to }]);
    else all.push({ from, to });
  }

  count(key: DemoKey): number {
    return this.#admissions.get(key.key)?.length ?? 0;
  }

  /** `remaining` is what the recovered cluster says is left of each account. */
  verdicts(keys: readonly DemoKey[], remaining: ReadonlyMap<string, number>): Verdicts {
    let overAdmitted = 0;
    let chargedTwice = 0;
    let lostAcknowledged = 0;
    for (const key of keys) {
      if (key.kind === "rolling") {
        overAdmitted += largestExcess(this.#admissions.get(key.key) ?? [], key);
        continue;
      }
      const acknowledged = this.count(key);
      const charged = key.limit - (remaining.get(key.key) ?? key.limit);
      overAdmitted += Math.max(0, acknowledged - key.limit);
      chargedTwice += Math.max(0, charged - acknowledged);
      lostAcknowledged += Math.max(0, acknowledged - charged);
    }
    return { overAdmitted, chargedTwice, lostAcknowledged };
  }
}

/** The largest number of admissions, beyond the limit, of calls that lie wholly inside one window. */
function largestExcess(admissions: readonly { from: number; to: number }[], key: DemoKey): number {
  const window = key.windowMs / clockTolerance;
  const byStart = [...admissions].sort((a, b) => a.from - b.from);
  let excess = 0;
  for (let i = 0; i < byStart.length; i++) {
    const end = byStart[i]!.from + window;
    let inside = 0;
    for (let j = i; j < byStart.length && byStart[j]!.from < end; j++) if (byStart[j]!.to < end) inside++;
    excess = Math.max(excess, inside - key.limit);
  }
  return excess;
}
