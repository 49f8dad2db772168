import type { NodeMachine } from "../cluster/node-host.ts";
import { type Configuration, hasQuorum } from "./configuration.ts";

/**
 * Committed means durable on a quorum, at that very moment: a leader commits by counting only entries of its own term (thesis
 * §3.6.2), so the entry at its new commit index is of that term, and must stand on the platters of a quorum of the voters.
 *
 * @param configurations Those that the leader may have counted by; one of them must be content.
 * @returns what is wrong, or null.
 */
export function checkDurable(
  machines: readonly NodeMachine[],
  leader: NodeMachine,
  term: number,
  index: number,
  configurations: readonly Configuration[],
): string | null {
  const holders = new Set(machines.filter(({ tap }) => tap.has(index, term)).map(({ nodeId }) => nodeId));
  if (configurations.some((configuration) => hasQuorum(configuration, (nodeId) => holders.has(nodeId)))) return null;
  const { voters, outgoing } = configurations.at(-1)!;
  const others = outgoing.length === 0 ? "" : ` and ${outgoing.join(", ")}`;
  return (
    `committed on quorum: ${leader.name} commits entry ${index} in term ${term}, which is durable on ` +
    `[${[...holders].join(", ")}] of voters ${voters.join(", ")}${others}`
  );
}
