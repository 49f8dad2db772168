import type { NodeId } from "@quorumguard/raft";
import type { Clock } from "./clock.ts";
import type { Members } from "./members.ts";
import type { NodeTopology } from "./node.ts";
import type { RunningNode } from "./running-node.ts";
import type { TopologyBoard } from "./topology-board.ts";

/** A node that may lead, and what shows that another one does. */
export interface HandOverParts {
  readonly nodeId: NodeId;
  /** Null while it does not run. */
  readonly running: RunningNode | null;
  readonly members: Members;
  readonly board: TopologyBoard;
  readonly clock: Clock;
  readonly electionMs: number;
}

/**
 * Hands leadership to `to`, or to the most up-to-date voter (0), and resolves with who leads then.
 * @throws {Error} when this node does not lead, no such voter is up, or it has not taken over within four times `electionMs`.
 */
export async function transferLeadership(
  to: NodeId,
  parts: HandOverParts,
): Promise<{ readonly leaderId: NodeId; readonly term: number }> {
  const { nodeId, running, members, board, clock, electionMs } = parts;
  const { leaderId, term } = board.topology;
  if (running === null || running.driver.role.state !== "leader") {
    throw new Error(leaderId === 0 ? "no leader is known" : `node ${leaderId} leads in term ${term}; ask it`);
  }
  if (to === nodeId) return { leaderId, term };
  if (to !== 0 && !members.isVoter(to)) {
    throw new RangeError(`to: ${to} is not one of the voters ${members.voters.join(", ")}`);
  }
  const target = to === 0 ? running.leadership.best() : to;
  if (target === 0) throw new Error("no other voter has been heard of lately");
  running.driver.raft.transferLeader(target);
  running.driver.wake();
  return new Promise((resolve, reject) => {
    const settle = (topology: NodeTopology): void => {
      if (topology.leaderId === 0 || topology.leaderId === nodeId) return;
      end();
      cancel();
      resolve({ leaderId: topology.leaderId, term: topology.term });
    };
    const end = board.listen(settle);
    const cancel = clock.setTimer(() => {
      end();
      reject(new Error(`node ${target} did not take over within ${4 * electionMs} ms`));
    }, 4 * electionMs);
  });
}
