import { type ConfChange, encodeConfChange } from "@quorumguard/raft";
import { expect, test } from "vitest";
import type { NodeHost, NodeMachine } from "../cluster/node-host.ts";
import { createRandom } from "../world/random.ts";
import { createTrace } from "../world/trace.ts";
import { createWorld } from "../world/world.ts";
import { createConfigurations } from "./configuration.ts";
import { createRareStates } from "./rare-states.ts";
import { createRarities } from "./rarities.ts";

const noData = new Uint8Array();
const replaced: ConfChange["changes"] = [
  { kind: "addVoter", nodeId: 6 },
  { kind: "remove", nodeId: 5 },
];

/** Five voters, of which those in `holders` have an entry of term 2 at index 7 on their disks; 6 entries are committed. */
function five(holders: readonly number[], commitIndex = 6) {
  const on = new Set<number>();
  const machines = [1, 2, 3, 4, 5].map((nodeId) => ({
    nodeId,
    name: `node-${nodeId}`,
    disk: { list: () => ["a segment"] },
    running: null,
    tap: {
      pending: 0,
      lastIndex: 9,
      has: (index: number, term: number) => on.has(nodeId) && index === 7 && term === 2,
    },
  })) as unknown as readonly NodeMachine[];
  const rare = createRareStates(() => {});
  const world = createWorld(createRandom(1), createTrace());
  const configurations = createConfigurations([1, 2, 3, 4, 5]);
  const nodes = { machines } as unknown as NodeHost;
  const watch = { commitIndex, term: 3, ledIn: () => false, lineWasLost() {} };
  const rarities = createRarities(
    world,
    rare,
    () => nodes,
    configurations,
    () => watch,
  );
  const store = (nodeId: number) => {
    rarities.stored(machines[nodeId - 1]!, [{ index: 7, term: 2, type: 0, data: new Uint8Array() }]);
    on.add(nodeId);
  };
  for (const nodeId of holders) store(nodeId);
  return { counts: rare.counts, rarities, machines, configurations };
}

test("an entry that a majority had and that is overwritten counts once", () => {
  const { counts, rarities, machines } = five([1, 2, 3]);
  rarities.replaced(machines[0]!, 7, 2, 3);
  rarities.replaced(machines[1]!, 7, 2, 3);
  expect([counts.figure8Overwrite, counts.followerTruncatesConflict]).toEqual([1, 2]);
});

test("one that a minority had, or another term of it, does not", () => {
  const minority = five([1, 2]);
  minority.rarities.replaced(minority.machines[0]!, 7, 2, 3);
  const other = five([1, 2, 3]);
  other.rarities.replaced(other.machines[0]!, 7, 1, 3);
  expect([minority.counts.figure8Overwrite, other.counts.figure8Overwrite]).toEqual([undefined, undefined]);
});

test("a pre-vote is refused out of loyalty to another that leads, and not by the leader itself or for the leader's own", () => {
  const { counts, rarities, machines } = five([]);
  const says = (nodeId: number, line: string) => rarities.logged(machines[nodeId - 1]!, "raft", { line });
  says(2, "2 ignores the pre-vote of 1: it hears leader 1");
  says(1, "1 ignores the pre-vote of 3: it hears leader 1");
  says(2, "2 rejected vote 17 of 3");
  expect(counts.preVoteRefusedByStickiness).toBeUndefined();
  says(2, "2 ignores the pre-vote of 3: it hears leader 1");
  expect(counts.preVoteRefusedByStickiness).toBe(1);
});

test("a restart in a joint configuration is that of a member which had it in its log, and has its disk still", () => {
  const { counts, rarities, machines, configurations } = five([]);
  rarities.crashing(machines[0]!, "killed");
  rarities.starting(machines[0]!);
  // Node 6 takes the place of node 5.
  configurations.committed(8, encodeConfChange({ transition: "explicit", changes: replaced, context: noData }));
  rarities.crashing({ ...machines[1]!, nodeId: 9 }, "killed");
  expect(counts.restartInJointConsensus).toBeUndefined();
  rarities.crashing(machines[1]!, "killed");
  expect(counts.restartInJointConsensus).toBeUndefined();
  rarities.starting(machines[1]!);
  rarities.starting(machines[1]!);
  expect(counts.restartInJointConsensus).toBe(1);
});
