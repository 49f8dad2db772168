import type { ConfChange, ConfChangeKind } from "../types.ts";

const kinds: Readonly<Record<string, ConfChangeKind>> = { v: "addVoter", l: "addLearner", r: "remove", u: "update" };

/**
 * Reads `v1 l2 r3 u4`: voter, learner, remove, update.
 * @throws {Error} at a token of another form.
 */
export function parseChanges(text: string): ConfChange["changes"] {
  const tokens = text.split(/\s+/).filter((token) => token !== "");
  return tokens.map((token) => {
    const kind = kinds[token[0]!];
    const nodeId = Number(token.slice(1));
    if (kind === undefined || !Number.isSafeInteger(nodeId)) throw new Error(`${token} is not a membership change`);
    return { kind, nodeId };
  });
}
