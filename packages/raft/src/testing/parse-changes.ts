import type { ConfChange, ConfChangeKind } from "../types.ts";
import { ScriptError } from "./interaction-args.ts";

const kinds: Readonly<Record<string, ConfChangeKind>> = { v: "addVoter", l: "addLearner", r: "remove", u: "update" };

const maxUint64 = 2n ** 64n - 1n;

/**
 * Reads `v1 l2 r3 u4`: voter, learner, remove, update.
 * @throws {ScriptError} at a token of another form, in the words of etcd's own reader.
 */
export function parseChanges(text: string): ConfChange["changes"] {
  const tokens = text.split(/\s+/).filter((token) => token !== "");
  return tokens.map((token) => {
    if (token.length < 2) throw new ScriptError(`unknown token ${token}`);
    const kind = kinds[token[0]!];
    const digits = token.slice(1);
    if (kind === undefined) throw new ScriptError(`unknown input: ${token}`);
    if (!/^\d+$/.test(digits)) throw new ScriptError(`strconv.ParseUint: parsing "${digits}": invalid syntax`);
    if (BigInt(digits) > maxUint64) throw new ScriptError(`strconv.ParseUint: parsing "${digits}": value out of range`);
    const nodeId = Number(digits);
    if (!Number.isSafeInteger(nodeId)) throw new ScriptError(`node: ${digits} is above 2^53 - 1`);
    return { kind, nodeId };
  });
}
