import { type Arena, callFor, type Sent } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

const service = "/quorumguard.v1.GuardService";

function forbidden(name: string, reason: string, sent: (arena: Arena) => Sent | Promise<Sent>): HostileCase {
  return { name, reason, status: 403, code: "permission_denied", send: async (arena) => arena.send(await sent(arena)) };
}

const check = (key: string, rule: object) => ({ check: { key, rule, cost: 1 } });

/** What the caller may do: a sound token, used for what it is not for. */
export const scopeCases: readonly HostileCase[] = [
  forbidden("another user's key", "KEY_FORBIDDEN", ({ victim }) => ({ body: callFor(victim) })),
  forbidden("one's own key with something behind it", "KEY_FORBIDDEN", ({ mine }) => ({ body: callFor(`${mine}0`) })),
  forbidden("one's own key in capitals", "KEY_FORBIDDEN", ({ mine }) => ({ body: callFor(mine.toUpperCase()) })),
  forbidden("one's own key with a header's line break", "KEY_FORBIDDEN", ({ mine }) => ({
    body: callFor(`${mine}\r\nauthorization: Bearer admin`),
  })),
  forbidden("one's own key with a NUL behind it", "KEY_FORBIDDEN", ({ mine }) => ({ body: callFor(`${mine}\u0000`) })),
  forbidden("a key that only looks like the token's prefix", "KEY_FORBIDDEN", async ({ scene, victim }) => ({
    token: await scene.issuer.mint({ keyPrefix: "caf\u00e9:", policies: ["button"] }),
    body: callFor(`cafe\u0301:${victim}`),
  })),
  forbidden("a key beside the token's prefix", "KEY_FORBIDDEN", async ({ scene, victim }) => ({
    token: await scene.issuer.mint({ keyPrefix: "user:1:", policies: ["button"] }),
    body: callFor(`user:12:${victim}`),
  })),
  forbidden("another policy", "POLICY_FORBIDDEN", ({ mine }) => ({ body: callFor(mine, "foreign") })),
  forbidden("a policy named __proto__", "POLICY_FORBIDDEN", ({ mine }) => ({
    body: check(mine, { policy: "__proto__" }),
  })),
  forbidden("a limit of one's own", "INLINE_LIMIT_FORBIDDEN", ({ mine }) => ({
    body: check(mine, { limit: 1_000_000, windowUs: "60000000", algorithm: 1 }),
  })),
  forbidden("a policy's name with a limit of one's own", "INLINE_LIMIT_FORBIDDEN", ({ mine }) => ({
    body: check(mine, { policy: "button", limit: 1_000_000, windowUs: "60000000", algorithm: 1 }),
  })),
  forbidden("another namespace", "NAMESPACE_FORBIDDEN", ({ mine }) => ({
    body: { ...callFor(mine), namespace: "tenant" },
  })),
  forbidden("another user's key as the second of a batch", "KEY_FORBIDDEN", ({ mine, victim }) => ({
    path: `${service}/AllowBatch`,
    body: { calls: [mine, victim].map((key) => ({ checks: [callFor(key).check], requestId: key })) },
  })),
  forbidden("another user's key in an all-or-nothing group", "KEY_FORBIDDEN", ({ mine, victim }) => ({
    path: `${service}/AllowBatch`,
    body: { calls: [{ checks: [callFor(mine).check, callFor(victim).check], requestId: mine }] },
  })),
  forbidden("a look at another user's key", "KEY_FORBIDDEN", ({ victim }) => ({
    path: `${service}/Peek`,
    body: callFor(victim),
  })),
  forbidden("a reset of one's own key", "OPERATION_FORBIDDEN", ({ mine }) => ({
    path: `${service}/Reset`,
    body: { ...callFor(mine), requestId: mine },
  })),
  forbidden("a reset as a call of a batch", "OPERATION_FORBIDDEN", ({ mine }) => ({
    path: `${service}/AllowBatch`,
    body: { calls: [{ checks: [callFor(mine).check], requestId: mine, verb: 1 }] },
  })),
  forbidden("a hold", "OPERATION_FORBIDDEN", ({ mine }) => ({
    path: `${service}/Reserve`,
    body: { ...callFor(mine), requestId: mine, ttlMs: "1000" },
  })),
  forbidden("the terms of another policy", "POLICY_FORBIDDEN", () => ({
    path: `${service}/GetTerms`,
    body: { names: ["foreign"] },
  })),
];
