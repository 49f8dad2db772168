import { createLocalAnswerCounts, type Decision, type LocalAnswerCounts } from "@quorumguard/sdk-core";

/** Decisions that have these in common. */
export interface DecisionTotal {
  /** `"allowed"`, or why not: `"limited"`, `"banned"`, `"blocked"`, `"unavailable"`. */
  readonly outcome: string;
  readonly source: string;
  /** Null: limits of their own. */
  readonly policy: string | null;
  count: number;
}

/** Policies that are told apart; those beyond it are counted together, so that names made by callers cannot fill the memory. */
const MAX_POLICIES = 1_000;
const OTHER_POLICIES = "(other)";

/**
 * What all guards of this process decided, since counters of a process may only grow: guards that were closed stay in.
 */
export class DecisionTotals {
  readonly #byPolicy = new Map<string | null, Map<string, DecisionTotal>>();
  readonly #open = new Set<Readonly<LocalAnswerCounts>>();
  readonly #closed = createLocalAnswerCounts();

  add({ allowed, reason, source, policy }: Decision): void {
    let ofPolicy = this.#byPolicy.get(policy);
    if (ofPolicy === undefined) {
      const name = this.#byPolicy.size < MAX_POLICIES ? policy : OTHER_POLICIES;
      ofPolicy = this.#byPolicy.get(name) ?? new Map();
      this.#byPolicy.set(name, ofPolicy);
    }
    const outcome = allowed ? "allowed" : reason;
    const key = `${outcome} ${source}`;
    const total = ofPolicy.get(key);
    if (total !== undefined) total.count += 1;
    else ofPolicy.set(key, { outcome, source, policy: this.#byPolicy.has(policy) ? policy : OTHER_POLICIES, count: 1 });
  }

  /** Counts of a guard, for as long as it is open. */
  watch(counts: Readonly<LocalAnswerCounts>): () => void {
    this.#open.add(counts);
    return () => {
      if (!this.#open.delete(counts)) return;
      for (const name of namesOf(this.#closed)) this.#closed[name] += counts[name];
    };
  }

  /** What guards answered by themselves. */
  localAnswers(): LocalAnswerCounts {
    const sum = { ...this.#closed };
    for (const counts of this.#open) for (const name of namesOf(sum)) sum[name] += counts[name];
    return sum;
  }

  *[Symbol.iterator](): Iterator<DecisionTotal> {
    for (const ofPolicy of this.#byPolicy.values()) yield* ofPolicy.values();
    const { admissionsServed, denialsServed, bansServed, blocksServed } = this.localAnswers();
    const alone = (outcome: string, source: string, count: number) =>
      count > 0 ? [{ outcome, source, policy: null, count }] : [];
    yield* alone("allowed", "lease", admissionsServed);
    yield* alone("limited", "denial-cache", denialsServed - bansServed - blocksServed);
    yield* alone("banned", "denial-cache", bansServed);
    yield* alone("blocked", "denial-cache", blocksServed);
  }
}

function namesOf(counts: LocalAnswerCounts): (keyof LocalAnswerCounts)[] {
  return Object.keys(counts) as (keyof LocalAnswerCounts)[];
}
