import type { NodeId } from "../types.ts";

/** How an election, or any question put to voters, stands. */
export type VoteResult = "pending" | "lost" | "won";

/** How many of `count` voters are a majority: any two majorities share a voter. */
export function majoritySize(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Reused between calls: commit indexes are computed for every acknowledgement. */
const scratch: number[] = [];

/**
 * The greatest index that a majority of `voters` has acknowledged. Nobody's majority is everything: `Infinity`, so that an
 * empty half of a joint configuration never holds the other back.
 */
export function majorityIndex(voters: readonly NodeId[], acknowledged: (id: NodeId) => number): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  scratch.length = 0;
  for (const id of voters) {
    const index = acknowledged(id);
    let position = scratch.length;
    scratch.push(index);
    for (; position > 0 && scratch[position - 1]! < index; position--) scratch[position] = scratch[position - 1]!;
    scratch[position] = index;
  }
  return scratch[majoritySize(count) - 1]!;
}

/** The result of a vote among `voters`; `vote` is undefined for those that have not answered. */
export function majorityVote(voters: readonly NodeId[], vote: (id: NodeId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const answer = vote(id);
    if (answer === undefined) missing++;
    else if (answer) granted++;
  }
  const needed = majoritySize(voters.length);
  if (granted >= needed) return "won";
  return granted + missing >= needed ? "pending" : "lost";
}
