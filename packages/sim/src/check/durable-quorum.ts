import type { NodeMachine } from "../cluster/node-host.ts";
import type { RareStates } from "./rare-states.ts";

/**
 * Committed means durable on a quorum, at that very moment: a leader commits by counting only entries of its own term (thesis
 * §3.6.2), so the entry at its new commit index is of that term, and must stand on the platters of a majority of the voters.
 *
 * @returns what is wrong, or null.
 */
export function checkDurable(
  machines: readonly NodeMachine[],
  leader: NodeMachine,
  term: number,
  index: number,
  rare: RareStates,
): string | null {
  const holders = machines.filter(({ tap }) => tap.has(index, term)).length;
  if (holders <= machines.length / 2)
    return (
      `committed on quorum: ${leader.name} commits entry ${index} in term ${term}, ` +
      `which is durable on ${holders} of ${machines.length} disks`
    );
  if (!leader.tap.has(index, term)) rare.hit("leaderWithUnflushedSelf");
  return null;
}
