import type { PolicyCounters } from "@quorumguard/limiter";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { AppliedState } from "../node/node.ts";
import { maxLabelledPolicies, policyMetrics } from "./policy-metrics.ts";
import { createScriptedNode, stateOf } from "./scripted-node.fixture.ts";

type Namespaces = Readonly<Record<string, Readonly<Record<string, PolicyCounters>>>>;

/** Applied state with these counters; nothing else of it is read. */
function applied(namespaces: Namespaces): AppliedState {
  const policies = {
    namespaceNames: () => Object.keys(namespaces).sort(),
    counters: (namespace: string) => new Map(Object.entries(namespaces[namespace] ?? {})),
  };
  return stateOf(policies, { countBans: (stampUs) => (stampUs === 7_000_000.5 ? 3 : 0) });
}

async function page(...states: readonly (AppliedState | null)[]): Promise<string[]> {
  const registry = new Registry();
  const show = policyMetrics(registry);
  const node = createScriptedNode();
  for (const state of states) {
    node.appliedState = state;
    show(node);
  }
  return (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const counters = (allowed: number, denied = 0, wouldHaveDenied = 0, bans = 0) => ({
  allowed,
  denied,
  wouldHaveDenied,
  bans,
});

describe("metrics of policies", () => {
  it("tell what became of calls under each policy, and how many keys are banned", async () => {
    const lines = await page(applied({ "": { login: counters(5, 2, 0, 1) }, shop: { 'a"b': counters(0, 0, 7) } }));
    expect(lines).toEqual(
      expect.arrayContaining([
        'quorumguard_policy_decisions_total{namespace="",policy="login",outcome="allowed"} 5',
        'quorumguard_policy_decisions_total{namespace="",policy="login",outcome="denied"} 2',
        'quorumguard_policy_bans_total{namespace="",policy="login"} 1',
        'quorumguard_policy_shadow_denials_total{namespace="shop",policy="a\\"b"} 7',
        "quorumguard_banned_keys 3",
      ]),
    );
  });

  it("forget a policy that was deleted, and say nothing before the node has started", async () => {
    const before = applied({ "": { login: counters(5), old: counters(1) } });
    expect(await page(before, applied({ "": { login: counters(6) } }))).toEqual([
      'quorumguard_policy_decisions_total{namespace="",policy="login",outcome="allowed"} 6',
      'quorumguard_policy_decisions_total{namespace="",policy="login",outcome="denied"} 0',
      'quorumguard_policy_shadow_denials_total{namespace="",policy="login"} 0',
      'quorumguard_policy_bans_total{namespace="",policy="login"} 0',
      "quorumguard_banned_keys 3",
    ]);
    expect(await page(null)).toEqual(["quorumguard_banned_keys 0"]);
  });

  it("are bounded, however many policies there are: the rest is added up", async () => {
    const many = Array.from(
      { length: maxLabelledPolicies + 5 },
      (_, at) => [`p${1_000 + at}`, counters(1, 2)] as const,
    );
    const lines = await page(applied({ "": Object.fromEntries(many) }));
    const named = lines.filter((line) => line.startsWith("quorumguard_policy_bans_total"));
    expect(named).toHaveLength(maxLabelledPolicies + 1);
    expect(lines).toContain(
      'quorumguard_policy_decisions_total{namespace="(others)",policy="(others)",outcome="denied"} 10',
    );
  });
});
