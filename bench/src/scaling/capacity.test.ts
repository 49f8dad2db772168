import { expect, it } from "vitest";
import { measuredLike, onMachinesOfTheirOwn, onOneMachine } from "./capacity.ts";
import { grid, heldOutLast, heldOutOther } from "./configuration.ts";
import type { Resource, ScalingModel, Situation } from "./cost-model.ts";
import type { Fit } from "./fewest-terms.ts";
import { inventedMeasurements, truthOf } from "./invented.fixture.ts";

const each = (coefficient: number): Fit => ({
  ...{ coefficients: { "each decision": coefficient }, dropped: [], rmsError: 0 },
});

/** A model in which every decision takes so much, whatever it is like. */
function modelOf(costs: Partial<Record<Resource, number>>): ScalingModel {
  const nodes = { leaderThreadUs: 4, leaderOthersUs: 1, followerThreadUs: 2, followerOthersUs: 1 };
  const bytes = { leaderSentBytes: 100, leaderLogBytes: 50, followerLogBytes: 50 };
  const entries = Object.entries({ ...nodes, clientUs: 3, flushUs: 1, ...bytes, ...costs });
  const fits = Object.fromEntries(entries.map(([name, value]) => [name, each(value)])) as ScalingModel["costs"];
  return {
    cores: 2,
    newKeysInUse: 1_000,
    costs: fits,
    callsPerEntry: each(1),
    callsPerFrame: each(1),
    spacing: each(1),
  };
}

const situation: Situation = {
  ...{
    nodes: 3,
    callsPerEntry: 256,
    callsPerFrame: 256,
    keyBytes: 16,
    keys: 1_000,
    newKeys: 0,
    crowding: 0,
    otherClients: 0,
  },
};
const firstOf = (costs: Partial<Record<Resource, number>>, nodes = 3) =>
  onMachinesOfTheirOwn(modelOf(costs), { ...situation, nodes }).limits[0];

it("on machines of their own, what takes longest for a decision runs out first", () => {
  expect(firstOf({})).toEqual({ what: "the leader's main thread", decisionsPerSecond: 250_000 });
  expect(firstOf({ followerThreadUs: 8 })).toEqual({ what: "a follower's main thread", decisionsPerSecond: 125_000 });
  // How long a flush takes beside others on the same cores says nothing of one with a core of its own.
  expect(firstOf({ flushUs: 10 })?.what).toBe("the leader's main thread");
  expect(firstOf({ leaderSentBytes: 1_250 })).toMatchObject({ decisionsPerSecond: 100_000 });
  // The log goes to the disk, and not to the network.
  expect(firstOf({ leaderLogBytes: 1_250 })?.what).toBe("the leader's main thread");
  // What other threads of a node take has other cores.
  expect(firstOf({ leaderOthersUs: 50 })?.what).toBe("the leader's main thread");
  expect(firstOf({ followerThreadUs: 8 }, 1)?.what).toBe("the leader's main thread");
});

it("says how many client processes it takes to ask for so much", () => {
  expect(onMachinesOfTheirOwn(modelOf({}), situation).clientProcesses).toBe(1);
  expect(onMachinesOfTheirOwn(modelOf({ clientUs: 9 }), situation).clientProcesses).toBe(3);
});

it("on one machine all of them share the cores, until there are enough", () => {
  const [cores] = onOneMachine(modelOf({}), situation, 2).limits;
  expect(cores).toEqual({ what: "the machine's cores", decisionsPerSecond: Math.round(2e6 / (5 + 2 * 3 + 3)) });
  expect(onOneMachine(modelOf({}), { ...situation, nodes: 5 }, 2).limits[0]!.decisionsPerSecond).toBe(
    Math.round(2e6 / (5 + 4 * 3 + 3)),
  );
  const many = onOneMachine(modelOf({}), situation, 64);
  expect(many.limits[0]!.what).toBe("the leader's main thread");
  expect(many.limits.map(({ what }) => what)).not.toContain("the leader's network, at 1 Gbit/s");
});

it("what was measured with as many in flight is found, if all else was alike", () => {
  const measured = inventedMeasurements([...heldOutOther, ...heldOutLast, ...grid]);
  const likeOf = (change: Partial<Situation>) => measuredLike(measured, { ...situation, keys: 10_000, ...change });
  const busiest = truthOf(grid.find(({ inFlight }) => inFlight === 1_024)!);
  const { decisionsPerSecond, callsPerEntry } = busiest;
  expect(likeOf({ callsPerEntry: 1_024 })).toEqual({
    decisionsPerSecond: Math.round(decisionsPerSecond),
    callsPerEntry,
  });
  const slower = likeOf({ callsPerEntry: 1_024, keys: 1_000_000 })!;
  expect(slower.decisionsPerSecond).toBeLessThan(decisionsPerSecond);
  expect(likeOf({ callsPerEntry: 64 })).toMatchObject({ callsPerEntry: truthOf(grid[2]!).callsPerEntry });
  const unlike = [{ callsPerEntry: 1_000 }, { nodes: 5 }, { keyBytes: 120 }, { keys: 9_999 }, { newKeys: 1 }];
  for (const change of unlike) expect(likeOf({ callsPerEntry: 256, ...change })).toBeNull();
});
