import {
  type AdminResult,
  countingAlgorithmNames,
  type ListEntryDocument,
  type OperationResult,
  type PolicyDocument,
  readAdminRequest,
} from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { NodeHost } from "./node-host.ts";
import { namedKeys, policyNames, type VerbWorkload } from "./verb-workload.ts";

/** A change that somebody was told of. */
export interface ToldChange {
  readonly changeId: string;
  readonly result: AdminResult;
}

/** Somebody who changes policies, overrides, tiers and lists, lifts bans and rolls back while everything else goes on. */
export interface Operator {
  start(): void;
  stop(): void;
  readonly told: readonly ToldChange[];
}

/**
 * So many policies are put, counts being handed on each time (SEMANTICS K1); then policies may go, once, by deletion or
 * rollback. What two of them in a row leave to inline callers, and these to the next policy, is on the safe side, but
 * depends on which counters were swept, so the audit's model does not follow it.
 */
const mostReplacements = 6;
const attemptUs = 600_000;

/** Makes an operator that asks any node, and repeats under the same id what nobody answered. */
export function createOperator(world: World, random: Random, workload: VerbWorkload, nodes: NodeHost): Operator {
  const told: ToldChange[] = [];
  let going = false;
  let changes = 0;
  let replacements = 0;

  function attempt(request: ReturnType<typeof readAdminRequest>): Promise<AdminResult | null> {
    return new Promise((resolve) => {
      const running = nodes.machines.flatMap((machine) => (machine.running === null ? [] : [machine.running]));
      world.schedule(attemptUs, null, "operator gives up an attempt", () => resolve(null));
      if (running.length === 0) return;
      const { process, node } = random.pick(running);
      const lost = random.chance(0.1);
      world.schedule(300 + random.below(2_000), process, "operator asks", () => {
        node.operate(
          { kind: "administer", request },
          { firstAttempt: false, noForward: false, deadlineMs: 500 },
          (end) => {
            if (lost || !isAdministered(end)) return;
            const { result } = end;
            world.schedule(300 + random.below(2_000), null, "operator is told", () => resolve(result));
          },
        );
      });
    });
  }

  async function change(): Promise<void> {
    const isOfQuotas = workload.operator === "quotas";
    const kind = isOfQuotas ? drawQuotaChange(random) : drawChange(random, replacements < mostReplacements);
    if (kind.kind === "putPolicies") replacements++;
    else if (kind.kind === "deletePolicies" || kind.kind === "rollback") replacements = mostReplacements;
    const changeId = `change-${++changes}`;
    const request = readAdminRequest({ namespace: "", change: kind, changeId, author: "operator" });
    for (let tries = 0; tries < 6; tries++) {
      const result = await attempt(request);
      if (result !== null) {
        told.push({ changeId, result });
        world.trace.event(
          world.nowUs,
          `${changeId} ${kind.kind}: ${result.error?.code ?? `version ${result.version}`}`,
        );
        // Who has asked twice may be told twice.
        if (random.chance(0.1)) continue;
        return;
      }
    }
  }

  async function work(): Promise<void> {
    while (going) {
      await world.sleep(random.exponential(workload.changeUs), null, "operator thinks");
      if (going) await change();
    }
  }

  return {
    told,
    start() {
      if (!workload.governed) return;
      going = true;
      void change().then(() => work());
    },
    stop() {
      going = false;
    },
  };
}

const isAdministered = (end: OperationResult | object): end is OperationResult & { readonly kind: "administered" } =>
  "kind" in end && end.kind === "administered";

function drawPolicy(random: Random): PolicyDocument {
  const algorithm = random.chance(0.1) ? "concurrency" : random.pick(countingAlgorithmNames);
  return {
    name: random.pick(policyNames),
    algorithm,
    limit: random.pick([0, 1, 2, 3, 5, 8]),
    windowMs: random.pick([300, 700, 1_500]),
    ...(algorithm === "token-bucket" ? { burst: random.pick([1, 4, 8]) } : {}),
    ...(random.chance(0.5)
      ? {
          ban: {
            denials: random.between(1, 4),
            windowMs: 800,
            durationsMs: [random.pick([200, 600, 2_000]), 3_000],
            forgetAfterMs: 2_000,
          },
        }
      : {}),
    ...(random.chance(0.2) ? { shadow: true } : {}),
    ...(random.chance(0.2) ? { lease: false } : {}),
  };
}

/** Ranges of either family, with and without the addresses among the keys. */
const ranges = [
  ...["192.0.2.0/24", "192.0.2.0/29", "192.0.2.8/29", "192.0.2.7", "::ffff:192.0.2.0/120"],
  ...["2001:db8::/32", "2001:db8::/125", "2001:db8::8/125", "2001:db8:0:0::7"],
];

function drawEntry(random: Random): ListEntryDocument {
  // Without a policy it is for all of them.
  const policy = random.chance(0.3) ? {} : { policy: random.pick(policyNames) };
  const list = random.pick(["allow", "deny"] as const);
  if (random.chance(0.6)) return { list, match: "range", value: random.pick(ranges), ...policy };
  return { list, match: random.pick(["key", "prefix"] as const), value: random.pick(namedKeys.slice(0, 2)), ...policy };
}

/** Without policies, what an operator can set: quotas, mostly, and lists and numbers of names that callers bring. */
function drawQuotaChange(random: Random): { readonly kind: string; readonly [field: string]: unknown } {
  const kind = random.float();
  if (kind < 0.5) return { kind: "setKeyQuota", maxKeys: random.chance(0.2) ? null : random.between(2, 9) };
  if (kind < 0.8) return { kind: "putListEntries", entries: [drawEntry(random)] };
  return drawChange(random, false);
}

function drawChange(random: Random, mayReplace: boolean): { readonly kind: string; readonly [field: string]: unknown } {
  const key = random.pick(namedKeys);
  const limit = random.pick([0, 1, 4, 9]);
  const name = random.pick(policyNames);
  const kind = random.float();
  if (mayReplace && kind < 0.4) return { kind: "putPolicies", policies: [drawPolicy(random)] };
  if (mayReplace && kind < 0.48) return { kind: "deletePolicies", names: [name] };
  if (mayReplace && kind < 0.56) return { kind: "rollback", version: random.below(6) };
  // Buckets that are counted inline have no overrides: what expired of them depends on what was swept.
  if (kind < 0.62) return { kind: "putOverrides", overrides: [{ policy: "plan", key, limit }] };
  if (kind < 0.65) return { kind: "deleteOverrides", overrides: [{ policy: "plan", key }] };
  if (kind < 0.69) return { kind: "putTiers", tiers: [{ name: "gold", limits: [{ policy: "plan", limit }] }] };
  if (kind < 0.73) return { kind: "putTierKeys", tierKeys: [{ key, tier: "gold" }] };
  if (kind < 0.85) return { kind: "putListEntries", entries: [drawEntry(random)] };
  if (kind < 0.9) return { kind: "deleteListEntries", entries: [drawEntry(random)] };
  return { kind: "liftBan", policy: name, key };
}
