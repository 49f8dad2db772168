import { Buffer } from "node:buffer";
import { type TokenGrant, type TokenOperation, tokenBounds, tokenOperations } from "@quorumguard/proto";
import { halfPair } from "../check-text.ts";
import { edgeLimits } from "../edge-limits.ts";
import { InvalidField, shown } from "../invalid-field.ts";

const known: ReadonlySet<string> = new Set([
  "ops",
  "ns",
  "policies",
  "key",
  "keyPrefix",
  "once",
] satisfies (keyof TokenGrant)[]);

/**
 * Reads the claim `qg`. Fields that this node does not know are refused, since they may restrict.
 *
 * @throws {InvalidField} naming field, value and bound.
 */
export function readGrant(value: unknown): TokenGrant {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidField(
      "qg",
      shown(value === undefined ? "missing" : "no object"),
      'it must be an object: {"ops":[…]}',
    );
  }
  // Own members alone: what a prototype has is none of the token's.
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of members.keys()) {
    if (!known.has(name)) {
      throw new InvalidField(
        `qg.${name.slice(0, 64)}`,
        shown("not a field"),
        `here is room for ${[...known].join(", ")}`,
      );
    }
  }
  const ops = operations(members.get("ops"));
  const policies = members.has("policies") ? policyNames(members.get("policies")) : undefined;
  const ns = members.has("ns") ? text(members.get("ns"), "qg.ns", 0, edgeLimits.maxNamespaceBytes) : undefined;
  const key = members.has("key") ? text(members.get("key"), "qg.key", 1, edgeLimits.maxKeyBytes) : undefined;
  const keyPrefix = members.has("keyPrefix")
    ? text(members.get("keyPrefix"), "qg.keyPrefix", 1, edgeLimits.maxKeyBytes)
    : undefined;
  if (key !== undefined && keyPrefix !== undefined) {
    throw new InvalidField("qg.keyPrefix", shown("there beside qg.key"), "give one of them");
  }
  const once = members.get("once");
  if (members.has("once") && once !== true)
    throw new InvalidField("qg.once", shown("not true"), "it must be true, or left out");
  const isScoped = key !== undefined || keyPrefix !== undefined || policies !== undefined;
  if (isScoped && ops.includes("inline-limits")) {
    const bound = "whoever is held to keys or policies chooses no limits; leave one of them out";
    throw new InvalidField("qg.ops", shown("with inline-limits beside a scope"), bound);
  }
  if (isScoped && ops.includes("admin")) {
    const bound = "what operators do is held to no keys or policies; leave one of them out";
    throw new InvalidField("qg.ops", shown("with admin beside a scope"), bound);
  }
  return {
    ops,
    ...(ns === undefined ? {} : { ns }),
    ...(policies === undefined ? {} : { policies }),
    ...(key === undefined ? {} : { key }),
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(once === true ? { once } : {}),
  };
}

function operations(value: unknown): readonly TokenOperation[] {
  const bound = `it must list any of ${tokenOperations.join(", ")}, at least one`;
  const isList = Array.isArray(value) && value.length > 0 && value.length <= tokenOperations.length;
  if (!isList) throw new InvalidField("qg.ops", shown(value === undefined ? "missing" : "no such list"), bound);
  return value.map((each: unknown, at) => {
    const operation = tokenOperations.find((name) => name === each);
    if (operation === undefined) throw new InvalidField(`qg.ops[${at}]`, shown("not an operation"), bound);
    return operation;
  });
}

function policyNames(value: unknown): readonly string[] {
  const { maxPolicies } = tokenBounds;
  if (!Array.isArray(value) || value.length < 1 || value.length > maxPolicies) {
    throw new InvalidField("qg.policies", shown("no such list"), `it must list 1 to ${maxPolicies} names of policies`);
  }
  return value.map((name: unknown, at) => text(name, `qg.policies[${at}]`, 1, edgeLimits.maxPolicyBytes));
}

/** A string within its bytes of UTF-8. Its value does not come back: messages may be logged where tokens must not. */
export function text(value: unknown, field: string, minBytes: number, maxBytes: number): string {
  const bound = `it must be ${minBytes} to ${maxBytes} bytes of well-formed Unicode`;
  if (typeof value !== "string") throw new InvalidField(field, shown("no string"), bound);
  const bytes = Buffer.byteLength(value);
  if (bytes < minBytes || bytes > maxBytes) throw new InvalidField(field, shown(`${bytes} bytes`), bound);
  if (halfPair.test(value)) throw new InvalidField(field, shown("not well-formed"), bound);
  return value;
}
