import { Counter, Gauge, type Registry } from "prom-client";
import type { ClusterNode } from "../node/node.ts";

/** Policies that have labels of their own; more are added up under {@link others}. */
export const maxLabelledPolicies = 200;

/** What stands in both labels of what is added up; no policy has this name in this namespace's place. */
const others = "(others)";

/**
 * Shows what became of calls under the cluster's policies. Only operators make policies, so their names may be labels; keys and
 * the names that callers make up never are.
 */
export function policyMetrics(registry: Registry): (node: ClusterNode) => void {
  const registers = [registry];
  const labelNames = ["namespace", "policy"] as const;
  const decisions = new Counter({
    name: "quorumguard_policy_decisions_total",
    help:
      "Items decided under a policy of the cluster since it was first put, by outcome: allowed or denied. Replicated: the same on " +
      `every node, whoever decided. The first ${maxLabelledPolicies} policies by name have labels of their own.`,
    labelNames: [...labelNames, "outcome"],
    registers,
  });
  const shadows = new Counter({
    name: "quorumguard_policy_shadow_denials_total",
    help: "Items that a shadow policy let pass and would have denied.",
    labelNames,
    registers,
  });
  const bans = new Counter({
    name: "quorumguard_policy_bans_total",
    help: "Bans that a policy began.",
    labelNames,
    registers,
  });
  const banned = new Gauge({ name: "quorumguard_banned_keys", help: "Keys that are banned now.", registers });
  return (node) => {
    for (const metric of [decisions, shadows, bans]) metric.reset();
    const applied = node.applied();
    banned.set(applied?.countBans(node.stampUs()) ?? 0);
    let labelled = 0;
    for (const namespace of applied?.policies.namespaceNames() ?? []) {
      const counters = [...applied!.policies.counters(namespace)].sort(([one], [other]) => (one < other ? -1 : 1));
      for (const [policy, count] of counters) {
        const labels = labelled++ < maxLabelledPolicies ? { namespace, policy } : { namespace: others, policy: others };
        decisions.inc({ ...labels, outcome: "allowed" }, count.allowed);
        decisions.inc({ ...labels, outcome: "denied" }, count.denied);
        shadows.inc(labels, count.wouldHaveDenied);
        bans.inc(labels, count.bans);
      }
    }
  };
}
