import { encodeSessionResponse, readUtf8 } from "@quorumguard/proto";
import type { Forgotten } from "../node/namespace-watch.ts";
import type { NodeTopology } from "../node/node.ts";
import { wireTopology } from "./wire-topology.ts";

/** Members and leader. */
export const topologyPush = encodedOnce((topology: NodeTopology) =>
  encodeSessionResponse({ case: "topology", value: wireTopology(topology) }),
);

/** What may be untrue of what a client remembers. */
export const forgetPush = encodedOnce(({ index, policyVersion, keys }: Forgotten) =>
  encodeSessionResponse({
    case: "forget",
    value: {
      index: BigInt(index),
      policyVersion: BigInt(policyVersion),
      ...(keys === null ? { all: true } : columnsOf(keys)),
    },
  }),
);

/** How many clients share the limits. */
export function fleetPush(clients: number): Uint8Array {
  return encodeSessionResponse({ case: "fleet", value: { clients } });
}

/** What is told to all streams of a node, or of a namespace, is encoded once. */
function encodedOnce<T extends object>(encode: (what: T) => Uint8Array): (what: T) => Uint8Array {
  const pushes = new WeakMap<T, Uint8Array>();
  return (what) => {
    const known = pushes.get(what);
    if (known !== undefined) return known;
    const push = encode(what);
    pushes.set(what, push);
    return push;
  };
}

type Keys = NonNullable<Forgotten["keys"]>;

function columnsOf(keys: Keys) {
  const rules = new Map<string, { readonly at: number; readonly rule: ReturnType<typeof identityOf> }>();
  const ruleIndexes = keys.map(({ rule }) => {
    const identity = identityOf(rule);
    const name = Object.values(identity).join(" ");
    const known = rules.get(name) ?? { at: rules.size, rule: identity };
    rules.set(name, known);
    return known.at;
  });
  return {
    rules: [...rules.values()].map(({ rule }) => rule),
    keys: keys.map(({ key }) => readUtf8(key, 0, key.length)),
    ruleIndexes: rules.size === 1 ? [] : ruleIndexes,
  };
}

/** What tells a counter from others of its key, as far as clients can know: under a policy's name, the cluster may have other numbers. */
function identityOf({ algorithm, limit, windowUs, burst, policy }: Keys[number]["rule"]) {
  if (policy !== "") return { policy };
  // Of inline rules, only a bucket's numbers are part of the identity (SEMANTICS K1).
  return { algorithm, windowUs: BigInt(windowUs), ...(burst > 0 ? { limit, burst } : {}) };
}
