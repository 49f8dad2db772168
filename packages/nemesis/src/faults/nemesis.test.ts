import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { type Fault, type FaultScene, fault } from "./fault.ts";
import { runNemesis } from "./nemesis.ts";

const nodeIds = [1, 2, 3];

/** Faults that last a turn or more, and what they share while they do. */
function watched(rounds: number) {
  const busy = new Map<number, string>();
  const collisions: string[] = [];
  const counts: Record<string, number> = {};
  let network = 0;
  let left = rounds;
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const make = (kind: string, needs: Partial<Fault["needs"]>): Fault =>
    fault(kind, needs, async (scene, victims) => {
      counts[kind] = (counts[kind] ?? 0) + 1;
      for (const nodeId of victims) {
        if (busy.has(nodeId)) collisions.push(`${kind} and ${busy.get(nodeId)} on node ${nodeId}`);
        busy.set(nodeId, kind);
      }
      if (needs.network && ++network > 1) collisions.push(`${kind} on a network that is taken`);
      for (let turns = scene.random.between(0, 3); turns > 0; turns--) await new Promise(setImmediate);
      for (const nodeId of victims) busy.delete(nodeId);
      if (needs.network) network -= 1;
      left -= 1;
      if (left <= 0) end();
      if (kind === "broken") throw new Error("it went wrong");
    });
  return { collisions, counts, over, make };
}

function scene(seed: number): FaultScene {
  const cluster = { nodeIds, leader: () => 2 } as unknown as FaultScene["cluster"];
  return {
    cluster,
    clients: null as unknown as FaultScene["clients"],
    random: createRandom(seed),
    happened() {},
    pause: () => new Promise(setImmediate),
  };
}

test("two faults never meet on a node or on the network, and every kind has its turn", async () => {
  const { collisions, counts, over, make } = watched(400);
  const faults = [
    make("one", { nodes: 1 }),
    make("all", { nodes: "all" }),
    make("links", { network: true }),
    make("both", { nodes: 1, network: true }),
    make("neither", {}),
  ];
  const report = await runNemesis(scene(7), faults, over);
  expect(collisions).toEqual([]);
  expect(report.problems).toEqual([]);
  // A deck deals each card once before any comes twice.
  const dealt = Object.values(counts);
  expect(dealt).toHaveLength(5);
  expect(Math.max(...dealt) - Math.min(...dealt)).toBeLessThanOrEqual(2);
});

test("what cannot be done here is said, and what goes wrong is reported once and frees what it held", async () => {
  const { counts, over, make } = watched(3);
  const impossible: Fault = { ...make("impossible", {}), skipReason: () => "no permission" };
  const { skipped, problems } = await runNemesis(scene(1), [make("broken", { nodes: "all" }), impossible], over);
  expect([...skipped]).toEqual([["impossible", "no permission"]]);
  expect(counts).toEqual({ broken: 3 });
  expect(problems).toEqual(Array(3).fill("broken: Error: it went wrong"));
});

test("without a fault that can be done it ends at once", async () => {
  const { over, make } = watched(1);
  const impossible: Fault = { ...make("impossible", {}), skipReason: () => "no permission" };
  expect((await runNemesis(scene(1), [impossible], over)).problems).toEqual([]);
});
