import { Outcome } from "../call-batch.ts";
import { readAdminRequest } from "../policies/admin-change.ts";
import type { AdminResult } from "../policies/policy-book.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, Harness, type Item, type ItemResult, START_US } from "./harness.ts";

/** The change that sets one policy. */
export const putPolicy = (policy: object) => ({ kind: "putPolicies", policies: [policy] });

/** A rule that is a name alone: the cluster's policy of that name decides. */
export function byName(policy: string): Rule {
  return { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy };
}

/** A limiter and a log with administrative changes. */
export class PolicyHarness extends Harness {
  /** One change in namespace "n". */
  change(change: unknown, more: object = {}, stampUs = START_US): AdminResult {
    const request = readAdminRequest({ namespace: "n", change, ...more });
    const result = this.apply(stampUs, (writer) => void writer.administer(request)).operations[0]!;
    if (result.kind !== "administered") throw new Error(`the change came to ${JSON.stringify(result)}`);
    return result.result;
  }

  /** One all-or-nothing call without protection. */
  group(stampUs: number, items: readonly Item[], namespace = "n"): ItemResult[] {
    return this.calls(stampUs, { kind: "anonymous", namespace }, batchOf([items]));
  }

  one(stampUs: number, key: string, rule: Rule, cost = 1, namespace = "n"): ItemResult {
    return this.group(stampUs, [{ key, rule, cost }], namespace)[0]!;
  }

  /** How many of cost 1 are admitted at once, at most `most`. */
  admitted(stampUs: number, rule: Rule, key = "k", most = 80): number {
    let count = 0;
    while (count < most && this.one(stampUs, key, rule).outcome === Outcome.allowed) count++;
    return count;
  }

  /** One call of a verb but take. */
  ask(stampUs: number, verb: number, key: string, rule: Rule, more: Partial<Item> = {}): ItemResult {
    return this.verb(stampUs, verb, { key, rule, ...more });
  }
}
